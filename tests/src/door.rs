//! A door before others: it spreads connections over those that listen, as a load balancer does, and can be shut, as when
//! what is behind it is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// How it treats who comes, and who is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// They get through.
    Open,
    /// They are cut off.
    Shut,
    /// They are let in, and nobody answers.
    Silent,
}

/// A door at an address of its own; it closes for good when it is dropped.
#[derive(Debug)]
pub struct Door {
    url: String,
    way: watch::Sender<Way>,
    task: AbortHandle,
}

impl Door {
    /// Before these addresses, `http://host:port` each.
    pub async fn before(urls: &[String]) -> Self {
        let backends: Arc<[String]> =
            urls.iter().map(|url| url.trim_start_matches("http://").to_owned()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (way, seen) = watch::channel(Way::Open);
        let task = tokio::spawn(serve(listener, backends, seen)).abort_handle();
        Self { url, way, task }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on.
    pub fn turn(&self, way: Way) {
        self.way.send_replace(way);
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, backends: Arc<[String]>, way: watch::Receiver<Way>) {
    let turns = Arc::new(AtomicUsize::new(0));
    let mut inside = JoinSet::new();
    loop {
        while inside.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (backends, turns, way) = (backends.clone(), turns.clone(), way.clone());
        inside.spawn(pass(stream, backends, turns, way));
    }
}

/// One connection, as long as the door lets it.
async fn pass(
    mut stream: TcpStream,
    backends: Arc<[String]>,
    turns: Arc<AtomicUsize>,
    mut way: watch::Receiver<Way>,
) {
    let mut other = None;
    if *way.borrow_and_update() == Way::Open {
        other = connect(&backends, &turns).await;
        let Some(other) = &mut other else { return };
        tokio::select! {
            // What breaks off is for both ends to notice.
            _ = copy_bidirectional(&mut stream, other) => return,
            _ = way.changed() => {}
        }
    }
    // Nobody answers, until what was silent is back: it knows nothing of this connection.
    let _ = way.wait_for(|way| *way != Way::Silent).await;
    drop((stream, other));
}

/// The next in turn that listens.
async fn connect(backends: &[String], turns: &AtomicUsize) -> Option<TcpStream> {
    let turn = turns.fetch_add(1, Ordering::Relaxed);
    for n in 0..backends.len() {
        if let Ok(stream) = TcpStream::connect(&backends[(turn + n) % backends.len()]).await {
            let _ = stream.set_nodelay(true);
            return Some(stream);
        }
    }
    None
}
