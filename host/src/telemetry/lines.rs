//! Lines of the log on their way to stderr: gathered in memory, and written by a thread of their own.
//!
//! A request appends its line to a buffer under a lock that is held for the copy alone. The thread is woken by the first line only, lets
//! others come for [`GATHER`], and writes them all at once. With a channel (tracing-appender), each line was an allocation, and under load
//! one in three a write of its own; all of the log together was 15 % of the CPU time of a sold-out registration.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Bytes that wait to be written. Where stderr is slower than that, lines are dropped rather than requests delayed.
const MOST: usize = 16 * 1024 * 1024;
/// How long lines are gathered: what a person does not notice, and what is lost at the most when the process is killed.
const GATHER: Duration = Duration::from_millis(5);
/// How long the last lines may take when the process ends.
const LAST: Duration = Duration::from_secs(1);

/// The way to the log. Clones lead to the same.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Something to write has come, or the end.
    come: Condvar,
    /// The thread is gone.
    gone: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// Lines that found no room since the last one that did.
    dropped: u64,
    ending: bool,
    ended: bool,
}

/// Writes what is gathered when it is dropped, for a second at the most.
#[must_use]
pub struct LogGuard(Arc<Shared>);

impl Lines {
    /// Starts the thread that writes them.
    pub(super) fn to(out: impl Write + Send + 'static) -> io::Result<(Self, LogGuard)> {
        let shared = Arc::new(Shared { state: Mutex::default(), come: Condvar::new(), gone: Condvar::new() });
        let writing = Arc::clone(&shared);
        std::thread::Builder::new().name("log".to_owned()).spawn(move || writing.write_to(out))?;
        Ok((Self(Arc::clone(&shared)), LogGuard(shared)))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a line, or counts it.
    fn take(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.waiting.len() + line.len() > MOST {
            state.dropped += 1;
            return;
        }
        let first = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        drop(state);
        if first {
            self.come.notify_one();
        }
    }

    fn write_to(&self, mut out: impl Write) {
        let mut lines = Vec::new();
        loop {
            let mut state = self.lock();
            while state.waiting.is_empty() && !state.ending {
                state = self.come.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if !state.ending {
                // Woken before its time only by the end.
                let waited = self.come.wait_timeout_while(state, GATHER, |state| !state.ending);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            lines.clear();
            std::mem::swap(&mut lines, &mut state.waiting);
            let (dropped, ending) = (std::mem::take(&mut state.dropped), state.ending);
            drop(state);
            // Nobody is left to be told when the log itself cannot be written.
            let _ = out.write_all(&lines).and_then(|()| out.flush());
            if dropped > 0 {
                tracing::warn!(dropped, "the log was slower than the requests: lines were dropped");
            }
            if ending && dropped == 0 {
                break;
            }
        }
        self.lock().ended = true;
        self.gone.notify_all();
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.ending = true;
        self.0.come.notify_all();
        drop(self.0.gone.wait_timeout_while(state, LAST, |state| !state.ended));
    }
}

/// One event: the formatter hands its line over whole.
pub(super) struct Line<'a>(&'a Shared);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.take(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(&self.0)
    }
}
