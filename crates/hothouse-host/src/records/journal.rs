//! The journal of the kernel's inputs, in segments. Each begins with the kernel as it was before the first input that
//! follows, so that any of them can be stepped through by itself: `cargo xtask sim --journal FILE`.
//!
//! Words of plugins (what they say of their health and of their failures) go through the redaction; numbers do not need
//! it. So a replay decides as the host did and may say `***`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hothouse_kernel::journal::{Came, FORM, Head};
use hothouse_kernel::{Answer, Input, Instant, Kernel, Request};
use serde::Serialize;
use serde_json::Value;

use super::{RecordSettings, make_folder, open_with};
use crate::history::Redact;

/// Members of a kernel and of an input that hold words, and no names of anything.
const WORDS: [&str; 8] =
    ["message", "detail", "stack", "how", "not_ready", "waits_for", "NotReady", "Destroyed"];
/// A member that decides nothing and may hold anything.
const ANYTHING: &str = "details";

/// The journal's current segment.
pub(super) struct Journal {
    folder: PathBuf,
    redact: Redact,
    max: u64,
    segments: usize,
    /// The number of the current segment.
    number: u64,
    /// `None` if it could not be written to the end: the next one begins anew.
    file: Option<File>,
    size: u64,
    buffer: Vec<u8>,
}

impl Journal {
    /// Begins a new segment, after those that lie there.
    pub(super) fn open(settings: &RecordSettings, kernel: &Kernel) -> io::Result<Journal> {
        let folder = settings.folder.join("journal");
        make_folder(&folder)?;
        let mut journal = Journal {
            number: numbers(&folder)?.last().copied().unwrap_or(0),
            folder,
            redact: settings.redact.clone(),
            max: settings.journal_bytes,
            segments: settings.journal_segments.max(1),
            file: None,
            size: 0,
            buffer: Vec::new(),
        };
        journal.begin(kernel)?;
        Ok(journal)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Notes an input. What came of it follows.
    pub(super) fn input(&mut self, at: Instant, input: &Input) {
        let input =
            if has_words(input) { clean_json(input, &self.redact) } else { serde_json::to_string(input) };
        let input = input.expect("an input is numbers, words and names");
        self.buffer.extend_from_slice(format!(r#"{{"at":{},"input":{input},"#, at.as_nanos()).as_bytes());
    }

    /// Notes what came of the last input.
    pub(super) fn came(&mut self, came: Came) {
        let came = serde_json::to_string(&came).expect("it is three numbers");
        self.buffer.extend_from_slice(format!("\"came\":{came}}}\n").as_bytes());
    }

    pub(super) fn forget(&mut self) {
        if !self.buffer.is_empty() {
            self.buffer.clear();
            self.file = None;
        }
    }

    /// Writes what was noted; begins a new segment, with `kernel` as it is now, if this one is full or was broken off.
    pub(super) fn write(&mut self, kernel: &Kernel) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = match &mut self.file {
            Some(file) => file.write_all(&self.buffer),
            None => Ok(()),
        };
        self.size += self.buffer.len() as u64;
        self.buffer.clear();
        if let Err(error) = written {
            self.file = None;
            return Err(error);
        }
        if self.file.is_none() || self.size > self.max {
            self.begin(kernel)?;
        }
        Ok(())
    }

    /// Begins a segment. It gets its name when its head is whole.
    fn begin(&mut self, kernel: &Kernel) -> io::Result<()> {
        self.file = None;
        let head = clean_json(&Head { journal: FORM, kernel }, &self.redact).map_err(io::Error::other)?;
        let new = self.folder.join("new");
        let mut file = open_with(&new, OpenOptions::new().create(true).write(true).truncate(true))?;
        file.write_all(head.as_bytes())?;
        file.write_all(b"\n")?;
        fs::rename(&new, segment(&self.folder, self.number + 1))?;
        self.number += 1;
        (self.file, self.size) = (Some(file), 0);
        let numbers = numbers(&self.folder)?;
        for old in &numbers[..numbers.len().saturating_sub(self.segments)] {
            fs::remove_file(segment(&self.folder, *old))?;
        }
        Ok(())
    }
}

fn segment(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:06}.jsonl"))
}

/// The numbers of the segments that lie there, ascending.
fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".jsonl"));
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Whether a plugin had something to say in it.
fn has_words(input: &Input) -> bool {
    match input {
        Input::Answered { answer, .. } => {
            !matches!(answer, Answer::Initialized | Answer::Started | Answer::Destroyed(None))
        }
        // The declarations of an apply say what their plugins wait for.
        Input::Requested { request, .. } => matches!(request, Request::Apply(_)),
        Input::TimePassed => false,
    }
}

/// The value as JSON, its words redacted.
fn clean_json(value: &impl Serialize, redact: &Redact) -> serde_json::Result<String> {
    let mut value = serde_json::to_value(value)?;
    clean(&mut value, redact);
    serde_json::to_string(&value)
}

fn clean(value: &mut Value, redact: &Redact) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(|element| clean(element, redact)),
        Value::Object(members) => {
            members.remove(ANYTHING);
            for (name, value) in members.iter_mut() {
                match value {
                    Value::String(text) if WORDS.contains(&name.as_str()) => *text = redact.clean(text),
                    value => clean(value, redact),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hothouse_kernel::input::{Asker, StartOptions, Targets};
    use hothouse_kernel::journal::Entry;
    use hothouse_kernel::{
        Code, Failure, Graph, Incarnation, PluginDecl, PluginId, Request, RequestId, Settings, Stage,
    };

    fn redact() -> Redact {
        Redact::with(|text| text.replace("tulip", "***"))
    }

    #[test]
    fn no_word_of_a_plugin_gets_into_the_journal_unredacted() {
        let failure =
            Failure::new(Code::StartFailed, Stage::Start, "tulip is wrong").with_detail("not tulip");
        let answers = [
            Answer::Failed(Box::new(failure)),
            Answer::NotReady("tulip".into()),
            Answer::Destroyed(Some("tulip".into())),
            Answer::Gone(Box::new(hothouse_kernel::input::Exit {
                how: "tulip".into(),
                panicked: false,
                detail: Some("tulip".into()),
            })),
        ];
        for answer in answers {
            let input = Input::Answered { plugin: PluginId(0), incarnation: Incarnation(1), answer };
            assert!(has_words(&input));
            let text = clean_json(&input, &redact()).unwrap();
            assert!(!text.contains("tulip") && text.contains("***"), "{text}");
            serde_json::from_str::<Input>(&text).unwrap();
        }
    }

    #[test]
    fn nor_does_it_in_a_kernel_that_heads_a_segment() {
        let mut kernel = Kernel::new(Graph::build(vec![PluginDecl::new("db")]).unwrap(), Settings::default());
        let request = Request::Start { targets: Targets::All, options: StartOptions::default() };
        kernel.handle(Instant::ZERO, Input::Requested { id: RequestId(1), by: Asker::Host, request });
        let failure = Failure::new(Code::InitFailed, Stage::Init, "tulip");
        let answer = Answer::Failed(Box::new(failure));
        kernel.handle(
            Instant::ZERO,
            Input::Answered { plugin: PluginId(0), incarnation: Incarnation(1), answer },
        );
        let text = clean_json(&Head { journal: FORM, kernel: &kernel }, &redact()).unwrap();
        assert!(!text.contains("tulip") && text.contains("***"), "{text}");
        let head: Head = serde_json::from_str(&text).unwrap();
        assert_eq!(head.kernel.graph().len(), 1);
    }

    #[test]
    fn a_line_reads_back_as_it_was_noted() {
        let folder = std::env::temp_dir().join(format!("hothouse-journal-{}", std::process::id()));
        let settings = RecordSettings::new(&folder, redact());
        let kernel = Kernel::new(Graph::build(Vec::new()).unwrap(), Settings::default());
        make_folder(&folder).unwrap();
        let mut journal = Journal::open(&settings, &kernel).unwrap();
        journal.input(Instant::from_nanos(7), &Input::TimePassed);
        let came = Came::nothing(kernel.next_event());
        journal.came(came);
        journal.write(&kernel).unwrap();
        let text = fs::read_to_string(segment(&folder.join("journal"), 1)).unwrap();
        let entry: Entry = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
        assert_eq!((entry.at, entry.input, entry.came), (Instant::from_nanos(7), Input::TimePassed, came));
        fs::remove_dir_all(&folder).unwrap();
    }
}
