//! Which process serves which gRPC services.

use super::config::Upstreams;

/// A process, and the services that are behind it.
pub(super) struct Row {
    /// Its key in `[upstreams]`.
    pub(super) name: &'static str,
    /// Its URLs.
    pub(super) urls: fn(&Upstreams) -> &[String],
    /// Full names.
    pub(super) services: &'static [&'static str],
}

/// One row for each process.
pub(super) const ROWS: &[Row] = &[
    Row { name: "audit", urls: |u| &u.audit, services: &["turnpike.v1.AuditService"] },
    Row {
        name: "clients",
        urls: |u| &u.clients,
        services: &[
            "turnpike.v1.ClientService",
            "turnpike.v1.GrantService",
            "turnpike.v1.ReconcileService",
        ],
    },
    Row {
        name: "introspection",
        urls: |u| &u.introspection,
        services: &["turnpike.v1.IntrospectionService"],
    },
    Row {
        name: "resource_servers",
        urls: |u| &u.resource_servers,
        services: &["turnpike.v1.ResourceServerService"],
    },
    Row {
        name: "teams",
        urls: |u| &u.teams,
        services: &["turnpike.v1.SessionService", "turnpike.v1.TeamService"],
    },
    Row { name: "tokens", urls: |u| &u.tokens, services: &[] },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_reflect::DescriptorPool;

    use super::*;

    #[test]
    fn every_service_has_one_process() {
        let pool = DescriptorPool::decode(turnpike_proto::FILE_DESCRIPTOR_SET).unwrap();
        let all: BTreeSet<String> =
            pool.services().map(|service| service.full_name().to_owned()).collect();
        let listed: Vec<&str> = ROWS.iter().flat_map(|row| row.services).copied().collect();
        let rows: BTreeSet<String> = listed.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(rows, all);
        assert_eq!(listed.len(), rows.len(), "a service stands twice");
    }
}
