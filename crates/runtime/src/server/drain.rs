//! A process's end, as those hear of it who depend on it.

use std::time::Duration;

use tokio::sync::watch;

/// How long a call may go on before its stream is ended.
const GRACE: Duration = Duration::from_secs(1);

/// Tells probes, streams and connections that the process stops. Clones share it.
#[derive(Clone, Debug)]
pub struct Drain(watch::Sender<Phase>);

/// How far a process is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It serves.
    Serving,
    /// It serves, and says that it is not ready any more: whoever spreads calls shall turn to others.
    Leaving,
    /// It accepts no more connections, and calls come to their end.
    Stopping,
}

impl Drain {
    /// Of a process that serves.
    pub fn new() -> Self {
        Self(watch::Sender::new(Phase::Serving))
    }

    /// The process is further on its way out.
    pub fn advance(&self, phase: Phase) {
        self.0.send_if_modified(|now| {
            let further = *now < phase;
            *now = phase.max(*now);
            further
        });
    }

    /// How far it is.
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Waits until it is that far, or further.
    pub fn reached(&self, phase: Phase) -> impl Future<Output = ()> + Send + 'static {
        let mut now = self.0.subscribe();
        async move {
            if now.wait_for(|now| *now >= phase).await.is_err() {
                // Nobody is left who could stop it.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until it is time for a stream to end.
    pub fn streams_end(&self) -> impl Future<Output = ()> + Send + 'static {
        let stopping = self.reached(Phase::Stopping);
        async move {
            stopping.await;
            tokio::time::sleep(GRACE).await;
        }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}
