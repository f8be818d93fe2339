//! What a host writes down: bounded files of events, numbered on from run to run, and a journal of which every segment
//! can be stepped through a kernel.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

use std::fs;
use std::path::{Path, PathBuf};

use hothouse_host::{
    Fed, Host, HostSettings, Notice, Notices, PluginSpec, RecordSettings, Redact, read_events, wait,
};
use hothouse_kernel::input::Asker;
use hothouse_kernel::journal::{Came, Entry, Head};
use hothouse_protocol::StartupOptions;
use hothouse_runtime::contract::{Description, PluginError};
use hothouse_runtime::native::{Init, NativeLoader, Plugin, Pool};

struct Quiet;

impl Plugin for Quiet {
    async fn init(&self, _: Init) -> Result<Description, PluginError> {
        Ok(Description::of(&[]))
    }
}

/// A folder of this test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("hothouse-records-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        Folder(folder)
    }

    /// Small files, so that there are many of them.
    fn settings(&self) -> HostSettings {
        let records = RecordSettings {
            event_bytes: 3000,
            event_files: 3,
            journal_bytes: 2000,
            journal_segments: 3,
            ..RecordSettings::new(&self.0, Redact::nothing())
        };
        HostSettings { records: Some(records), ..HostSettings::default() }
    }

    fn numbers(&self) -> Vec<u64> {
        let mut numbers = Vec::new();
        read_events(&self.0, 0, |event| numbers.push(event["seq"].as_u64().unwrap())).unwrap();
        numbers
    }

    fn segments(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.0.join("journal")).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn host(settings: HostSettings) -> Host {
    let pool = Pool::new();
    Host::spawn(settings, move || {
        let plugin = |name: &str| PluginSpec::new(name, NativeLoader::new(&pool, || Quiet));
        vec![plugin("db"), plugin("api").needs("db")]
    })
    .unwrap()
}

fn start_and_stop(host: &Host, times: usize) {
    for _ in 0..times {
        assert!(wait(host.orchestrate_startup(&StartupOptions::default())).unwrap().all_successful());
        assert_eq!(wait(host.stop_all()).unwrap(), [""; 0]);
    }
}

/// Steps through a segment, and says how many events came of it.
fn step_through(segment: &Path) -> u32 {
    let text = fs::read_to_string(segment).unwrap();
    let mut lines = text.lines();
    let head: Head = serde_json::from_str(lines.next().unwrap()).unwrap();
    let mut kernel = head.kernel;
    let mut events = 0;
    for line in lines {
        let entry: Entry = serde_json::from_str(line).unwrap();
        let mut came = Came::nothing(kernel.next_event());
        kernel.handle(entry.at, entry.input);
        std::iter::from_fn(|| kernel.poll_event()).for_each(|event| came.note(&event));
        while kernel.poll_action().is_some() {}
        assert_eq!(came, entry.came, "{}: {line}", segment.display());
        events += came.events;
    }
    events
}

#[test]
fn files_are_bounded_and_numbers_go_on_from_run_to_run() {
    let folder = Folder::new("bounded");
    let first = host(folder.settings());
    start_and_stop(&first, 12);
    let last = wait(first.explain("db")).unwrap().view.last_event.unwrap().number();
    drop(first);
    let numbers = folder.numbers();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    // The last event of all is that the stop is over.
    assert!(numbers[0] > 1 && numbers.ends_with(&[last, last + 1]), "{numbers:?}");
    let files = |folder: &Path| {
        let names =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("events")).count()
    };
    assert_eq!(files(&folder.0), 3);
    assert!(folder.segments().len() <= 3 && !folder.segments()[0].ends_with("000001.jsonl"));

    let second = host(folder.settings());
    start_and_stop(&second, 1);
    let page = wait(second.events_after(0)).unwrap();
    assert_eq!((page.missed, page.records[0].event.seq.number()), (last + 1, last + 2));
}

#[test]
fn every_segment_of_the_journal_can_be_stepped_through_by_itself() {
    let folder = Folder::new("segments");
    let host = host(folder.settings());
    start_and_stop(&host, 12);
    drop(host);
    let segments = folder.segments();
    assert_eq!(segments.len(), 3);
    let events: Vec<u32> = segments.iter().map(|segment| step_through(segment)).collect();
    assert!(events[..2].iter().all(|events| *events > 0), "{events:?}");
}

#[test]
fn a_second_host_leaves_the_files_of_the_first_alone_and_says_so() {
    let folder = Folder::new("second");
    let first = host(folder.settings());
    start_and_stop(&first, 1);
    let second = host(folder.settings());
    assert!(warning(&mut second.listen()).contains("another host writes there"));
    let before = folder.numbers();
    start_and_stop(&second, 1);
    assert_eq!(folder.numbers(), before);
}

#[test]
fn a_disk_that_fails_is_said_once_and_the_host_goes_on() {
    let folder = Folder::new("fails");
    let host = host(folder.settings());
    let mut notices = host.listen();
    fs::remove_dir_all(&folder.0).unwrap();
    start_and_stop(&host, 12);
    assert!(warning(&mut notices).contains("the host goes on without"));
    let another =
        std::iter::from_fn(|| notices.try_next()).find(|notice| matches!(notice, Notice::Warned(_)));
    assert!(another.is_none(), "{another:?}");
}

fn warning(notices: &mut Notices) -> String {
    loop {
        match wait(notices.next()).expect("the host runs") {
            Notice::Warned(warning) => return warning.to_string(),
            _ => continue,
        }
    }
}

#[test]
fn a_feed_tells_what_there_is_and_what_comes() {
    let host = host(HostSettings::default());
    let mut feed = host.follow_events(0);
    let operator = host.asked_by(Asker::Operator);
    let listener = std::thread::spawn(move || {
        let mut numbers = Vec::new();
        loop {
            let Some(Fed::Event(record)) = wait(feed.next()) else { panic!("the feed ended") };
            numbers.push(record.event.seq.number());
            let json = record.json(&feed.graph(), &Redact::nothing());
            if json["type"] == "stopRequested" {
                assert_eq!(json["by"], "operator");
                return numbers;
            }
        }
    });
    assert!(wait(host.orchestrate_startup(&StartupOptions::default())).unwrap().all_successful());
    assert_eq!(wait(operator.stop_all()).unwrap(), [""; 0]);
    let numbers = listener.join().unwrap();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}
