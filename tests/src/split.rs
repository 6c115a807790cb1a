//! A plane of separate processes: two of each service, and a gateway.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use toml::{Table, Value};

use crate::authority::Authority;
use crate::door::Door;
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
        keys: &["broker", "policy"],
        limits: &["tokens_per_second"],
    },
];

/// What all have of it.
const COMMON: &[&str] = &["otlp"];

/// What the gateway has of it besides.
const GATEWAY: &[&str] = &["allowed_origins", "oidc", "personas", "sessions"];

/// The program before the services.
const DOORKEEPER: &str = "turnpike-gateway";

/// Where each process of a plane listens. It stays the same when they are started again.
#[derive(Debug)]
pub(crate) struct Layout {
    gateways: Vec<u16>,
    services: BTreeMap<&'static str, Vec<u16>>,
    /// What others take the gateways for.
    url: String,
    _ports: Ports,
}

/// What a plane of separate processes is started from.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) layout: &'a Layout,
    /// Where its configuration goes.
    pub(crate) folder: &'a Path,
    /// Variables of every process.
    pub(crate) store: &'a [(&'static str, String)],
    /// Further ones of the services.
    pub(crate) pool: &'a [(&'static str, String)],
    /// Who signed the certificates by which they know each other, if they want any.
    pub(crate) authority: Option<&'a Authority>,
}

impl Layout {
    /// With one gateway.
    pub(crate) fn new() -> Self {
        let mut ports = Ports::reserve();
        let gateways = vec![ports.next()];
        let url = format!("http://127.0.0.1:{}", gateways[0]);
        Self::with(gateways, url, ports)
    }

    /// With two gateways behind a door.
    pub(crate) async fn behind_door() -> (Self, Door) {
        let mut ports = Ports::reserve();
        let gateways = vec![ports.next(), ports.next()];
        let urls: Vec<String> =
            gateways.iter().map(|port| format!("http://127.0.0.1:{port}")).collect();
        let door = Door::before(&urls).await;
        (Self::with(gateways, door.url().to_owned(), ports), door)
    }

    fn with(gateways: Vec<u16>, url: String, mut ports: Ports) -> Self {
        let mut of = |_| (0..REPLICAS).map(|_| ports.next()).collect();
        let services = PROGRAMS.iter().map(|program| (program.name, of(program))).collect();
        Self { gateways, services, url, _ports: ports }
    }

    /// Each process, in the order of [`start`]: its program and port.
    fn processes(&self) -> Vec<(&'static str, u16)> {
        let services = PROGRAMS.iter().flat_map(|program| {
            self.services[program.name].iter().map(|port| (program.name, *port))
        });
        services.chain(self.gateways.iter().map(|port| (DOORKEEPER, *port))).collect()
    }

    /// How many there are when all run.
    pub(crate) fn count(&self) -> usize {
        self.processes().len()
    }
}

/// Starts all services over one store, and the first gateway, which is the last of them. `config` is a file as `turnpike up`
/// takes it, and `links` the folder of the gateway's socket.
pub(crate) async fn start(parts: &Parts<'_>, links: &Path, config: &str) -> Vec<Process> {
    let Parts { layout, folder, authority, .. } = parts;
    let whole = whole(config);
    for program in PROGRAMS {
        let mut config = of_service(&whole, program, layout);
        if let Some(authority) = authority {
            config.insert("server".to_owned(), server(authority, program.name).into());
        }
        write(folder, program.name, &config);
    }
    let mut gateway = of_gateway(&whole, layout, links, authority.is_some());
    if let Some(authority) = authority {
        let upstreams = gateway["upstreams"].as_table_mut().unwrap();
        upstreams.insert("tls".to_owned(), shown(authority, DOORKEEPER, "ca").into());
    }
    write(folder, DOORKEEPER, &gateway);
    let services = layout.count() - layout.gateways.len();
    let mut processes = join_all((0..services).map(|n| start_one(parts, n))).await;
    processes.push(start_one(parts, services).await);
    ready(&layout.url).await;
    processes
}

/// Starts one of them, or starts it again.
pub(crate) async fn start_one(parts: &Parts<'_>, n: usize) -> Process {
    let Parts { layout, folder, store, pool, .. } = parts;
    let (name, port) = layout.processes()[n];
    let mut environment = store.to_vec();
    if name != DOORKEEPER {
        environment.extend_from_slice(pool);
    }
    let (config, listen) = (folder.join(format!("{name}.toml")), format!("127.0.0.1:{port}"));
    Start { name, args: &[], listen, config: &config, environment: &environment }.run().await
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
    let mut config = picked(whole, &[COMMON, program.keys].concat());
    config.insert("public_url".to_owned(), layout.url.as_str().into());
    let limits = whole["limits"].as_table().unwrap();
    config.insert("limits".to_owned(), picked(limits, program.limits).into());
    config
}

/// A server that lets in whom the authority knows. Probes show no certificate, so they have an address of their own.
fn server(authority: &Authority, name: &str) -> Table {
    let mut server = Table::new();
    server.insert("ops_listen".to_owned(), "127.0.0.1:0".into());
    server.insert("tls".to_owned(), shown(authority, name, "client_ca").into());
    server
}

/// What a process shows to others, and by which key it knows them.
fn shown(authority: &Authority, name: &str, ca: &str) -> Table {
    authority.sign(name);
    let path = |path: PathBuf| Value::from(path.to_string_lossy().into_owned());
    Table::from_iter([
        (ca.to_owned(), path(authority.ca())),
        ("certificate".to_owned(), path(authority.file(name, "crt"))),
        ("key".to_owned(), path(authority.file(name, "key"))),
    ])
}

fn of_gateway(whole: &Table, layout: &Layout, links: &Path, tls: bool) -> Table {
    let scheme = if tls { "https" } else { "http" };
    let mut config = picked(whole, &[COMMON, GATEWAY].concat());
    config.insert("links_dir".to_owned(), links.to_string_lossy().into_owned().into());
    config.insert("public_url".to_owned(), layout.url.as_str().into());
    let mut upstreams = Table::new();
    for program in PROGRAMS {
        let ports = layout.services[program.name].iter();
        let urls: Vec<Value> =
            ports.map(|port| format!("{scheme}://127.0.0.1:{port}").into()).collect();
        upstreams.insert(program.upstream.to_owned(), urls.into());
    }
    config.insert("upstreams".to_owned(), upstreams.into());
    config
}

fn picked(table: &Table, keys: &[&str]) -> Table {
    let of = |key: &&str| Some(((*key).to_owned(), table.get(*key)?.clone()));
    keys.iter().filter_map(of).collect()
}

fn write(folder: &Path, name: &str, config: &Table) {
    let path = folder.join(format!("{name}.toml"));
    std::fs::write(path, toml::to_string(config).unwrap()).unwrap();
}
