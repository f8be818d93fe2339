//! `cargo xtask sim --journal FILE`: a segment of a host's journal, stepped through the shipped kernel. What comes of
//! every input is compared with what the host noted then.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use hothouse_kernel::Kernel;
use hothouse_kernel::journal::{Came, Entry, FORM, Head};

/// What a replay amounted to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Replayed {
    pub(super) inputs: u64,
    pub(super) events: u64,
    /// Whether the last line was half written, as a host that was killed leaves it.
    pub(super) torn: bool,
}

/// Steps through a segment. `show` gets a line for everything that happens in it.
///
/// # Errors
/// The first line that is none of a journal, or of which something else came than was noted.
pub(super) fn replay(file: &Path, mut show: impl FnMut(String)) -> Result<Replayed, String> {
    let unread = |error: io::Error| format!("{}: {error}", file.display());
    let mut lines = BufReader::new(File::open(file).map_err(unread)?).split(b'\n').enumerate();
    let at_line = |line: usize, what: String| format!("{}:{}: {what}", file.display(), line + 1);
    let (_, head) = lines.next().ok_or_else(|| at_line(0, "it is empty".into()))?;
    let mut kernel = begin(&head.map_err(unread)?).map_err(|what| at_line(0, what))?;
    let mut replayed = Replayed { inputs: 0, events: 0, torn: false };
    while let Some((number, line)) = lines.next() {
        let line = line.map_err(unread)?;
        let entry: Entry = match serde_json::from_slice(&line) {
            Ok(entry) => entry,
            Err(error) if error.is_eof() && lines.next().is_none() => {
                replayed.torn = true;
                break;
            }
            Err(error) => return Err(at_line(number, format!("no input of a journal: {error}"))),
        };
        let noted = entry.came;
        let came = step(&mut kernel, entry, &mut show);
        if came != noted {
            let what = format!("this came of it: {came:?}\n  the host noted:  {noted:?}");
            return Err(at_line(number, what));
        }
        replayed.inputs += 1;
        replayed.events += u64::from(came.events);
    }
    Ok(replayed)
}

/// The kernel as it was at the beginning of the segment.
fn begin(head: &[u8]) -> Result<Kernel, String> {
    let no_head = |error: serde_json::Error| format!("no head of a journal: {error}");
    let form: Head<serde_json::Value> = serde_json::from_slice(head).map_err(no_head)?;
    if form.journal != FORM {
        return Err(format!("the journal has form {}; this program reads form {FORM}", form.journal));
    }
    serde_json::from_value(form.kernel).map_err(no_head)
}

fn step(kernel: &mut Kernel, entry: Entry, show: &mut impl FnMut(String)) -> Came {
    show(format!("{} <- {:?}", entry.at, entry.input));
    let mut came = Came::nothing(kernel.next_event());
    kernel.handle(entry.at, entry.input);
    while let Some(event) = kernel.poll_event() {
        came.note(&event);
        let cause = event.cause.map_or(String::new(), |cause| format!(" <- {cause}"));
        show(format!("    . {}{cause}: {:?}", event.seq, event.what));
    }
    while let Some(action) = kernel.poll_action() {
        show(format!("    -> {action:?}"));
    }
    came
}

#[cfg(test)]
mod tests {
    use super::*;
    use hothouse_kernel::input::{Asker, StartOptions, Targets};
    use hothouse_kernel::{Graph, Input, Instant, PluginDecl, Request, RequestId, Settings};

    /// A journal of one start, as a host writes it.
    fn journal() -> Vec<String> {
        let graph = Graph::build(vec![PluginDecl::new("db")]).unwrap();
        let mut kernel = Kernel::new(graph, Settings::default());
        let mut lines = vec![serde_json::to_string(&Head { journal: FORM, kernel: &kernel }).unwrap()];
        let request = Request::Start { targets: Targets::All, options: StartOptions::default() };
        let start = Input::Requested { id: RequestId(1), by: Asker::Operator, request };
        for (at, input) in [(Instant::ZERO, start), (Instant::from_millis(30_000), Input::TimePassed)] {
            let nothing = Came::nothing(kernel.next_event());
            let came = step(&mut kernel, Entry { at, input: input.clone(), came: nothing }, &mut |_| {});
            lines.push(serde_json::to_string(&Entry { at, input, came }).unwrap());
        }
        lines
    }

    fn replayed(name: &str, text: &str) -> Result<Replayed, String> {
        let file = std::env::temp_dir().join(format!("hothouse-replay-{}-{name}", std::process::id()));
        std::fs::write(&file, text).unwrap();
        let replayed = replay(&file, |_| {});
        std::fs::remove_file(&file).unwrap();
        replayed
    }

    #[test]
    fn the_same_comes_of_the_same() {
        let text = journal().join("\n") + "\n";
        assert_eq!(replayed("same", &text), Ok(Replayed { inputs: 2, events: 5, torn: false }));
        let torn = &text[..text.len() - 9];
        assert_eq!(replayed("torn", torn), Ok(Replayed { inputs: 1, events: 2, torn: true }));
    }

    #[test]
    fn another_number_anywhere_is_noticed() {
        let lines = journal();
        let later = lines.join("\n").replacen("\"at\":30000000000", "\"at\":30000000001", 1);
        assert!(replayed("later", &later).unwrap_err().contains(":3: this came of it"));
        let other = lines.join("\n").replacen("Operator", "Signal", 1);
        assert!(replayed("other", &other).unwrap_err().contains(":2: this came of it"));
        assert!(replayed("form", "{\"journal\":9,\"kernel\":{}}").unwrap_err().contains("form 9"));
        assert!(replayed("none", "").unwrap_err().contains("empty"));
    }
}
