//! The graph of the dependencies as a drawing: what starts first stands at the left, and every arrow goes from what is
//! needed to what needs it.

use super::layers::{Layout, Spacing, layout};
use super::svg::{Drawing, escaped, letters, number, shortened, width};

/// A project's plugins and who needs whom.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct GraphPicture {
    /// The project.
    pub(crate) title: String,
    /// The plugins, in the order of the project file.
    pub(crate) nodes: Vec<Node>,
    /// The dependencies.
    pub(crate) wires: Vec<Wire>,
}

/// One plugin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) runtime: String,
    /// How it stands, if a host says so.
    pub(crate) state: Option<NodeState>,
}

/// How a plugin stands in a running host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct NodeState {
    pub(crate) phase: String,
    pub(crate) health: String,
}

/// One dependency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Wire {
    /// The plugin that is needed.
    pub(crate) needed: usize,
    /// The plugin that needs it.
    pub(crate) needing: usize,
    /// Whether it starts without it too.
    pub(crate) optional: bool,
    /// The versions of it that will do; none: any.
    pub(crate) ranges: Vec<String>,
}

impl Node {
    /// The class that colours it, and that Graphviz and Mermaid colour it by.
    pub(super) fn class(&self) -> &'static str {
        match self.state.as_ref().map(|state| state.phase.as_str()) {
            None => "card",
            Some("ready") => "good",
            Some("failed" | "abandoned") => "bad",
            Some("not-started" | "stopped") => "rest",
            Some(_) => "busy",
        }
    }

    /// What stands below its name.
    fn caption(&self) -> String {
        match &self.state {
            Some(state) => format!("{} · {}", state.phase, self.version),
            None => format!("{} · {}", self.runtime, self.version),
        }
    }

    fn story(&self) -> String {
        let state = self.state.as_ref();
        let state = state.map_or_else(String::new, |state| format!(": {}, {}", state.phase, state.health));
        format!("{} {} ({}){state}", self.name, self.version, self.runtime)
    }
}

impl Wire {
    /// The dependency in words.
    pub(super) fn story(&self, nodes: &[Node]) -> String {
        let verb = if self.optional { "starts after" } else { "needs" };
        let ranges =
            if self.ranges.is_empty() { String::new() } else { format!(" {}", self.ranges.join(", ")) };
        let condition = if self.optional { ", if that is there" } else { "" };
        format!("{} {verb} {}{ranges}{condition}", nodes[self.needing].name, nodes[self.needed].name)
    }
}

const SPACING: Spacing = Spacing { node: BOX, pass: 2.0, gap: 16.0 };
/// The height of a node.
const BOX: f64 = 44.0;
const MARGIN: f64 = 24.0;
const HEAD: f64 = 64.0;
const FOOT: f64 = 44.0;
const NAME_SIZE: f64 = 13.0;
const CAPTION_SIZE: f64 = 11.0;
/// The longest name and caption that are shown whole, in letters.
const LONGEST_NAME: usize = 26;
/// The room of the title, however narrow the graph is.
const NARROWEST: f64 = 560.0;

/// The drawing.
pub(crate) fn graph_svg(picture: &GraphPicture) -> String {
    let page = Page::new(picture);
    let mut drawing = Drawing::new();
    drawing.add(
        "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
         orient=\"auto\"><path class=\"tip\" d=\"M0 .8 8 4 0 7.2z\"/></marker></defs>",
    );
    page.head(&mut drawing);
    for (at, wire) in picture.wires.iter().enumerate() {
        page.wire(at, wire, &mut drawing);
    }
    for (at, node) in picture.nodes.iter().enumerate() {
        page.node(at, node, &mut drawing);
    }
    page.legend(&mut drawing);
    let title = format!("{}: who needs whom", picture.title);
    drawing.finish(page.width, page.height, &title)
}

/// Where everything is on the page.
struct Page<'a> {
    picture: &'a GraphPicture,
    layout: Layout,
    /// Middle of the left side of every node.
    places: Vec<(f64, f64)>,
    box_width: f64,
    /// From one layer to the next.
    step: f64,
    width: f64,
    height: f64,
}

impl<'a> Page<'a> {
    fn new(picture: &'a GraphPicture) -> Page<'a> {
        // Those that nobody needs and that need nobody stand by themselves below the others.
        let mut joined = vec![false; picture.nodes.len()];
        for wire in &picture.wires {
            joined[wire.needed] = true;
            joined[wire.needing] = true;
        }
        let inner: Vec<usize> = (0..joined.len()).filter(|node| joined[*node]).collect();
        let lone: Vec<usize> = (0..joined.len()).filter(|node| !joined[*node]).collect();
        let mut number_of = vec![0; joined.len()];
        inner.iter().enumerate().for_each(|(number, node)| number_of[*node] = number);
        let edges: Vec<(usize, usize)> =
            picture.wires.iter().map(|wire| (number_of[wire.needed], number_of[wire.needing])).collect();
        let layout = layout(inner.len(), &edges, &SPACING);

        let box_width = box_width(&picture.nodes);
        let busiest = picture.wires.len() / layout.layers.max(1);
        let step = box_width + 64.0 + (busiest as f64 * 2.0).min(120.0);
        let mut places = vec![(0.0, 0.0); joined.len()];
        for (number, node) in inner.iter().enumerate() {
            let (layer, height) = layout.nodes[number];
            places[*node] = (MARGIN + layer as f64 * step, HEAD + height);
        }
        let columns = layout.layers.max((NARROWEST / (box_width + SPACING.gap)) as usize).max(1);
        let apart = if layout.layers > 0 { step } else { box_width + SPACING.gap };
        let below = HEAD + layout.height + if inner.is_empty() { 0.0 } else { 2.0 * SPACING.gap };
        for (number, node) in lone.iter().enumerate() {
            let (row, column) = (number / columns, number % columns);
            let y = below + row as f64 * (BOX + SPACING.gap) + BOX / 2.0;
            places[*node] = (MARGIN + column as f64 * apart, y);
        }
        let right = places.iter().map(|place| place.0 + box_width).fold(NARROWEST, f64::max);
        let bottom = places.iter().map(|place| place.1 + BOX / 2.0);
        let bottom = bottom.chain([HEAD + layout.height]).fold(HEAD, f64::max);
        Page { picture, layout, places, box_width, step, width: right + MARGIN, height: bottom + FOOT }
    }

    fn head(&self, drawing: &mut Drawing) {
        let room = ((self.width - 2.0 * MARGIN) / width(1, 16.0)) as usize;
        drawing.text("ink strong", (MARGIN, 30.0), 16.0, "start", &shortened(&self.picture.title, room));
        let counted = |number: usize, one: &str, many: &str| {
            format!("{number} {}", if number == 1 { one } else { many })
        };
        let ready = self.picture.nodes.iter().filter(|node| node.class() == "good").count();
        let live = self.picture.nodes.iter().any(|node| node.state.is_some());
        let live = if live { format!(" · {ready} ready") } else { String::new() };
        let counts = format!(
            "{} · {}{live} · what starts first is at the left",
            counted(self.picture.nodes.len(), "plugin", "plugins"),
            counted(self.picture.wires.len(), "dependency", "dependencies"),
        );
        drawing.text("faint", (MARGIN, 48.0), CAPTION_SIZE, "start", &counts);
    }

    fn wire(&self, at: usize, wire: &Wire, drawing: &mut Drawing) {
        let (from, to) = (self.places[wire.needed], self.places[wire.needing]);
        let mut path = format!("M{} {}", number(from.0 + self.box_width), number(from.1));
        let mut pen = (from.0 + self.box_width, from.1);
        for (nth, height) in self.layout.passes[at].iter().enumerate() {
            let left = from.0 + (nth + 1) as f64 * self.step;
            let y = HEAD + height;
            path.push_str(&curve(pen, (left, y)));
            path.push_str(&format!("H{}", number(left + self.box_width)));
            pen = (left + self.box_width, y);
        }
        // The tip of the arrow comes straight in.
        path.push_str(&curve(pen, (to.0 - 8.0, to.1)));
        path.push_str(&format!("H{}", number(to.0 - 1.0)));
        let dashes = if wire.optional { " stroke-dasharray=\"5 4\"" } else { "" };
        drawing.add(&format!(
            "<path class=\"edge\" d=\"{path}\" stroke-width=\"1.4\"{dashes} marker-end=\"url(#tip)\"><title>{}</title></path>",
            escaped(&wire.story(&self.picture.nodes))
        ));
    }

    fn node(&self, at: usize, node: &Node, drawing: &mut Drawing) {
        let (x, y) = self.places[at];
        drawing.add(&format!(
            "<g><title>{}</title><rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{BOX}\" rx=\"7\" stroke-width=\"1.4\"/>",
            escaped(&node.story()),
            node.class(),
            number(x),
            number(y - BOX / 2.0),
            number(self.box_width),
        ));
        let name_room = ((self.box_width - 24.0) / width(1, NAME_SIZE)) as usize;
        let caption_room = ((self.box_width - 24.0) / width(1, CAPTION_SIZE)) as usize;
        drawing.text(
            "ink strong",
            (x + 12.0, y - 3.0),
            NAME_SIZE,
            "start",
            &shortened(&node.name, name_room),
        );
        let caption = shortened(&node.caption(), caption_room);
        drawing.text("faint", (x + 12.0, y + 13.0), CAPTION_SIZE, "start", &caption);
        drawing.add("</g>");
    }

    /// What the lines and the colours mean that are there.
    fn legend(&self, drawing: &mut Drawing) {
        let y = self.height - 18.0;
        let mut x = MARGIN;
        let word = |x: &mut f64, word: &str, drawing: &mut Drawing| {
            drawing.text("faint", (*x, y), CAPTION_SIZE, "start", word);
            *x += width(letters(word), CAPTION_SIZE) + 18.0;
        };
        for (optional, text) in [(false, "needed"), (true, "only if it is there")] {
            if self.picture.wires.iter().any(|wire| wire.optional == optional) {
                let dashes = if optional { " stroke-dasharray=\"5 4\"" } else { "" };
                let path = format!("M{} {}h26", number(x), number(y - 4.0));
                drawing.add(&format!(
                    "<path class=\"edge\" d=\"{path}\" stroke-width=\"1.4\"{dashes} marker-end=\"url(#tip)\"/>"
                ));
                x += 34.0;
                word(&mut x, text, drawing);
            }
        }
        for (class, text) in
            [("good", "ready"), ("busy", "on its way"), ("bad", "failed"), ("rest", "not running")]
        {
            if self.picture.nodes.iter().any(|node| node.class() == class) {
                drawing.add(&format!(
                    "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"14\" height=\"12\" rx=\"3\" stroke-width=\"1.4\"/>",
                    number(x),
                    number(y - 10.0)
                ));
                x += 20.0;
                word(&mut x, text, drawing);
            }
        }
    }
}

/// As wide as the widest name needs, within reason.
fn box_width(nodes: &[Node]) -> f64 {
    let name = nodes.iter().map(|node| letters(&node.name)).max().unwrap_or(0).min(LONGEST_NAME);
    let caption = nodes.iter().map(|node| letters(&node.caption())).max().unwrap_or(0).min(LONGEST_NAME);
    (width(name, NAME_SIZE).max(width(caption, CAPTION_SIZE)) + 26.0).ceil()
}

/// A curve that leaves and arrives level.
fn curve(from: (f64, f64), to: (f64, f64)) -> String {
    let bend = (to.0 - from.0) / 2.0;
    format!(
        "C{} {} {} {} {} {}",
        number(from.0 + bend),
        number(from.1),
        number(to.0 - bend),
        number(to.1),
        number(to.0),
        number(to.1)
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn shop() -> GraphPicture {
        let node = |name: &str, phase: Option<&str>| Node {
            name: name.into(),
            version: "1.0.0".into(),
            runtime: "command".into(),
            state: phase.map(|phase| NodeState { phase: phase.into(), health: "healthy".into() }),
        };
        let wire = |needed, needing, optional, range: &str| Wire {
            needed,
            needing,
            optional,
            ranges: if range.is_empty() { vec![] } else { vec![range.into()] },
        };
        GraphPicture {
            title: "shop <&>".into(),
            nodes: vec![
                node("db", Some("ready")),
                node("cache", Some("failed")),
                node("api", Some("starting")),
                node("a-plugin-with-a-name-of-more-than-twenty-six-letters", Some("stopped")),
                node("alone", None),
            ],
            wires: vec![
                wire(0, 2, false, "^1.0"),
                wire(1, 2, true, ""),
                wire(2, 3, false, ""),
                wire(0, 3, false, ">=1, <2"),
            ],
        }
    }

    #[test]
    fn the_drawing_is_as_recorded() {
        let svg = graph_svg(&shop());
        super::super::recorded::golden("graph.svg", &svg);
        super::super::recorded::well_formed(&svg);
        for part in [
            "api needs db ^1.0",
            "api starts after cache, if that is there",
            ">=1, &lt;2".replace(">", "&gt;").as_str(),
        ] {
            assert!(svg.contains(part), "{part}");
        }
        assert!(!svg.contains("twenty-six-letters</text>") && svg.contains("twenty-six-letters 1.0.0"));
    }

    #[test]
    fn nodes_do_not_overlap() {
        let page_of = shop();
        let page = Page::new(&page_of);
        for (a, one) in page.places.iter().enumerate() {
            for other in &page.places[a + 1..] {
                let apart = (one.0 - other.0).abs() >= page.box_width || (one.1 - other.1).abs() >= BOX;
                assert!(apart, "{one:?} {other:?}");
            }
        }
    }
}
