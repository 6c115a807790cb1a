//! One running plane, in the set-up that the environment asks for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::authority::Authority;
use crate::cognito::Cognito;
use crate::door::Door;
use crate::http::Http;
use crate::ports::Ports;
use crate::process::{Process, Start, command};
use crate::session::{Caller, Session};
use crate::setup::{Setup, new_table};
use crate::split::{self, Layout};

/// The folder of its database, where it has one, and of its socket.
const DATA: &str = "data";

/// For the configuration of one that has a broker: of a busy machine nobody knows how long an answer takes.
const PATIENT: &str = "\n[broker]\nanswer_timeout_ms = 15000\nstore_timeout_ms = 10000\n";

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
    /// Further ones of what is no gateway alone.
    pool: Vec<(&'static str, String)>,
    /// The pool itself, where it is the plane's own.
    #[expect(dead_code, reason = "it ends with this")]
    cognito: Option<Cognito>,
    /// If it is of separate processes.
    layout: Option<Layout>,
    /// If these know each other by certificates.
    authority: Option<Arc<Authority>>,
    /// Before its gateways, if there are several.
    door: Option<Door>,
    /// Where one that is of one process listens.
    listen: Listen,
}

/// Where a process listens.
#[derive(Debug)]
enum Listen {
    /// At any port, another each time.
    Anywhere,
    /// At this one, each time: sessions outlive a restart.
    At(u16, #[expect(dead_code, reason = "nobody else takes the port")] Ports),
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
        let setup = Setup::current();
        if setup == Setup::Sqlite {
            let folder = tempfile::tempdir().unwrap();
            let data = folder.path().join(DATA).to_string_lossy().into_owned();
            let store = vec![("TURNPIKE_STORE__DATA_DIR", data)];
            let (config, pool, listen) = (config.to_owned(), Vec::new(), Listen::Anywhere);
            let (layout, authority, door, cognito) = (None, None, None, None);
            return Self { folder, config, store, pool, cognito, layout, authority, door, listen };
        }
        let cognito = Cognito::start().await;
        let config = format!("{config}{PATIENT}");
        let over = Self::in_environment(&config, cognito.environment()).await;
        let layout = (setup == Setup::Split).then(Layout::new);
        Self { layout, cognito: Some(cognito), ..over }
    }

    /// One process over a new table of the emulator, whatever the set-up, with this environment.
    async fn in_environment(config: &str, environment: Vec<(&'static str, String)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        tokio::fs::create_dir(folder.path().join(DATA)).await.unwrap();
        let mut ports = Ports::reserve();
        let listen = Listen::At(ports.next(), ports);
        // A gateway has a store, and no pool.
        let (of_store, pool) = environment
            .into_iter()
            .partition(|(variable, _): &(&str, String)| variable.starts_with("TURNPIKE_STORE__"));
        let store = [new_table().await, of_store].concat();
        let config = config.to_owned();
        Self {
            folder,
            config,
            store,
            pool,
            cognito: None,
            layout: None,
            authority: None,
            door: None,
            listen,
        }
    }

    /// Two processes of everything over a new table of the emulator, whatever the set-up, with this environment.
    async fn of_replicas(config: &str, environment: Vec<(&'static str, String)>) -> Self {
        let (layout, door) = Layout::behind_door().await;
        Self {
            layout: Some(layout),
            door: Some(door),
            ..Self::in_environment(config, environment).await
        }
    }

    fn parts<'a>(&'a self, layout: &'a Layout) -> split::Parts<'a> {
        let Self { folder, store, pool, authority, .. } = self;
        split::Parts { layout, folder: folder.path(), store, pool, authority: authority.as_deref() }
    }

    async fn start(self) -> Plane {
        let Self { folder, config, store, pool, layout, listen, .. } = &self;
        let processes = match layout {
            Some(layout) => {
                split::start(&self.parts(layout), &folder.path().join(DATA), config).await
            }
            None => {
                let path = folder.path().join("turnpike.toml");
                tokio::fs::write(&path, config).await.unwrap();
                let listen = match listen {
                    Listen::Anywhere => "127.0.0.1:0".to_owned(),
                    Listen::At(port, _) => format!("127.0.0.1:{port}"),
                };
                let (name, args) = ("turnpike", &["up"]);
                let mut environment = [store.as_slice(), pool].concat();
                let links = folder.path().join(DATA).to_string_lossy().into_owned();
                environment.push(("TURNPIKE_LINKS_DIR", links));
                let start = Start { name, args, listen, config: &path, environment: &environment };
                vec![start.run().await]
            }
        };
        let door = processes.last().unwrap();
        let links = door.said["links"].as_object().unwrap().iter();
        let links = links.map(|(id, link)| (id.clone(), link.as_str().unwrap().to_owned()));
        let url = self.door.as_ref().map_or_else(|| door.url(), |door| door.url().to_owned());
        Plane { url, links: links.collect(), processes, shape: self }
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

    /// A new plane of one process over a new table of the emulator, whatever the set-up, with these variables.
    pub async fn start_in(config: &str, environment: Vec<(&'static str, String)>) -> Self {
        Shape::in_environment(config, environment).await.start().await
    }

    /// A new plane of two processes of everything over a new table of the emulator, whatever the set-up, with these
    /// variables: those of the store for all, and those of the pool for the services. The second gateway is not there yet: links are of the first.
    pub async fn replicated(config: &str, environment: Vec<(&'static str, String)>) -> Self {
        Shape::of_replicas(config, environment).await.start().await
    }

    /// A new plane of two processes of everything, which know each other by the certificates of an authority, over a new
    /// table of the emulator, whatever the set-up.
    pub async fn certified(authority: Arc<Authority>) -> Self {
        let shape = Shape::of_replicas("", Vec::new()).await;
        Shape { authority: Some(authority), ..shape }.start().await
    }

    /// Of one that is replicated: how many processes there are when all run.
    pub fn replicas(&self) -> usize {
        self.shape.layout.as_ref().map_or(1, Layout::count)
    }

    /// How long it may take until all of it knows what one process changed: see [`Setup::lag`].
    pub fn lag(&self) -> Duration {
        let setup = if self.processes.len() > 1 { Setup::Split } else { Setup::current() };
        setup.lag()
    }

    /// Of one that is replicated: starts its `n`th process, after it was killed or if it never ran.
    pub async fn start_replica(&mut self, n: usize) {
        let layout = self.shape.layout.as_ref().unwrap();
        let process = split::start_one(&self.shape.parts(layout), n).await;
        if n < self.processes.len() {
            self.processes[n] = process;
        } else {
            self.processes.push(process);
        }
    }

    /// Ends its `n`th process at once, as a crash would.
    pub async fn kill_replica(&mut self, n: usize) {
        self.processes[n].kill().await;
    }

    /// Where each of its processes listens.
    pub fn urls(&self) -> Vec<String> {
        self.processes.iter().map(Process::url).collect()
    }

    /// Where the processes of a program listen.
    pub fn urls_of(&self, program: &str) -> Vec<String> {
        self.processes.iter().filter(|p| p.name() == program).map(Process::url).collect()
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

    /// The `iss` of its tokens: of an authorization server elsewhere, if there is one.
    pub async fn token_issuer(&self) -> String {
        let about = self.about().await;
        let of_tokens = about.get("access_token_issuer").unwrap_or(&about["issuer"]);
        of_tokens.as_str().unwrap().to_owned()
    }

    /// Where the keys of its tokens are.
    pub async fn jwks_uri(&self) -> String {
        self.about().await["jwks_uri"].as_str().unwrap().to_owned()
    }

    /// What its authorization server says of itself.
    async fn about(&self) -> Value {
        self.http().get("/.well-known/openid-configuration").await.json()
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

    /// A new login link of a persona, as whoever runs the plane gets one.
    pub async fn more_links(&self, persona: &str) -> String {
        let mut command = command("turnpike");
        let command = command.args(["links", persona, "--json", "--data-dir"]).arg(self.data());
        let said = command.output().await.unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        let links: BTreeMap<String, String> = serde_json::from_slice(&said.stdout).unwrap();
        links[persona].clone()
    }

    /// Waits until its processes have ended by themselves.
    pub async fn ended(&mut self) {
        for process in &mut self.processes {
            process.ended().await;
        }
    }

    /// Whether all of its processes still run.
    pub fn is_alive(&mut self) -> bool {
        self.processes.iter_mut().all(Process::is_alive)
    }
}
