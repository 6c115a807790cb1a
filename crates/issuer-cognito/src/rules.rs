//! What Cognito takes, asked before it is: its refusals name no field of ours, and an emulator makes none.
//!
//! Patterns, lengths and numbers are those of the service model (2016-04-18) and of the developer guide's
//! page of quotas. What is a type of the domain is checked here all the same where Cognito is stricter.

use turnpike_domain::authorization_server::pool::{Error, PoolClient, PoolResourceServer};
use turnpike_domain::secret::SecretValue;

/// `AllowedOAuthScopes`: entries (not adjustable), and characters of one.
const CLIENT_SCOPES: usize = 50;
const SCOPE_LENGTH: usize = 256;
/// Scopes of one resource server (not adjustable).
const SERVER_SCOPES: usize = 100;

pub(crate) fn check_client(client: &PoolClient) -> Result<(), Error> {
    let PoolClient { name, token_lifetime, scopes } = client;
    check_name("ClientName", name, 128)?;
    if !(300..=86_400).contains(&token_lifetime.seconds()) {
        return refuse("AccessTokenValidity must be between 5 minutes and 1 day");
    }
    if scopes.len() > CLIENT_SCOPES {
        return refuse(format!(
            "AllowedOAuthScopes may have {CLIENT_SCOPES} entries, not {}",
            scopes.len()
        ));
    }
    for (at, scope) in scopes.iter().enumerate() {
        let field = format!("AllowedOAuthScopes[{at}]");
        check_length(&field, scope.as_str(), SCOPE_LENGTH)?;
        check_characters(&field, scope.as_str(), is_identifier, IDENTIFIER_RULE)?;
        if scopes[..at].contains(scope) {
            return refuse(format!("{field} is there twice"));
        }
    }
    Ok(())
}

pub(crate) fn check_secret(secret: &SecretValue) -> Result<(), Error> {
    let taken = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '+';
    let value = secret.expose();
    if !(24..=64).contains(&value.len()) || !value.chars().all(taken) {
        return refuse("ClientSecret must have 24 to 64 letters, digits, `_` and `+`");
    }
    Ok(())
}

pub(crate) fn check_resource_server(server: &PoolResourceServer) -> Result<(), Error> {
    let PoolResourceServer { identifier, name, scopes } = server;
    check_length("Identifier", identifier.as_str(), 256)?;
    check_characters("Identifier", identifier.as_str(), is_identifier, IDENTIFIER_RULE)?;
    check_name("Name", name, 256)?;
    if scopes.len() > SERVER_SCOPES {
        return refuse(format!("Scopes may have {SERVER_SCOPES} entries, not {}", scopes.len()));
    }
    for (at, (name, description)) in scopes.iter().enumerate() {
        let field = format!("Scopes[{at}].ScopeName");
        check_length(&field, name, 256)?;
        let taken = |c| is_identifier(c) && c != '/';
        check_characters(&field, name, taken, "visible ASCII characters but `\"`, `\\` and `/`")?;
        if scopes[..at].iter().any(|(earlier, _)| earlier == name) {
            return refuse(format!("{field} is there twice"));
        }
        // It could be made, and then be given to no client.
        if identifier.as_str().len() + 1 + name.len() > SCOPE_LENGTH {
            return refuse(format!(
                "{field} must have at most {SCOPE_LENGTH} characters together with the identifier \
                 and a `/`"
            ));
        }
        check_length(&format!("Scopes[{at}].ScopeDescription"), description, 256)?;
    }
    Ok(())
}

const IDENTIFIER_RULE: &str = "visible ASCII characters but `\"` and `\\`";

/// `[\x21\x23-\x5B\x5D-\x7E]`.
const fn is_identifier(c: char) -> bool {
    matches!(c, '\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E')
}

/// `[\w\s+=,.@-]+`; of its white space only the space, since no other can be told from it.
fn check_name(field: &str, name: &str, max: usize) -> Result<(), Error> {
    check_length(field, name, max)?;
    let taken = |c: char| c.is_ascii_alphanumeric() || "_ +=,.@-".contains(c);
    check_characters(field, name, taken, "letters, digits, spaces and `_ + = , . @ -`")
}

fn check_length(field: &str, text: &str, max: usize) -> Result<(), Error> {
    let length = text.chars().count();
    if length == 0 || length > max {
        return refuse(format!("{field} must have 1 to {max} characters, not {length}"));
    }
    Ok(())
}

fn check_characters(
    field: &str,
    text: &str,
    taken: impl Fn(char) -> bool,
    rule: &str,
) -> Result<(), Error> {
    if text.chars().all(taken) { Ok(()) } else { refuse(format!("{field} may hold only {rule}")) }
}

fn refuse(rule: impl Into<String>) -> Result<(), Error> {
    Err(Error::Refused(rule.into()))
}

#[cfg(test)]
mod tests {
    use turnpike_domain::time::TokenLifetime;
    use turnpike_domain::{Identifier, Scope};

    use super::*;

    fn client() -> PoolClient {
        PoolClient {
            name: "shop tp-1".to_owned(),
            token_lifetime: TokenLifetime::DEFAULT,
            scopes: vec![Scope::parse("orders/read").unwrap()],
        }
    }

    fn server() -> PoolResourceServer {
        PoolResourceServer {
            identifier: Identifier::parse("orders").unwrap(),
            name: "Orders".to_owned(),
            scopes: vec![("read".to_owned(), "Read".to_owned())],
        }
    }

    fn refusal(checked: Result<(), Error>) -> String {
        match checked {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_client_that_cognito_would_refuse_is_refused_by_field_and_rule() {
        assert_eq!(refusal(check_client(&client())), "ok");
        let many = |count: usize| {
            (0..count).map(|n| Scope::parse(&format!("orders/s{n}")).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(refusal(check_client(&PoolClient { scopes: many(50), ..client() })), "ok");
        let twice = vec![client().scopes[0].clone(), client().scopes[0].clone()];
        for (client, part) in [
            (PoolClient { name: String::new(), ..client() }, "ClientName must have 1 to 128"),
            (PoolClient { name: "x".repeat(129), ..client() }, "ClientName must have 1 to 128"),
            (PoolClient { name: "a/b".to_owned(), ..client() }, "ClientName may hold only"),
            (PoolClient { name: "tab\t".to_owned(), ..client() }, "ClientName may hold only"),
            (PoolClient { name: "Müller".to_owned(), ..client() }, "ClientName may hold only"),
            (PoolClient { scopes: many(51), ..client() }, "AllowedOAuthScopes may have 50 entries"),
            (PoolClient { scopes: twice, ..client() }, "AllowedOAuthScopes[1] is there twice"),
        ] {
            let refusal = refusal(check_client(&client));
            assert!(refusal.contains(part), "{refusal}");
        }
    }

    #[test]
    fn a_resource_server_that_cognito_would_refuse_is_refused_by_field_and_rule() {
        assert_eq!(refusal(check_resource_server(&server())), "ok");
        let scopes = |scopes: &[(&str, &str)]| {
            scopes.iter().map(|(n, d)| ((*n).to_owned(), (*d).to_owned())).collect::<Vec<_>>()
        };
        let with = |scopes| PoolResourceServer { scopes, ..server() };
        let many: Vec<_> = (0..101).map(|n| (format!("s{n}"), "d".to_owned())).collect();
        let long = "n".repeat(250);
        for (server, part) in [
            (PoolResourceServer { name: "a#b".to_owned(), ..server() }, "Name may hold only"),
            (PoolResourceServer { name: "x".repeat(257), ..server() }, "Name must have 1 to 256"),
            (with(many), "Scopes may have 100 entries"),
            (with(scopes(&[("a/b", "d")])), "Scopes[0].ScopeName may hold only"),
            (with(scopes(&[("a b", "d")])), "Scopes[0].ScopeName may hold only"),
            (with(scopes(&[("", "d")])), "Scopes[0].ScopeName must have"),
            (with(scopes(&[("a", "d"), ("a", "e")])), "Scopes[1].ScopeName is there twice"),
            (with(scopes(&[("a", "")])), "Scopes[0].ScopeDescription must have"),
            (with(scopes(&[("a", &"d".repeat(257))])), "Scopes[0].ScopeDescription must have"),
            (with(scopes(&[(&long, "d")])), "together with the identifier"),
        ] {
            let refusal = refusal(check_resource_server(&server));
            assert!(refusal.contains(part), "{refusal}");
        }
        let wide = with(scopes(&[("a", &"ä".repeat(256))]));
        assert_eq!(refusal(check_resource_server(&wide)), "ok", "characters, not bytes");
    }
}
