//! Resource servers of the pool.

use aws_sdk_cognitoidentityprovider::types::{ResourceServerScopeType, ResourceServerType};
use tokio::time::Instant;
use turnpike_domain::Identifier;
use turnpike_domain::authorization_server::pool::{
    Error, FoundResourceServer, Page, PoolResourceServer,
};

use crate::Cognito;
use crate::call::Failure;
use crate::clients::{next, unusable};
use crate::operation::Operation;
use crate::rules;

/// Entries of a page of a list: the most there are.
const PAGE: i32 = 50;
/// How often one that was not there and then was, or the other way round, is told again.
const ROUNDS: usize = 3;

impl Cognito {
    pub(crate) async fn put_server(&self, server: &PoolResourceServer) -> Result<(), Error> {
        rules::check_resource_server(server)?;
        let scopes = server
            .scopes
            .iter()
            .map(|(name, description)| {
                let scope = ResourceServerScopeType::builder();
                scope.scope_name(name).scope_description(description).build()
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Error::Refused(error.to_string()))?;
        let until = self.deadline();
        for _ in 0..ROUNDS {
            match self.update_server(server, &scopes, until).await {
                Ok(()) => return Ok(()),
                Err(failure) if failure.is_not_found() => {}
                Err(failure) => return Err(failure.into_error()),
            }
            match self.create_server(server, &scopes, until).await {
                Ok(()) => return Ok(()),
                Err(failure) if failure.is_not_found() => return Err(self.no_pool()),
                Err(failure) if failure.is("LimitExceededException") => {
                    return Err(Error::Full("resource servers of the user pool".to_owned()));
                }
                // There is no code for "exists already"; what is there says it.
                Err(failure) if failure.is("InvalidParameterException") => {
                    if self.describe_server(&server.identifier, until).await?.is_none() {
                        return Err(failure.into_error());
                    }
                }
                Err(failure) => return Err(failure.into_error()),
            }
        }
        // Somebody else makes and deletes it all the time.
        Err(Error::Busy { retry_after_ms: 1000 })
    }

    pub(crate) async fn delete_server(&self, identifier: &Identifier) -> Result<(), Error> {
        let until = self.deadline();
        let deleted = self.call(Operation::DeleteResourceServer, until, || {
            let request = self.sdk().delete_resource_server();
            request.user_pool_id(self.pool_id()).identifier(identifier.as_str()).send()
        });
        match deleted.await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_not_found() => self.check_pool(until).await,
            Err(failure) => Err(failure.into_error()),
        }
    }

    pub(crate) async fn find_server(
        &self,
        identifier: &Identifier,
    ) -> Result<Option<FoundResourceServer>, Error> {
        let until = self.deadline();
        let found = self.describe_server(identifier, until).await?;
        if found.is_none() {
            self.check_pool(until).await?;
        }
        Ok(found)
    }

    pub(crate) async fn list_servers(
        &self,
        after: Option<&str>,
    ) -> Result<Page<FoundResourceServer>, Error> {
        let listed = self.call(Operation::ListResourceServers, self.deadline(), || {
            let request = self.sdk().list_resource_servers();
            let request = request.user_pool_id(self.pool_id()).max_results(PAGE);
            request.set_next_token(after.map(str::to_owned)).send()
        });
        let listed = match listed.await {
            Ok(listed) => listed,
            Err(failure) if failure.is_not_found() => return Err(self.no_pool()),
            Err(failure) => return Err(failure.into_error()),
        };
        let items = listed.resource_servers().iter().map(found).collect::<Result<_, _>>()?;
        Ok(Page { items, next: next(after, listed.next_token())? })
    }

    async fn update_server(
        &self,
        server: &PoolResourceServer,
        scopes: &[ResourceServerScopeType],
        until: Instant,
    ) -> Result<(), Failure> {
        let updated = self.call(Operation::UpdateResourceServer, until, || {
            let request = self.sdk().update_resource_server().user_pool_id(self.pool_id());
            let request = request.identifier(server.identifier.as_str()).name(&server.name);
            request.set_scopes(Some(scopes.to_vec())).send()
        });
        updated.await.map(|_| ())
    }

    async fn create_server(
        &self,
        server: &PoolResourceServer,
        scopes: &[ResourceServerScopeType],
        until: Instant,
    ) -> Result<(), Failure> {
        let created = self.call(Operation::CreateResourceServer, until, || {
            let request = self.sdk().create_resource_server().user_pool_id(self.pool_id());
            let request = request.identifier(server.identifier.as_str()).name(&server.name);
            request.set_scopes(Some(scopes.to_vec())).send()
        });
        created.await.map(|_| ())
    }

    async fn describe_server(
        &self,
        identifier: &Identifier,
        until: Instant,
    ) -> Result<Option<FoundResourceServer>, Error> {
        let described = self.call(Operation::DescribeResourceServer, until, || {
            let request = self.sdk().describe_resource_server();
            request.user_pool_id(self.pool_id()).identifier(identifier.as_str()).send()
        });
        match described.await {
            Ok(described) => {
                let server = described.resource_server();
                found(server.ok_or_else(|| unusable("a description of nothing"))?).map(Some)
            }
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure.into_error()),
        }
    }
}

fn found(server: &ResourceServerType) -> Result<FoundResourceServer, Error> {
    let identifier = server.identifier();
    let identifier = identifier.ok_or_else(|| unusable("a resource server without a key"))?;
    let scopes = server.scopes().iter();
    let scopes = scopes.map(|s| (s.scope_name().to_owned(), s.scope_description().to_owned()));
    Ok(FoundResourceServer {
        identifier: identifier.to_owned(),
        name: server.name().unwrap_or_default().to_owned(),
        scopes: scopes.collect(),
    })
}
