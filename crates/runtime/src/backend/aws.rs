//! What is built on the AWS SDK.

mod cognito;

use std::sync::Arc;
use std::time::Duration;

use turnpike_registry::store::Store;
use turnpike_store_dynamodb::{DynamoStore, Settings};

use super::{Issuing, OpenError};
use crate::{config, start};

pub(super) async fn store(dynamodb: &config::DynamoDb) -> Result<Arc<dyn Store>, OpenError> {
    let config::DynamoDb {
        table,
        region,
        endpoint_url,
        connect_timeout_ms,
        attempt_timeout_ms,
        operation_timeout_ms,
    } = dynamodb;
    let settings = Settings {
        endpoint_url: Some(endpoint_url.clone()).filter(|url| !url.is_empty()),
        connect_timeout: Duration::from_millis(*connect_timeout_ms),
        attempt_timeout: Duration::from_millis(*attempt_timeout_ms),
        operation_timeout: Duration::from_millis(*operation_timeout_ms),
        ..Settings::new(table, region)
    };
    let store = DynamoStore::open(&settings).await;
    Ok(Arc::new(store.map_err(|error| OpenError::Store(Box::new(error)))?))
}

pub(super) async fn issuing(cognito: &config::Cognito) -> Result<Issuing, start::Error> {
    cognito::open(cognito).await
}
