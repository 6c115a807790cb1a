//! Changing, stopping and starting clients; their secrets and tokens.

use std::time::Duration;

use futures_util::future::join_all;
use turnpike_domain::actor::ApiScope;
use turnpike_domain::error::Error;
use turnpike_domain::secret::SecretValue;
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::EffectKind;

use super::plane::{
    Plane, REQUEST_ID, admin, approval, auditor, blockers, code, kinds, owner, pairs, partner,
    person, program, stranger, team, violations,
};

fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    Some(prost_types::FieldMask { paths })
}

fn update(client: &pb::Client, paths: &[&str]) -> pb::UpdateClientRequest {
    let client = Some(client.clone());
    pb::UpdateClientRequest { client, update_mask: mask(paths), validate_only: false }
}

async fn shop(plane: &Plane) -> pb::Client {
    plane.shop(&[]).await.client.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_changes_what_its_mask_names() {
    let plane = Plane::new().await;
    let mut wanted = shop(&plane).await;
    plane.clock.advance(Duration::from_secs(5));
    wanted.display_name = "Better shop".to_owned();
    wanted.description = "ignored".to_owned();
    let changed = plane.update(&partner(), update(&wanted, &["display_name"])).await.unwrap();
    let changed = changed.client.unwrap();
    assert_eq!((&changed.display_name[..], &changed.description[..]), ("Better shop", ""));
    assert_ne!(changed.etag, wanted.etag);
    assert_eq!(changed.update_time.unwrap().seconds, 1_800_000_005);
    assert_eq!(plane.client(&changed.client_id).await, changed);
    let events = plane.events().await;
    let fields: Vec<_> = events[1].changes.iter().map(|(field, ..)| &field[..]).collect();
    assert_eq!((&events[1].action[..], fields), ("client.updated", vec!["display_name"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mask_what_is_filled_counts_and_a_star_is_all() {
    let plane = Plane::new().await;
    let client = shop(&plane).await;
    let sparse = pb::Client {
        client_id: client.client_id.clone(),
        etag: client.etag.clone(),
        description: "What it is for".to_owned(),
        ..pb::Client::default()
    };
    let changed = plane.update(&partner(), update(&sparse, &[])).await.unwrap().client.unwrap();
    assert_eq!((&changed.display_name[..], &changed.description[..]), ("Shop", "What it is for"));

    let sparse = pb::Client { etag: changed.etag, description: String::new(), ..sparse };
    let all = update(&sparse, &["*"]);
    let expected = pairs(&[("client.display_name", "REQUIRED"), ("client.team", "REQUIRED")]);
    assert_eq!(violations(plane.update(&partner(), all).await), expected);
    let named = update(&sparse, &["description", "token_lifetime"]);
    let changed = plane.update(&partner(), named).await.unwrap().client.unwrap();
    assert_eq!((&changed.description[..], changed.token_lifetime.unwrap().seconds), ("", 3600));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mask_names_what_can_be_changed() {
    let plane = Plane::new().await;
    let client = pb::Client { etag: String::new(), ..shop(&plane).await };
    let request = update(&client, &["display_name", "client_id", "nonsense", "secrets", "Team"]);
    let expected = pairs(&[
        ("client.etag", "REQUIRED"),
        ("update_mask.paths[1]", "IMMUTABLE"),
        ("update_mask.paths[2]", "MALFORMED"),
        ("update_mask.paths[3]", "IMMUTABLE"),
        ("update_mask.paths[4]", "MALFORMED"),
    ]);
    assert_eq!(violations(plane.update(&partner(), request).await), expected);
    let none = violations(plane.update(&partner(), pb::UpdateClientRequest::default()).await);
    assert_eq!(none, pairs(&[("client", "REQUIRED")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_changes_nothing_leaves_no_trace() {
    let plane = Plane::new().await;
    let client = shop(&plane).await;
    let same = plane.update(&partner(), update(&client, &["*"])).await.unwrap().client.unwrap();
    assert_eq!(same, client);
    assert_eq!(plane.actions().await, ["client.created"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_etag_changes_nothing() {
    let plane = Plane::new().await;
    let mut client = shop(&plane).await;
    client.display_name = "One".to_owned();
    plane.update(&partner(), update(&client, &["display_name"])).await.unwrap();
    client.display_name = "Two".to_owned();
    let stale = plane.update(&partner(), update(&client, &["display_name"])).await;
    assert_eq!(code(stale), "STALE_ETAG");
    assert_eq!(plane.client(&client.client_id).await.display_name, "One");

    // Of many that were decided on one revision, one is made.
    let client = plane.client(&client.client_id).await;
    let who = partner();
    let calls = (0..6).map(|n| {
        let wanted = pb::Client { display_name: format!("Shop {n}"), ..client.clone() };
        plane.update(&who, update(&wanted, &["display_name"]))
    });
    let made = join_all(calls).await;
    assert_eq!(made.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(made.iter().all(|answer| !matches!(answer, Err(e) if !matches!(e, Error::Stale(_)))));
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_an_update_changes_nothing() {
    let plane = Plane::new().await;
    let client = shop(&plane).await;
    let wanted = pb::Client { display_name: "Better".to_owned(), ..client.clone() };
    let asked =
        pb::UpdateClientRequest { validate_only: true, ..update(&wanted, &["display_name"]) };
    let shown = plane.update(&partner(), asked).await.unwrap().client.unwrap();
    assert_eq!((&shown.display_name[..], shown.etag), ("Better", client.etag.clone()));
    assert_eq!(plane.client(&client.client_id).await, client);
    assert_eq!(plane.actions().await, ["client.created"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_goes_to_a_team_of_whoever_moves_it() {
    let plane = Plane::new().await;
    let created = plane.shop(&["orders/read", "shop/read"]).await;
    let client = created.client.unwrap();
    let wanted = pb::Client { team: "buyers".to_owned(), ..client.clone() };
    let request = update(&wanted, &["team"]);
    assert_eq!(code(plane.update(&partner(), request.clone()).await), "NOT_ALLOWED");
    let buyer = person("bert", &["buyers"], &[]);
    assert_eq!(code(plane.update(&buyer, request.clone()).await), "NOT_FOUND");
    let both = person("bea", &["buyers", "partners"], &[]);

    // What one team decided for itself ends before its two sides part: nobody else has looked at it.
    let asked = pb::UpdateClientRequest { validate_only: true, ..request.clone() };
    assert_eq!(code(plane.update(&both, asked).await), "IN_THE_WAY");
    assert_eq!(code(plane.update(&both, request).await), "IN_THE_WAY");
    let own = created.grants.iter().find(|grant| grant.resource_server == "shop").unwrap();
    let over = pb::RevokeGrantRequest {
        grant_id: own.grant_id.clone(),
        etag: own.etag.clone(),
        reason: "it moves".to_owned(),
        validate_only: false,
    };
    plane.revoke(&partner(), over).await.unwrap();
    let etag = plane.client(&client.client_id).await.etag;
    let wanted = pb::Client { etag, ..wanted };
    let moved = plane.update(&both, update(&wanted, &["team"])).await.unwrap();
    let moved = moved.client.unwrap();
    assert_eq!(moved.team, "buyers");
    let event = plane.events().await.pop().unwrap();
    assert_eq!((&event.team[..], &event.other_team[..]), ("buyers", "partners"));

    // The new team finds the client and its grants; the old one only those of its own API.
    let grants = |who| {
        let plane = &plane;
        async move {
            let listed = plane.list_grants(&who, pb::ListGrantsRequest::default()).await.unwrap();
            listed.grants.into_iter().map(|g| g.resource_server).collect::<Vec<_>>()
        }
    };
    assert_eq!(grants(buyer.clone()).await.len(), 2);
    assert_eq!(grants(partner()).await, ["shop"]);
    let clients = plane.list(&buyer, pb::ListClientsRequest::default()).await.unwrap().clients;
    assert_eq!(clients.len(), 1);
    assert_eq!(plane.grant(&created.grants[0].grant_id).await.client_team, "buyers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_belongs_to_a_team_that_is_there() {
    let plane = Plane::new().await;
    let nobody = pb::CreateClientRequest {
        client: Some(pb::Client {
            display_name: "Lost".to_owned(),
            team: "nobody".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let wrong = pairs(&[("client.team", "NOT_FOUND")]);
    assert_eq!(violations(plane.create(&admin(), nobody).await), wrong);
    let client = shop(&plane).await;
    let wanted = pb::Client { team: "nobody".to_owned(), ..client };
    assert_eq!(violations(plane.update(&admin(), update(&wanted, &["team"])).await), wrong);
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_refused_each_in_their_way() {
    let plane = Plane::new().await;
    let (id, _) = plane.waiting(&["orders/read"]).await;
    let client = plane.client(&id).await;
    let absent = "zzzzzzzzzzzzzzzzzzzzzzzzzz";
    for (who, expected) in
        [(stranger(), "NOT_FOUND"), (owner(), "NOT_ALLOWED"), (auditor(), "NOT_ALLOWED")]
    {
        let change = pb::Client { display_name: "Mine".to_owned(), ..client.clone() };
        let id = || id.clone();
        assert_eq!(code(plane.update(&who, update(&change, &["display_name"])).await), expected);
        let request = pb::DisableClientRequest { client_id: id(), validate_only: false };
        assert_eq!(code(plane.disable(&who, request).await), expected);
        let request = pb::EnableClientRequest { client_id: id(), validate_only: true };
        assert_eq!(code(plane.enable(&who, request).await), expected);
        let request = pb::RevokeClientTokensRequest { client_id: id(), validate_only: false };
        assert_eq!(code(plane.revoke_tokens(&who, request).await), expected);
        let request = pb::AddClientSecretRequest { client_id: id(), ..Default::default() };
        assert_eq!(code(plane.add_secret(&who, request).await), expected);
        let request = pb::RemoveClientSecretRequest {
            client_id: id(),
            secret_id: client.secrets[0].secret_id.clone(),
            ..Default::default()
        };
        assert_eq!(code(plane.remove_secret(&who, request).await), expected);
        let etag = client.etag.clone();
        let request = pb::DeleteClientRequest { client_id: id(), etag, ..Default::default() };
        assert_eq!(code(plane.delete(&who, request).await), expected);
        // Absent and hidden are the same to the last word.
        let get = |id: &str| pb::GetClientRequest { client_id: id.to_owned() };
        if expected == "NOT_FOUND" {
            let hidden = plane.get(&who, get(&client.client_id)).await.unwrap_err().to_string();
            let none = plane.get(&who, get(absent)).await.unwrap_err().to_string();
            assert_eq!(hidden.replace(&client.client_id, absent), none);
        }
    }
    assert_eq!(plane.client(&id).await, client);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_client_starts_without_its_old_tokens() {
    let plane = Plane::new().await;
    let (id, _) = plane.active(&["orders/read"]).await;
    let disable = |validate_only| pb::DisableClientRequest { client_id: id.clone(), validate_only };
    let enable = |validate_only| pb::EnableClientRequest { client_id: id.clone(), validate_only };
    plane.clock.advance(Duration::from_millis(1500));
    let before = plane.client(&id).await;
    let both = [EffectKind::ClientStops, EffectKind::TokensRefused];
    let asked = plane.disable(&partner(), disable(true)).await.unwrap();
    assert_eq!(kinds(asked.impact), both);
    assert_eq!(asked.client.unwrap().state(), pb::ClientState::Disabled);
    assert_eq!(plane.client(&id).await, before);

    let stopped = plane.disable(&partner(), disable(false)).await.unwrap();
    assert_eq!(kinds(stopped.impact), both);
    let stopped = stopped.client.unwrap();
    assert_eq!(stopped.tokens_revoked_time.unwrap().seconds, 1_800_000_002);
    assert_eq!(stopped.scopes, ["orders/read"], "its grants go on");
    plane.clock.advance(Duration::from_secs(60));
    let again = plane.disable(&partner(), disable(false)).await.unwrap();
    assert_eq!((again.client.unwrap(), kinds(again.impact)), (stopped, vec![]));

    let asked = plane.enable(&partner(), enable(true)).await.unwrap().client.unwrap();
    assert_eq!(asked.state(), pb::ClientState::Enabled);
    assert!(!plane.kept(&id).await.enabled);
    let started = plane.enable(&admin(), enable(false)).await.unwrap().client.unwrap();
    assert_eq!(started.state(), pb::ClientState::Enabled);
    let kept = plane.kept(&id).await;
    assert!(kept.tokens_revoked.unwrap().refuses(1_800_000_002));
    assert!(!kept.tokens_revoked.unwrap().refuses(1_800_000_003));
    assert_eq!(plane.enable(&admin(), enable(false)).await.unwrap().client.unwrap(), started);
    let actions = plane.actions().await;
    assert_eq!(actions[3..], ["client.disabled", "client.enabled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_revoked_up_to_a_second() {
    let plane = Plane::new().await;
    let id = shop(&plane).await.client_id;
    let request =
        |validate_only| pb::RevokeClientTokensRequest { client_id: id.clone(), validate_only };
    let asked = plane.revoke_tokens(&partner(), request(true)).await.unwrap();
    assert_eq!(kinds(asked.impact), [EffectKind::TokensRefused]);
    assert!(plane.client(&id).await.tokens_revoked_time.is_none());
    for _ in 0..2 {
        let revoked = plane.revoke_tokens(&partner(), request(false)).await.unwrap();
        assert_eq!(kinds(revoked.impact), [EffectKind::TokensRefused]);
    }
    plane.clock.advance(Duration::from_secs(1));
    plane.revoke_tokens(&partner(), request(false)).await.unwrap();
    let actions = plane.actions().await;
    assert_eq!(actions[1..], ["client.tokens_revoked", "client.tokens_revoked"]);
    let seconds = plane.client(&id).await.tokens_revoked_time.unwrap().seconds;
    assert_eq!(seconds, 1_800_000_002);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_secrets_live_at_a_time() {
    let plane = Plane::new().await;
    let first = shop(&plane).await;
    let id = first.client_id.clone();
    let add = |request_id: &str, validate_only| pb::AddClientSecretRequest {
        client_id: id.clone(),
        request_id: request_id.to_owned(),
        validate_only,
    };
    let asked = plane.add_secret(&partner(), add("", true)).await.unwrap();
    assert!(asked.secret.unwrap().value.is_empty());
    assert_eq!(asked.client.unwrap(), first);

    let added = plane.add_secret(&partner(), add(REQUEST_ID, false)).await.unwrap();
    let secret = added.secret.unwrap();
    assert!(SecretValue::looks_like_one(&secret.value));
    assert_eq!(added.client.unwrap().secrets.len(), 2);
    let again = plane.add_secret(&partner(), add(REQUEST_ID, false)).await.unwrap().secret.unwrap();
    assert_eq!((again.secret, &again.value[..]), (secret.secret.clone(), ""));

    for validate_only in [true, false] {
        let third = blockers(plane.add_secret(&partner(), add("", validate_only)).await);
        assert_eq!((third.len(), third[0].kind), (1, "TOO_MANY_SECRETS"));
        assert_eq!(third[0].subject, format!("clients/{id}"));
    }
    assert_eq!(plane.actions().await, ["client.created", "client.secret_added"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_makes_no_secret_that_opens_more_than_itself() {
    let plane = Plane::new().await;
    plane.registry.provide_built_in(&team("platform")).await.unwrap();
    let scopes = ["turnpike/grants.decide", "turnpike/registry.write"];
    let (id, grant) = plane.waiting(&scopes).await;
    let add = || pb::AddClientSecretRequest { client_id: id.clone(), ..Default::default() };
    let writes = [ApiScope::RegistryRead, ApiScope::RegistryWrite];
    plane.approve(&person("pia", &["platform"], &[]), approval(&grant)).await.unwrap();
    assert_eq!(code(plane.add_secret(&program("partners", &writes), add()).await), "NOT_ALLOWED");
    let all = program("partners", &ApiScope::ALL);
    assert!(plane.add_secret(&all, add()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_adds_at_once_one_fits() {
    let plane = Plane::new().await;
    let id = shop(&plane).await.client_id;
    let who = partner();
    let add = || pb::AddClientSecretRequest { client_id: id.clone(), ..Default::default() };
    let answers = join_all((0..6).map(|_| plane.add_secret(&who, add()))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(plane.client(&id).await.secrets.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_ends_and_a_leaked_one_takes_the_tokens_along() {
    let plane = Plane::new().await;
    let client = shop(&plane).await;
    let first = client.secrets[0].secret_id.clone();
    let add =
        pb::AddClientSecretRequest { client_id: client.client_id.clone(), ..Default::default() };
    let second = plane.add_secret(&partner(), add).await.unwrap().secret.unwrap().secret.unwrap();
    let remove = |secret_id: &str, revoke_tokens, validate_only| pb::RemoveClientSecretRequest {
        client_id: client.client_id.clone(),
        secret_id: secret_id.to_owned(),
        revoke_tokens,
        validate_only,
    };
    let asked = plane.remove_secret(&partner(), remove(&first, true, true)).await.unwrap();
    assert_eq!(kinds(asked.impact), [EffectKind::SecretEnds, EffectKind::TokensRefused]);
    assert_eq!(plane.client(&client.client_id).await.secrets.len(), 2);

    let removed = plane.remove_secret(&partner(), remove(&first, false, false)).await.unwrap();
    assert_eq!(kinds(removed.impact), [EffectKind::SecretEnds]);
    let left = removed.client.unwrap();
    assert_eq!(left.secrets, std::slice::from_ref(&second));
    assert!(left.tokens_revoked_time.is_none());
    let twice = plane.remove_secret(&partner(), remove(&first, false, false)).await;
    assert_eq!(code(twice), "NOT_FOUND");

    let last = remove(&second.secret_id, true, false);
    let removed = plane.remove_secret(&partner(), last).await.unwrap();
    let expected = [EffectKind::SecretEnds, EffectKind::ClientStops, EffectKind::TokensRefused];
    assert_eq!(kinds(removed.impact), expected);
    assert!(removed.client.unwrap().tokens_revoked_time.is_some());
    let events = plane.events().await;
    assert_eq!(events.len(), 4, "one event a change");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_use_of_a_secret_is_told_to_the_minute_and_goes_with_it() {
    let plane = Plane::new().await;
    let client = shop(&plane).await;
    let kept = plane.kept(&client.client_id).await;
    let secret_id = kept.secrets.list()[0].secret_id.clone();
    plane.clock.advance(Duration::from_secs(100));
    let now = plane.registry.now();
    plane.registry.note_client_secret_use(&kept.client_id, &secret_id, now).await.unwrap();
    let shown = plane.client(&client.client_id).await;
    assert_eq!(shown.secrets[0].last_use_time.unwrap().seconds, 1_800_000_060);
    let listed = plane.list(&partner(), pb::ListClientsRequest::default()).await.unwrap();
    assert!(listed.clients[0].secrets[0].last_use_time.is_none());
    let removal = pb::RemoveClientSecretRequest {
        client_id: client.client_id,
        secret_id: secret_id.to_string(),
        ..Default::default()
    };
    plane.remove_secret(&partner(), removal).await.unwrap();
    assert!(plane.registry.client_secret_uses(&kept.client_id).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_keys_are_fields() {
    let plane = Plane::new().await;
    for id in ["", "a b", &"x".repeat(129), "a\u{0}"] {
        let request = pb::DisableClientRequest { client_id: id.to_owned(), validate_only: false };
        let wrong = violations(plane.disable(&partner(), request).await);
        assert_eq!(wrong[0].0, "client_id");
    }
    let approve =
        pb::ApproveGrantRequest { note: "\u{7}".to_owned(), ..approval(&pb::Grant::default()) };
    let expected = pairs(&[("grant_id", "REQUIRED"), ("etag", "REQUIRED"), ("note", "CHARACTERS")]);
    assert_eq!(violations(plane.approve(&partner(), approve).await), expected);
}
