//! Every changing RPC leaves an event, and a refused one leaves one too. Which RPCs change is what the
//! descriptor set says: those whose request has `validate_only`.

use prost_reflect::DescriptorPool;
use turnpike_proto::v1 as pb;

use crate::authz::{World, world};
use crate::support::{ask_for, client, grant_of, orders_api_as};

/// The changing RPCs, as `Service/Method`, each with a kind of caller who may.
fn changing() -> Vec<(String, &'static str)> {
    let pool = DescriptorPool::decode(turnpike_proto::FILE_DESCRIPTOR_SET).unwrap();
    pool.services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .filter(|method| method.input().get_field_by_name("validate_only").is_some())
        .map(|method| {
            let rpc = format!("{}/{}", method.parent_service().name(), method.name());
            let owner = match rpc.as_str() {
                "GrantService/ApproveGrant" | "GrantService/DenyGrant" => "api team",
                _ if rpc.starts_with("ResourceServerService") => "api team",
                _ if rpc.starts_with("TeamService") => "admin",
                _ => "client team",
            };
            (rpc, owner)
        })
        .collect()
}

/// What only a pool that differs makes into a change: the tests of the service have such pools.
const OF_POOLS: [&str; 2] = ["ReconcileService/Adopt", "ReconcileService/Revert"];

/// What ends the session of the client team, and so comes last.
const LAST: &str = "SessionService/EndSession";

/// More events than any change leaves here, or setting a world up.
const MANY: i32 = 200;

impl World {
    /// The last events of the log, the newest first, up to so many.
    async fn events(&self, page_size: i32) -> Vec<pb::Event> {
        let list = pb::ListEventsRequest { page_size, ..Default::default() };
        let answer = self.callers["auditor"].audit().list_events(list).await.unwrap().into_inner();
        answer.events
    }

    async fn head(&self) -> i64 {
        self.events(1).await[0].sequence
    }

    async fn verify(&self) {
        let verify = pb::VerifyLogRequest::default();
        let verified = self.callers["auditor"].audit().verify_log(verify).await.unwrap();
        assert!(verified.get_ref().intact, "{}", verified.get_ref().problem);
    }

    /// Has new objects, of which no call has used anything up.
    async fn renew(&mut self, number: usize) {
        let (member, owner) = (&self.callers["client team"], &self.callers["api team"]);
        let identifier = format!("orders-{number}");
        (_, self.api_secret) = orders_api_as(owner, &identifier).await;
        let (shop, secret) = client(member, &format!("Shop {number}")).await;
        self.active = grant_of(&identifier, member, owner, &shop, &["place-order"]).await;
        self.pending = ask_for(&identifier, member, &shop, &["list-orders"]).await;
        let token = self.plane.http().token(&shop.client_id, &secret, "").await;
        (self.token, self.shop_secret) = (token.access_token(), secret);

        let team = format!("spare-{number}");
        let team = pb::Team { display_name: team.clone(), team, ..Default::default() };
        let create = pb::CreateTeamRequest { team: Some(team), ..Default::default() };
        let made = self.callers["admin"].teams().create_team(create).await.unwrap().into_inner();
        self.spare_team = made.team.unwrap();

        // What was read before may be behind by now.
        let get = pb::GetResourceServerRequest { identifier };
        let api = owner.resource_servers().get_resource_server(get).await.unwrap().into_inner();
        self.api = api.resource_server.unwrap();
        let get = pb::GetClientRequest { client_id: shop.client_id };
        let shop = owner.clients().get_client(get).await.unwrap().into_inner();
        self.shop = shop.client.unwrap();
    }
}

#[tokio::test]
async fn every_change_leaves_an_event() {
    let mut changing = changing();
    assert!(changing.len() >= 18, "{changing:?}");
    changing.retain(|(rpc, _)| !OF_POOLS.contains(&rpc.as_str()));
    changing.sort_by_key(|(rpc, _)| rpc == LAST);
    let mut world = world().await;
    for (number, (rpc, owner)) in changing.into_iter().enumerate() {
        world.renew(number).await;
        if rpc == "ClientService/EnableClient" {
            // Enabling what is enabled changes nothing.
            let disable = world.request("ClientService/DisableClient", false);
            let path = "/turnpike.v1.ClientService/DisableClient";
            world.callers[owner].call(path, disable).await.unwrap();
        }
        let before = world.head().await;
        let path = format!("/turnpike.v1.{rpc}");

        // Asking changes nothing and says nothing.
        let asked = world.callers[owner].call(&path, world.request(&rpc, true)).await;
        asked.unwrap_or_else(|status| panic!("{rpc} only asked: {status}"));
        assert_eq!(world.head().await, before, "{rpc} with validate_only left an event");

        let done = world.callers[owner].call(&path, world.request(&rpc, false)).await;
        done.unwrap_or_else(|status| panic!("{rpc}: {status}"));
        let mut new = world.events(MANY).await;
        new.retain(|event| event.sequence > before);
        assert!(!new.is_empty(), "{rpc} left no event");
        assert!(new.len() < MANY as usize, "{rpc} left more events than are looked at");
        for event in new {
            assert_eq!(event.method, format!("turnpike.v1.{rpc}"));
            assert_eq!(event.refusal, "", "{rpc}");
            assert_eq!(event.request_id.len(), 36, "{rpc}");
            let actor = match owner {
                "admin" => "ada",
                "api team" => "olga",
                _ => "pavel",
            };
            assert_eq!(event.actor.as_ref().unwrap().id, actor, "{rpc}");
        }
    }
    world.verify().await;
}

#[tokio::test]
async fn every_refused_change_leaves_an_event() {
    let world = world().await;
    for (rpc, _) in changing() {
        let before = world.head().await;
        let path = format!("/turnpike.v1.{rpc}");
        world.callers["stranger"].call(&path, world.request(&rpc, false)).await.unwrap_err();
        let event = world.events(1).await.remove(0);
        assert_eq!(event.sequence, before + 1, "{rpc} refused left no event, or several");
        assert_eq!(event.action, "call.refused", "{rpc}");
        assert_eq!(event.method, format!("turnpike.v1.{rpc}"));
        assert_eq!(event.actor.unwrap().id, "stan");
        assert!(["NOT_ALLOWED", "NOT_FOUND", "INVALID_FIELDS"].contains(&event.refusal.as_str()));
    }
    // A caller whom nobody knows cannot fill the log.
    let before = world.head().await;
    for (rpc, _) in changing() {
        let path = format!("/turnpike.v1.{rpc}");
        world.callers["nobody"].call(&path, world.request(&rpc, false)).await.unwrap_err();
    }
    assert_eq!(world.head().await, before);
    world.verify().await;
}

#[tokio::test]
async fn no_event_holds_a_secret() {
    let world = world().await;
    let events = world.events(MANY).await;
    assert!(events.len() < MANY as usize, "more than are looked at");
    let text = format!("{events:?}");
    for secret in [&world.shop_secret, &world.api_secret, &world.token] {
        assert!(!text.contains(secret.as_str()));
    }
    assert!(!text.contains("tp_"));
}

#[tokio::test]
async fn an_export_is_verifiable_by_anyone() {
    let world = world().await;
    let export = pb::ExportEventsRequest::default();
    let mut stream =
        world.callers["auditor"].audit().export_events(export).await.unwrap().into_inner();
    let mut lines = Vec::new();
    let mut last_hash = String::new();
    while let Some(part) = stream.message().await.unwrap() {
        lines.extend(part.lines);
        last_hash = part.last_hash;
    }
    assert_eq!(lines.len() as i64, world.head().await);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    let verify = async |lines: &[String]| {
        std::fs::write(&file, lines.join("\n") + "\n").unwrap();
        let mut command = tokio::process::Command::new(turnpike_tests::bin("turnpike"));
        command.args(["audit", "verify"]).arg(&file).args(["--expect-hash", &last_hash]);
        command.output().await.unwrap()
    };
    let good = verify(&lines).await;
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));

    // Whatever is changed, left out, put elsewhere or added is found.
    let mut altered = lines.clone();
    altered[1] = altered[1].replace("Turnpike", "Turnp1ke");
    assert_ne!(altered, lines);
    let mut shorter = lines.clone();
    shorter.remove(2);
    let mut swapped = lines.clone();
    swapped.swap(1, 2);
    let truncated = lines[..lines.len() - 1].to_vec();
    for bad in [altered, shorter, swapped, truncated] {
        assert!(!verify(&bad).await.status.success());
    }
}
