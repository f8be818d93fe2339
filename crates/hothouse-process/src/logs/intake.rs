//! One child's log: its pipes, cut into lines, and what is remembered of them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use hothouse_runtime::{Level, LogInlet, RawLine, Stream};
use regex::Regex;
use rustix::io::{Errno, ioctl_fionbio, ioctl_fionread};
use rustix::pipe::fcntl_setpipe_size;
use tokio::sync::oneshot;

use super::{Heard, LogEnds};
use crate::lines::{Line, Lines, Overflow};
use crate::words::{MAX_SHOWN_BYTES, shown};

/// The longest line that is given in one piece, in bytes.
const MAX_LINE: usize = 64 * 1024;
/// How much a pipe is made to hold that has been found full, in bytes: as much as anybody may have. It is what a flood
/// writes in a moment, and more.
const WIDE: usize = 1024 * 1024;

/// The pipes of one child and the way of its lines.
pub(super) struct Intake {
    pipes: [Option<Pipe>; 2],
    ear: Ear,
}

struct Pipe {
    stream: Stream,
    end: OwnedFd,
    lines: Lines,
    width: Width,
    /// What has been read from it before and was not taken in.
    ahead: Vec<u8>,
}

/// How much a pipe holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    AsMade,
    Wide,
    /// The system has no room for wide ones, or this user has too many: it cannot be left to fill.
    Narrow,
}

/// What hears every line.
struct Ear {
    inlet: Box<dyn LogInlet>,
    /// The line that is waited for, and who waits.
    awaited: Option<(Regex, oneshot::Sender<()>)>,
    said: bool,
    /// The last line on stderr that says anything: as much of it as can be shown.
    last_words: Vec<u8>,
}

/// What a read brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Progress {
    /// So many bytes, perhaps none; `emptied`: nothing is left, and the pipe may be left to fill for a moment.
    Open { taken: usize, emptied: bool },
    /// Nobody has the other end any more, or it cannot be read.
    Over,
}

impl Intake {
    pub(super) fn new(
        ends: LogEnds,
        inlet: Box<dyn LogInlet>,
        awaited: Option<(Regex, oneshot::Sender<()>)>,
    ) -> io::Result<Intake> {
        let [said, cried] = ends.ahead;
        let stdout = ends.stdout.map(|end| Pipe::new(Stream::Stdout, end, said)).transpose()?;
        let stderr = Pipe::new(Stream::Stderr, ends.stderr, cried)?;
        let ear = Ear { inlet, awaited, said: false, last_words: Vec::new() };
        Ok(Intake { pipes: [stdout, Some(stderr)], ear })
    }

    /// The pipes that are open, each with its number.
    pub(super) fn open(&self) -> impl Iterator<Item = (usize, BorrowedFd<'_>)> {
        let pipes = self.pipes.iter().enumerate();
        pipes.filter_map(|(number, pipe)| Some((number, pipe.as_ref()?.end.as_fd())))
    }

    /// Takes in what has been read before. To be called once, before anything is read.
    pub(super) fn catch_up(&mut self) {
        for pipe in self.pipes.iter_mut().flatten() {
            let ahead = std::mem::take(&mut pipe.ahead);
            pipe.take(&ahead, &mut self.ear);
        }
        self.ear.inlet.flush();
    }

    /// Reads once from that pipe, and passes on every line that is complete.
    pub(super) fn read(&mut self, number: usize, buffer: &mut [u8]) -> Progress {
        let Some(pipe) = self.pipes.get_mut(number).and_then(Option::as_mut) else { return Progress::Over };
        let progress = match rustix::io::read(&pipe.end, &mut *buffer) {
            Ok(0) => Progress::Over,
            Ok(length) => {
                pipe.take(&buffer[..length], &mut self.ear);
                pipe.widen(length);
                Progress::Open {
                    taken: length,
                    emptied: length < buffer.len() && pipe.width != Width::Narrow,
                }
            }
            Err(Errno::AGAIN | Errno::INTR) => Progress::Open { taken: 0, emptied: true },
            Err(_) => Progress::Over,
        };
        if progress == Progress::Over {
            pipe.end(&mut self.ear);
        }
        self.ear.inlet.flush();
        progress
    }

    /// Closes a pipe that is over.
    pub(super) fn close(&mut self, number: usize) {
        if let Some(pipe) = self.pipes.get_mut(number) {
            *pipe = None;
        }
    }

    /// Takes in what there is at this moment, and no more: a process that still holds the other end, and writes to it
    /// for ever, cannot keep the reader.
    pub(super) fn drain(mut self, buffer: &mut [u8]) -> Heard {
        for pipe in self.pipes.iter_mut().flatten() {
            pipe.drain(buffer, &mut self.ear);
            pipe.end(&mut self.ear);
        }
        self.ear.inlet.flush();
        let last_words = Some(self.ear.last_words).filter(|words| !words.is_empty());
        Heard { said: self.ear.said, last_words: last_words.map(|words| shown(&words)) }
    }
}

impl Pipe {
    fn new(stream: Stream, end: OwnedFd, ahead: Vec<u8>) -> io::Result<Pipe> {
        ioctl_fionbio(&end, true)?;
        Ok(Pipe { stream, end, lines: Lines::new(MAX_LINE, Overflow::Split), width: Width::AsMade, ahead })
    }

    /// Has the pipe hold more, if it may have been full. A pipe holds so many writes, and is full with half of its bytes
    /// if none of them fits beside another.
    fn widen(&mut self, taken: usize) {
        const MAY_BE_FULL: usize = 32 * 1024;
        if self.width == Width::AsMade && taken >= MAY_BE_FULL {
            self.width = fcntl_setpipe_size(&self.end, WIDE).map_or(Width::Narrow, |_| Width::Wide);
        }
    }

    fn take(&mut self, bytes: &[u8], ear: &mut Ear) {
        let stream = self.stream;
        self.lines.feed(bytes, &mut |line| ear.hear(stream, line));
    }

    fn drain(&mut self, buffer: &mut [u8], ear: &mut Ear) {
        let mut left = ioctl_fionread(&self.end).unwrap_or(0);
        while left > 0 {
            match rustix::io::read(&self.end, &mut *buffer) {
                Ok(length) if length > 0 => {
                    left = left.saturating_sub(length as u64);
                    self.take(&buffer[..length], ear);
                }
                Err(Errno::INTR) => {}
                _ => break,
            }
        }
    }

    /// What stands after the last newline is a line too.
    fn end(&mut self, ear: &mut Ear) {
        let stream = self.stream;
        self.lines.end(&mut |line| ear.hear(stream, line));
    }
}

impl Ear {
    fn hear(&mut self, stream: Stream, line: Line<'_>) {
        let (text, continues) = match line {
            Line::Text(text) => (text, false),
            Line::Piece(text) => (text, true),
            // Long lines are split, not left out.
            Line::TooLong => return,
        };
        self.remember(stream, text);
        self.listen_for(text);
        self.inlet.line(RawLine { stream, level: Level::Info, text, continues });
    }

    fn remember(&mut self, stream: Stream, text: &[u8]) {
        if stream == Stream::Stderr && !text.trim_ascii().is_empty() {
            self.last_words.clear();
            // One byte more than can be shown tells that there was more.
            self.last_words.extend_from_slice(&text[..text.len().min(MAX_SHOWN_BYTES + 1)]);
        }
    }

    fn listen_for(&mut self, text: &[u8]) {
        let matches = |(pattern, _): &mut (Regex, _)| pattern.is_match(&String::from_utf8_lossy(text));
        if let Some((_, who)) = self.awaited.take_if(matches) {
            self.said = true;
            // Whoever waited may be gone with its life.
            let _ = who.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::Nowhere;
    use rustix::pipe::{PipeFlags, fcntl_getpipe_size, pipe_with};

    #[test]
    fn a_pipe_that_was_full_holds_more_and_loses_nothing() {
        let (end, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap();
        let (stderr, _its) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let as_made = fcntl_getpipe_size(&end).unwrap();
        let mut intake = Intake::new(LogEnds::new(Some(end), stderr), Box::new(Nowhere), None).unwrap();
        let mut buffer = vec![0; 64 * 1024];
        let width = |intake: &Intake| fcntl_getpipe_size(intake.open().next().unwrap().1).unwrap();

        assert_eq!(rustix::io::write(&writer, &[b'x'; 1000]), Ok(1000));
        assert_eq!(intake.read(0, &mut buffer), Progress::Open { taken: 1000, emptied: true });
        assert_eq!(width(&intake), as_made, "who writes little has what everybody has");

        let fill = || {
            let mut written = 0;
            // Two of these do not fit into a page.
            while let Ok(length) = rustix::io::write(&writer, &[b'x'; 2049]) {
                written += length;
            }
            written
        };
        let small = fill();
        assert_eq!(intake.read(0, &mut buffer), Progress::Open { taken: small, emptied: true });
        assert!(width(&intake) > as_made, "{small} bytes were all that went in");
        let large = fill();
        assert!(large > small);
        let mut read = 0;
        while let Progress::Open { taken: taken @ 1.., .. } = intake.read(0, &mut buffer) {
            read += taken;
        }
        assert_eq!(read, large);
    }
}
