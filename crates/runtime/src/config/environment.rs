//! `TURNPIKE_SECTION__KEY=value`: which variables are settings, and of which key.

/// What every variable of ours begins with.
const PREFIX: &str = "TURNPIKE_";

/// Variables that are read before the configuration, by the command line.
const BY_THE_COMMAND_LINE: &[&str] = &["TURNPIKE_CONFIG"];

/// The key that a variable is for; `None` if it is none of ours.
pub(super) fn key_of(variable: &str) -> Option<String> {
    let key = variable.strip_prefix(PREFIX)?;
    if BY_THE_COMMAND_LINE.contains(&variable) || is_service_link(key) {
        return None;
    }
    Some(key.to_ascii_lowercase().replace("__", "."))
}

/// The variable for a key.
pub(super) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}

/// Whether Kubernetes made it: into every container it puts such variables for each service of the namespace, and
/// one called `turnpike-clients` makes `TURNPIKE_CLIENTS_SERVICE_HOST`, `TURNPIKE_CLIENTS_PORT_8081_TCP_ADDR` and so on
/// (Kubernetes documentation, "Service: discovering services"). No key of ours looks like that.
fn is_service_link(key: &str) -> bool {
    if ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"].iter().any(|end| key.ends_with(end)) {
        return true;
    }
    let port = |rest: &str| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        digits > 0 && ["_TCP", "_UDP", "_SCTP"].iter().any(|p| rest[digits..].starts_with(p))
    };
    key.contains("_SERVICE_PORT_")
        || key.match_indices("_PORT_").any(|(at, m)| port(&key[at + m.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_keys() {
        assert_eq!(key_of("TURNPIKE_SERVER__LISTEN").as_deref(), Some("server.listen"));
        assert_eq!(key_of("TURNPIKE_PUBLIC_URL").as_deref(), Some("public_url"));
        let deep = "TURNPIKE_AUTHORIZATION_SERVER__REQUESTS_PER_SECOND__TOKENS";
        let key = "authorization_server.requests_per_second.tokens";
        assert_eq!(key_of(deep).as_deref(), Some(key));
        assert_eq!(variable_of(key), deep);
    }

    #[test]
    fn what_others_put_there_is_no_setting() {
        for variable in [
            "PATH",
            "TURNPIKE",
            "TURNPIKE_CONFIG",
            "TURNPIKE_CLIENTS_SERVICE_HOST",
            "TURNPIKE_CLIENTS_SERVICE_PORT",
            "TURNPIKE_CLIENTS_SERVICE_PORT_GRPC",
            "TURNPIKE_CLIENTS_PORT",
            "TURNPIKE_CLIENTS_PORT_8081_TCP",
            "TURNPIKE_CLIENTS_PORT_8081_TCP_ADDR",
        ] {
            assert_eq!(key_of(variable), None, "{variable}");
        }
        assert!(key_of("TURNPIKE_SERVER__PORT_X").is_some());
    }
}
