use turnpike_domain::actor::ApiScope;

use super::plane::*;
use turnpike_proto::v1 as pb;

#[tokio::test]
async fn an_admin_makes_a_team_and_changes_it() {
    let plane = Plane::new().await;
    let made = plane.team("orders").await;
    assert_eq!(made.directory_groups, ["group of orders"]);
    assert_eq!(made.state(), pb::TeamState::Active);
    assert_eq!(made, plane.team_now("orders").await);
    plane.advance(60);
    let wanted = pb::Team {
        display_name: "Orders & more".to_owned(),
        contact: "#orders".to_owned(),
        directory_groups: vec!["0F3E5A0C-1B2D-4C6F-8A9B-ABCDEFABCDEF".to_owned()],
        app_roles: Vec::new(),
        ..made.clone()
    };
    let changed = plane.update(&admin(), update(&wanted, &["*"])).await.unwrap().team.unwrap();
    assert_eq!(changed.directory_groups, ["0f3e5a0c-1b2d-4c6f-8a9b-abcdefabcdef"]);
    assert!(changed.app_roles.is_empty() && changed.contact == "#orders");
    assert_ne!(changed.etag, made.etag);
    assert_eq!(changed, plane.team_now("orders").await);
    assert_eq!(code(plane.update(&admin(), update(&wanted, &["*"])).await), "STALE_ETAG");
    let events = plane.events().await;
    let actions: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["team.created", "team.updated"]);
    assert_eq!(events[1].subject, "teams/orders");
    assert_eq!(events[1].team, "orders");
    let fields: Vec<&str> = events[1].changes.iter().map(|(field, ..)| field.as_str()).collect();
    assert_eq!(fields, ["display_name", "contact", "directory_groups", "app_roles"]);
}

#[tokio::test]
async fn only_admins_who_are_people_change_teams() {
    let plane = Plane::new().await;
    let team = plane.team("orders").await;
    for who in [member(), auditor(), person("n", &[], &[]), program(&ApiScope::ALL)] {
        assert_eq!(code(plane.create(&who, new_team("another")).await), "NOT_ALLOWED");
        assert_eq!(code(plane.update(&who, update(&team, &["contact"])).await), "NOT_ALLOWED");
        assert_eq!(code(plane.delete(&who, deletion(&team)).await), "NOT_ALLOWED");
    }
    assert_eq!(plane.events().await.len(), 1);
}

#[tokio::test]
async fn a_key_is_taken_once_and_a_repeat_is_no_second_team() {
    let plane = Plane::new().await;
    let request_id = "11111111-2222-4333-8444-555555555555".to_owned();
    let request = pb::CreateTeamRequest { request_id, ..new_team("orders") };
    let first = plane.create(&admin(), request.clone()).await.unwrap();
    assert_eq!(plane.create(&admin(), request.clone()).await.unwrap(), first);
    let other = pb::CreateTeamRequest { team: new_team("others").team, ..request };
    let wrong = violations(plane.create(&admin(), other).await);
    assert_eq!(wrong, [("request_id".to_owned(), "CONFLICT".to_owned())]);
    assert_eq!(code(plane.create(&admin(), new_team("orders")).await), "ALREADY_EXISTS");
    assert_eq!(plane.events().await.len(), 1);
}

#[tokio::test]
async fn who_only_asks_changes_nothing() {
    let plane = Plane::new().await;
    let ask = pb::CreateTeamRequest { validate_only: true, ..new_team("orders") };
    let team = plane.create(&admin(), ask).await.unwrap().team.unwrap();
    assert!(team.etag.is_empty());
    let missing = plane.get(&admin(), pb::GetTeamRequest { team: "orders".to_owned() }).await;
    assert_eq!(code(missing), "NOT_FOUND");
    let team = plane.team("orders").await;
    let wanted = pb::Team { contact: "x".to_owned(), ..team.clone() };
    let ask = pb::UpdateTeamRequest { validate_only: true, ..update(&wanted, &["contact"]) };
    let would = plane.update(&admin(), ask).await.unwrap().team.unwrap();
    assert_eq!((would.contact.as_str(), would.etag.as_str()), ("x", team.etag.as_str()));
    let ask = pb::DeleteTeamRequest { validate_only: true, ..deletion(&team) };
    plane.delete(&admin(), ask).await.unwrap();
    assert_eq!(plane.team_now("orders").await, team);
    assert_eq!(plane.events().await.len(), 1);
}

#[tokio::test]
async fn everything_wrong_is_said_at_once() {
    let plane = Plane::new().await;
    let team = pb::Team {
        team: "Orders".to_owned(),
        display_name: "two\nlines".to_owned(),
        contact: "x".repeat(257),
        directory_groups: vec!["g".to_owned(), String::new(), "g".to_owned()],
        app_roles: vec!["a b".to_owned(); 51],
        ..pb::Team::default()
    };
    let request = pb::CreateTeamRequest { team: Some(team), ..Default::default() };
    let wrong = violations(plane.create(&admin(), request).await);
    let expected = [
        ("team.team", "CHARACTERS"),
        ("team.display_name", "CHARACTERS"),
        ("team.contact", "TOO_LONG"),
        ("team.directory_groups[1]", "REQUIRED"),
        ("team.directory_groups[2]", "DUPLICATE"),
        ("team.app_roles", "TOO_LONG"),
    ];
    let expected = expected.map(|(field, reason)| (field.to_owned(), reason.to_owned()));
    assert_eq!(wrong, expected);
    let nothing = violations(plane.create(&admin(), pb::CreateTeamRequest::default()).await);
    assert_eq!(nothing, [("team".to_owned(), "REQUIRED".to_owned())]);
    let team = plane.team("orders").await;
    let wrong = violations(plane.update(&admin(), update(&team, &["team", "members"])).await);
    let reasons: Vec<&str> = wrong.iter().map(|(_, reason)| reason.as_str()).collect();
    assert_eq!(reasons, ["IMMUTABLE", "MALFORMED"]);
}
