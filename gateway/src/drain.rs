//! The gateway's end, as its streams hear of it.

use std::time::Duration;

use tokio::sync::watch;

/// How long a call may go on before its stream is ended.
const GRACE: Duration = Duration::from_secs(1);

/// Tells streams that the gateway stops. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Drain(watch::Sender<bool>);

impl Drain {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// The gateway stops.
    pub(crate) fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it is time for a stream to end.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopping = self.0.subscribe();
        async move {
            if stopping.wait_for(|stopping| *stopping).await.is_ok() {
                tokio::time::sleep(GRACE).await;
            } else {
                // Nobody is left who could stop the gateway.
                std::future::pending::<()>().await;
            }
        }
    }
}
