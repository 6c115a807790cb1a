//! Lists: every item once, in order, page by page; the last page says that it is the last.

use std::time::Duration;

use futures_util::future::join_all;
use turnpike_domain::grant::GrantState;
use turnpike_domain::id::TeamId;
use turnpike_registry::{ClientFilter, GrantFilter, GrantsOf, Listed, Place, ResourceServerFilter};

use crate::plane::{Plane, client, creation, edit, identifier, origin, permit, team};

/// Reads a list to its end; holds each page to its promise.
async fn pages<T>(limit: usize, mut page: impl AsyncFnMut(Option<Place>) -> Listed<T>) -> Vec<T> {
    let mut items = Vec::new();
    let mut place = None;
    for _ in 0..5_000 {
        let listed = page(place).await;
        assert!(listed.items.len() <= limit);
        items.extend(listed.items);
        place = listed.next;
        if place.is_none() {
            return items;
        }
    }
    panic!("a list without an end");
}

async fn names(plane: &Plane, filter: &ClientFilter, limit: usize) -> Vec<String> {
    let page = async |place| plane.registry.list_clients(filter, limit, place).await.unwrap();
    let clients = pages(limit, page).await;
    clients.into_iter().map(|client| client.value.display_name.to_string()).collect()
}

fn of(teams: &[&str]) -> Option<Vec<TeamId>> {
    Some(teams.iter().map(|name| team(name)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_by_name_of_one_team_of_some_and_of_all() {
    let plane = Plane::new().await;
    let owners = ["a", "b", "c"];
    let mut expected = Vec::new();
    for n in 0..57 {
        let (name, owner) = (format!("shop {:02}", (n * 23) % 57), owners[n % 3]);
        plane.client(&name, owner).await;
        expected.push((name, owner));
    }
    expected.sort();
    for limit in [1, 2, 7, 19, 38, 56, 57, 58, 200] {
        for teams in [&["a"][..], &["a", "c"], &["c", "b", "a"], &["a", "nobody"], &[]] {
            let filter = ClientFilter { teams: of(teams), ..ClientFilter::default() };
            let all = expected.iter().filter(|(_, owner)| teams.contains(owner));
            let all: Vec<_> = all.map(|(name, _)| name.clone()).collect();
            assert_eq!(names(&plane, &filter, limit).await, all, "{limit} {teams:?}");
        }
        let all: Vec<_> = expected.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names(&plane, &ClientFilter::default(), limit).await, all, "{limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_page_that_is_the_last_says_so() {
    let plane = Plane::new().await;
    for n in 0..10 {
        plane.client(&format!("shop {n}"), if n % 2 == 0 { "a" } else { "b" }).await;
    }
    for teams in [None, of(&["a", "b"])] {
        let filter = ClientFilter { teams, ..ClientFilter::default() };
        let ten = plane.registry.list_clients(&filter, 10, None).await.unwrap();
        assert_eq!((ten.items.len(), ten.next), (10, None));
        let nine = plane.registry.list_clients(&filter, 9, None).await.unwrap();
        assert!(nine.next.is_some());
        let last = plane.registry.list_clients(&filter, 9, nine.next).await.unwrap();
        assert_eq!((last.items.len(), last.next), (1, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_look_at_state_and_text() {
    let plane = Plane::new().await;
    for name in ["Alpha shop", "Beta SHOP", "Gamma", "Delta"] {
        plane.client(name, "a").await;
    }
    let gamma = plane.client("Gamma 2", "b").await;
    edit(&plane.registry, &gamma, |client| client.enabled = false).await.unwrap();
    let text = |text: &str| ClientFilter { text: text.to_owned(), ..ClientFilter::default() };
    assert_eq!(names(&plane, &text("shop"), 1).await, ["Alpha shop", "Beta SHOP"]);
    assert_eq!(names(&plane, &text(gamma.as_str()), 10).await, ["Gamma 2"]);
    assert!(names(&plane, &text("none of them"), 10).await.is_empty());
    let disabled = ClientFilter { enabled: Some(false), ..ClientFilter::default() };
    assert_eq!(names(&plane, &disabled, 10).await, ["Gamma 2"]);
    let enabled = ClientFilter { enabled: Some(true), ..text("gamma") };
    assert_eq!(names(&plane, &enabled, 10).await, ["Gamma"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn same_names_are_kept_apart_and_case_does_not_count() {
    let plane = Plane::new().await;
    for name in ["b", "A", "a", "B", "a", "a b"] {
        plane.client(name, "x").await;
    }
    let listed = names(&plane, &ClientFilter::default(), 2).await;
    let lower: Vec<_> = listed.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(lower, ["a", "a", "a", "a b", "b", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_any_script_are_listed_and_found() {
    let plane = Plane::new().await;
    for name in ["東京", "Zoë", "zoo", "Müller & Söhne", "Ångström", "ΣΊΣΥΦΟΣ"] {
        plane.client(name, "a").await;
    }
    let all = names(&plane, &ClientFilter::default(), 2).await;
    assert_eq!(all, ["Müller & Söhne", "zoo", "Zoë", "Ångström", "ΣΊΣΥΦΟΣ", "東京"]);
    for (text, found) in [
        ("MÜLLER", "Müller & Söhne"),
        ("zoe\u{308}", "Zoë"),
        ("ångs", "Ångström"),
        ("σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("京", "東京"),
    ] {
        let text = turnpike_domain::text::parse_search(text).unwrap();
        let filter = ClientFilter { text, ..ClientFilter::default() };
        assert_eq!(names(&plane, &filter, 10).await, [found]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_looks_at_a_bounded_number() {
    let plane = Plane::new().await;
    let clients: Vec<_> =
        (0..1_100).map(|n| client(&plane.registry, &format!("shop {n:04}"), "a")).collect();
    for some in clients.chunks(500) {
        let commits = some.iter().map(|client| plane.registry.commit(creation(client)));
        assert!(join_all(commits).await.iter().all(Result::is_ok));
    }
    for teams in [None, of(&["a", "b"])] {
        let filter = ClientFilter { teams, text: "shop 1099".to_owned(), enabled: None };
        let first = plane.registry.list_clients(&filter, 50, None).await.unwrap();
        assert!(first.items.is_empty(), "a thousand were looked at and did not fit");
        let second = plane.registry.list_clients(&filter, 50, first.next).await.unwrap();
        assert_eq!((second.items.len(), second.next), (1, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resource_servers_by_identifier() {
    let plane = Plane::new().await;
    for id in ["orders", "https://a.example.com/v1", "Billing", "billing"] {
        plane.server(id, if id == "orders" { "a" } else { "b" }, &["read", "place-order"]).await;
    }
    let list = async |team: Option<&str>, text: &str| {
        let filter = ResourceServerFilter { team: team.map(crate::plane::team), text: text.into() };
        let page =
            async |place| plane.registry.list_resource_servers(&filter, 3, place).await.unwrap();
        let servers = pages(3, page).await;
        servers.into_iter().map(|s| s.value.identifier.to_string()).collect::<Vec<_>>()
    };
    let all = ["Billing", "billing", "https://a.example.com/v1", "orders"];
    assert_eq!(list(None, "").await, all);
    assert_eq!(list(Some("b"), "").await, all[..3]);
    assert_eq!(list(None, "place-ord").await.len(), 4);
    assert_eq!(list(Some("a"), "billing").await.len(), 0);
    assert_eq!(list(None, "billing").await, ["Billing", "billing"]);
}

/// Two owners of APIs, two of clients, thirty grants among them.
async fn market() -> (Plane, Vec<turnpike_domain::id::GrantId>) {
    let plane = Plane::new().await;
    plane.server("orders", "a", &["read", "write"]).await;
    plane.server("billing", "b", &["read", "write"]).await;
    let mut clients = Vec::new();
    for owner in ["a", "b", "c"] {
        clients.push(plane.client(&format!("shop of {owner}"), owner).await);
    }
    let mut grants = Vec::new();
    for n in 0..30 {
        let scope = if n % 2 == 0 { "orders/read" } else { "billing/write" };
        let state = if n % 5 == 0 { GrantState::Pending } else { GrantState::Active };
        grants.push(plane.grant(&clients[n % 3], &[scope], state, None).await);
        plane.clock.advance(Duration::from_millis(1));
    }
    grants.reverse();
    (plane, grants)
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_newest_first_each_once() {
    let (plane, newest_first) = market().await;
    let list = async |filter: &GrantFilter, limit: usize| {
        let page =
            async |place| plane.registry.list_grants(filter, limit, place, |_| true).await.unwrap();
        let grants = pages(limit, page).await;
        grants.into_iter().map(|(grant, _)| grant.value).collect::<Vec<_>>()
    };
    for limit in [1, 4, 29, 30, 31, 200] {
        let all = list(&GrantFilter::default(), limit).await;
        assert!(all.iter().map(|grant| &grant.grant_id).eq(&newest_first), "{limit}");
        // A grant within two of the caller's teams stands in two lists, and comes once.
        let teams = GrantFilter { teams: of(&["a", "b", "c"]), ..GrantFilter::default() };
        assert_eq!(list(&teams, limit).await, all, "{limit}");
        for teams in [&["a"][..], &["c"], &["b", "c"]] {
            let mine = |owner: &TeamId| teams.contains(&owner.as_str());
            let expected =
                all.iter().filter(|g| mine(&g.client_team) || mine(&g.resource_server_team));
            let filter = GrantFilter { teams: of(teams), ..GrantFilter::default() };
            assert!(list(&filter, limit).await.iter().eq(expected), "{limit} {teams:?}");
        }
        for waiting in [&["a"][..], &["a", "b"], &["c"]] {
            let expected = all.iter().filter(|g| {
                g.state == GrantState::Pending && waiting.contains(&g.resource_server_team.as_str())
            });
            let filter = GrantFilter { waiting_for: of(waiting), ..GrantFilter::default() };
            assert!(list(&filter, limit).await.iter().eq(expected), "{limit} {waiting:?}");
        }
    }
    let orders = identifier("orders");
    let filter = GrantFilter {
        resource_server: Some(orders),
        state: Some(GrantState::Pending),
        ..GrantFilter::default()
    };
    assert_eq!(list(&filter, 2).await.len(), 3);
    let filter = GrantFilter { text: "of c".to_owned(), ..GrantFilter::default() };
    assert_eq!(list(&filter, 2).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_seen_is_not_listed() {
    let (plane, _) = market().await;
    let filter = GrantFilter::default();
    let visible = |grant: &turnpike_domain::Grant| grant.client_team == team("a");
    let page = async |place| plane.registry.list_grants(&filter, 3, place, visible).await.unwrap();
    assert_eq!(pages(3, page).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_goes_on_from_what_is_gone() {
    let plane = Plane::new().await;
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(plane.client(&format!("shop {n}"), "a").await);
    }
    let filter = ClientFilter { teams: of(&["a", "b"]), ..ClientFilter::default() };
    let first = plane.registry.list_clients(&filter, 3, None).await.unwrap();
    // The last one shown moves to another team and to another name meanwhile.
    edit(&plane.registry, &ids[2], |client| {
        client.team = team("b");
        client.display_name = turnpike_domain::text::ClientName::parse("another").unwrap();
    })
    .await
    .unwrap();
    let second = plane.registry.list_clients(&filter, 3, first.next).await.unwrap();
    let names: Vec<_> = second.items.iter().map(|c| c.value.display_name.as_str()).collect();
    assert_eq!((names, second.next), (vec!["shop 3", "shop 4", "shop 5"], None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_owner_finds_the_grants_of_what_it_takes_over() {
    let (plane, _) = market().await;
    let orders = identifier("orders");
    let of_orders = GrantsOf::ResourceServer(&orders);
    let to = team("new");
    plane.registry.list_grants_for(&permit(), &origin(), of_orders, &to).await.unwrap();
    let list = async |filter: GrantFilter| {
        plane.registry.list_grants(&filter, 200, None, |_| true).await.unwrap().items.len()
    };
    let owned = || GrantFilter { teams: of(&["new"]), ..GrantFilter::default() };
    let waiting = || GrantFilter { waiting_for: of(&["new"]), ..GrantFilter::default() };
    assert_eq!((list(owned()).await, list(waiting()).await), (0, 0), "it does not own it yet");
    let before = plane.verify().await;
    let mut server = plane.registry.resource_server(&orders).await.unwrap().unwrap();
    server.value.team = to;
    let mut transfer = crate::plane::change();
    transfer.put_resource_server(&server).unwrap();
    plane.registry.commit(transfer).await.unwrap();
    assert_eq!((list(owned()).await, list(waiting()).await), (15, 3));
    // Team `a` still owns one client.
    let old = GrantFilter { waiting_for: of(&["a"]), ..GrantFilter::default() };
    assert_eq!(list(old).await, 0);
    assert_eq!(plane.verify().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_owner_of_the_built_in_api_finds_its_grants() {
    let plane = Plane::new().await;
    plane.registry.provide_built_in(&team("old")).await.unwrap();
    let client = plane.client("Robot", "partners").await;
    plane.grant(&client, &["turnpike/read"], GrantState::Pending, None).await;
    plane.grant(&client, &["turnpike/write"], GrantState::Active, None).await;
    plane.registry.provide_built_in(&team("new")).await.unwrap();
    let list = async |filter: GrantFilter| {
        plane.registry.list_grants(&filter, 200, None, |_| true).await.unwrap().items.len()
    };
    let owned = |name| GrantFilter { teams: of(&[name]), ..GrantFilter::default() };
    let waiting = |name| GrantFilter { waiting_for: of(&[name]), ..GrantFilter::default() };
    assert_eq!((list(owned("new")).await, list(waiting("new")).await), (2, 1));
    assert_eq!((list(owned("old")).await, list(waiting("old")).await), (0, 0));
    // Once is enough.
    let events = plane.verify().await;
    plane.registry.provide_built_in(&team("new")).await.unwrap();
    assert_eq!(plane.verify().await, events);
}
