//! Registering a client.

use std::time::Duration;

use futures_util::future::join_all;
use turnpike_domain::actor::ApiScope;
use turnpike_domain::secret::SecretValue;
use turnpike_proto::v1 as pb;

use super::plane::{
    Plane, REQUEST_ID, admin, code, new_client, pairs, partner, person, program, stranger,
    violations,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_comes_with_a_secret_and_its_grants() {
    let plane = Plane::new().await;
    let scopes = ["orders/write", "shop/read", "orders/read"];
    let created = plane.shop(&scopes).await;
    let client = created.client.unwrap();
    assert_eq!(client.client_id.len(), 26);
    assert_eq!(client.token_lifetime.unwrap().seconds, 3600);
    assert_eq!(client.state(), pb::ClientState::Enabled);
    // What the caller may decide is active at once; the rest waits.
    assert_eq!(client.scopes, ["shop/read"]);
    let secret = created.secret.unwrap();
    assert!(SecretValue::looks_like_one(&secret.value));
    assert_eq!(client.secrets, [secret.secret.unwrap()]);
    let states: Vec<_> =
        created.grants.iter().map(|g| (&g.resource_server[..], g.state())).collect();
    assert_eq!(states, [("orders", pb::GrantState::Pending), ("shop", pb::GrantState::Active)]);
    let orders = &created.grants[0];
    assert_eq!(orders.scopes, ["orders/read", "orders/write"]);
    assert_eq!((&orders.client_team[..], &orders.resource_server_team[..]), ("partners", "orders"));
    assert_eq!((&orders.client_display_name[..], &orders.reason[..]), ("Shop", "to sell"));
    assert_eq!(orders.requester.as_ref().unwrap().id, "paula");
    assert!(orders.decider.is_none());
    assert_eq!(created.grants[1].decider.as_ref().unwrap().id, "paula");

    assert_eq!(plane.client(&client.client_id).await, client);
    for grant in &created.grants {
        assert_eq!(plane.grant(&grant.grant_id).await, *grant);
    }
    let events = plane.events().await;
    let actions: Vec<_> = events.iter().map(|event| &event.action[..]).collect();
    assert_eq!(actions, ["client.created", "grant.requested", "grant.requested"]);
    assert_eq!((&events[1].team[..], &events[1].other_team[..]), ("partners", "orders"));
    assert!(events.iter().all(|event| !event.line.contains(&secret.value)));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_is_named_at_once() {
    let plane = Plane::new().await;
    let client = pb::Client {
        display_name: "a\tb".to_owned(),
        description: "x".repeat(1001),
        team: "Partners".to_owned(),
        token_lifetime: Some(prost_types::Duration { seconds: 299, nanos: 0 }),
        // Output only: ignored.
        client_id: "!".to_owned(),
        etag: "nonsense".to_owned(),
        ..pb::Client::default()
    };
    let scopes = ["orders/read", "none", "orders/read", "a b/c"];
    let request = pb::CreateClientRequest {
        client: Some(client),
        request_id: "7".to_owned(),
        reason: String::new(),
        ..new_client("", "", &scopes)
    };
    let expected = pairs(&[
        ("request_id", "MALFORMED"),
        ("scopes[1]", "MALFORMED"),
        ("scopes[3]", "CHARACTERS"),
        ("scopes[2]", "DUPLICATE"),
        ("reason", "REQUIRED"),
        ("client.display_name", "CHARACTERS"),
        ("client.description", "TOO_LONG"),
        ("client.team", "CHARACTERS"),
        ("client.token_lifetime", "OUT_OF_RANGE"),
    ]);
    assert_eq!(violations(plane.create(&partner(), request).await), expected);
    let none = violations(plane.create(&partner(), pb::CreateClientRequest::default()).await);
    assert_eq!(none, pairs(&[("client", "REQUIRED")]));
    assert!(plane.events().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn lifetimes_are_whole_seconds_of_five_minutes_to_a_day() {
    let plane = Plane::new().await;
    for (seconds, nanos, good) in
        [(300, 0, true), (86_400, 0, true), (86_401, 0, false), (600, 1, false), (-1, 0, false)]
    {
        let mut request = new_client("Shop", "partners", &[]);
        let lifetime = Some(prost_types::Duration { seconds, nanos });
        request.client.as_mut().unwrap().token_lifetime = lifetime;
        assert_eq!(plane.create(&partner(), request).await.is_ok(), good, "{seconds} {nanos}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_must_be_offered() {
    let plane = Plane::new().await;
    let request = new_client("Shop", "partners", &["orders/read", "orders/fly", "nobody/read"]);
    let expected = pairs(&[("scopes[2]", "NOT_FOUND"), ("scopes[1]", "NOT_FOUND")]);
    assert_eq!(violations(plane.create(&partner(), request).await), expected);
    assert!(plane.events().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_fifty_scopes_of_ten_resource_servers() {
    let plane = Plane::new().await;
    let names: Vec<String> = (0..30).map(|n| format!("s{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for n in 0..11 {
        plane.server(&format!("api{n:02}"), "orders", &names).await;
    }
    let wanted = |servers: usize, each: usize| -> Vec<String> {
        let of = |server: usize| (0..each).map(move |n| format!("api{server:02}/s{n}"));
        (0..servers).flat_map(of).collect()
    };
    let request = |scopes: &[String]| {
        new_client("Shop", "partners", &scopes.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let over = pairs(&[("scopes", "TOO_LONG")]);
    assert_eq!(violations(plane.create(&partner(), request(&wanted(11, 1))).await), over);
    assert_eq!(violations(plane.create(&partner(), request(&wanted(3, 17))).await), over);
    let created = plane.create(&partner(), request(&wanted(10, 5))).await.unwrap();
    assert_eq!(created.grants.len(), 10);
    let own = new_client("Shop", "orders", &[]);
    let own = pb::CreateClientRequest { client: own.client, ..request(&wanted(10, 5)) };
    let owner = person("otto", &["orders"], &[]);
    let created = plane.create(&owner, own).await.unwrap();
    assert_eq!(created.client.unwrap().scopes.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_admins_and_programs_that_write_register_clients() {
    let plane = Plane::new().await;
    let request = || new_client("Shop", "partners", &[]);
    assert_eq!(code(plane.create(&stranger(), request()).await), "NOT_ALLOWED");
    let reads = program("partners", &[ApiScope::RegistryRead, ApiScope::GrantsDecide]);
    assert_eq!(code(plane.create(&reads, request()).await), "NOT_ALLOWED");
    let elsewhere = program("orders", &ApiScope::ALL);
    assert_eq!(code(plane.create(&elsewhere, request()).await), "NOT_ALLOWED");
    let writes = program("partners", &[ApiScope::RegistryWrite]);
    for who in [partner(), admin(), writes] {
        plane.create(&who, request()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_changes_nothing() {
    let plane = Plane::new().await;
    let request = pb::CreateClientRequest {
        validate_only: true,
        request_id: REQUEST_ID.to_owned(),
        ..new_client("Shop", "partners", &["orders/read", "shop/read"])
    };
    for _ in 0..2 {
        let asked = plane.create(&partner(), request.clone()).await.unwrap();
        let client = asked.client.unwrap();
        assert_eq!((&client.client_id[..], &client.etag[..]), ("", ""));
        assert_eq!(client.scopes, ["shop/read"]);
        let secret = asked.secret.unwrap();
        assert!(secret.value.is_empty() && secret.secret.is_none());
        let keys: Vec<_> =
            asked.grants.iter().map(|g| (&g.grant_id[..], &g.client_id[..])).collect();
        assert_eq!(keys, [("", ""), ("", "")]);
    }
    assert!(plane.events().await.is_empty());
    let listed = plane.list(&admin(), pb::ListClientsRequest::default()).await.unwrap();
    assert!(listed.clients.is_empty());
    // Nor was the request answered: the real one is still to come.
    let real = pb::CreateClientRequest { validate_only: false, ..request };
    assert!(!plane.create(&partner(), real).await.unwrap().secret.unwrap().value.is_empty());

    let invalid = pb::CreateClientRequest {
        validate_only: true,
        ..new_client("", "partners", &["orders/fly"])
    };
    let expected = pairs(&[("client.display_name", "REQUIRED")]);
    assert_eq!(violations(plane.create(&partner(), invalid).await), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_first_answer_without_the_secret() {
    let plane = Plane::new().await;
    let request = pb::CreateClientRequest {
        request_id: REQUEST_ID.to_owned(),
        ..new_client("Shop", "partners", &["orders/read", "shop/read"])
    };
    let first = plane.create(&partner(), request.clone()).await.unwrap();
    let again = plane.create(&partner(), request.clone()).await.unwrap();
    assert_eq!(again.client, first.client);
    assert_eq!(again.grants, first.grants);
    let (first_secret, secret) = (first.secret.unwrap(), again.secret.unwrap());
    assert_eq!((secret.secret, &secret.value[..]), (first_secret.secret, ""));
    assert_eq!(plane.actions().await.len(), 3);

    let other = pb::CreateClientRequest { reason: "else".to_owned(), ..request.clone() };
    assert_eq!(
        violations(plane.create(&partner(), other).await),
        pairs(&[("request_id", "CONFLICT")])
    );

    let colleague =
        plane.create(&person("peter", &["partners"], &[]), request.clone()).await.unwrap();
    assert_ne!(colleague.client.unwrap().client_id, first.client.clone().unwrap().client_id);

    plane.clock.advance(Duration::from_secs(24 * 60 * 60));
    let next_day = plane.create(&partner(), request).await.unwrap();
    assert_ne!(next_day.client.unwrap().client_id, first.client.unwrap().client_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_makes_the_client() {
    let plane = Plane::new().await;
    let request = pb::CreateClientRequest {
        request_id: REQUEST_ID.to_owned(),
        ..new_client("Shop", "partners", &["orders/read"])
    };
    let who = partner();
    let calls = (0..8).map(|_| plane.create(&who, request.clone()));
    let answers: Vec<_> = join_all(calls).await.into_iter().map(|answer| answer.unwrap()).collect();
    let ids: std::collections::BTreeSet<_> =
        answers.iter().map(|answer| answer.client.clone().unwrap().client_id).collect();
    assert_eq!(ids.len(), 1);
    let shown = answers.iter().filter(|answer| !answer.secret.as_ref().unwrap().value.is_empty());
    assert_eq!(shown.count(), 1);
    assert_eq!(plane.actions().await, ["client.created", "grant.requested"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_shows_nothing_that_left_the_caller() {
    let plane = Plane::new().await;
    let request = pb::CreateClientRequest {
        request_id: REQUEST_ID.to_owned(),
        ..new_client("Shop", "partners", &[])
    };
    let created = plane.create(&partner(), request.clone()).await.unwrap().client.unwrap();
    let moved = pb::UpdateClientRequest {
        client: Some(pb::Client { team: "strangers".to_owned(), ..created }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["team".to_owned()] }),
        validate_only: false,
    };
    let moved = plane.update(&admin(), moved).await.unwrap().client.unwrap();
    assert_eq!(code(plane.create(&partner(), request.clone()).await), "NOT_FOUND");
    let deletion = pb::DeleteClientRequest {
        client_id: moved.client_id,
        etag: moved.etag,
        ..pb::DeleteClientRequest::default()
    };
    plane.delete(&admin(), deletion).await.unwrap();
    assert_eq!(code(plane.create(&partner(), request).await), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_may_be_spelt_in_another_way() {
    let plane = Plane::new().await;
    let first = pb::CreateClientRequest {
        request_id: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee".to_owned(),
        ..new_client("Shop", "partners", &["orders/read", "orders/write"])
    };
    let made = plane.create(&partner(), first.clone()).await.unwrap().client.unwrap();
    let capitals = "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE".to_owned();
    let scopes = vec!["orders/write".to_owned(), "orders/read".to_owned()];
    let hour = prost_types::Duration { seconds: 3600, nanos: 0 };
    // The default in full, and what a caller does not decide.
    let client = pb::Client {
        client_id: "ignored".to_owned(),
        token_lifetime: Some(hour),
        ..first.client.clone().unwrap()
    };
    for repeat in [
        pb::CreateClientRequest { request_id: capitals.clone(), ..first.clone() },
        pb::CreateClientRequest { scopes, ..first.clone() },
        pb::CreateClientRequest { client: Some(client), ..first.clone() },
    ] {
        let again = plane.create(&partner(), repeat).await.unwrap().client.unwrap();
        assert_eq!(again.client_id, made.client_id);
    }
    for other in [
        pb::CreateClientRequest { scopes: Vec::new(), ..first.clone() },
        pb::CreateClientRequest { reason: "another".to_owned(), ..first.clone() },
        pb::CreateClientRequest { client: new_client("Other", "partners", &[]).client, ..first },
    ] {
        let refused = violations(plane.create(&partner(), other).await);
        assert_eq!(refused, pairs(&[("request_id", "CONFLICT")]));
    }
}
