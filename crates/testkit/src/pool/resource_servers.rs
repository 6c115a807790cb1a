//! Resource servers: whole, by their key, whether they were there or not.

use turnpike_domain::Identifier;
use turnpike_domain::authorization_server::pool::{Error, PoolResourceServer};

use super::PoolTrial;

pub(super) async fn all(trial: &PoolTrial<'_>) {
    one_is_made_and_changed_whole(trial).await;
    one_is_gone_when_deleted_once_or_twice(trial).await;
    keys_compare_byte_for_byte(trial).await;
    the_widest_ones_fit(trial).await;
    if trial.knows_rules {
        what_cognito_would_refuse_is_refused(trial).await;
    }
}

async fn one_is_made_and_changed_whole(trial: &PoolTrial<'_>) {
    for scopes in [&["read", "write"][..], &["read", "write"], &["write"], &[], &["list", "read"]] {
        let mut server = trial.server("orders", scopes);
        server.name = format!("Orders {}", scopes.len());
        trial.pool.put_resource_server(&server).await.unwrap();
        trial.expect_server(&server).await;
    }
    let mut server = trial.server("orders", &["list"]);
    server.scopes[0].1 = "Erzählt: 日本, \"quotes\" & <tags>".to_owned();
    trial.pool.put_resource_server(&server).await.unwrap();
    trial.expect_server(&server).await;
    trial.pool.delete_resource_server(&server.identifier).await.unwrap();
}

async fn one_is_gone_when_deleted_once_or_twice(trial: &PoolTrial<'_>) {
    let server = trial.server("short-lived", &["read"]);
    trial.pool.put_resource_server(&server).await.unwrap();
    for _ in 0..2 {
        trial.pool.delete_resource_server(&server.identifier).await.unwrap();
        assert_eq!(trial.pool.resource_server(&server.identifier).await.unwrap(), None);
    }
    trial.pool.put_resource_server(&server).await.unwrap();
    trial.expect_server(&server).await;
    trial.pool.delete_resource_server(&server.identifier).await.unwrap();
}

async fn keys_compare_byte_for_byte(trial: &PoolTrial<'_>) {
    let servers = ["case/a", "case/A", "case/a/", "case/a//b", "case/%61", "case/[a]!~#?&=+"];
    let servers = servers.map(|name| trial.server(name, &["read"]));
    for server in &servers {
        trial.pool.put_resource_server(server).await.unwrap();
    }
    for server in &servers {
        trial.expect_server(server).await;
        trial.pool.delete_resource_server(&server.identifier).await.unwrap();
    }
}

async fn the_widest_ones_fit(trial: &PoolTrial<'_>) {
    let names: Vec<String> = (0..100).map(|n| format!("scope-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut most = trial.server("most-scopes", &names);
    most.name = "n".repeat(256);
    let longest = format!("{}-{}", trial.mark, "i".repeat(256 - trial.mark.len() - 1));
    let longest = PoolResourceServer {
        identifier: Identifier::parse(&longest).unwrap(),
        ..trial.server("longest", &[])
    };
    let mut wordy = trial.server("wordy", &[]);
    wordy.scopes.push(("!#~:.+[]".to_owned(), "ä".repeat(256)));
    for server in [most, longest, wordy] {
        trial.pool.put_resource_server(&server).await.unwrap();
        trial.expect_server(&server).await;
        trial.pool.delete_resource_server(&server.identifier).await.unwrap();
    }
}

async fn what_cognito_would_refuse_is_refused(trial: &PoolTrial<'_>) {
    let server = || trial.server("hostile", &["read"]);
    let with = |name: &str, description: &str| PoolResourceServer {
        scopes: vec![(name.to_owned(), description.to_owned())],
        ..server()
    };
    let many = (0..101).map(|n| (format!("s{n}"), "d".to_owned())).collect();
    for bad in [
        PoolResourceServer { name: String::new(), ..server() },
        PoolResourceServer { name: "n".repeat(257), ..server() },
        PoolResourceServer { name: "Müller".to_owned(), ..server() },
        PoolResourceServer { name: "a/b".to_owned(), ..server() },
        PoolResourceServer { name: "a\u{0}b".to_owned(), ..server() },
        PoolResourceServer { scopes: many, ..server() },
        with("a/b", "d"),
        with("a b", "d"),
        with("a\"b", "d"),
        with("é", "d"),
        with("", "d"),
        with("read", ""),
        with("read", &"d".repeat(257)),
        with(&"n".repeat(257), "d"),
    ] {
        let refused = trial.pool.put_resource_server(&bad).await;
        assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?} for {bad:?}");
        assert_eq!(trial.pool.resource_server(&bad.identifier).await.unwrap(), None);
    }
}
