//! The method table: one row for each RPC. No row, no call: a handler cannot be served without one, and
//! a test holds the table against the descriptor set.

/// What the edge needs to know of one RPC.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// Its path: `/package.Service/Method`.
    pub path: &'static str,
    /// Who may call it at all; what they may do is decided by `domain::authz`.
    pub callers: Callers,
    /// How often one caller may call it.
    pub limit: Limit,
    /// Whether calls leave a trace in the log.
    pub audit: Audit,
}

/// Kinds of callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Resource servers and clients, with their own secrets.
    Secret,
    /// People with a session, and programs with a token.
    SignedIn,
}

/// How often one caller may call. `Unlimited` is a decision; a limit that is switched off is a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// As a read of the whole log: as often as a read, and few at a time.
    Export,
    /// As a read of the registry.
    Read,
    /// As often as they like: it is what resource servers do for every request of theirs.
    Unlimited,
    /// As a stream that a resource server's verifiers keep open: so many at a time.
    Watch,
    /// As a change of the registry.
    Write,
}

/// What a call leaves in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audit {
    /// An event when it changes something, an event when it is refused.
    Change,
    /// Nothing: it changes nothing.
    None,
}

impl Row {
    /// The path without its leading `/`, as logs and metrics name it.
    pub fn method(&self) -> &'static str {
        self.path.trim_start_matches('/')
    }
}

/// Declares the rows and the list of them.
macro_rules! table {
    ($($name:ident: $path:literal, $callers:ident, $limit:ident, $audit:ident;)*) => {
        $(
            #[doc = concat!("`", $path, "`")]
            pub static $name: Row = Row {
                path: concat!("/turnpike.v1.", $path),
                callers: Callers::$callers,
                limit: Limit::$limit,
                audit: Audit::$audit,
            };
        )*

        /// All rows.
        pub static ALL: &[&Row] = &[$(&$name,)*];
    };
}

table! {
    EXPORT_EVENTS: "AuditService/ExportEvents", SignedIn, Export, None;
    GET_EVENT: "AuditService/GetEvent", SignedIn, Read, None;
    LIST_EVENTS: "AuditService/ListEvents", SignedIn, Read, None;
    VERIFY_LOG: "AuditService/VerifyLog", SignedIn, Export, None;

    ADD_CLIENT_SECRET: "ClientService/AddClientSecret", SignedIn, Write, Change;
    CREATE_CLIENT: "ClientService/CreateClient", SignedIn, Write, Change;
    DELETE_CLIENT: "ClientService/DeleteClient", SignedIn, Write, Change;
    DISABLE_CLIENT: "ClientService/DisableClient", SignedIn, Write, Change;
    ENABLE_CLIENT: "ClientService/EnableClient", SignedIn, Write, Change;
    GET_CLIENT: "ClientService/GetClient", SignedIn, Read, None;
    LIST_CLIENTS: "ClientService/ListClients", SignedIn, Read, None;
    REMOVE_CLIENT_SECRET: "ClientService/RemoveClientSecret", SignedIn, Write, Change;
    REVOKE_CLIENT_TOKENS: "ClientService/RevokeClientTokens", SignedIn, Write, Change;
    UPDATE_CLIENT: "ClientService/UpdateClient", SignedIn, Write, Change;

    APPROVE_GRANT: "GrantService/ApproveGrant", SignedIn, Write, Change;
    DENY_GRANT: "GrantService/DenyGrant", SignedIn, Write, Change;
    GET_GRANT: "GrantService/GetGrant", SignedIn, Read, None;
    LIST_GRANTS: "GrantService/ListGrants", SignedIn, Read, None;
    REQUEST_GRANT: "GrantService/RequestGrant", SignedIn, Write, Change;
    REVOKE_GRANT: "GrantService/RevokeGrant", SignedIn, Write, Change;

    INTROSPECT: "IntrospectionService/Introspect", Secret, Unlimited, None;
    LIST_VERIFIERS: "IntrospectionService/ListVerifiers", SignedIn, Read, None;
    REVOKE_TOKEN: "IntrospectionService/RevokeToken", SignedIn, Write, Change;
    WATCH_POLICY: "IntrospectionService/WatchPolicy", Secret, Watch, None;

    ADOPT: "ReconcileService/Adopt", SignedIn, Write, Change;
    LIST_DRIFT: "ReconcileService/ListDrift", SignedIn, Read, None;
    LIST_PENDING: "ReconcileService/ListPending", SignedIn, Read, None;
    REVERT: "ReconcileService/Revert", SignedIn, Write, Change;
    START_WALK: "ReconcileService/StartWalk", SignedIn, Write, None;

    ADD_RESOURCE_SERVER_SECRET: "ResourceServerService/AddResourceServerSecret", SignedIn, Write, Change;
    CREATE_RESOURCE_SERVER: "ResourceServerService/CreateResourceServer", SignedIn, Write, Change;
    DELETE_RESOURCE_SERVER: "ResourceServerService/DeleteResourceServer", SignedIn, Write, Change;
    GET_RESOURCE_SERVER: "ResourceServerService/GetResourceServer", SignedIn, Read, None;
    LIST_RESOURCE_SERVERS: "ResourceServerService/ListResourceServers", SignedIn, Read, None;
    REMOVE_RESOURCE_SERVER_SECRET: "ResourceServerService/RemoveResourceServerSecret", SignedIn, Write, Change;
    UPDATE_RESOURCE_SERVER: "ResourceServerService/UpdateResourceServer", SignedIn, Write, Change;

    END_SESSION: "SessionService/EndSession", SignedIn, Write, Change;
    GET_SESSION: "SessionService/GetSession", SignedIn, Read, None;
    LIST_SESSIONS: "SessionService/ListSessions", SignedIn, Read, None;

    CREATE_TEAM: "TeamService/CreateTeam", SignedIn, Write, Change;
    DELETE_TEAM: "TeamService/DeleteTeam", SignedIn, Write, Change;
    GET_TEAM: "TeamService/GetTeam", SignedIn, Read, None;
    LIST_TEAMS: "TeamService/ListTeams", SignedIn, Read, None;
    UPDATE_TEAM: "TeamService/UpdateTeam", SignedIn, Write, Change;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_reflect::DescriptorPool;

    use super::*;

    #[test]
    fn every_rpc_has_a_row_and_every_row_an_rpc() {
        let pool = DescriptorPool::decode(turnpike_proto::FILE_DESCRIPTOR_SET).unwrap();
        let rpcs: BTreeSet<String> = pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .map(|m| format!("/{}/{}", m.parent_service().full_name(), m.name()))
            .collect();
        let rows: BTreeSet<String> = ALL.iter().map(|row| row.path.to_owned()).collect();
        assert_eq!(rows, rpcs);
        assert_eq!(rows.len(), ALL.len(), "a row stands twice");
    }

    #[test]
    fn what_can_be_validated_only_is_what_changes() {
        let pool = DescriptorPool::decode(turnpike_proto::FILE_DESCRIPTOR_SET).unwrap();
        for method in pool.services().flat_map(|s| s.methods().collect::<Vec<_>>()) {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            let row = ALL.iter().find(|row| row.path == path).unwrap();
            let validates = method.input().get_field_by_name("validate_only").is_some();
            assert_eq!(validates, row.audit == Audit::Change, "{path}");
        }
    }
}
