//! App clients of the pool.

use turnpike_domain::authorization_server::pool::{
    CreatedClient, Error, FoundClient, ListedClient, Page, PoolClient,
};
use turnpike_domain::id::ClientId;
use turnpike_domain::secret::SecretValue;

use crate::Cognito;
use crate::call::Failure;
use crate::operation::Operation;
use crate::render::{found, render};
use crate::rules;
use crate::settings::SecretsFrom;

/// Entries of a page of a list: the most there are.
const PAGE: i32 = 60;
/// Words before the scope in a refusal of `ScopeDoesNotExistException`.
const INVALID_SCOPE: &str = "Invalid scope requested: ";

impl Cognito {
    pub(crate) async fn create(
        &self,
        client: &PoolClient,
        secret: &SecretValue,
    ) -> Result<CreatedClient, Error> {
        let chosen = self.inner.settings.secrets == SecretsFrom::Turnpike;
        rules::check_client(client)?;
        if chosen {
            rules::check_secret(secret)?;
        }
        let until = self.deadline();
        let made = self.call(Operation::CreateUserPoolClient, until, || {
            let request = self.sdk().create_user_pool_client().user_pool_id(self.pool_id());
            let request = if chosen {
                request.client_secret(secret.expose())
            } else {
                request.generate_secret(true)
            };
            render!(request, client).send()
        });
        let made = match made.await.map_err(|failure| failure.without(secret.expose())) {
            Ok(made) => made,
            Err(failure) if failure.is_not_found() => return Err(self.no_pool()),
            Err(failure) if failure.is("LimitExceededException") => {
                return Err(Error::Full("app clients of the user pool".to_owned()));
            }
            Err(failure) => return Err(refused(failure, client)),
        };
        let client_id = made.user_pool_client().and_then(|client| client.client_id());
        let client_id = client_id.and_then(|id| ClientId::parse(id).ok());
        let client_id = client_id.ok_or_else(|| unusable("a client without an id"))?;
        if !chosen {
            return Ok(CreatedClient { client_id, secret: None });
        }
        // The answer to a create does not say what the secret is called, and without its name it could
        // never be ended.
        let unnamed = match self.list_secrets(&client_id, until).await {
            Ok(mut names) if names.len() == 1 => {
                return Ok(CreatedClient { client_id, secret: names.pop() });
            }
            Ok(_) => unusable("a new client that has not one secret"),
            Err(error) => error,
        };
        match self.delete(&client_id).await {
            Ok(()) => Err(unnamed),
            Err(_) => Err(Error::Unknown(unnamed.into())),
        }
    }

    pub(crate) async fn put(&self, id: &ClientId, client: &PoolClient) -> Result<(), Error> {
        rules::check_client(client)?;
        let until = self.deadline();
        let _writing = self.writing(id, until).await?;
        let put = self.call(Operation::UpdateUserPoolClient, until, || {
            let request = self.sdk().update_user_pool_client();
            let request = request.user_pool_id(self.pool_id()).client_id(id.as_str());
            render!(request, client).send()
        });
        match put.await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_not_found() => {
                self.check_pool(until).await?;
                Err(Error::Missing)
            }
            Err(failure) => Err(refused(failure, client)),
        }
    }

    pub(crate) async fn delete(&self, id: &ClientId) -> Result<(), Error> {
        let until = self.deadline();
        let _writing = self.writing(id, until).await?;
        self.inner.own_secrets.forget(id);
        let deleted = self.call(Operation::DeleteUserPoolClient, until, || {
            let request = self.sdk().delete_user_pool_client();
            request.user_pool_id(self.pool_id()).client_id(id.as_str()).send()
        });
        match deleted.await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_not_found() => self.check_pool(until).await,
            Err(failure) => Err(failure.into_error()),
        }
    }

    pub(crate) async fn find(&self, id: &ClientId) -> Result<Option<FoundClient>, Error> {
        let until = self.deadline();
        let described = self.call(Operation::DescribeUserPoolClient, until, || {
            let request = self.sdk().describe_user_pool_client();
            request.user_pool_id(self.pool_id()).client_id(id.as_str()).send()
        });
        match described.await {
            Ok(described) => {
                let client = described.user_pool_client();
                let client = client.ok_or_else(|| unusable("a description of nothing"))?;
                Ok(Some(found(id.clone(), client)))
            }
            Err(failure) if failure.is_not_found() => {
                self.check_pool(until).await?;
                Ok(None)
            }
            Err(failure) => Err(failure.into_error()),
        }
    }

    pub(crate) async fn list(&self, after: Option<&str>) -> Result<Page<ListedClient>, Error> {
        let listed = self.call(Operation::ListUserPoolClients, self.deadline(), || {
            let request = self.sdk().list_user_pool_clients();
            let request = request.user_pool_id(self.pool_id()).max_results(PAGE);
            request.set_next_token(after.map(str::to_owned)).send()
        });
        let listed = match listed.await {
            Ok(listed) => listed,
            Err(failure) if failure.is_not_found() => return Err(self.no_pool()),
            Err(failure) => return Err(failure.into_error()),
        };
        let clients = listed.user_pool_clients().iter();
        let items = clients.map(|client| {
            let id = client.client_id().and_then(|id| ClientId::parse(id).ok());
            let client_id = id.ok_or_else(|| unusable("a client without an id"))?;
            let name = client.client_name().unwrap_or_default().to_owned();
            Ok(ListedClient { client_id, name })
        });
        let items = items.collect::<Result<_, Error>>()?;
        Ok(Page { items, next: next(after, listed.next_token())? })
    }
}

/// What comes after a page. A place that comes after itself would be walked for ever.
pub(crate) fn next(after: Option<&str>, next: Option<&str>) -> Result<Option<String>, Error> {
    match next.filter(|next| !next.is_empty()) {
        Some(next) if Some(next) == after => Err(unusable("a page that comes after itself")),
        next => Ok(next.map(str::to_owned)),
    }
}

/// An answer that the API does not give.
pub(crate) fn unusable(what: &'static str) -> Error {
    Error::Unknown(format!("the API answered with {what}").into())
}

fn refused(failure: Failure, client: &PoolClient) -> Error {
    match failure {
        Failure::Refused { code, message } if code == "ScopeDoesNotExistException" => {
            Error::MissingScope(missing_scope(&message, client))
        }
        failure => failure.into_error(),
    }
}

/// The scope that a refusal names; if it names none, the words of it.
fn missing_scope(message: &str, client: &PoolClient) -> String {
    let named = message.strip_prefix(INVALID_SCOPE).map(|rest| rest.trim_end_matches('.'));
    let ours = |named: &str| client.scopes.iter().any(|scope| scope.as_str() == named);
    let whole = message.strip_prefix(INVALID_SCOPE).filter(|rest| ours(rest));
    whole.or(named).unwrap_or(message).to_owned()
}
