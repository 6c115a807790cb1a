//! Who may do what to what: the whole matrix as a file to review, and its surprising cells one by one.
//!
//! `UPDATE=1 cargo test -p turnpike-domain --test authz` writes the file anew.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use turnpike_domain::actor::{ApiScope, Program, Role, Staff, Teams};
use turnpike_domain::authz::{Action, Denial, Resource, decide};
use turnpike_domain::error::{ErrorCode, Subject};
use turnpike_domain::id::{ClientId, TeamId};
use turnpike_domain::{Actor, Identifier, Principal, PrincipalKind, Timestamp};

const MATRIX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/output/authz.txt");

/// Declares the list of actions; does not compile when there is one more.
macro_rules! actions {
    ($($action:ident,)*) => {
        /// Every action.
        const ACTIONS: &[Action] = &[$(Action::$action,)*];

        #[expect(dead_code, reason = "it is there to be compiled")]
        const fn all_of_them(action: Action) {
            match action {
                $(Action::$action => {})*
            }
        }
    };
}

actions! {
    DecideGrant,
    EndSession,
    ExpireGrant,
    ExportLog,
    Introspect,
    LearnSecret,
    ManageClient,
    ManageResourceServer,
    ManageTeam,
    ProvideBuiltIn,
    ReadCatalogue,
    ReadClient,
    ReadEvent,
    ReadGrant,
    ReadPool,
    ReadResourceServerSecrets,
    ReadSession,
    ReadSessions,
    ReadTeamMapping,
    Reconcile,
    RequestGrant,
    RevokeGrant,
    RevokeToken,
    RotateKeys,
    WatchPolicy,
}

fn team(name: &str) -> TeamId {
    TeamId::parse(name).unwrap()
}

fn staff(id: &str, teams: Teams, roles: &[Role]) -> Actor {
    Actor::Staff(Staff {
        id: id.to_owned(),
        display_name: id.to_owned(),
        teams,
        roles: roles.iter().copied().collect(),
        session_expire_time: Timestamp::MAX,
    })
}

fn of(teams: &[&str]) -> Teams {
    Teams::Known(teams.iter().map(|name| team(name)).collect())
}

fn program(scopes: &[ApiScope]) -> Actor {
    Actor::Program(Program {
        client_id: ClientId::parse("program").unwrap(),
        display_name: "Program".to_owned(),
        team: team("mine"),
        scopes: scopes.iter().copied().collect(),
    })
}

/// Every kind of caller, with the name of its column.
fn actors() -> Vec<(&'static str, Actor)> {
    vec![
        ("member", staff("anna", of(&["mine"]), &[])),
        ("no-team", staff("anna", of(&[]), &[])),
        ("unknown", staff("anna", Teams::Unknown(BTreeSet::new()), &[])),
        ("auditor", staff("anna", of(&[]), &[Role::Auditor])),
        ("admin", staff("anna", of(&[]), &[Role::PlatformAdmin])),
        ("read", program(&[ApiScope::RegistryRead])),
        ("write", program(&[ApiScope::RegistryWrite])),
        ("decide", program(&[ApiScope::GrantsDecide])),
        ("audit", program(&[ApiScope::AuditRead])),
        ("all", program(&ApiScope::ALL)),
        ("none", program(&[])),
        ("client", Actor::Client(ClientId::parse("c1").unwrap())),
        ("rs", Actor::ResourceServer(Identifier::parse("api").unwrap())),
        ("system", Actor::System),
    ]
}

/// What the caller has to do with the things, in words.
struct Relation {
    name: &'static str,
    client: &'static str,
    server: &'static str,
    /// Whether the caller asked for the grant themself.
    asked: bool,
    kind: Kind,
}

enum Kind {
    Client,
    /// Of a client that may decide grants.
    ClientSecret,
    Event,
    Grant,
    Server {
        built_in: bool,
    },
    Session,
    Token,
    Whole,
}

fn relations() -> Vec<Relation> {
    let relation =
        |name, client, server, asked, kind| Relation { name, client, server, asked, kind };
    vec![
        relation("a client of the caller's team", "mine", "theirs", false, Kind::Client),
        relation(
            "a client that has to do with an API of the caller's team",
            "theirs",
            "mine",
            false,
            Kind::Client,
        ),
        relation("a client of others", "theirs", "theirs", false, Kind::Client),
        relation(
            "an API of the caller's team",
            "",
            "mine",
            false,
            Kind::Server { built_in: false },
        ),
        relation("an API of others", "", "theirs", false, Kind::Server { built_in: false }),
        relation(
            "Turnpike's own API, the team of the caller",
            "",
            "mine",
            false,
            Kind::Server { built_in: true },
        ),
        relation(
            "Turnpike's own API, another team",
            "",
            "theirs",
            false,
            Kind::Server { built_in: true },
        ),
        relation(
            "a grant, both sides of the caller's team, asked for by the caller",
            "mine",
            "mine",
            true,
            Kind::Grant,
        ),
        relation(
            "a grant, both sides of the caller's team, asked for by another",
            "mine",
            "mine",
            false,
            Kind::Grant,
        ),
        relation(
            "a grant of an API of the caller's team, asked for by the caller",
            "theirs",
            "mine",
            true,
            Kind::Grant,
        ),
        relation(
            "a grant of an API of the caller's team, asked for by another",
            "theirs",
            "mine",
            false,
            Kind::Grant,
        ),
        relation(
            "a grant to a client of the caller's team, asked for by the caller",
            "mine",
            "theirs",
            true,
            Kind::Grant,
        ),
        relation(
            "a grant to a client of the caller's team, asked for by another",
            "mine",
            "theirs",
            false,
            Kind::Grant,
        ),
        relation(
            "a grant of others, asked for by the caller",
            "theirs",
            "others",
            true,
            Kind::Grant,
        ),
        relation("a grant of others, asked for by another", "theirs", "others", false, Kind::Grant),
        relation("an event that concerns the caller's team", "mine", "theirs", false, Kind::Event),
        relation("an event of others", "theirs", "others", false, Kind::Event),
        relation("a token of a client of the caller's team", "mine", "", false, Kind::Token),
        relation(
            "a secret of a client of the caller's team that may decide grants and write",
            "mine",
            "",
            false,
            Kind::ClientSecret,
        ),
        relation("a token of a client of others", "theirs", "", false, Kind::Token),
        relation("a session of the caller", "", "", true, Kind::Session),
        relation("a session of another person", "", "", false, Kind::Session),
        relation("nothing in particular", "", "", false, Kind::Whole),
    ]
}

/// Calls `look` with the resource that stands in this relation to `actor`.
fn with_resource<T>(relation: &Relation, actor: &Actor, look: impl Fn(&Resource<'_>) -> T) -> T {
    let name = |name: &str| team(if name.is_empty() { "none" } else { name });
    let (client, server) = (name(relation.client), name(relation.server));
    let another = Principal {
        kind: PrincipalKind::Staff,
        id: "another".to_owned(),
        display_name: "Another".to_owned(),
    };
    let requester = if relation.asked { actor.principal() } else { another };
    let client_id = ClientId::parse("c1").unwrap();
    let teams = [client.clone(), server.clone()];
    match relation.kind {
        Kind::Client => {
            look(&Resource::Client { team: &client, related: std::slice::from_ref(&server) })
        }
        Kind::ClientSecret => look(&Resource::ClientSecret {
            team: &client,
            related: std::slice::from_ref(&server),
            opens: &BTreeSet::from([ApiScope::GrantsDecide, ApiScope::RegistryWrite]),
        }),
        Kind::Event => look(&Resource::Event { teams: &teams }),
        Kind::Grant => look(&Resource::Grant {
            client_team: &client,
            resource_server_team: &server,
            requester: &requester,
        }),
        Kind::Server { built_in } => look(&Resource::ResourceServer { team: &server, built_in }),
        Kind::Session => look(&Resource::Session { person: &requester }),
        Kind::Token => look(&Resource::Token { client_id: &client_id, team: &client }),
        Kind::Whole => look(&Resource::Whole),
    }
}

/// What is done to this kind of thing. Nobody does anything else to it, but for what is done to nothing in
/// particular, whatever the thing.
fn concerns(action: Action, kind: &Kind) -> bool {
    match action {
        Action::ManageClient => matches!(kind, Kind::Client | Kind::ClientSecret),
        Action::RequestGrant => matches!(kind, Kind::Client),
        Action::ReadClient => {
            matches!(kind, Kind::Client | Kind::ClientSecret | Kind::Token | Kind::Whole)
        }
        Action::ManageResourceServer | Action::ReadResourceServerSecrets => {
            matches!(kind, Kind::Server { .. })
        }
        Action::EndSession | Action::ReadSessions => matches!(kind, Kind::Session),
        Action::ReadCatalogue => matches!(kind, Kind::Server { .. } | Kind::Whole),
        Action::DecideGrant | Action::RevokeGrant => matches!(kind, Kind::Grant),
        Action::ReadGrant => matches!(kind, Kind::Grant | Kind::Whole),
        Action::ReadEvent => matches!(kind, Kind::Event | Kind::Whole),
        Action::RevokeToken => matches!(kind, Kind::Token),
        Action::ExpireGrant
        | Action::ExportLog
        | Action::Introspect
        | Action::LearnSecret
        | Action::ManageTeam
        | Action::ProvideBuiltIn
        | Action::ReadPool
        | Action::ReadSession
        | Action::Reconcile
        | Action::ReadTeamMapping
        | Action::RotateKeys
        | Action::WatchPolicy => matches!(kind, Kind::Whole),
    }
}

fn matrix() -> String {
    let actors = actors();
    let mut text = "\
Who may do what to what. yes: may; no: may not, and is told so; -: it does not exist for them.
Nobody does to a thing what is not listed there; what is listed under nothing in particular looks at no thing.
The callers: a person who is a member of the team `mine`, in no team, in teams the directory did not tell,
an auditor, a platform admin; a program of the team `mine` with one scope, all four, none; the secrets of
the client `c1` and of a resource server; Turnpike itself.
"
    .to_owned();
    for relation in relations() {
        writeln!(text, "\n{}", relation.name).unwrap();
        write!(text, "{:28}", "").unwrap();
        let line: Vec<String> = actors.iter().map(|(name, _)| format!("{name:8}")).collect();
        writeln!(text, "{}", line.join("").trim_end()).unwrap();
        for action in ACTIONS.iter().copied().filter(|action| concerns(*action, &relation.kind)) {
            let cell = |actor: &Actor| {
                with_resource(&relation, actor, |resource| match decide(actor, action, resource) {
                    Ok(_) => "yes",
                    Err(Denial::Denied(_)) => "no",
                    Err(Denial::Hidden) => "-",
                })
            };
            let line: Vec<String> = actors.iter().map(|(_, a)| format!("{:8}", cell(a))).collect();
            let action = format!("{action:?}");
            writeln!(text, "  {action:26}{}", line.join("").trim_end()).unwrap();
        }
    }
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test is asked by its caller to write")]
fn the_matrix_is_the_one_reviewed() {
    let now = matrix();
    if std::env::var("UPDATE").is_ok() {
        std::fs::write(MATRIX, &now).unwrap();
    }
    let reviewed = std::fs::read_to_string(MATRIX).unwrap();
    for (at, (now, reviewed)) in now.lines().zip(reviewed.lines()).enumerate() {
        assert_eq!(now, reviewed, "line {} of tests/output/authz.txt", at + 1);
    }
    assert_eq!(now.lines().count(), reviewed.lines().count());
}

#[test]
fn every_action_is_in_the_matrix() {
    let matrix = matrix();
    for &action in ACTIONS {
        assert!(matrix.contains(&format!("  {action:?} ")), "nobody may {action:?}");
    }
}

#[test]
fn what_the_matrix_leaves_out_is_nothing() {
    for (name, actor) in actors() {
        for &action in ACTIONS {
            let whole = decide(&actor, action, &Resource::Whole).is_ok();
            for relation in relations().iter().filter(|r| !concerns(action, &r.kind)) {
                let may = with_resource(relation, &actor, |r| decide(&actor, action, r).is_ok());
                let anywhere = whole && concerns(action, &Kind::Whole);
                assert_eq!(may, may && anywhere, "{name} {action:?} {}", relation.name);
            }
        }
    }
}

fn grant_by<'a>(client: &'a TeamId, server: &'a TeamId, by: &'a Principal) -> Resource<'a> {
    Resource::Grant { client_team: client, resource_server_team: server, requester: by }
}

#[test]
fn whoever_asked_does_not_decide_not_even_an_admin() {
    let (mine, theirs) = (team("mine"), team("theirs"));
    for asker in [
        staff("anna", of(&["mine", "theirs"]), &[]),
        staff("anna", of(&[]), &[Role::PlatformAdmin]),
    ] {
        let by = asker.principal();
        let denied = decide(&asker, Action::DecideGrant, &grant_by(&theirs, &mine, &by));
        assert!(
            matches!(denied, Err(Denial::Denied(why)) if why.contains("colleague")),
            "{denied:?}"
        );
    }
    let colleague = staff("ben", of(&["mine"]), &[]);
    let by = staff("anna", of(&["theirs"]), &[]).principal();
    assert!(decide(&colleague, Action::DecideGrant, &grant_by(&theirs, &mine, &by)).is_ok());
}

#[test]
fn a_program_whose_id_is_a_persons_is_someone_else() {
    let (mine, theirs) = (team("mine"), team("theirs"));
    let by = staff("program", of(&["theirs"]), &[]).principal();
    let program = program(&[ApiScope::GrantsDecide]);
    assert_eq!(program.principal().id, by.id);
    assert!(decide(&program, Action::DecideGrant, &grant_by(&theirs, &mine, &by)).is_ok());
}

#[test]
fn a_change_of_display_name_is_no_new_person() {
    let (mine, theirs) = (team("mine"), team("theirs"));
    let anna = staff("anna", of(&["mine", "theirs"]), &[]);
    let by = Principal { display_name: "Anna after her wedding".to_owned(), ..anna.principal() };
    assert!(decide(&anna, Action::DecideGrant, &grant_by(&theirs, &mine, &by)).is_err());
}

#[test]
fn an_auditor_reads_all_and_changes_nothing() {
    let auditor = staff("anna", of(&[]), &[Role::Auditor]);
    let changes = [
        Action::DecideGrant,
        Action::ManageClient,
        Action::ManageResourceServer,
        Action::ManageTeam,
        Action::RequestGrant,
        Action::RevokeGrant,
        Action::RevokeToken,
    ];
    for relation in relations() {
        with_resource(&relation, &auditor, |resource| {
            for action in changes {
                let told = matches!(decide(&auditor, action, resource), Err(Denial::Denied(_)));
                assert!(told, "{action:?} {}", relation.name);
            }
        });
    }
}

#[test]
fn an_auditor_may_manage_what_their_own_team_owns() {
    let mine = team("mine");
    let auditor = staff("anna", of(&["mine"]), &[Role::Auditor]);
    let resource = Resource::Client { team: &mine, related: &[] };
    assert!(decide(&auditor, Action::ManageClient, &resource).is_ok());
}

#[test]
fn teams_the_directory_did_not_tell_are_none() {
    let mine = team("mine");
    let unknown = staff("anna", Teams::Unknown(BTreeSet::new()), &[]);
    let resource = Resource::Client { team: &mine, related: std::slice::from_ref(&mine) };
    assert_eq!(decide(&unknown, Action::ReadClient, &resource).err(), Some(Denial::Hidden));
    assert!(decide(&unknown, Action::ReadCatalogue, &Resource::Whole).is_ok());
}

#[test]
fn a_team_that_the_directory_did_tell_counts_beside_those_it_did_not() {
    let (mine, theirs) = (team("mine"), team("theirs"));
    let some = staff("anna", Teams::Unknown(BTreeSet::from([mine.clone()])), &[]);
    let client = |team| Resource::Client { team, related: &[] };
    assert!(decide(&some, Action::ManageClient, &client(&mine)).is_ok());
    assert!(decide(&some, Action::ManageClient, &client(&theirs)).is_err());
}

#[test]
fn the_owner_of_an_api_sees_its_clients_and_does_not_manage_them() {
    let (mine, theirs) = (team("mine"), team("theirs"));
    let owner = staff("anna", of(&["mine"]), &[]);
    let related = Resource::Client { team: &theirs, related: std::slice::from_ref(&mine) };
    assert!(decide(&owner, Action::ReadClient, &related).is_ok());
    let denied = decide(&owner, Action::ManageClient, &related).err();
    assert!(matches!(denied, Some(Denial::Denied(_))));
    let foreign = Resource::Client { team: &theirs, related: &[] };
    assert_eq!(decide(&owner, Action::ManageClient, &foreign).err(), Some(Denial::Hidden));
}

#[test]
fn nobody_touches_the_built_in_resource_server() {
    let mine = team("mine");
    let resource = Resource::ResourceServer { team: &mine, built_in: true };
    for (name, actor) in actors() {
        assert!(decide(&actor, Action::ManageResourceServer, &resource).is_err(), "{name}");
    }
    let admin = staff("anna", of(&["mine"]), &[Role::PlatformAdmin]);
    assert!(decide(&admin, Action::ManageResourceServer, &resource).is_err());
}

#[test]
fn a_program_is_told_which_scope_it_lacks() {
    let mine = team("mine");
    let resource = Resource::Client { team: &mine, related: &[] };
    let denied = decide(&program(&[ApiScope::RegistryRead]), Action::ManageClient, &resource).err();
    assert_eq!(denied, Some(Denial::Denied("needs the scope `turnpike/registry.write`")));
    // One that may not even read learns nothing.
    let hidden = decide(&program(&[ApiScope::AuditRead]), Action::ManageClient, &resource).err();
    assert_eq!(hidden, Some(Denial::Hidden));
}

#[test]
fn a_secret_opens_introspection_and_nothing_else() {
    for (name, actor) in actors() {
        let by_secret = matches!(actor, Actor::Client(_) | Actor::ResourceServer(_));
        let mut may = BTreeSet::new();
        for relation in relations() {
            for &action in ACTIONS {
                if with_resource(&relation, &actor, |r| decide(&actor, action, r).is_ok()) {
                    may.insert(format!("{action:?}"));
                }
            }
        }
        assert_eq!(may.contains("Introspect"), by_secret, "{name}");
        if by_secret {
            // And, to a resource server, all that introspection would tell it.
            let follows = matches!(actor, Actor::ResourceServer(_));
            assert_eq!(may.remove("WatchPolicy"), follows, "{name}");
            let only = BTreeSet::from(["Introspect".to_owned(), "RevokeToken".to_owned()]);
            assert!(may.is_subset(&only), "{name}: {may:?}");
        }
    }
}

#[test]
fn a_client_revokes_its_own_tokens_only() {
    let (own, other) = (ClientId::parse("c1").unwrap(), ClientId::parse("c2").unwrap());
    let mine = team("mine");
    let client = Actor::Client(own.clone());
    let token = |id| Resource::Token { client_id: id, team: &mine };
    assert!(decide(&client, Action::RevokeToken, &token(&own)).is_ok());
    assert!(decide(&client, Action::RevokeToken, &token(&other)).is_err());
}

#[test]
fn hidden_is_absent_and_denied_is_not() {
    let subject = || Subject::new("clients", "c1");
    assert_eq!(Denial::Hidden.into_error(subject()).code(), ErrorCode::NotFound);
    assert_eq!(Denial::Denied("no").into_error(subject()).code(), ErrorCode::Denied);
}

#[test]
fn a_permit_names_who_and_what() {
    let permit = decide(&Actor::System, Action::ExpireGrant, &Resource::Whole).unwrap();
    assert_eq!(permit.action(), Action::ExpireGrant);
    assert_eq!(*permit.principal(), Principal::system());
}
