//! A plane of separate processes: two of each service, and a gateway.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use toml::{Table, Value};

use crate::http::Http;
use crate::ports::Ports;
use crate::process::{Process, Start};

/// How many processes of each service.
const REPLICAS: usize = 2;
/// How long it may take until all are connected.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program, its key in `[upstreams]`, and which keys of the configuration of `turnpike up` it has.
struct Program {
    name: &'static str,
    upstream: &'static str,
    keys: &'static [&'static str],
    limits: &'static [&'static str],
}

const CALLS: &[&str] = &["changes_per_second", "reads_per_second"];

const PROGRAMS: &[Program] = &[
    Program { name: "turnpike-audit", upstream: "audit", keys: &["policy"], limits: CALLS },
    Program { name: "turnpike-clients", upstream: "clients", keys: &["policy"], limits: CALLS },
    Program {
        name: "turnpike-introspection",
        upstream: "introspection",
        keys: &["policy"],
        limits: CALLS,
    },
    Program {
        name: "turnpike-resource-servers",
        upstream: "resource_servers",
        keys: &["policy"],
        limits: CALLS,
    },
    Program {
        name: "turnpike-teams",
        upstream: "teams",
        keys: &["policy", "teams"],
        limits: CALLS,
    },
    Program {
        name: "turnpike-tokens",
        upstream: "tokens",
        keys: &["policy"],
        limits: &["tokens_per_second"],
    },
];

/// What the gateway has of it.
const GATEWAY: &[&str] = &["allowed_origins", "oidc", "personas", "sessions"];

/// Where each process of a plane listens. It stays the same when they are started again.
#[derive(Debug)]
pub(crate) struct Layout {
    gateway: u16,
    services: BTreeMap<&'static str, Vec<u16>>,
    _ports: Ports,
}

impl Layout {
    pub(crate) fn new() -> Self {
        let mut ports = Ports::reserve();
        let gateway = ports.next();
        let of = |ports: &mut Ports| (0..REPLICAS).map(|_| ports.next()).collect();
        let services = PROGRAMS.iter().map(|program| (program.name, of(&mut ports))).collect();
        Self { gateway, services, _ports: ports }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.gateway)
    }
}

/// Starts all processes over one store; the gateway is the last of them. `config` is a file as `turnpike up` takes it.
pub(crate) async fn start(
    layout: &Layout,
    folder: &Path,
    links: &Path,
    config: &str,
    store: &[(&'static str, String)],
) -> Vec<Process> {
    let whole = whole(config);
    let mut starts = Vec::new();
    for program in PROGRAMS {
        let path = write(folder, program.name, &of_service(&whole, program, layout));
        for port in &layout.services[program.name] {
            starts.push(run(program.name, *port, path.clone(), store));
        }
    }
    let mut processes = join_all(starts).await;
    let path = write(folder, "turnpike-gateway", &of_gateway(&whole, layout, links));
    processes.push(run("turnpike-gateway", layout.gateway, path, store).await);
    ready(&layout.url()).await;
    processes
}

async fn run(
    name: &'static str,
    port: u16,
    config: PathBuf,
    store: &[(&'static str, String)],
) -> Process {
    let listen = format!("127.0.0.1:{port}");
    Start { name, args: &[], listen, config: &config, environment: store }.run().await
}

/// Waits until the gateway says that everything is there.
async fn ready(url: &str) {
    let (http, until) = (Http::new(url), Instant::now() + PATIENCE);
    loop {
        let answer = http.get("/readyz").await;
        if answer.status == 200 {
            return;
        }
        assert!(Instant::now() < until, "the plane does not get ready: {}", answer.text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The configuration of `turnpike up` with what a test says instead.
fn whole(config: &str) -> Table {
    let mut whole: Table = toml::from_str(include_str!("../../deploy/config/up.toml")).unwrap();
    for (key, value) in toml::from_str::<Table>(config).unwrap() {
        match (whole.get_mut(&key), value) {
            (Some(Value::Table(section)), Value::Table(more)) => section.extend(more),
            (_, value) => drop(whole.insert(key, value)),
        }
    }
    whole
}

fn of_service(whole: &Table, program: &Program, layout: &Layout) -> Table {
    let mut config = picked(whole, program.keys);
    config.insert("public_url".to_owned(), layout.url().into());
    let limits = whole["limits"].as_table().unwrap();
    config.insert("limits".to_owned(), picked(limits, program.limits).into());
    config
}

fn of_gateway(whole: &Table, layout: &Layout, links: &Path) -> Table {
    let mut config = picked(whole, GATEWAY);
    config.insert("links_dir".to_owned(), links.to_string_lossy().into_owned().into());
    config.insert("public_url".to_owned(), layout.url().into());
    let mut upstreams = Table::new();
    for program in PROGRAMS {
        let ports = layout.services[program.name].iter();
        let urls: Vec<Value> =
            ports.map(|port| format!("http://127.0.0.1:{port}").into()).collect();
        upstreams.insert(program.upstream.to_owned(), urls.into());
    }
    config.insert("upstreams".to_owned(), upstreams.into());
    config
}

fn picked(table: &Table, keys: &[&str]) -> Table {
    let of = |key: &&str| Some(((*key).to_owned(), table.get(*key)?.clone()));
    keys.iter().filter_map(of).collect()
}

fn write(folder: &Path, name: &str, config: &Table) -> PathBuf {
    let path = folder.join(format!("{name}.toml"));
    std::fs::write(&path, toml::to_string(config).unwrap()).unwrap();
    path
}
