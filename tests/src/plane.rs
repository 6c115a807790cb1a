//! One running plane, in the set-up that the environment asks for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::http::Http;
use crate::process::{Process, Start};
use crate::session::{Caller, Session};
use crate::setup::{Setup, new_table};
use crate::split::{self, Layout};

/// The folder of its database, where it has one, and of its socket.
const DATA: &str = "data";

/// A running plane; its processes end with it.
#[derive(Debug)]
pub struct Plane {
    /// The one that others talk to is the last.
    processes: Vec<Process>,
    shape: Shape,
    url: String,
    links: BTreeMap<String, String>,
}

/// What a plane is started from, and started again.
#[derive(Debug)]
struct Shape {
    folder: TempDir,
    config: String,
    /// Variables that say where the registry is kept.
    store: Vec<(&'static str, String)>,
    /// If it is of separate processes.
    layout: Option<Layout>,
}

/// The path of a binary of the workspace, built beside the test or the binary that asks.
pub fn bin(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    // A test is in `deps`.
    let folder = own.parent().unwrap();
    let folder = if folder.ends_with("deps") { folder.parent().unwrap() } else { folder };
    let path = folder.join(name);
    assert!(path.exists(), "{} is not built: run `cargo build --bins`", path.display());
    path
}

impl Shape {
    async fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let setup = Setup::current();
        let data = folder.path().join(DATA).to_string_lossy().into_owned();
        let store = match setup {
            Setup::Sqlite => vec![("TURNPIKE_STORE__DATA_DIR", data)],
            Setup::DynamoDb | Setup::Split => {
                tokio::fs::create_dir(&data).await.unwrap();
                new_table().await
            }
        };
        let layout = (setup == Setup::Split).then(Layout::new);
        Self { folder, config: config.to_owned(), store, layout }
    }

    async fn start(self) -> Plane {
        let Self { folder, config, store, layout } = &self;
        let processes = match layout {
            Some(layout) => {
                split::start(layout, folder.path(), &folder.path().join(DATA), config, store).await
            }
            None => {
                let path = folder.path().join("turnpike.toml");
                tokio::fs::write(&path, config).await.unwrap();
                let listen = "127.0.0.1:0".to_owned();
                let (name, args) = ("turnpike", &["up"]);
                let mut environment = store.clone();
                let links = folder.path().join(DATA).to_string_lossy().into_owned();
                environment.push(("TURNPIKE_LINKS_DIR", links));
                let start = Start { name, args, listen, config: &path, environment: &environment };
                vec![start.run().await]
            }
        };
        let door = processes.last().unwrap();
        let links = door.said["links"].as_object().unwrap().iter();
        let links = links.map(|(id, link)| (id.clone(), link.as_str().unwrap().to_owned()));
        Plane { url: door.url(), links: links.collect(), processes, shape: self }
    }
}

impl Plane {
    /// A new plane over an empty store.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// A new plane over an empty store, with this text as configuration file of `turnpike up`.
    pub async fn start_with(config: &str) -> Self {
        Shape::new(config).await.start().await
    }

    /// The same again, after its processes have ended.
    pub async fn restart(mut self) -> Self {
        self.kill().await;
        self.shape.start().await
    }

    /// Where it listens: `http://127.0.0.1:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder that `turnpike links --data-dir` takes.
    pub fn data(&self) -> PathBuf {
        self.shape.folder.path().join(DATA)
    }

    /// The one-time link of a persona; each works once.
    pub fn link(&self, persona: &str) -> &str {
        &self.links[persona]
    }

    /// All one-time links.
    pub const fn links(&self) -> &BTreeMap<String, String> {
        &self.links
    }

    /// A client for plain HTTP.
    pub fn http(&self) -> Http {
        Http::new(&self.url)
    }

    /// Opens a session of a persona with their link.
    pub async fn sign_in(&self, persona: &str) -> Session {
        Session::open(&self.http(), self.link(persona)).await
    }

    /// A caller of RPCs with a session of a persona.
    pub async fn caller(&self, persona: &str) -> Caller {
        Caller::with_session(&self.url, &self.sign_in(persona).await).await
    }

    /// A caller of RPCs that shows no credential.
    pub async fn nobody(&self) -> Caller {
        Caller::with_metadata(&self.url, Vec::new()).await
    }

    /// A caller of RPCs with a value for `authorization`.
    pub async fn authorized(&self, authorization: &str) -> Caller {
        let metadata = vec![("authorization".to_owned(), authorization.to_owned())];
        Caller::with_metadata(&self.url, metadata).await
    }

    /// The ids of its processes, with the names of their programs; the one that others talk to is the last.
    pub fn processes(&self) -> Vec<(&'static str, u32)> {
        self.processes.iter().map(|process| (process.name(), process.pid())).collect()
    }

    /// Ends its processes as their operator does, the one that others talk to first, and waits for them.
    pub async fn stop(&mut self) {
        for process in self.processes.iter_mut().rev() {
            process.stop().await;
        }
    }

    /// Ends the process at once, as a crash would.
    pub async fn kill(&mut self) {
        for process in &mut self.processes {
            process.kill().await;
        }
    }

    /// Whether all of its processes still run.
    pub fn is_alive(&mut self) -> bool {
        self.processes.iter_mut().all(Process::is_alive)
    }
}
