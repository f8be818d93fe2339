//! A start as a waterfall: a row for each plugin, in the order in which they were launched, over an axis of
//! milliseconds. What decided how long it took stands out.

use super::start::{Outcome, Row, StartPicture};
use super::svg::{Drawing, escaped, letters, millis, number, shortened, width};

const MARGIN: f64 = 20.0;
const PAGE: f64 = 1180.0;
const HEAD: f64 = 78.0;
/// The most room behind the bars for how long they took, or why they ended, in letters.
const NOTES: usize = 24;
/// The longest name that is shown whole, in letters.
const LONGEST_NAME: usize = 30;
/// After so many rows the axis is written again.
const ROWS_PER_AXIS: usize = 40;
const AXIS: f64 = 22.0;

/// The drawing.
pub(crate) fn waterfall(picture: &StartPicture) -> String {
    let sheet = Sheet::new(picture);
    let mut drawing = Drawing::new();
    sheet.head(&mut drawing);
    sheet.bands(&mut drawing);
    sheet.grid(&mut drawing);
    sheet.critical_links(&mut drawing);
    for (place, row) in sheet.order.iter().enumerate() {
        sheet.row(place, &picture.rows[*row], &mut drawing);
    }
    let title = format!("{}: the start, {} in all", picture.project, millis(picture.total));
    drawing.finish(PAGE, sheet.height, &title)
}

struct Sheet<'a> {
    picture: &'a StartPicture,
    /// The rows as they are drawn.
    order: Vec<usize>,
    /// The place of every row, the other way round.
    place: Vec<usize>,
    is_critical: Vec<bool>,
    /// The size of the letters in the rows, and the height of a row.
    size: f64,
    pitch: f64,
    left: f64,
    right: f64,
    /// Where the axis ends, in milliseconds, and the distance of its marks.
    span: f64,
    step: f64,
    height: f64,
}

impl<'a> Sheet<'a> {
    fn new(picture: &'a StartPicture) -> Sheet<'a> {
        let rows = &picture.rows;
        let mut order: Vec<usize> = (0..rows.len()).collect();
        let begin = |row: &usize| rows[*row].launched.unwrap_or(f64::INFINITY);
        order.sort_by(|a, b| begin(a).total_cmp(&begin(b)));
        let mut place = vec![0; rows.len()];
        order.iter().enumerate().for_each(|(at, row)| place[*row] = at);
        let mut is_critical = vec![false; rows.len()];
        picture.critical.iter().for_each(|row| is_critical[*row] = true);
        let (size, pitch) = match rows.len() {
            0..=40 => (12.0, 26.0),
            41..=150 => (11.0, 19.0),
            _ => (10.0, 14.0),
        };
        let longest = rows.iter().map(|row| letters(&row.name)).max().unwrap_or(0).clamp(6, LONGEST_NAME);
        let notes = rows.iter().map(|row| letters(&note(row).1)).max().unwrap_or(0);
        let end = rows.iter().filter_map(|row| row.settled.or(row.launched)).fold(0.0, f64::max);
        let (span, step) = axis(end);
        let mut sheet = Sheet {
            picture,
            order,
            place,
            is_critical,
            size,
            pitch,
            left: (MARGIN + width(longest, size) + 22.0).ceil(),
            right: PAGE - MARGIN - 8.0 - width(notes.min(NOTES), size - 1.0),
            span,
            step,
            height: 0.0,
        };
        sheet.height = sheet.top(rows.len()) + AXIS + 14.0;
        sheet
    }

    fn x(&self, ms: f64) -> f64 {
        self.left + (ms / self.span).clamp(0.0, 1.0) * (self.right - self.left)
    }

    /// The top of a row.
    fn top(&self, place: usize) -> f64 {
        let axes = place / ROWS_PER_AXIS
            - usize::from(place == self.order.len() && place > 0 && place.is_multiple_of(ROWS_PER_AXIS));
        HEAD + AXIS + place as f64 * self.pitch + axes as f64 * AXIS
    }

    fn head(&self, drawing: &mut Drawing) {
        let room = ((PAGE - 2.0 * MARGIN) / width(1, 16.0)) as usize;
        drawing.text("ink strong", (MARGIN, 28.0), 16.0, "start", &shortened(&self.picture.project, room));
        let rows = &self.picture.rows;
        let counted = |test: fn(&Outcome) -> bool| rows.iter().filter(|row| test(&row.outcome)).count();
        let mut story = vec![format!("{} of {} ready", counted(|o| *o == Outcome::Ready), rows.len())];
        for (number, what) in [
            (counted(|o| matches!(o, Outcome::Failed(_))), "failed"),
            (counted(|o| *o == Outcome::CutOff), "cut off"),
            (counted(|o| matches!(o, Outcome::NotStarted(_))), "not started"),
        ] {
            if number > 0 {
                story.push(format!("{number} {what}"));
            }
        }
        story.push(format!("{} in all", millis(self.picture.total)));
        story.extend(self.picture.began.iter().map(|began| format!("began {began}")));
        drawing.text("faint", (MARGIN, 46.0), 11.0, "start", &story.join(" · "));
        self.legend(drawing);
    }

    fn legend(&self, drawing: &mut Drawing) {
        let (mut x, y) = (MARGIN, 66.0);
        let has = |test: fn(&Outcome) -> bool| self.picture.rows.iter().any(|row| test(&row.outcome));
        let keys = [
            (true, "wait", "waits"),
            (true, "init", "init"),
            (true, "start", "start"),
            (has(|o| matches!(o, Outcome::Failed(_))), "broken", "failed"),
            (has(|o| *o == Outcome::CutOff), "cut", "cut off"),
            (!self.picture.critical.is_empty(), "key", "decided how long it took"),
        ];
        for (_, class, word) in keys.into_iter().filter(|key| key.0) {
            match class {
                "wait" => drawing.add(&format!(
                    "<path class=\"wait\" d=\"M{} {}h18\" stroke-width=\"1.5\" stroke-dasharray=\"2 3\"/>",
                    number(x),
                    number(y - 4.0)
                )),
                "key" => drawing.add(&format!(
                    "<rect class=\"key\" x=\"{0}\" y=\"{1}\" width=\"18\" height=\"12\"/><path class=\"keyline\" d=\"M{0} {1}v12\" stroke-width=\"3\"/>",
                    number(x),
                    number(y - 10.0)
                )),
                class => drawing.add(&format!(
                    "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"18\" height=\"10\" rx=\"2\"/>",
                    number(x),
                    number(y - 9.0)
                )),
            }
            drawing.text("faint", (x + 24.0, y), 11.0, "start", word);
            x += 24.0 + width(letters(word), 11.0) + 18.0;
        }
    }

    /// Lines for the marks of the axis, and their numbers above the rows, again after every so many, and below.
    fn grid(&self, drawing: &mut Drawing) {
        let marks = (self.span / self.step).round() as usize;
        let x = |mark: usize| self.x(mark as f64 * self.step);
        let lines: String = (0..=marks)
            .map(|mark| {
                format!(
                    "M{} {}V{}",
                    number(x(mark)),
                    number(HEAD + AXIS - 4.0),
                    number(self.top(self.order.len()) + 4.0)
                )
            })
            .collect();
        drawing.add(&format!("<path class=\"rule\" d=\"{lines}\" stroke-width=\"1\"/>"));
        let first = (0..self.order.len().max(1)).step_by(ROWS_PER_AXIS).map(|place| self.top(place) - 8.0);
        for y in first.chain([self.top(self.order.len()) + 18.0]) {
            for mark in 0..=marks {
                let ms = mark as f64 * self.step;
                let unit = if mark == marks { " ms" } else { "" };
                drawing.text("faint halo", (x(mark), y), 10.0, "middle", &format!("{}{unit}", number(ms)));
            }
        }
    }

    /// What lies below everything: every other row, and those that decided how long the start took.
    fn bands(&self, drawing: &mut Drawing) {
        for place in 0..self.order.len() {
            let (critical, top) = (self.is_critical[self.order[place]], self.top(place));
            if !critical && place % 2 == 1 {
                continue;
            }
            drawing.add(&format!(
                "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
                if critical { "key" } else { "band" },
                number(MARGIN - 8.0),
                number(top),
                number(PAGE - 2.0 * MARGIN + 16.0),
                number(self.pitch)
            ));
            if critical {
                let path = format!("M{} {}v{}", number(MARGIN - 7.0), number(top), number(self.pitch));
                drawing.add(&format!("<path class=\"keyline\" d=\"{path}\" stroke-width=\"3\"/>"));
            }
        }
    }

    fn row(&self, place: usize, row: &Row, drawing: &mut Drawing) {
        let critical = self.is_critical[self.order[place]];
        let middle = self.top(place) + self.pitch / 2.0;
        let base = middle + self.size * 0.35;
        drawing.add(&format!("<g><title>{}</title>", escaped(&story(row, critical))));
        let class = match (&row.outcome, critical) {
            (Outcome::Failed(_), _) => "badink strong",
            (_, true) => "keyink strong",
            (Outcome::NotStarted(_), _) => "faint",
            _ => "ink",
        };
        drawing.text(class, (self.left - 12.0, base), self.size, "end", &shortened(&row.name, LONGEST_NAME));
        self.bars(row, middle, drawing);
        let (class, note) = note(row);
        // A line that passes behind the words must not cross them out.
        let class = if critical { class.to_owned() } else { format!("{class} halo") };
        let x = row.settled.filter(|_| row.launched.is_some()).map_or(self.left, |end| self.x(end));
        drawing.text(&class, (x + 7.0, base), self.size - 1.0, "start", &shortened(&note, NOTES));
        drawing.add("</g>");
    }

    fn bars(&self, row: &Row, middle: f64, drawing: &mut Drawing) {
        let Some(launched) = row.launched else { return };
        if self.x(launched) - self.left > 2.0 {
            let path = format!("M{} {}H{}", number(self.left), number(middle), number(self.x(launched)));
            drawing.add(&format!(
                "<path class=\"wait\" d=\"{path}\" stroke-width=\"1.5\" stroke-dasharray=\"2 3\"/>"
            ));
        }
        let settled = row.settled.unwrap_or(launched);
        let inner = row.initialized.unwrap_or(settled).min(settled);
        let last = match row.outcome {
            Outcome::Failed(_) => Some("broken"),
            Outcome::CutOff => Some("cut"),
            _ => None,
        };
        let height = (self.pitch * 0.54).round();
        let bar = |class: &str, from: f64, to: f64, drawing: &mut Drawing| {
            // What took hardly any time is still to be seen.
            let (x, wide) = (self.x(from), (self.x(to) - self.x(from)).max(1.5));
            drawing.add(&format!(
                "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
                number(x),
                number(middle - height / 2.0),
                number(wide),
                number(height)
            ));
        };
        match row.initialized {
            Some(_) => {
                bar("init", launched, inner, drawing);
                bar(last.unwrap_or("start"), inner, settled, drawing);
            }
            None => bar(last.unwrap_or("init"), launched, settled, drawing),
        }
    }

    /// From the end of each that decided how long it took to the launch of the next.
    fn critical_links(&self, drawing: &mut Drawing) {
        for pair in self.picture.critical.windows(2) {
            let (one, next) = (&self.picture.rows[pair[0]], &self.picture.rows[pair[1]]);
            let (Some(end), Some(launched)) = (one.settled, next.launched) else { continue };
            let middle = |row: usize| self.top(self.place[row]) + self.pitch / 2.0;
            let (from, to) = (middle(pair[0]) + self.pitch * 0.27, middle(pair[1]) - self.pitch * 0.27);
            let path = format!(
                "M{} {}V{}H{}",
                number(self.x(end)),
                number(from),
                number(to),
                number(self.x(launched))
            );
            drawing.add(&format!("<path class=\"keyline\" d=\"{path}\" stroke-width=\"1.5\"/>"));
        }
    }
}

/// What stands behind the bar.
fn note(row: &Row) -> (&'static str, String) {
    let took = row.took().map_or_else(String::new, millis);
    match &row.outcome {
        Outcome::Ready => ("faint", took),
        Outcome::Failed(code) => ("badink strong", format!("✕ {code}")),
        Outcome::CutOff => ("faint", format!("cut off, {took}")),
        Outcome::NotStarted(_) => ("faint", "not started".into()),
    }
}

/// The row in words.
fn story(row: &Row, critical: bool) -> String {
    let mut parts = Vec::new();
    match row.launched {
        Some(launched) => parts.push(format!("launched after {}", millis(launched))),
        None => parts.push("never launched".into()),
    }
    parts.extend(row.init().map(|init| format!("init {}", millis(init))));
    parts.extend(row.start().map(|start| format!("start {}", millis(start))));
    let end = row.settled.map_or_else(String::new, |end| format!(" after {}", millis(end)));
    parts.push(match &row.outcome {
        Outcome::Ready => format!("ready{end}"),
        Outcome::Failed(code) => format!("failed{end}: {code}"),
        Outcome::CutOff => format!("cut off{end}"),
        Outcome::NotStarted(code) => format!("not started: {code}"),
    });
    if critical {
        parts.push("it decided how long the start took".into());
    }
    format!("{}: {}", row.name, parts.join(", "))
}

/// Where an axis ends that goes up to that value, and the distance of its marks: five to twelve of them.
fn axis(end: f64) -> (f64, f64) {
    let end = if end.is_finite() { end.max(0.001) } else { 1.0 };
    let power = 10f64.powf((end / 10.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| end / step <= 11.0);
    let step = step.unwrap_or(10.0 * power);
    ((end / step).ceil() * step, step)
}

#[cfg(test)]
mod tests {
    use super::super::recorded::{golden, well_formed};
    use super::super::start::tests::{failing, row};
    use super::*;

    #[test]
    fn the_drawing_is_as_recorded() {
        let svg = waterfall(&failing());
        golden("waterfall.svg", &svg);
        well_formed(&svg);
    }

    #[test]
    fn axes_have_marks_at_round_numbers() {
        for (end, span, step) in [
            (401.2, 450.0, 50.0),
            (1.0, 1.0, 0.1),
            (0.0, 0.001, 0.0001),
            (99.0, 100.0, 10.0),
            (120_001.0, 140_000.0, 20_000.0),
        ] {
            let found = axis(end);
            assert!((found.0 - span).abs() < 1e-9 && (found.1 - step).abs() < 1e-9, "{end}: {found:?}");
        }
        for end in 1..5_000 {
            let (span, step) = axis(f64::from(end) * 0.37);
            let marks = span / step;
            assert!((4.9..=12.1).contains(&marks), "{end}: {marks}");
        }
    }

    #[test]
    fn five_hundred_rows_are_legible_and_on_the_page() {
        let mut picture = failing();
        picture.rows = (0..500)
            .map(|at| {
                let begin = f64::from(at) * 3.0;
                row(
                    &format!("plugin-{at}"),
                    [Some(begin), Some(begin + 2.0), Some(begin + 40.0)],
                    Outcome::Ready,
                    &[],
                )
            })
            .collect();
        picture.critical = vec![0, 120, 499];
        let svg = waterfall(&picture);
        well_formed(&svg);
        let sheet = Sheet::new(&picture);
        assert!(sheet.pitch > sheet.size && sheet.size >= 10.0);
        let last = sheet.top(499) + sheet.pitch;
        assert!(last < sheet.height && sheet.height < 8_000.0, "{last} {}", sheet.height);
        assert_eq!(svg.matches("<g>").count(), 500);
    }

    #[test]
    fn a_start_of_nothing_is_drawn_too() {
        let picture = StartPicture { rows: vec![], critical: vec![], ..failing() };
        well_formed(&waterfall(&picture));
    }
}
