//! A binary without what is built on the AWS SDK: whoever asks for that is told so.

use std::sync::Arc;

use turnpike_registry::store::Store;

use super::{Issuing, OpenError};
use crate::{config, start};

#[expect(clippy::unused_async, reason = "as its counterpart over the AWS SDK")]
pub(super) async fn store(_: &config::DynamoDb) -> Result<Arc<dyn Store>, OpenError> {
    Err(OpenError::NotBuiltIn { key: "store.kind", kind: "dynamodb" })
}

#[expect(clippy::unused_async, reason = "as its counterpart over the AWS SDK")]
pub(super) async fn issuing(_: &config::Cognito) -> Result<Issuing, start::Error> {
    Err(OpenError::NotBuiltIn { key: "authorization_server.kind", kind: "cognito" }.into())
}
