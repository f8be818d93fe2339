//! The logs of a host's plugins: kept in files and in memory, read, and watched.
//!
//! Lines come from two sides. The thread that reads pipes writes them itself, batch by batch, and may wait for the disk:
//! then its plugins are slowed down by their pipes, and nothing is lost. Whoever must not wait, such as the host's loop,
//! leaves them to a thread that writes (`desk`). From there on it is one way: into the file, into memory, to those who
//! listen. Only the last of them may miss lines, and they are told how many.
//!
//! | question | file |
//! |---|---|
//! | what a kept line looks like | `record` |
//! | names of files, rotation, retention, a full disk | `names`, `file` |
//! | the way of a line, and what is said when one could not be kept | `store`, `desk` |
//! | memory for lines on their way | `room` |
//! | secrets, also across the pieces of a long line | `seam` |
//! | the last lines in memory | `recent` |
//! | who watches | `live` |
//! | reading files, with a host or without one | `past` |
//!
//! What it does not do: it reads no pipe, knows no secret, and never decides what a line means. It syncs nothing to the
//! disk.

mod desk;
mod file;
mod live;
mod names;
mod past;
mod recent;
mod record;
mod room;
mod seam;
mod store;

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hothouse_runtime::LogSink;

pub use live::{Live, LogFeed};
pub use past::{LogSelection, Past, logged_plugins};
pub use record::LogRecord;

use file::{Folder, files_in};
use past::segments_on_disk;
use store::{PluginLog, Store};

/// How the logs of a host are kept.
#[derive(Clone)]
pub struct LogSettings {
    /// The folder of the files, which is made when it is needed; one host at a time. `None`: there are no files, and of
    /// each plugin only the last lines are kept, some 32 to 64 KiB of them.
    pub folder: Option<PathBuf>,
    /// How large a file may become, in bytes (`host.logs.maxSize`). A line that is longer has a file of its own.
    pub max_size: u64,
    /// How many full files of each plugin are kept (`host.logs.keep`).
    pub keep: u32,
    /// What takes secrets out of lines before they are kept.
    pub redact: Option<Arc<dyn Redact>>,
}

impl Default for LogSettings {
    /// In memory only.
    fn default() -> LogSettings {
        LogSettings { folder: None, max_size: 16 * 1024 * 1024, keep: 4, redact: None }
    }
}

impl fmt::Debug for LogSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSettings")
            .field("folder", &self.folder)
            .field("max_size", &self.max_size)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// Takes secrets out of text. Called from several threads, for every line.
pub trait Redact: Send + Sync {
    /// The text without secrets. Borrowed, if there is none in it.
    fn redact<'t>(&self, text: &'t str) -> Cow<'t, str>;

    /// How much of a text that goes on elsewhere holds no beginning of a secret that would end there, in bytes.
    fn unbegun(&self, text: &str) -> usize;
}

/// The logs of a running host. Clones are the same.
#[derive(Clone)]
pub struct Logs {
    store: Arc<Store>,
}

/// How long the end of a host waits for lines that are still to be written.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl Logs {
    pub(crate) fn new(settings: LogSettings) -> Logs {
        Logs { store: Arc::new(Store::new(settings)) }
    }

    /// The way into the log of one life.
    pub(crate) fn sink(&self, plugin: &str, incarnation: u64) -> Arc<dyn LogSink> {
        self.store.sink(plugin, incarnation)
    }

    /// The last lines of a plugin that are in memory, the oldest first, at most `count`.
    pub fn recent(&self, plugin: &str, count: usize) -> Vec<LogRecord> {
        self.store.plugin(plugin).recent(count)
    }

    /// Lines as they are written from now on. `per_second`: how many bytes of them in a second are enough, for a
    /// listener that is a person; the rest is left out and counted.
    pub fn listen(&self, plugins: Option<Vec<String>>, per_second: Option<u64>) -> LogFeed {
        self.store.listeners.add(plugins, per_second)
    }

    /// What was logged up to now. Reads files, and so blocks.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn past(&self, selection: &LogSelection) -> io::Result<Past> {
        self.past_and_live(selection).map(|(past, _)| past)
    }

    /// What was logged up to now, and what will be from now on, with no line missing between the two, and none twice.
    /// Reads files, and so blocks.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn past_and_live(&self, selection: &LogSelection) -> io::Result<(Past, LogFeed)> {
        let mut feed = self.listen(selection.plugins.clone(), None);
        self.store.desk.settle(LAST_WORDS);
        let past = match &self.store.folder {
            Some(folder) => self.past_of_files(folder, selection, &mut feed)?,
            None => {
                let logs = self.wanted(selection);
                let places = logs.iter().map(|log| {
                    let (records, written) = log.place_in_memory();
                    feed.skip(Arc::clone(&log.name), written);
                    records
                });
                Past::of_memory(places.collect(), selection)
            }
        };
        Ok((past, feed))
    }

    /// Waits a moment for lines that are still to be written, and ends every feed. Nothing that is logged after this is
    /// told to anybody.
    pub fn close(&self) {
        self.store.desk.settle(LAST_WORDS);
        self.store.desk.close();
        self.store.listeners.close();
    }

    /// Waits until what was logged by now is in files and in memory, but no longer than `limit`.
    pub fn settle(&self, limit: Duration) {
        self.store.desk.settle(limit);
    }

    /// Every plugin's place in its log is taken while nobody writes to it, so that no line is cut.
    fn past_of_files(
        &self,
        folder: &Arc<Folder>,
        selection: &LogSelection,
        feed: &mut LogFeed,
    ) -> io::Result<Past> {
        let mut found = files_in(folder.path())?;
        for log in self.store.plugins() {
            found.entry(names::in_file(&log.name)).or_default();
        }
        found.retain(|stem, _| selection.has_stem(stem));
        let path: Arc<Path> = Arc::from(folder.path());
        let sources = found.into_iter().map(|(stem, full)| {
            let name = names::from_line(&stem);
            let segments = if names::in_file(&name) == stem {
                let (segments, written) = self.store.plugin(&name).place();
                feed.skip(name.into(), written);
                segments
            } else {
                // A name too long for a file name. Its log is from an earlier host, or it would be known here.
                segments_on_disk(&path, &stem, &full)
            };
            (Arc::clone(&path), stem, segments)
        });
        Ok(Past::of_files(sources.collect(), selection))
    }

    fn wanted(&self, selection: &LogSelection) -> Vec<Arc<PluginLog>> {
        let mut logs = self.store.plugins();
        if let Some(plugins) = &selection.plugins {
            logs.retain(|log| plugins.iter().any(|plugin| **plugin == *log.name));
        }
        logs
    }
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logs").field("folder", &self.store.folder).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
