use turnpike_domain::error::Error;
use turnpike_proto::v1 as pb;

use super::plane::*;

fn in_the_way(answer: Result<pb::DeleteTeamResponse, Error>) -> Vec<String> {
    match answer {
        Err(Error::Precondition(blockers)) => {
            assert!(blockers.iter().all(|blocker| blocker.kind == "TEAM_OWNS"));
            blockers.into_iter().map(|blocker| blocker.subject).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_team_that_owns_something_stays() {
    let plane = Plane::new().await;
    let team = plane.team("orders").await;
    plane.team("others").await;
    let client = plane.client("orders").await;
    plane.resource_server("orders", "api").await;
    plane.resource_server("others", "another-api").await;
    let blockers = in_the_way(plane.delete(&admin(), deletion(&team)).await);
    let client_subject = format!("clients/{}", client.value.client_id);
    assert_eq!(blockers, [client_subject, "resource-servers/api".to_owned()]);
    let ask = pb::DeleteTeamRequest { validate_only: true, ..deletion(&team) };
    assert_eq!(in_the_way(plane.delete(&admin(), ask).await).len(), 2);
    plane.delete_client(&client).await;
    assert_eq!(in_the_way(plane.delete(&admin(), deletion(&team)).await).len(), 1);
}

#[tokio::test]
async fn a_team_that_owns_nothing_goes() {
    let plane = Plane::new().await;
    let team = plane.team("orders").await;
    plane.registry.note_team_member(&self::team("orders")).await.unwrap();
    let stale = pb::DeleteTeamRequest { etag: "\"7\"".to_owned(), ..deletion(&team) };
    assert_eq!(code(plane.delete(&admin(), stale).await), "STALE_ETAG");
    plane.delete(&admin(), deletion(&team)).await.unwrap();
    assert_eq!(code(plane.delete(&admin(), deletion(&team)).await), "NOT_FOUND");
    assert_eq!(plane.events().await.last().unwrap().action, "team.deleted");
    assert!(plane.registry.teams_seen().await.unwrap().is_empty());
    // One of the same name is another team.
    plane.advance(1);
    let again = plane.team("orders").await;
    assert_ne!(again.etag, team.etag);
    assert!(again.last_member_time.is_none());
}
