//! The operations of the API that are used, and the rates they count against.

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    AddUserPoolClientSecret,
    CreateResourceServer,
    CreateUserPoolClient,
    DeleteResourceServer,
    DeleteUserPoolClient,
    DeleteUserPoolClientSecret,
    DescribeResourceServer,
    DescribeUserPoolClient,
    ListResourceServers,
    ListUserPoolClientSecrets,
    ListUserPoolClients,
    UpdateResourceServer,
    UpdateUserPoolClient,
}

/// Operations that share one rate over all pools of an account and region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    ClientRead,
    ClientUpdate,
    ResourceRead,
    ResourceUpdate,
}

impl Category {
    pub(crate) const COUNT: usize = 4;
}

impl Operation {
    pub(crate) const COUNT: usize = 13;

    /// As the API names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AddUserPoolClientSecret => "AddUserPoolClientSecret",
            Self::CreateResourceServer => "CreateResourceServer",
            Self::CreateUserPoolClient => "CreateUserPoolClient",
            Self::DeleteResourceServer => "DeleteResourceServer",
            Self::DeleteUserPoolClient => "DeleteUserPoolClient",
            Self::DeleteUserPoolClientSecret => "DeleteUserPoolClientSecret",
            Self::DescribeResourceServer => "DescribeResourceServer",
            Self::DescribeUserPoolClient => "DescribeUserPoolClient",
            Self::ListResourceServers => "ListResourceServers",
            Self::ListUserPoolClientSecrets => "ListUserPoolClientSecrets",
            Self::ListUserPoolClients => "ListUserPoolClients",
            Self::UpdateResourceServer => "UpdateResourceServer",
            Self::UpdateUserPoolClient => "UpdateUserPoolClient",
        }
    }

    /// Those of secrets are in no published table; what they do says where they belong.
    pub(crate) const fn category(self) -> Category {
        match self {
            Self::AddUserPoolClientSecret
            | Self::CreateUserPoolClient
            | Self::DeleteUserPoolClient
            | Self::DeleteUserPoolClientSecret
            | Self::UpdateUserPoolClient => Category::ClientUpdate,
            Self::DescribeUserPoolClient
            | Self::ListUserPoolClientSecrets
            | Self::ListUserPoolClients => Category::ClientRead,
            Self::CreateResourceServer
            | Self::DeleteResourceServer
            | Self::UpdateResourceServer => Category::ResourceUpdate,
            Self::DescribeResourceServer | Self::ListResourceServers => Category::ResourceRead,
        }
    }

    /// Whether a second call would make a second thing: never sent again unless it is certain that
    /// nothing was done. A resource server has a key of our choice, so that a second one cannot be.
    pub(crate) const fn makes_another(self) -> bool {
        matches!(self, Self::AddUserPoolClientSecret | Self::CreateUserPoolClient)
    }
}
