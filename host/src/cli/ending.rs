//! When a command that runs for long is asked to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end it: of a keyboard, of a supervisor, and of a terminal that is gone.
pub(super) struct Ending([Signal; 3]);

impl Ending {
    /// Listens from now on: a signal that comes before anybody asks is not lost.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn listen() -> std::io::Result<Self> {
        let [interrupt, terminate, hangup] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        Ok(Self([interrupt?, terminate?, hangup?]))
    }

    /// Comes back when one of them has come.
    pub(super) async fn asked_for(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
