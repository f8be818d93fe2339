//! The graph of the dependencies in words: as a tree for people, for Graphviz (`dot`) and for Mermaid.
//!
//! In `dot` and `mermaid` every arrow goes from what is needed to what needs it, as in the drawing. The tree reads the
//! other way round: below a plugin stands what it needs.

use super::graph::{GraphPicture, Node};
use crate::show::{Style, harmless};

/// A tree: whom nobody needs is at the left, and what it needs below it. What was told already is not told again.
pub(crate) fn tree(picture: &GraphPicture, style: Style) -> String {
    let mut needs: Vec<Vec<usize>> = vec![Vec::new(); picture.nodes.len()];
    let mut needed = vec![false; picture.nodes.len()];
    for (at, wire) in picture.wires.iter().enumerate() {
        needs[wire.needing].push(at);
        needed[wire.needed] = true;
    }
    let mut told = vec![false; picture.nodes.len()];
    let mut text = String::new();
    for root in (0..picture.nodes.len()).filter(|node| !needed[*node]) {
        // What stands before the name, the node, and through which dependency it was reached.
        let mut open = vec![(String::new(), String::new(), root, None)];
        while let Some((lead, branch, node, wire)) = open.pop() {
            let repeated = std::mem::replace(&mut told[node], true) && !needs[node].is_empty();
            text.push_str(&format!("{lead}{branch}{}", line(picture, node, wire, style)));
            text.push_str(if repeated { " (see above)\n" } else { "\n" });
            if repeated {
                continue;
            }
            let below = match branch.as_str() {
                "" => lead,
                "└─ " => lead + "   ",
                _ => lead + "│  ",
            };
            let last = needs[node].last().copied();
            for wire in needs[node].iter().rev() {
                let branch = if Some(*wire) == last { "└─ " } else { "├─ " };
                open.push((below.clone(), branch.into(), picture.wires[*wire].needed, Some(*wire)));
            }
        }
    }
    text
}

fn line(picture: &GraphPicture, node: usize, wire: Option<usize>, style: Style) -> String {
    let node = &picture.nodes[node];
    let state = match &node.state {
        None => String::new(),
        Some(state) => format!(" [{}]", paint(node, &state.phase, style)),
    };
    let how = wire.map_or_else(String::new, |wire| {
        let wire = &picture.wires[wire];
        let ranges =
            if wire.ranges.is_empty() { String::new() } else { format!(" {}", wire.ranges.join(", ")) };
        let optional = if wire.optional { " (optional)" } else { "" };
        format!("{ranges}{optional}")
    });
    format!("{} {}{state}{}", style.bold(&harmless(&node.name)), node.version, style.dim(&how))
}

fn paint(node: &Node, text: &str, style: Style) -> String {
    match node.class() {
        "good" => style.green(text),
        "bad" => style.red(text),
        "busy" => style.yellow(text),
        _ => style.dim(text),
    }
}

/// Fill and border of the classes that stand for a state. Both formats bring no dark colours of their own, so these
/// are such that dark letters can be read on them.
const FILLS: [(&str, &str, &str); 4] = [
    ("good", "#dafbe1", "#1a7f37"),
    ("bad", "#ffebe9", "#cf222e"),
    ("busy", "#fff8c5", "#9a6700"),
    ("rest", "#eaeef2", "#8c959f"),
];

/// For Graphviz: `dot -Tsvg`.
pub(crate) fn dot(picture: &GraphPicture) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut text = format!(
        "digraph {} {{\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fillcolor=\"#f6f8fa\", fontname=\"monospace\"];\n",
        quoted(&picture.title)
    );
    for node in &picture.nodes {
        let caption = node.state.as_ref().map_or(node.version.as_str(), |state| state.phase.as_str());
        let label = format!("{}\n{caption}", node.name);
        let fill = FILLS.iter().find(|fill| fill.0 == node.class());
        let fill = fill.map_or(String::new(), |(_, fill, line)| {
            format!(", fillcolor=\"{fill}\", color=\"{line}\", fontcolor=\"#1f2328\"")
        });
        text.push_str(&format!(
            "  {} [label={}{fill}];\n",
            quoted(&node.name),
            quoted(&label).replace('\n', "\\n")
        ));
    }
    for wire in &picture.wires {
        let (from, to) = (&picture.nodes[wire.needed].name, &picture.nodes[wire.needing].name);
        let mut attributes = vec![format!("tooltip={}", quoted(&wire.story(&picture.nodes)))];
        if wire.optional {
            attributes.push("style=dashed".into());
        }
        if !wire.ranges.is_empty() {
            attributes.push(format!("label={}", quoted(&wire.ranges.join(", "))));
        }
        text.push_str(&format!("  {} -> {} [{}];\n", quoted(from), quoted(to), attributes.join(", ")));
    }
    text + "}\n"
}

/// For Mermaid, as Markdown pages show it.
pub(crate) fn mermaid(picture: &GraphPicture) -> String {
    // Mermaid has its own way of naming characters; whatever might be read as syntax is named so.
    let label = |text: &str| -> String {
        let one = |c: char| match c {
            c if c.is_alphanumeric() || " ._-/@·:+".contains(c) => c.to_string(),
            c => format!("#{};", u32::from(c)),
        };
        text.chars().map(one).collect()
    };
    let mut text = String::from("flowchart LR\n");
    for (at, node) in picture.nodes.iter().enumerate() {
        let caption = node.state.as_ref().map_or(node.version.as_str(), |state| state.phase.as_str());
        let class = if node.state.is_some() { format!(":::{}", node.class()) } else { String::new() };
        text.push_str(&format!("  p{at}[\"{}<br/>{}\"]{class}\n", label(&node.name), label(caption)));
    }
    for wire in &picture.wires {
        let arrow = if wire.optional { "-.->" } else { "-->" };
        let range = if wire.ranges.is_empty() {
            String::new()
        } else {
            format!("|\"{}\"|", label(&wire.ranges.join(", ")))
        };
        text.push_str(&format!("  p{} {arrow}{range} p{}\n", wire.needed, wire.needing));
    }
    for (class, fill, line) in FILLS {
        if picture.nodes.iter().any(|node| node.class() == class) {
            text.push_str(&format!("  classDef {class} fill:{fill},stroke:{line},color:#1f2328\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::shop;
    use super::super::recorded::golden;
    use super::*;

    #[test]
    fn every_form_is_as_recorded() {
        golden("graph.txt", &tree(&shop(), Style::plain()));
        golden("graph.dot", &dot(&shop()));
        golden("graph.mmd", &mermaid(&shop()));
    }

    #[test]
    fn names_cannot_break_out() {
        let mut picture = shop();
        picture.nodes[0].name = "a\"]; end\\".into();
        assert!(dot(&picture).contains(r#""a\"]; end\\" [label="a\"]; end\\\nready""#), "{}", dot(&picture));
        assert!(
            mermaid(&picture).contains("p0[\"a#34;#93;#59; end#92;<br/>ready\"]"),
            "{}",
            mermaid(&picture)
        );
    }
}
