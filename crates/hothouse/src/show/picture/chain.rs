//! What decided how long a start took: from the plugin that was ready last back through what it had to wait for.

use super::start::{Outcome, StartPicture};
use super::svg::millis;
use crate::show::{Style, harmless};

/// One plugin of the chain.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Link {
    /// How far it is from the plugin that was ready last.
    pub(crate) depth: usize,
    /// Its row in the picture.
    pub(crate) row: usize,
    /// Whether the one above waited for this one longest; the others were ready not long before it.
    pub(crate) longest: bool,
    /// From the readiness of the last thing that it waited for, or from the request, to its launch: the time in which
    /// nothing held it up but the host.
    pub(crate) idle: Option<f64>,
    /// What it waited for was told above.
    pub(crate) repeated: bool,
}

/// The chain that ends at `from`, or at the plugin that was ready last. Beside what was waited for longest it names what
/// was ready at most `fuzz` milliseconds earlier.
pub(crate) fn chain(picture: &StartPicture, from: Option<usize>, fuzz: f64) -> Vec<Link> {
    let mut links = Vec::new();
    let mut told = vec![false; picture.rows.len()];
    let mut open: Vec<(usize, usize, bool)> =
        from.or(picture.critical.last().copied()).map(|row| (0, row, true)).into_iter().collect();
    while let Some((depth, row, longest)) = open.pop() {
        let mut waited: Vec<(f64, usize)> = picture.rows[row]
            .after
            .iter()
            .filter_map(|other| Some((picture.rows[*other].settled?, *other)))
            .collect();
        // Latest first; the first in the plan wins among those that were ready at the same moment.
        waited.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let latest = waited.first().map_or(0.0, |first| first.0);
        let idle = picture.rows[row].launched.map(|launched| (launched - latest).max(0.0));
        let repeated = std::mem::replace(&mut told[row], true);
        links.push(Link { depth, row, longest, idle, repeated: repeated && !waited.is_empty() });
        if repeated {
            continue;
        }
        let near =
            waited.iter().enumerate().filter(|(at, (settled, _))| *at == 0 || latest - settled <= fuzz);
        let mut near: Vec<_> = near.map(|(at, (_, other))| (depth + 1, *other, at == 0)).collect();
        near.reverse();
        open.extend(near);
    }
    links
}

/// The chain for people.
pub(crate) fn chain_text(picture: &StartPicture, links: &[Link], style: Style) -> String {
    let mut text = format!(
        "The start took {}. @ is when a plugin was ready, + is how long its own start took.\n\n",
        millis(picture.total)
    );
    for (at, link) in links.iter().enumerate() {
        let row = &picture.rows[link.row];
        let name = harmless(&row.name);
        let name = if link.longest { style.bold(&name) } else { name };
        let end = row.settled.map_or_else(String::new, |end| format!(" @{}", millis(end)));
        let took = row.took().map_or_else(String::new, |took| format!(" +{}", millis(took)));
        let fate = match &row.outcome {
            Outcome::Ready => String::new(),
            Outcome::CutOff => format!(" {}", style.yellow("cut off")),
            Outcome::Failed(code) => format!(" {}", style.red(&format!("failed: {code}"))),
            Outcome::NotStarted(code) => format!(" {}", style.dim(&format!("not started: {code}"))),
        };
        let idle = link.idle.filter(|idle| *idle >= 1.0);
        let idle = idle.map_or_else(String::new, |idle| {
            style.dim(&format!(" (launched {} after that was possible)", millis(idle)))
        });
        let repeated = if link.repeated { style.dim(" (see above)") } else { String::new() };
        text.push_str(&format!("{}{name}{end}{took}{fate}{idle}{repeated}\n", branches(links, at)));
    }
    text
}

/// The lines before a name: which of those above have more to come.
fn branches(links: &[Link], at: usize) -> String {
    let depth = links[at].depth;
    if depth == 0 {
        return String::new();
    }
    // A long chain would run out of the screen; behind this it is told by how deep it is.
    const DEEPEST: usize = 40;
    if depth > DEEPEST {
        return format!("{} [{depth}] ", "  ".repeat(DEEPEST));
    }
    let more = |level: usize| {
        links[at + 1..]
            .iter()
            .map(|link| link.depth)
            .take_while(|depth| *depth >= level)
            .any(|depth| depth == level)
    };
    let above: String = (1..depth).map(|level| if more(level) { "│ " } else { "  " }).collect();
    format!("{above}{}", if more(depth) { "├─" } else { "└─" })
}

#[cfg(test)]
mod tests {
    use super::super::recorded::golden;
    use super::super::start::tests::{failing, row};
    use super::*;

    #[test]
    fn the_chain_is_as_recorded() {
        let picture = failing();
        golden("chain.txt", &chain_text(&picture, &chain(&picture, None, 200.0), Style::plain()));
        let rows = |links: &[Link]| links.iter().map(|link| link.row).collect::<Vec<_>>();
        assert_eq!(rows(&chain(&picture, None, 0.0)), [3, 2, 0]);
        assert_eq!(rows(&chain(&picture, Some(4), 0.0)), [4, 1]);
        // What was never launched waited for what failed.
        assert_eq!(rows(&chain(&picture, Some(5), 0.0)), [5, 3, 2, 0]);
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_is_told() {
        let mut picture = failing();
        picture.rows = (0..100_000usize)
            .map(|at| {
                let begin = at as f64;
                let after: Vec<usize> = at.checked_sub(1).into_iter().collect();
                row("p", [Some(begin), Some(begin), Some(begin + 1.0)], Outcome::Ready, &after)
            })
            .collect();
        picture.critical = (0..100_000).collect();
        let links = chain(&picture, None, 0.0);
        assert_eq!(links.len(), 100_000);
        assert!(chain_text(&picture, &links[..100], Style::plain()).contains("[41]"));
    }

    #[test]
    fn what_many_waited_for_is_told_once() {
        let mut picture = failing();
        picture.rows[4].after = vec![0, 1];
        picture.rows[3].after = vec![2, 4];
        let links = chain(&picture, None, 1e9);
        assert_eq!(links.iter().filter(|link| link.row == 0).count(), 2);
        assert!(links.iter().all(|link| !link.repeated), "what waited for nothing has nothing to repeat");
    }
}
