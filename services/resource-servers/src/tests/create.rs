//! Registering a resource server.

use futures_util::future::join_all;
use turnpike_domain::actor::ApiScope;
use turnpike_domain::secret::SecretValue;
use turnpike_proto::v1 as pb;

use super::plane::{
    Plane, REQUEST_ID, admin, auditor, code, new_server, owner, pairs, person, program, scope,
    stranger, update, violations,
};

#[tokio::test(flavor = "multi_thread")]
async fn it_is_there_as_it_was_asked_for() {
    let plane = Plane::new().await;
    let mut request = new_server("https://orders.example.com/v1", "orders", &["write", "read"]);
    request.add_secret = true;
    let created = plane.create(&owner(), request).await.unwrap();
    let secret = created.secret.unwrap();
    assert!(SecretValue::looks_like_one(&secret.value));
    let server = created.resource_server.unwrap();
    let names: Vec<_> = server.scopes.iter().map(|scope| &scope.name[..]).collect();
    assert_eq!(names, ["write", "read"], "in the order of its owner");
    assert_eq!(server.secrets, [secret.secret.unwrap()]);
    assert!(!server.built_in);
    assert_eq!(plane.server(&server.identifier).await, server);
    let events = plane.events().await;
    assert_eq!((events.len(), &events[0].action[..]), (1, "resource_server.created"));
    assert_eq!(events[0].resource_server, server.identifier);
    assert!(!events[0].line.contains(&secret.value));
    let bare = plane.create(&owner(), new_server("bare", "orders", &[])).await.unwrap();
    assert!(bare.secret.is_none() && bare.resource_server.unwrap().secrets.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_is_named_at_once() {
    let plane = Plane::new().await;
    let server = pb::ResourceServer {
        identifier: "i".repeat(250),
        display_name: " padded".to_owned(),
        description: "\u{200b}".to_owned(),
        team: String::new(),
        scopes: vec![
            scope("a/b"),
            scope("fits"),
            pb::Scope { name: "bare".to_owned(), description: String::new() },
            scope("too-long"),
            scope("fits"),
        ],
        ..pb::ResourceServer::default()
    };
    let request = pb::CreateResourceServerRequest {
        resource_server: Some(server),
        request_id: "not a uuid".to_owned(),
        ..Default::default()
    };
    let expected = pairs(&[
        ("request_id", "MALFORMED"),
        ("resource_server.display_name", "MALFORMED"),
        ("resource_server.description", "CHARACTERS"),
        ("resource_server.team", "REQUIRED"),
        ("resource_server.scopes[0].name", "CHARACTERS"),
        ("resource_server.scopes[2].description", "REQUIRED"),
        ("resource_server.scopes[3].name", "CONFLICT"),
        ("resource_server.scopes[4].name", "DUPLICATE"),
    ]);
    assert_eq!(violations(plane.create(&owner(), request).await), expected);
    let none = violations(plane.create(&owner(), Default::default()).await);
    assert_eq!(none, pairs(&[("resource_server", "REQUIRED")]));
    let names: Vec<String> = (0..101).map(|n| format!("s{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let many = violations(plane.create(&owner(), new_server("many", "orders", &names)).await);
    assert_eq!(many, pairs(&[("resource_server.scopes", "TOO_LONG")]));
    plane.create(&owner(), new_server("many", "orders", &names[..100])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn members_admins_and_programs_that_write_register_them() {
    let plane = Plane::new().await;
    let request = |id: &str| new_server(id, "orders", &["read"]);
    let reads = program("orders", &[ApiScope::RegistryRead]);
    for who in [stranger(), auditor(), reads] {
        assert_eq!(code(plane.create(&who, request("api")).await), "NOT_ALLOWED");
    }
    plane.create(&admin(), request("by-admin")).await.unwrap();
    plane
        .create(&program("orders", &[ApiScope::RegistryWrite]), request("by-robot"))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_is_taken_once_byte_for_byte() {
    let plane = Plane::new().await;
    plane.orders(&["read"]).await;
    for validate_only in [true, false] {
        let taken = pb::CreateResourceServerRequest {
            validate_only,
            ..new_server("orders", "strangers", &["read"])
        };
        assert_eq!(code(plane.create(&stranger(), taken).await), "ALREADY_EXISTS");
    }
    plane.create(&stranger(), new_server("Orders", "strangers", &["read"])).await.unwrap();
    let who = owner();
    let many = (0..6).map(|_| plane.create(&who, new_server("new", "orders", &[])));
    let made = join_all(many).await;
    assert_eq!(made.iter().filter(|answer| answer.is_ok()).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_registers_or_changes_turnpikes_own() {
    let plane = Plane::new().await;
    let member = person("pia", &["platform"], &[]);
    for who in [member.clone(), admin()] {
        let own = new_server("turnpike", "platform", &["registry.read"]);
        assert_eq!(code(plane.create(&who, own).await), "NOT_ALLOWED");
    }
    plane.registry.provide_built_in(&super::plane::team("platform")).await.unwrap();
    let own = plane.server("turnpike").await;
    assert!(own.built_in);
    let identifier = || own.identifier.clone();
    for who in [member, admin()] {
        let changed = pb::ResourceServer { display_name: "Mine".to_owned(), ..own.clone() };
        let answer = plane.update(&who, update(&changed, &["display_name"])).await;
        assert_eq!(code(answer), "NOT_ALLOWED");
        let deletion = super::plane::deletion(&own, true);
        assert_eq!(code(plane.delete(&who, deletion).await), "NOT_ALLOWED");
        let add =
            pb::AddResourceServerSecretRequest { identifier: identifier(), ..Default::default() };
        assert_eq!(code(plane.add_secret(&who, add).await), "NOT_ALLOWED");
    }
    assert_eq!(plane.server("turnpike").await, own);
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_changes_nothing() {
    let plane = Plane::new().await;
    let request = pb::CreateResourceServerRequest {
        validate_only: true,
        add_secret: true,
        request_id: REQUEST_ID.to_owned(),
        ..new_server("orders", "orders", &["read"])
    };
    let asked = plane.create(&owner(), request.clone()).await.unwrap();
    let (server, secret) = (asked.resource_server.unwrap(), asked.secret.unwrap());
    assert_eq!((&server.identifier[..], &server.etag[..]), ("orders", ""));
    assert!(secret.value.is_empty() && secret.secret.is_none() && server.secrets.is_empty());
    assert!(plane.events().await.is_empty());
    let get = pb::GetResourceServerRequest { identifier: "orders".to_owned() };
    assert_eq!(code(plane.get(&owner(), get).await), "NOT_FOUND");
    let real = pb::CreateResourceServerRequest { validate_only: false, ..request };
    assert!(!plane.create(&owner(), real).await.unwrap().secret.unwrap().value.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_first_answer_without_the_secret() {
    let plane = Plane::new().await;
    let request = pb::CreateResourceServerRequest {
        add_secret: true,
        request_id: REQUEST_ID.to_owned(),
        ..new_server("orders", "orders", &["read"])
    };
    let who = owner();
    let calls = join_all((0..8).map(|_| plane.create(&who, request.clone()))).await;
    let answers: Vec<_> = calls.into_iter().map(|answer| answer.unwrap()).collect();
    let values = answers.iter().map(|answer| &answer.secret.as_ref().unwrap().value);
    assert_eq!(values.filter(|value| !value.is_empty()).count(), 1);
    for answer in &answers {
        assert_eq!(answer.resource_server, answers[0].resource_server);
        let secret = answer.secret.clone().unwrap().secret;
        assert_eq!(secret, answers[0].secret.clone().unwrap().secret);
    }
    assert_eq!(plane.actions().await, ["resource_server.created"]);
    let other = pb::CreateResourceServerRequest { add_secret: false, ..request.clone() };
    let refused = violations(plane.create(&owner(), other).await);
    assert_eq!(refused, pairs(&[("request_id", "CONFLICT")]));
    // It is another's by now: the repeat shows it no more than any other call would.
    let server =
        pb::ResourceServer { team: "strangers".to_owned(), ..plane.server("orders").await };
    plane.update(&admin(), update(&server, &["team"])).await.unwrap();
    assert_eq!(code(plane.create(&owner(), request).await), "NOT_ALLOWED");
}
