use turnpike_domain::actor::{ApiScope, Role};
use turnpike_proto::v1 as pb;

use super::plane::*;

const DAY: u64 = 24 * 60 * 60;

#[tokio::test]
async fn everyone_signed_in_reads_teams_and_some_see_what_makes_their_members() {
    let plane = Plane::new().await;
    plane.team("orders").await;
    let get = || pb::GetTeamRequest { team: "orders".to_owned() };
    for (who, mapping, is_member) in [
        (admin(), true, false),
        (auditor(), true, false),
        (member(), false, true),
        (person("n", &[], &[]), false, false),
        (person("x", &["orders"], &[Role::Auditor]), true, true),
        (program(&[ApiScope::RegistryRead]), false, true),
    ] {
        let one = plane.get(&who, get()).await.unwrap().team.unwrap();
        let listed = plane.list(&who, pb::ListTeamsRequest::default()).await.unwrap().teams;
        assert_eq!(listed, std::slice::from_ref(&one));
        assert_eq!(one.member, is_member, "{who:?}");
        assert_eq!(!one.directory_groups.is_empty() && !one.app_roles.is_empty(), mapping);
        assert_eq!(one.directory_groups.is_empty() && one.app_roles.is_empty(), !mapping);
    }
    let audits = program(&[ApiScope::AuditRead]);
    assert_eq!(code(plane.get(&audits, get()).await), "NOT_ALLOWED");
    assert_eq!(code(plane.list(&audits, pb::ListTeamsRequest::default()).await), "NOT_ALLOWED");
    let absent = pb::GetTeamRequest { team: "others".to_owned() };
    assert_eq!(code(plane.get(&member(), absent).await), "NOT_FOUND");
}

#[tokio::test]
async fn lists_go_by_name_page_by_page() {
    let plane = Plane::new().await;
    for key in ["delta", "alpha", "charlie", "bravo"] {
        plane.team(key).await;
    }
    let all = pb::ListTeamsRequest { page_size: 1, ..Default::default() };
    assert_eq!(plane.names(&member(), all.clone()).await, ["alpha", "bravo", "charlie", "delta"]);
    let text = pb::ListTeamsRequest { text: "LPHA".to_owned(), ..all.clone() };
    assert_eq!(plane.names(&member(), text).await, ["alpha"]);
    let wrong = pb::ListTeamsRequest { state: 9, page_size: -1, ..all };
    let wrong = violations(plane.list(&member(), wrong).await);
    let fields: Vec<&str> = wrong.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["page_size", "state"]);
}

#[tokio::test]
async fn a_team_that_nobody_signs_in_for_is_an_orphan() {
    let plane = Plane::new().await;
    plane.team("busy").await;
    plane.team("left").await;
    plane.advance(60 * DAY);
    plane.registry.note_team_member(&team("busy")).await.unwrap();
    let seen = plane.team_now("busy").await.last_member_time;
    // Within a day of another, nothing is written.
    plane.advance(DAY - 1);
    plane.registry.note_team_member(&team("busy")).await.unwrap();
    assert_eq!(plane.team_now("busy").await.last_member_time, seen);
    plane.registry.note_team_member(&team("nobody")).await.unwrap();
    plane.advance(30 * DAY);
    let of = |state: pb::TeamState| pb::ListTeamsRequest {
        state: state.into(),
        ..pb::ListTeamsRequest::default()
    };
    assert_eq!(plane.names(&member(), of(pb::TeamState::Orphan)).await, ["left"]);
    assert_eq!(plane.names(&member(), of(pb::TeamState::Active)).await, ["busy"]);
    assert_eq!(plane.team_now("left").await.state(), pb::TeamState::Orphan);
    plane.registry.note_team_member(&team("left")).await.unwrap();
    assert_eq!(plane.team_now("left").await.state(), pb::TeamState::Active);
    // A note of a team that is not there was not kept.
    assert_eq!(plane.registry.teams_seen().await.unwrap().len(), 2);
}
