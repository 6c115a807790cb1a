//! Who sees which clients and grants.

use turnpike_domain::actor::{Actor, ApiScope, Role};
use turnpike_domain::actor::{Staff, Teams};
use turnpike_proto::v1 as pb;

use super::plane::{
    Plane, admin, approval, ask, auditor, code, new_client, owner, pairs, partner, person, program,
    stranger, violations,
};

async fn names(plane: &Plane, who: &Actor, request: pb::ListClientsRequest) -> Vec<String> {
    let mut names = Vec::new();
    let mut request = request;
    loop {
        let page = plane.list(who, request.clone()).await.unwrap();
        names.extend(page.clients.into_iter().map(|client| client.display_name));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return names;
        }
    }
}

async fn grants(plane: &Plane, who: &Actor, request: pb::ListGrantsRequest) -> Vec<String> {
    let mut scopes = Vec::new();
    let mut request = request;
    loop {
        let page = plane.list_grants(who, request.clone()).await.unwrap();
        scopes.extend(page.grants.into_iter().map(|grant| grant.scopes.join(" ")));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return scopes;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_read_by_those_it_concerns() {
    let plane = Plane::new().await;
    let (id, grant) = plane.waiting(&["orders/read"]).await;
    let get = || pb::GetClientRequest { client_id: id.clone() };
    let get_grant = || pb::GetGrantRequest { grant_id: grant.grant_id.clone() };
    let reads = program("partners", &[ApiScope::RegistryRead]);
    for who in [partner(), owner(), admin(), auditor(), reads] {
        assert_eq!(plane.get(&who, get()).await.unwrap().client.unwrap().client_id, id);
        assert_eq!(plane.get_grant(&who, get_grant()).await.unwrap().grant.unwrap(), grant);
    }
    let elsewhere = program("strangers", &[ApiScope::RegistryRead]);
    for who in [stranger(), elsewhere] {
        assert_eq!(code(plane.get(&who, get()).await), "NOT_FOUND");
        assert_eq!(code(plane.get_grant(&who, get_grant()).await), "NOT_FOUND");
    }
    let writes = program("partners", &[ApiScope::RegistryWrite]);
    assert_eq!(code(plane.get(&writes, get()).await), "NOT_ALLOWED");
    assert_eq!(code(plane.get_grant(&writes, get_grant()).await), "NOT_ALLOWED");

    // The request is withdrawn, and the client has nothing to do with the owner of the API any more.
    let withdrawal = super::plane::revocation(&grant);
    plane.revoke(&partner(), withdrawal).await.unwrap();
    assert_eq!(code(plane.get(&owner(), get()).await), "NOT_FOUND");
    plane.get_grant(&owner(), get_grant()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_listed_by_team() {
    let plane = Plane::new().await;
    for (name, owner) in
        [("delta", "orders"), ("alpha", "partners"), ("charlie", "partners"), ("bravo", "others")]
    {
        plane.create(&admin(), new_client(name, owner, &[])).await.unwrap();
    }
    let all = || pb::ListClientsRequest { page_size: 1, ..Default::default() };
    assert_eq!(names(&plane, &partner(), all()).await, ["alpha", "charlie"]);
    let both = person("bea", &["orders", "partners"], &[]);
    assert_eq!(names(&plane, &both, all()).await, ["alpha", "charlie", "delta"]);
    for who in [admin(), auditor(), person("x", &["orders"], &[Role::Auditor])] {
        assert_eq!(names(&plane, &who, all()).await, ["alpha", "bravo", "charlie", "delta"]);
    }
    let unknown = Actor::Staff(Staff {
        id: "u".to_owned(),
        display_name: "U".to_owned(),
        teams: Teams::Unknown(std::collections::BTreeSet::new()),
        roles: Default::default(),
        session_expire_time: turnpike_domain::Timestamp::MAX,
    });
    for who in [stranger(), unknown] {
        assert!(names(&plane, &who, all()).await.is_empty());
    }
    let of = |team: &str| pb::ListClientsRequest { team: team.to_owned(), ..all() };
    assert_eq!(names(&plane, &both, of("orders")).await, ["delta"]);
    assert_eq!(names(&plane, &auditor(), of("others")).await, ["bravo"]);
    assert_eq!(code(plane.list(&partner(), of("orders")).await), "NOT_ALLOWED");
    let writes = program("partners", &[ApiScope::RegistryWrite]);
    assert_eq!(code(plane.list(&writes, all()).await), "NOT_ALLOWED");
    let state = pb::ListClientsRequest { state: pb::ClientState::Disabled.into(), ..all() };
    assert!(names(&plane, &admin(), state).await.is_empty());
    let text = pb::ListClientsRequest { text: "LPH".to_owned(), ..all() };
    assert_eq!(names(&plane, &admin(), text).await, ["alpha"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lists_fields_have_rules() {
    let plane = Plane::new().await;
    let bad = pb::ListClientsRequest {
        page_size: -1,
        team: "No Team".to_owned(),
        state: 77,
        text: "x".repeat(101),
        page_token: String::new(),
    };
    let expected = pairs(&[
        ("page_size", "OUT_OF_RANGE"),
        ("text", "TOO_LONG"),
        ("team", "CHARACTERS"),
        ("state", "MALFORMED"),
    ]);
    assert_eq!(violations(plane.list(&partner(), bad).await), expected);
    let bad = pb::ListGrantsRequest {
        client_id: "a b".to_owned(),
        resource_server: "a b".to_owned(),
        state: -1,
        text: "\u{0}".to_owned(),
        ..Default::default()
    };
    let expected = pairs(&[
        ("text", "CHARACTERS"),
        ("client_id", "CHARACTERS"),
        ("resource_server", "CHARACTERS"),
        ("state", "MALFORMED"),
    ]);
    assert_eq!(violations(plane.list_grants(&partner(), bad).await), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_token_is_of_one_caller_and_one_query() {
    let plane = Plane::new().await;
    for n in 0..5 {
        plane.create(&partner(), new_client(&format!("shop {n}"), "partners", &[])).await.unwrap();
    }
    let first = pb::ListClientsRequest { page_size: 2, ..Default::default() };
    let token = plane.list(&partner(), first.clone()).await.unwrap().next_page_token;
    let next = |change: fn(&mut pb::ListClientsRequest)| {
        let mut request = pb::ListClientsRequest { page_token: token.clone(), ..first.clone() };
        change(&mut request);
        request
    };
    // The size of the page may change.
    let page = plane.list(&partner(), next(|r| r.page_size = 200)).await.unwrap();
    assert_eq!((page.clients.len(), &page.next_page_token[..]), (3, ""));
    let refused = pairs(&[("page_token", "MALFORMED")]);
    for request in [
        next(|r| r.team = "partners".to_owned()),
        next(|r| r.text = "shop".to_owned()),
        next(|r| r.state = 1),
        next(|r| r.page_token.push('A')),
        next(|r| r.page_token = "nonsense".to_owned()),
    ] {
        assert_eq!(violations(plane.list(&partner(), request).await), refused);
    }
    let colleague = person("peter", &["partners"], &[]);
    assert_eq!(violations(plane.list(&colleague, next(|_| ())).await), refused);
    let of_grants = pb::ListGrantsRequest { page_token: token.clone(), ..Default::default() };
    assert_eq!(violations(plane.list_grants(&partner(), of_grants).await), refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_are_listed_to_the_teams_they_concern() {
    let plane = Plane::new().await;
    let id = plane.shop(&["orders/read", "shop/read"]).await.client.unwrap().client_id;
    let other =
        plane.create(&admin(), new_client("Other", "others", &["shop/write"])).await.unwrap();
    let other = other.client.unwrap().client_id;
    let all = || pb::ListGrantsRequest { page_size: 1, ..Default::default() };
    assert_eq!(grants(&plane, &owner(), all()).await, ["orders/read"]);
    let mut seen = grants(&plane, &partner(), all()).await;
    seen.sort();
    assert_eq!(seen, ["orders/read", "shop/read", "shop/write"]);
    assert_eq!(grants(&plane, &auditor(), all()).await.len(), 3);
    assert!(grants(&plane, &stranger(), all()).await.is_empty());

    let of_client = |id: &str| pb::ListGrantsRequest { client_id: id.to_owned(), ..all() };
    assert_eq!(grants(&plane, &owner(), of_client(&id)).await, ["orders/read"]);
    assert!(grants(&plane, &owner(), of_client(&other)).await.is_empty());
    assert_eq!(grants(&plane, &partner(), of_client(&other)).await, ["shop/write"]);
    let of_server = pb::ListGrantsRequest { resource_server: "shop".to_owned(), ..all() };
    assert_eq!(grants(&plane, &person("o", &["others"], &[]), of_server).await, ["shop/write"]);

    let of_team = |team: &str| pb::ListGrantsRequest { team: team.to_owned(), ..all() };
    assert_eq!(grants(&plane, &owner(), of_team("orders")).await, ["orders/read"]);
    assert_eq!(grants(&plane, &admin(), of_team("others")).await, ["shop/write"]);
    assert_eq!(code(plane.list_grants(&owner(), of_team("partners")).await), "NOT_ALLOWED");
    let text = pb::ListGrantsRequest { text: "other".to_owned(), ..all() };
    assert_eq!(grants(&plane, &admin(), text).await, ["shop/write"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_caller_is_what_they_may_decide() {
    let plane = Plane::new().await;
    plane.server("billing", "billing", &["read"]).await;
    plane.server("tools", "partners", &["read"]).await;
    // Asked for by paula, by root, and by a program that may not decide for its own team.
    let (id, read) = plane.waiting(&["orders/read"]).await;
    plane.request(&admin(), ask(&id, "orders", &["orders/write"])).await.unwrap();
    plane.request(&partner(), ask(&id, "billing", &["billing/read"])).await.unwrap();
    let robot = program("partners", &[ApiScope::RegistryWrite]);
    plane.request(&robot, ask(&id, "tools", &["tools/read"])).await.unwrap();

    let waiting =
        || pb::ListGrantsRequest { waiting_for_me: true, page_size: 1, ..Default::default() };
    assert_eq!(grants(&plane, &owner(), waiting()).await.len(), 2);
    assert_eq!(grants(&plane, &partner(), waiting()).await, ["tools/read"]);
    let lists = person("lisa", &["orders", "billing", "empty"], &[]);
    assert_eq!(grants(&plane, &lists, waiting()).await.len(), 3);
    // Paula joins the team orders: what she asked for she does not decide.
    let paula = person("paula", &["orders", "partners"], &[]);
    let mut for_paula = grants(&plane, &paula, waiting()).await;
    for_paula.sort();
    assert_eq!(for_paula, ["orders/write", "tools/read"]);
    // An admin decides everywhere, but for what they asked themselves.
    let mut for_root = grants(&plane, &admin(), waiting()).await;
    for_root.sort();
    assert_eq!(for_root, ["billing/read", "orders/read", "tools/read"]);
    for who in [auditor(), stranger(), program("orders", &[ApiScope::RegistryRead])] {
        assert!(grants(&plane, &who, waiting()).await.is_empty(), "{who:?}");
    }
    let decides = program("orders", &[ApiScope::RegistryRead, ApiScope::GrantsDecide]);
    assert_eq!(grants(&plane, &decides, waiting()).await.len(), 2);
    let of_billing = pb::ListGrantsRequest { resource_server: "billing".to_owned(), ..waiting() };
    assert_eq!(grants(&plane, &lists, of_billing).await, ["billing/read"]);
    let active = pb::ListGrantsRequest { state: pb::GrantState::Active.into(), ..waiting() };
    for who in [owner(), admin()] {
        assert!(grants(&plane, &who, active.clone()).await.is_empty());
    }

    plane.approve(&owner(), approval(&read)).await.unwrap();
    assert_eq!(grants(&plane, &owner(), waiting()).await, ["orders/write"]);
}
