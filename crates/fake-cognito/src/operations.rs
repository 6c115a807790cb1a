//! The operations, with the rate that each counts against.

use serde_json::Value;

use crate::error::ApiError;
use crate::input::Input;
use crate::world::World;
use crate::{clients, pools, resource_servers, secrets};

/// A category of requests that shares one rate over all pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Category {
    ClientAuthentication,
    ClientRead,
    ClientUpdate,
    Pool,
    ResourceRead,
    ResourceUpdate,
}

/// An operation of the API.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) category: Category,
    /// Whether another change of the same client at the same time is a conflict.
    pub(crate) conflicts: bool,
    pub(crate) run: fn(&mut World, Input) -> Result<Value, ApiError>,
}

const OPERATIONS: &[Operation] = &[
    of("CreateUserPool", Category::Pool, pools::create),
    of("DescribeUserPool", Category::Pool, pools::describe),
    of("UpdateUserPool", Category::Pool, pools::update),
    of("DeleteUserPool", Category::Pool, pools::delete),
    of("CreateUserPoolDomain", Category::Pool, pools::create_domain),
    of("DeleteUserPoolDomain", Category::Pool, pools::delete_domain),
    of("CreateResourceServer", Category::ResourceUpdate, resource_servers::create),
    of("UpdateResourceServer", Category::ResourceUpdate, resource_servers::update),
    of("DeleteResourceServer", Category::ResourceUpdate, resource_servers::delete),
    of("DescribeResourceServer", Category::ResourceRead, resource_servers::describe),
    of("ListResourceServers", Category::ResourceRead, resource_servers::list),
    of("CreateUserPoolClient", Category::ClientUpdate, clients::create),
    conflicting("UpdateUserPoolClient", Category::ClientUpdate, clients::update),
    conflicting("DeleteUserPoolClient", Category::ClientUpdate, clients::delete),
    of("DescribeUserPoolClient", Category::ClientRead, clients::describe),
    of("ListUserPoolClients", Category::ClientRead, clients::list),
    of("AddUserPoolClientSecret", Category::ClientUpdate, secrets::create),
    of("DeleteUserPoolClientSecret", Category::ClientUpdate, secrets::delete),
    of("ListUserPoolClientSecrets", Category::ClientRead, secrets::list),
];

/// The operation of that name.
pub(crate) fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

const fn of(
    name: &'static str,
    category: Category,
    run: fn(&mut World, Input) -> Result<Value, ApiError>,
) -> Operation {
    Operation { name, category, conflicts: false, run }
}

const fn conflicting(
    name: &'static str,
    category: Category,
    run: fn(&mut World, Input) -> Result<Value, ApiError>,
) -> Operation {
    Operation { name, category, conflicts: true, run }
}
