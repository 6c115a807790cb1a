use std::collections::BTreeSet;

use tempfile::TempDir;
use turnpike_domain::PrincipalKind;
use turnpike_domain::actor::Teams;
use turnpike_domain::id::TeamId;
use turnpike_domain::session::{DirectoryEntry, Groups};
use turnpike_domain::team::{AppRole, AppRoles, DirectoryGroup, DirectoryGroups};
use turnpike_domain::text::{TeamContact, TeamName};
use turnpike_domain::{Team, Timestamp};
use turnpike_store_sqlite::SqliteStore;

use super::*;
use crate::fakes::{FakeClock, FakeEntropy};
use crate::seal::SealKey;

fn persona(id: &str, team: &str) -> Persona {
    Persona {
        id: id.to_owned(),
        display_name: id.to_uppercase(),
        teams: BTreeSet::from([TeamId::parse(team).unwrap()]),
        roles: BTreeSet::new(),
    }
}

fn person(id: &str) -> Principal {
    Principal { kind: PrincipalKind::Staff, id: id.to_owned(), display_name: id.to_uppercase() }
}

struct World {
    sessions: Sessions,
    registry: Registry,
    clock: Arc<FakeClock>,
    _folder: TempDir,
}

async fn world(personas: &[Persona]) -> World {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("t.db")).unwrap());
    let (clock, entropy) =
        (Arc::new(FakeClock::at(1_800_000_000)), Arc::new(FakeEntropy::default()));
    let registry = Registry::open(store, clock.clone(), entropy.clone()).await.unwrap();
    turnpike_testkit::teams::provide(&registry, &["orders", "partners"]).await;
    let sessions = Sessions::new(Parts {
        origin: &Origin::parse("http://127.0.0.1:8080").unwrap(),
        settings: SessionSettings::default(),
        personas,
        roles: Vec::new(),
        oidc: None,
        keys: SealKeys::new(&[SealKey::new([1; 32])]).unwrap(),
        registry: registry.clone(),
        clock: clock.clone(),
        entropy,
    });
    World { sessions, registry, clock, _folder: folder }
}

fn value(cookie: &HeaderValue) -> String {
    let text = cookie.to_str().unwrap();
    text.split(';').next().unwrap().split_once('=').unwrap().1.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_as_strict_as_lax_allows_and_says_nothing() {
    let w = world(&[persona("olga", "orders")]).await;
    let cookie = w.sessions.begin(person("olga"), SignIn::Link, None).await.unwrap();
    let text = cookie.to_str().unwrap();
    assert!(text.starts_with("__Host-Http-turnpike-8080="), "{text}");
    assert!(text.ends_with("; Max-Age=28800; Path=/; Secure; HttpOnly; SameSite=Lax"), "{text}");
    assert!(cookie.is_sensitive() && !text.contains("olga"));
    let live = w.sessions.open(&value(&cookie)).await.unwrap();
    assert_eq!(live.staff.display_name, "OLGA");
    // Whoever reads the store cannot make the cookie of it.
    let id = live.session.session_id.as_str();
    assert!(!text.contains(id));
    assert!(matches!(w.sessions.open(id).await, Err(NoSession::Ended)));
    let team = TeamId::parse("orders").unwrap();
    assert!(w.registry.team_seen(&team).await.unwrap().is_some(), "a member was seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_has_no_session() {
    let w = world(&[persona("olga", "orders")]).await;
    let cookie = w.sessions.begin(person("petra"), SignIn::Link, None).await.unwrap();
    assert!(matches!(w.sessions.open(&value(&cookie)).await, Err(NoSession::Ended)));
}

#[tokio::test(flavor = "multi_thread")]
async fn that_it_is_used_is_noted_now_and_then() {
    let w = world(&[persona("olga", "orders")]).await;
    let cookie = value(&w.sessions.begin(person("olga"), SignIn::Link, None).await.unwrap());
    let id = w.sessions.open(&cookie).await.unwrap().session.session_id;
    let version = async || w.registry.session(&id).await.unwrap().unwrap().version;
    for (seconds, noted) in [(179, 1), (1, 2), (100, 2), (80, 3)] {
        w.clock.advance(seconds);
        w.sessions.open(&cookie).await.unwrap();
        assert_eq!(version().await, noted, "{seconds} s later");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_those_with_a_group_or_a_role_of_the_team() {
    let w = world(&[]).await;
    let group = |text: &str| DirectoryGroup::parse(text).unwrap();
    let role = |text: &str| AppRole::parse(text).unwrap();
    let orders = TeamId::parse("orders").unwrap();
    let partners = TeamId::parse("partners").unwrap();
    let team = |id: &TeamId, groups: Vec<DirectoryGroup>, roles: Vec<AppRole>| Team {
        team: id.clone(),
        display_name: TeamName::parse("T").unwrap(),
        contact: TeamContact::parse("").unwrap(),
        directory_groups: DirectoryGroups::new(groups).unwrap(),
        app_roles: AppRoles::new(roles).unwrap(),
        create_time: Timestamp::from_millis(0),
        update_time: Timestamp::from_millis(0),
    };
    let teams = [
        team(&orders, vec![group("g1"), group("g2")], vec![]),
        team(&partners, vec![group("g2")], vec![role("Team.Partners")]),
    ];
    let known = |groups: &[&str], roles: &[&str]| {
        let entry = DirectoryEntry {
            issuer: String::new(),
            subject: String::new(),
            groups: Groups::Known(groups.iter().map(|g| group(g)).collect()),
            app_roles: roles.iter().map(|r| role(r)).collect(),
            login_id: None,
            login_hint: None,
            read_time: Timestamp::from_millis(0),
            claimed_until: Timestamp::from_millis(0),
        };
        let unknown = DirectoryEntry { groups: Groups::Unknown, ..entry.clone() };
        (people::of_directory(&entry, &teams), people::of_directory(&unknown, &teams))
    };
    let set = |teams: &[&TeamId]| teams.iter().map(|t| (*t).clone()).collect::<BTreeSet<_>>();
    assert_eq!(known(&["g1"], &[]).0, Teams::Known(set(&[&orders])));
    assert_eq!(known(&["g2"], &[]).0, Teams::Known(set(&[&orders, &partners])));
    assert_eq!(known(&["g3", "G1"], &["team.partners"]).0, Teams::Known(set(&[])));
    // What the directory did not say is not "none", and not "all".
    let (all, some) = known(&["g1"], &["Team.Partners"]);
    assert_eq!(all, Teams::Known(set(&[&orders, &partners])));
    assert_eq!(some, Teams::Unknown(set(&[&partners])));
    drop(w);
}

#[tokio::test]
async fn cookies_are_found_among_others() {
    let w = world(&[]).await;
    let found = |values: &[&str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("cookie", HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        match w.sessions.cookie_in(&headers) {
            Cookie::Absent => "absent".to_owned(),
            Cookie::One(value) => value.to_owned(),
            Cookie::Several => "several".to_owned(),
        }
    };
    let ours = "__Host-Http-turnpike-8080";
    assert_eq!(found(&[]), "absent");
    assert_eq!(found(&["a=b; __Host-Http-turnpike-8081=x"]), "absent");
    assert_eq!(found(&["__Host-turnpike-8080=x"]), "absent", "one that a script may set");
    assert_eq!(found(&[&format!("a=b;{ours}=x=y ; c")]), "x=y");
    assert_eq!(found(&["a=b", &format!("{ours}=x")]), "x");
    assert_eq!(found(&[&format!("a=größer; {ours}=x; ü; =; ;")]), "x");
    assert_eq!(found(&[&format!("{ours}=x; {ours}=y")]), "several");
    assert_eq!(found(&[&format!("{ours}=x"), &format!("{ours}=x")]), "several");
}
