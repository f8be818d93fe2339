//! What all drawings share: escaping, shortening, numbers, and one sheet of colours for light and dark.

/// The font of every text. Its letters are all as wide as one another, so that widths can be known here.
const FONT: &str =
    "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace";
/// The width of a letter, in sizes of the font; the widest of those fonts, and a little more.
const LETTER: f64 = 0.61;

/// What a class looks like: its name, the property, and its colour on light and on dark ground.
const COLOURS: [(&str, &str, &str, &str); 27] = [
    (".ground", "fill", "#ffffff", "#0d1117"),
    (".halo", "stroke", "#ffffff", "#0d1117"),
    (".ink", "fill", "#1f2328", "#e6edf3"),
    (".faint", "fill", "#59636e", "#9198a1"),
    (".band", "fill", "#f6f8fa", "#151b23"),
    (".rule", "stroke", "#d1d9e0", "#2b313a"),
    (".card", "fill", "#f6f8fa", "#161b22"),
    (".card", "stroke", "#8c959f", "#656c76"),
    (".edge", "stroke", "#818b98", "#7d8590"),
    (".tip", "fill", "#818b98", "#7d8590"),
    (".good", "fill", "#dafbe1", "#12261e"),
    (".good", "stroke", "#1a7f37", "#3fb950"),
    (".bad", "fill", "#ffebe9", "#2d1518"),
    (".bad", "stroke", "#cf222e", "#f85149"),
    (".busy", "fill", "#fff8c5", "#272115"),
    (".busy", "stroke", "#9a6700", "#d29922"),
    (".rest", "fill", "#ffffff", "#0d1117"),
    (".rest", "stroke", "#afb8c1", "#3d444d"),
    (".wait", "stroke", "#afb8c1", "#3d444d"),
    (".init", "fill", "#8250df", "#a371f7"),
    (".start", "fill", "#218bff", "#388bfd"),
    (".broken", "fill", "#cf222e", "#f85149"),
    (".cut", "fill", "#bf8700", "#bb8009"),
    (".key", "fill", "#fff1e5", "#2a1f15"),
    (".keyline", "stroke", "#bc4c00", "#f0883e"),
    (".keyink", "fill", "#953800", "#ffa657"),
    (".badink", "fill", "#a40e26", "#ff7b72"),
];

/// A drawing that grows, element by element.
pub(crate) struct Drawing {
    body: String,
}

impl Drawing {
    pub(crate) fn new() -> Drawing {
        Drawing { body: String::new() }
    }

    /// Adds an element that is complete as it stands.
    pub(crate) fn add(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }

    /// Adds a text. `anchor`: `start`, `middle` or `end`; `y` is its base line.
    pub(crate) fn text(&mut self, class: &str, at: (f64, f64), size: f64, anchor: &str, text: &str) {
        let (x, y) = (number(at.0), number(at.1));
        self.add(&format!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" font-size=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            number(size),
            escaped(text)
        ));
    }

    /// The whole file: a drawing of that size, called so by those who cannot see it.
    pub(crate) fn finish(self, width: f64, height: f64, title: &str) -> String {
        let (width, height) = (number(width.ceil()), number(height.ceil()));
        let title = escaped(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} \
             {height}\" role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n<style>\n{}</style>\n\
             <rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n{}</svg>\n",
            sheet(),
            self.body
        )
    }
}

/// Colours as rules without variables, because not every viewer of drawings knows those.
fn sheet() -> String {
    let rules = |dark: bool| -> String {
        let rule = |(class, property, by_day, by_night): &(&str, &str, &str, &str)| {
            format!("{class}{{{property}:{}}}\n", if dark { by_night } else { by_day })
        };
        COLOURS.iter().map(rule).collect()
    };
    format!(
        "text{{font-family:{FONT}}}\n.strong{{font-weight:600}}\n.edge,.wait,.keyline{{fill:none}}\n.halo{{paint-order:stroke;stroke-width:3px;stroke-linejoin:round}}\n{}\
         @media (prefers-color-scheme:dark){{\n{}}}\n",
        rules(false),
        rules(true)
    )
}

/// Text that is nothing but text, wherever it stands in a drawing.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML has no way at all to write most of these, not even escaped.
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            c if c.is_control() => safe.push(if c.is_whitespace() { ' ' } else { '\u{fffd}' }),
            c => safe.push(c),
        }
    }
    safe
}

/// A number with at most two digits behind the point, and none that say nothing.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{:.2}", if value.is_finite() { value } else { 0.0 });
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.to_owned() }
}

/// The width of a text in letters: what East Asian scripts and pictures take counts twice.
pub(crate) fn letters(text: &str) -> usize {
    text.chars().map(letter).sum()
}

fn letter(c: char) -> usize {
    let wide = matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f000..=0x1faff | 0x20000..=0x3fffd);
    if wide { 2 } else { 1 }
}

/// The width of so many letters in pixels.
pub(crate) fn width(letters: usize, size: f64) -> f64 {
    letters as f64 * size * LETTER
}

/// A text that is no wider than that, with `…` where something is missing. The end of a name says as much as its
/// beginning, so the middle goes.
pub(crate) fn shortened(text: &str, room: usize) -> String {
    if letters(text) <= room {
        return text.to_owned();
    }
    let room = room.saturating_sub(1);
    let (head, tail) = (room.div_ceil(2), room / 2);
    format!("{}…{}", fitting(text.chars(), head), {
        let reversed = fitting(text.chars().rev(), tail);
        reversed.chars().rev().collect::<String>()
    })
}

fn fitting(chars: impl Iterator<Item = char>, mut room: usize) -> String {
    let fits = |c: &char| {
        let taken = letter(*c);
        let fits = taken <= room;
        room = room.saturating_sub(taken);
        fits
    };
    chars.take_while(fits).collect()
}

/// Milliseconds for people: `0.4 ms`, `12.3 ms`, `118 ms`, `2300 ms`.
pub(crate) fn millis(ms: f64) -> String {
    if ms < 100.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(
            escaped("</text><script>\"'&\0\n\u{ffff}"),
            "&lt;/text&gt;&lt;script&gt;&quot;&#39;&amp;\u{fffd} \u{fffd}"
        );
    }

    #[test]
    fn a_long_name_loses_its_middle() {
        assert_eq!(shortened("short", 5), "short");
        assert_eq!(shortened("abcdefghij", 5), "ab…ij");
        assert_eq!(shortened("日本語の名前", 7), "日…前");
        assert!(letters(&shortened("日本語の名前", 7)) <= 7);
        assert_eq!(shortened("abc", 0), "…");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([1.0, 1.5, 1.255, -0.001, f64::NAN].map(number), ["1", "1.5", "1.25", "0", "0"]);
        assert_eq!([0.42, 12.34, 118.4, 2300.0].map(millis), ["0.4 ms", "12.3 ms", "118 ms", "2300 ms"]);
    }
}
