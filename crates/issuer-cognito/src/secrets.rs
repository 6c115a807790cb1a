//! Secrets of app clients: two at most, and the last one stays.

use tokio::time::Instant;
use turnpike_domain::authorization_server::pool::{Error, SecretName};
use turnpike_domain::id::ClientId;
use turnpike_domain::secret::SecretValue;

use crate::Cognito;
use crate::clients::{next, unusable};
use crate::operation::Operation;
use crate::rules;
use crate::settings::SecretsFrom;

/// More pages than this of at most two secrets are a defect of the other side.
const PAGES: usize = 10;

impl Cognito {
    pub(crate) async fn add(
        &self,
        id: &ClientId,
        secret: &SecretValue,
    ) -> Result<SecretName, Error> {
        if self.inner.settings.secrets == SecretsFrom::Cognito {
            return Err(Error::Refused("the user pool takes no secrets of our choice".to_owned()));
        }
        rules::check_secret(secret)?;
        let until = self.deadline();
        let _writing = self.writing(id, until).await?;
        let added = self.call(Operation::AddUserPoolClientSecret, until, || {
            let request = self.sdk().add_user_pool_client_secret();
            let request = request.user_pool_id(self.pool_id()).client_id(id.as_str());
            request.client_secret(secret.expose()).send()
        });
        match added.await.map_err(|failure| failure.without(secret.expose())) {
            Ok(added) => {
                let name = added.client_secret_descriptor().and_then(|d| d.client_secret_id());
                let name = name.ok_or_else(|| unusable("a secret without a name"))?;
                Ok(SecretName(name.to_owned()))
            }
            Err(failure) if failure.is_not_found() => {
                self.check_pool(until).await?;
                Err(Error::Missing)
            }
            Err(failure) if failure.is("LimitExceededException") => {
                Err(Error::Full("secrets of the app client".to_owned()))
            }
            Err(failure) => Err(failure.into_error()),
        }
    }

    pub(crate) async fn remove(&self, id: &ClientId, name: &SecretName) -> Result<bool, Error> {
        if self.inner.settings.secrets == SecretsFrom::Cognito {
            return Ok(true);
        }
        let until = self.deadline();
        let _writing = self.writing(id, until).await?;
        let removed = self.call(Operation::DeleteUserPoolClientSecret, until, || {
            let request = self.sdk().delete_user_pool_client_secret();
            let request = request.user_pool_id(self.pool_id()).client_id(id.as_str());
            request.client_secret_id(&name.0).send()
        });
        match removed.await {
            Ok(_) => Ok(true),
            Err(failure) if failure.is_not_found() => {
                self.check_pool(until).await?;
                Ok(true)
            }
            // Which refusal means "the last one" is not documented: what is there says it.
            Err(failure) if failure.is("InvalidParameterException") => {
                let there = self.list_secrets(id, until).await?;
                match there.as_slice() {
                    [last] if last == name => Ok(false),
                    there if !there.contains(name) => Ok(true),
                    _ => Err(failure.into_error()),
                }
            }
            Err(failure) => Err(failure.into_error()),
        }
    }

    /// None for a client that is not there.
    pub(crate) async fn list_secrets(
        &self,
        id: &ClientId,
        until: Instant,
    ) -> Result<Vec<SecretName>, Error> {
        if self.inner.settings.secrets == SecretsFrom::Cognito {
            return Ok(Vec::new());
        }
        let mut names = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..PAGES {
            let listed = self.call(Operation::ListUserPoolClientSecrets, until, || {
                let request = self.sdk().list_user_pool_client_secrets();
                let request = request.user_pool_id(self.pool_id()).client_id(id.as_str());
                request.set_next_token(after.clone()).send()
            });
            let listed = match listed.await {
                Ok(listed) => listed,
                Err(failure) if failure.is_not_found() => {
                    self.check_pool(until).await?;
                    return Ok(Vec::new());
                }
                Err(failure) => return Err(failure.into_error()),
            };
            let secrets = listed.client_secrets().iter();
            names.extend(
                secrets.filter_map(|s| s.client_secret_id()).map(|n| SecretName(n.to_owned())),
            );
            after = next(after.as_deref(), listed.next_token())?;
            if after.is_none() {
                return Ok(names);
            }
        }
        Err(unusable("a list of secrets without an end"))
    }
}
