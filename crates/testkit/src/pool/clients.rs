//! Clients: made once, told whole.

use turnpike_domain::Scope;
use turnpike_domain::authorization_server::pool::{Error, PoolClient};
use turnpike_domain::id::ClientId;
use turnpike_domain::time::TokenLifetime;

use super::{PoolTrial, secret};

pub(super) async fn all(trial: &PoolTrial<'_>) {
    let shop = trial.server("shop", &["list", "order", "pay"]);
    trial.pool.put_resource_server(&shop).await.unwrap();
    one_is_what_was_said(trial).await;
    one_is_changed_whole_and_as_often_as_told(trial).await;
    one_without_scopes_is_silent_and_speaks_again(trial).await;
    one_is_gone_when_deleted_once_or_twice(trial).await;
    what_is_not_there_is_missing(trial).await;
    fifty_scopes_fit(trial).await;
    a_scope_goes_away_before_or_after_its_clients(trial).await;
    if trial.knows_scopes {
        a_scope_that_is_not_there_is_named(trial).await;
    }
    if trial.knows_rules {
        what_cognito_would_refuse_is_refused(trial).await;
    }
    trial.pool.delete_resource_server(&shop.identifier).await.unwrap();
}

fn shop(trial: &PoolTrial<'_>, names: &[&str]) -> Vec<Scope> {
    names.iter().map(|name| trial.scope("shop", name)).collect()
}

async fn one_is_what_was_said(trial: &PoolTrial<'_>) {
    for (name, scopes, lifetime) in [
        ("plain", &[][..], 300),
        ("With spaces, +=.@_- 1", &["list", "order"], 86_400),
        (&"n".repeat(128 - trial.mark.len() - 1), &["pay"], 3601),
    ] {
        let mut client = trial.client(name, &shop(trial, scopes));
        client.token_lifetime = TokenLifetime::from_seconds(lifetime).unwrap();
        let made = trial.create(&client).await;
        assert_eq!(made.secret.is_some(), trial.pool.takes_secrets());
        trial.expect(&made.client_id, &client).await;
        let listed = trial.clients_there().await;
        let listed = listed.iter().find(|listed| listed.client_id == made.client_id);
        assert_eq!(listed.unwrap().name, client.name);
        trial.pool.delete_client(&made.client_id).await.unwrap();
    }
}

async fn one_is_changed_whole_and_as_often_as_told(trial: &PoolTrial<'_>) {
    let first = trial.client("changing", &shop(trial, &["list"]));
    let id = trial.create(&first).await.client_id;
    let bystander = trial.client("bystander", &shop(trial, &["pay"]));
    let bystander_id = trial.create(&bystander).await.client_id;
    let second = PoolClient {
        token_lifetime: TokenLifetime::from_seconds(900).unwrap(),
        scopes: shop(trial, &["list", "order", "pay"]),
        ..first.clone()
    };
    let third = PoolClient { scopes: shop(trial, &["pay"]), ..second.clone() };
    for client in [&second, &second, &third, &first] {
        trial.pool.put_client(&id, client).await.unwrap();
        trial.expect(&id, client).await;
    }
    trial.expect(&bystander_id, &bystander).await;
    assert_eq!(trial.clients_there().await.len(), 2);
    for id in [id, bystander_id] {
        trial.pool.delete_client(&id).await.unwrap();
    }
}

async fn one_without_scopes_is_silent_and_speaks_again(trial: &PoolTrial<'_>) {
    let speaking = trial.client("silent", &shop(trial, &["order"]));
    let silent = PoolClient { scopes: Vec::new(), ..speaking.clone() };
    let id = trial.create(&speaking).await.client_id;
    for client in [&silent, &silent, &speaking] {
        trial.pool.put_client(&id, client).await.unwrap();
        trial.expect(&id, client).await;
    }
    trial.pool.delete_client(&id).await.unwrap();
}

async fn one_is_gone_when_deleted_once_or_twice(trial: &PoolTrial<'_>) {
    let client = trial.client("short-lived", &shop(trial, &["order"]));
    let id = trial.create(&client).await.client_id;
    for _ in 0..2 {
        trial.pool.delete_client(&id).await.unwrap();
        assert_eq!(trial.pool.client(&id).await.unwrap(), None);
    }
    let missing = trial.pool.put_client(&id, &client).await;
    assert!(matches!(missing, Err(Error::Missing)), "{missing:?}");
    assert_eq!(trial.pool.secrets(&id).await.unwrap(), []);
}

async fn what_is_not_there_is_missing(trial: &PoolTrial<'_>) {
    let never = ClientId::parse("never0was0here0abcdefghijk").unwrap();
    assert_eq!(trial.pool.client(&never).await.unwrap(), None);
    trial.pool.delete_client(&never).await.unwrap();
    let client = trial.client("never", &[]);
    let missing = trial.pool.put_client(&never, &client).await;
    assert!(matches!(missing, Err(Error::Missing)), "{missing:?}");
    let identifier = trial.identifier("never");
    assert_eq!(trial.pool.resource_server(&identifier).await.unwrap(), None);
    trial.pool.delete_resource_server(&identifier).await.unwrap();
}

async fn fifty_scopes_fit(trial: &PoolTrial<'_>) {
    let names: Vec<String> = (0..50).map(|n| format!("scope-{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let server = trial.server("https://many.example.com/v1", &names);
    trial.pool.put_resource_server(&server).await.unwrap();
    let scopes: Vec<Scope> =
        names.iter().map(|name| trial.scope("https://many.example.com/v1", name)).collect();
    let client = trial.client("many", &scopes);
    let id = trial.create(&client).await.client_id;
    trial.expect(&id, &client).await;
    trial.pool.delete_client(&id).await.unwrap();
    trial.pool.delete_resource_server(&server.identifier).await.unwrap();
}

async fn a_scope_goes_away_before_or_after_its_clients(trial: &PoolTrial<'_>) {
    let server = trial.server("fading", &["a", "b"]);
    trial.pool.put_resource_server(&server).await.unwrap();
    let (a, b) = (trial.scope("fading", "a"), trial.scope("fading", "b"));
    let both = trial.client("fading", &[a.clone(), b.clone()]);
    let id = trial.create(&both).await.client_id;

    // The resource server loses a scope, then the client does; and the other way round.
    trial.pool.put_resource_server(&trial.server("fading", &["a"])).await.unwrap();
    let one = PoolClient { scopes: vec![a], ..both.clone() };
    trial.pool.put_client(&id, &one).await.unwrap();
    trial.expect(&id, &one).await;
    trial.pool.put_resource_server(&server).await.unwrap();
    trial.pool.put_client(&id, &both).await.unwrap();
    trial.expect(&id, &both).await;

    trial.pool.delete_resource_server(&server.identifier).await.unwrap();
    let none = PoolClient { scopes: Vec::new(), ..both };
    trial.pool.put_client(&id, &none).await.unwrap();
    trial.expect(&id, &none).await;
    trial.pool.delete_client(&id).await.unwrap();
}

async fn a_scope_that_is_not_there_is_named(trial: &PoolTrial<'_>) {
    let absent = trial.scope("shop", "absent");
    let known = trial.client("choosy", &shop(trial, &["list"]));
    let id = trial.create(&known).await.client_id;
    for scopes in [vec![absent.clone()], vec![absent.clone(), trial.scope("shop", "list")]] {
        let unknown = PoolClient { scopes, ..known.clone() };
        let put = trial.pool.put_client(&id, &unknown).await;
        let created = trial.pool.create_client(&unknown, &secret(7)).await.map(|_| ());
        for refused in [put, created] {
            let Err(Error::MissingScope(named)) = refused else { panic!("{refused:?}") };
            assert_eq!(named, absent.to_string());
        }
    }
    trial.expect(&id, &known).await;
    assert_eq!(trial.clients_there().await.len(), 1, "nothing was made");
    trial.pool.delete_client(&id).await.unwrap();
}

async fn what_cognito_would_refuse_is_refused(trial: &PoolTrial<'_>) {
    let good = trial.client("hostile", &shop(trial, &["list"]));
    let id = trial.create(&good).await.client_id;
    let many = (0..51).map(|n| trial.scope("shop", &format!("s{n}"))).collect();
    let twice = [good.scopes.clone(), good.scopes.clone()].concat();
    for bad in [
        PoolClient { name: String::new(), ..good.clone() },
        PoolClient { name: "n".repeat(129), ..good.clone() },
        PoolClient { name: "Müller & Söhne".to_owned(), ..good.clone() },
        PoolClient { name: "a\u{202E}b".to_owned(), ..good.clone() },
        PoolClient { name: "a\nb".to_owned(), ..good.clone() },
        PoolClient { name: "<script>".to_owned(), ..good.clone() },
        PoolClient { scopes: many, ..good.clone() },
        PoolClient { scopes: twice, ..good.clone() },
    ] {
        let put = trial.pool.put_client(&id, &bad).await;
        let created = trial.pool.create_client(&bad, &secret(8)).await.map(|_| ());
        for refused in [put, created] {
            assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?} for {bad:?}");
        }
    }
    trial.expect(&id, &good).await;
    assert_eq!(trial.clients_there().await.len(), 1, "nothing was made");
    trial.pool.delete_client(&id).await.unwrap();
}
