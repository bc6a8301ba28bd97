//! When a command that runs for long is asked to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end it: of a keyboard, of a supervisor, and of a terminal that is gone.
pub(super) struct Ending {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal was closed. `None`: whoever started it wants it to go on then, as `nohup` does.
    hang_up: Option<Signal>,
}

impl Ending {
    /// Listens from now on: a signal that comes before anybody asks is not lost.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: if ignores_hang_up() { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    /// Comes back when one of them has come.
    pub(super) async fn asked_for(&mut self) {
        let hung_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hung_up => {}
        }
    }
}

/// Whether SIGHUP was ignored when this process began: the lowest bit of what the system says is.
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
