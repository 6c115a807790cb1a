use std::net::SocketAddr;

use serde::Deserialize;

use super::*;
use crate::config::{AuthorizationServer, CallLimits, Otlp, Server, Store, Team};

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Sample {
    public_url: String,
    server: Server,
    log: Log,
    otlp: Otlp,
    store: Store,
    authorization_server: AuthorizationServer,
    limits: CallLimits,
    teams: Vec<Team>,
}

impl Configuration for Sample {
    const RENAMED: &'static [(&'static str, &'static str)] = &[("listen", "server.listen")];

    fn check(&self) -> Result<(), Error> {
        self.server.check()?;
        self.otlp.check()?;
        self.store.check()?;
        self.authorization_server.check()
    }

    fn log(&self) -> &Log {
        &self.log
    }

    fn otlp(&self) -> &Otlp {
        &self.otlp
    }
}

fn sources(
    file: &str,
    environment: &[(&str, &str)],
    flags: &[(&str, &str)],
) -> Result<Sample, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.toml");
    fs::write(&path, file).unwrap();
    let pairs = |list: &[(&str, &str)]| {
        list.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect()
    };
    let sources =
        Sources { file: Some(path.clone()), environment: pairs(environment), flags: pairs(flags) };
    load(&sources).map_err(|error| error.to_string().replace(&*path.to_string_lossy(), "FILE"))
}

#[test]
fn the_defaults_are_right_and_say_themselves() {
    let config: Sample = load(&Sources::default()).unwrap();
    let text = dump(&config).unwrap();
    let again: Sample = toml::from_str(&text).unwrap();
    assert_eq!(dump(&again).unwrap(), text);
}

#[test]
fn later_sources_win() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\n[limits]\nreads_per_second = 1";
    let variable = ("TURNPIKE_SERVER__LISTEN", "127.0.0.1:2");
    let listen = |config: Result<Sample, String>| config.unwrap().server.listen;
    let port = |port| SocketAddr::from(([127, 0, 0, 1], port));
    assert_eq!(listen(sources(file, &[], &[])), port(1));
    assert_eq!(listen(sources(file, &[variable], &[])), port(2));
    let flag = ("server.listen", "127.0.0.1:3");
    let config = sources(file, &[variable, ("PATH", "/bin")], &[flag]).unwrap();
    assert_eq!(config.server.listen, port(3));
    assert_eq!(config.limits.reads_per_second.get(), 1);
    assert_eq!(config.limits.changes_per_second.get(), 50);
}

#[test]
fn a_variable_is_read_as_its_key_wants_it() {
    let environment = [
        // In whatever order they come: the kind decides which keys there are.
        ("TURNPIKE_STORE__TABLE", "1234"),
        ("TURNPIKE_STORE__ATTEMPT_TIMEOUT_MS", "250"),
        ("TURNPIKE_STORE__KIND", "dynamodb"),
        ("TURNPIKE_STORE__REGION", "eu-west-1"),
        ("TURNPIKE_TEAMS", "[{ team = \"a\", display_name = \"A\" }]"),
        ("TURNPIKE_LOG__FORMAT", "json"),
    ];
    let config = sources("", &environment, &[]).unwrap();
    let Store::DynamoDb(store) = config.store else { panic!("{:?}", config.store) };
    assert_eq!((store.table.as_str(), store.attempt_timeout_ms), ("1234", 250));
    assert_eq!(config.teams[0].team, "a");
}

#[test]
fn a_typo_is_an_error_at_start() {
    for (file, expected) in [
        ("lisen = \"127.0.0.1:1\"", "unknown field `lisen`"),
        ("[server]\nlisen = \"127.0.0.1:1\"", "line 2"),
        ("[log]\nformat = \"xml\"", "xml"),
        ("[limits]\nreads_per_second = 0", "reads_per_second"),
        ("[store]\nkind = \"oracle\"", "write `sqlite` or `dynamodb`"),
        ("[store]\ntable = \"t\"", "kind `sqlite`: unknown field `table`"),
        ("[store]\nkind = \"dynamodb\"\ndata_dir = \"d\"", "kind `dynamodb`: unknown field"),
        ("[authorization_server]\nkind = \"cognito\"\nrotation_days = 1", "unknown field"),
        ("listen = \"127.0.0.1:1\"", "listen: is called server.listen now"),
    ] {
        let error = sources(file, &[], &[]).unwrap_err();
        assert!(error.contains(expected), "{file}: {error}");
    }
    for (variable, text, expected) in [
        ("TURNPIKE_LISEN", "x", "TURNPIKE_LISEN: is no setting of this program"),
        ("TURNPIKE_SERVER__LISEN", "x", "TURNPIKE_SERVER__LISEN: is no setting"),
        ("TURNPIKE_SERVER_LISTEN", "x", "TURNPIKE_SERVER_LISTEN: is no setting"),
        ("TURNPIKE_SERVER__LISTEN", "x", "TURNPIKE_SERVER__LISTEN: invalid socket address"),
        ("TURNPIKE_LOG", "debug", "TURNPIKE_LOG: is a section"),
        ("TURNPIKE_LIMITS__READS_PER_SECOND", "many", "TURNPIKE_LIMITS__READS_PER_SECOND: "),
        ("TURNPIKE_LIMITS__READS_PER_SECOND", "0", "TURNPIKE_LIMITS__READS_PER_SECOND: "),
        ("TURNPIKE_STORE__TABLE", "t", "TURNPIKE_STORE__TABLE: is no setting"),
        ("TURNPIKE_LISTEN", "x", "TURNPIKE_LISTEN: is called TURNPIKE_SERVER__LISTEN now"),
    ] {
        let error = sources("", &[(variable, text)], &[]).unwrap_err();
        assert!(error.starts_with(expected), "{variable}={text}: {error}");
    }
    let error = sources("", &[], &[("server.lisen", "x")]).unwrap_err();
    assert_eq!(error, "server.lisen: is no setting of this program");
}

#[test]
fn what_does_not_go_together_is_refused() {
    let cognito = "[authorization_server]\nkind = \"cognito\"\nregion = \"eu-central-1\"\n\
                   user_pool_id = \"eu-central-1_a\"";
    let dynamodb = "[store]\nkind = \"dynamodb\"\nregion = \"eu-west-1\"";
    let urls = "issuer = \"https://i\"\njwks_uri = \"https://j\"\ntoken_endpoint = \"https://t\"";
    for (file, key) in [
        ("[authorization_server]\nrotation_days = 1".to_owned(), "publish_ahead_hours"),
        ("[authorization_server]\nissuer = \"x\"".to_owned(), "authorization_server.issuer"),
        ("[authorization_server]\nkind = \"cognito\"".to_owned(), "user_pool_id"),
        (cognito.to_owned(), "authorization_server.issuer"),
        (
            format!("{cognito}\n{urls}\nrequests_per_second = {{ tokens = 151 }}"),
            "requests_per_second.tokens",
        ),
        (
            format!("{cognito}\n{urls}\nrequests_per_second = {{ operation = 6 }}"),
            "requests_per_second.operation",
        ),
        ("[store]\nkind = \"dynamodb\"\ntable = \"\"".to_owned(), "store.table"),
        (format!("{dynamodb}\nattempt_timeout_ms = 9000"), "operation_timeout"),
        ("[otlp]\nendpoint = \"collector:4317\"".to_owned(), "otlp.endpoint"),
        ("[otlp]\ntraced = 1.5".to_owned(), "otlp.traced"),
        ("[otlp]\nmetrics_seconds = 3601".to_owned(), "otlp.metrics_seconds"),
        (format!("{dynamodb}\ncreate_table = true"), "store.create_table"),
        (format!("{dynamodb}\nendpoint_url = \"ftp://x\""), "endpoint_url"),
        ("[server.tls]\ncertificate = \"c.pem\"".to_owned(), "server.tls.key"),
        ("[server.tls]\nkey = \"k.pem\"".to_owned(), "server.tls.certificate"),
        ("[server.tls]\nclient_ca = \"k.pem\"".to_owned(), "server.tls.client_ca"),
        ("[server]\nops_listen = \"here\"".to_owned(), "server.ops_listen"),
        ("[server]\ndrain_seconds = 601".to_owned(), "server.drain_seconds"),
    ] {
        let error = sources(&file, &[], &[]).unwrap_err();
        assert!(error.contains(key), "{file}: {error}");
    }
    assert!(sources(&format!("{cognito}\n{urls}"), &[], &[]).is_ok());
}
