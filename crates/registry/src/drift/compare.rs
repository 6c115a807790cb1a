//! Compares what the pool shall say with what it says.

use serde::{Deserialize, Serialize};
use turnpike_domain::authorization_server::pool::{
    FoundClient, FoundResourceServer, PoolClient, PoolResourceServer,
};

/// One setting that differs, in the words of people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDrift {
    /// Which.
    pub field: String,
    /// What the registry says; empty for nothing.
    pub ours: String,
    /// What the pool says; empty for nothing.
    pub theirs: String,
}

/// What differs between a client and its image.
pub(crate) fn client(wanted: &PoolClient, found: &FoundClient) -> Vec<FieldDrift> {
    let mut fields = Vec::new();
    note(&mut fields, "name", &wanted.name, &found.name);
    let lifetime = wanted.token_lifetime.seconds().to_string();
    let theirs = found.token_lifetime_seconds.to_string();
    note(&mut fields, "token_lifetime_seconds", &lifetime, &theirs);
    let ours: Vec<&str> = wanted.scopes.iter().map(|scope| scope.as_str()).collect();
    let mut theirs: Vec<&str> = found.scopes.iter().map(String::as_str).collect();
    theirs.sort_unstable();
    note(&mut fields, "scopes", &only(&ours, &theirs), &only(&theirs, &ours));
    for (field, theirs) in &found.other {
        fields.push(FieldDrift {
            field: field.clone(),
            ours: String::new(),
            theirs: theirs.clone(),
        });
    }
    fields
}

/// What differs between a resource server and its image.
pub(crate) fn resource_server(
    wanted: &PoolResourceServer,
    found: &FoundResourceServer,
) -> Vec<FieldDrift> {
    let mut fields = Vec::new();
    note(&mut fields, "name", &wanted.name, &found.name);
    let say = |scopes: &[(String, String)]| -> Vec<String> {
        let mut said: Vec<String> = scopes.iter().map(|(n, d)| format!("{n} ({d})")).collect();
        said.sort_unstable();
        said
    };
    let (ours, theirs) = (say(&wanted.scopes), say(&found.scopes));
    let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
    let theirs: Vec<&str> = theirs.iter().map(String::as_str).collect();
    note(&mut fields, "scopes", &only(&ours, &theirs), &only(&theirs, &ours));
    fields
}

fn note(fields: &mut Vec<FieldDrift>, field: &str, ours: &str, theirs: &str) {
    if ours != theirs {
        fields.push(FieldDrift {
            field: field.to_owned(),
            ours: ours.to_owned(),
            theirs: theirs.to_owned(),
        });
    }
}

/// Those of a list that another lacks.
fn only(these: &[&str], not: &[&str]) -> String {
    let only: Vec<&str> = these.iter().filter(|text| !not.contains(text)).copied().collect();
    only.join(" ")
}

#[cfg(test)]
mod tests {
    use turnpike_domain::Scope;
    use turnpike_domain::id::ClientId;
    use turnpike_domain::time::TokenLifetime;

    use super::*;

    #[test]
    fn each_field_that_differs_is_named() {
        let wanted = PoolClient {
            name: "Shop tp-1".to_owned(),
            token_lifetime: TokenLifetime::DEFAULT,
            scopes: vec![Scope::parse("api/a").unwrap(), Scope::parse("api/b").unwrap()],
        };
        let mut found = FoundClient {
            client_id: ClientId::parse("c1").unwrap(),
            name: "Shop tp-1".to_owned(),
            token_lifetime_seconds: wanted.token_lifetime.seconds(),
            scopes: vec!["api/b".to_owned(), "api/a".to_owned()],
            machine: true,
            other: Vec::new(),
        };
        assert_eq!(client(&wanted, &found), []);
        found.scopes = vec!["api/b".to_owned(), "api/c".to_owned()];
        found.other = vec![("CallbackURLs".to_owned(), "https://x".to_owned())];
        let drift = client(&wanted, &found);
        assert_eq!(drift.len(), 2);
        assert_eq!((drift[0].ours.as_str(), drift[0].theirs.as_str()), ("api/a", "api/c"));
        assert_eq!(drift[1].field, "CallbackURLs");
    }
}
