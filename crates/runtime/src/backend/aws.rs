//! What is built on the AWS SDK.

mod cognito;

use std::sync::Arc;
use std::time::Duration;

use turnpike_registry::store::Store;
use turnpike_store_dynamodb::{DynamoStore, OpenError as Refused, Settings, connect, create};

use super::{Issuing, OpenError};
use crate::{config, start};

pub(super) async fn store(dynamodb: &config::DynamoDb) -> Result<Arc<dyn Store>, OpenError> {
    let config::DynamoDb {
        table,
        region,
        endpoint_url,
        create_table,
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
    let opened = async {
        let client = connect(&settings).await?;
        if *create_table {
            create(&client, table).await?;
        }
        DynamoStore::over(client, &settings).await
    };
    match opened.await {
        Ok(store) => Ok(Arc::new(store)),
        // A setting has its name in the configuration.
        Err(error @ Refused::Setting { .. }) => {
            Err(OpenError::Store(format!("store.{error}").into()))
        }
        Err(error) => Err(OpenError::Store(Box::new(error))),
    }
}

pub(super) async fn issuing(cognito: &config::Cognito) -> Result<Issuing, start::Error> {
    cognito::open(cognito).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refused_setting_has_its_name_in_the_configuration() {
        let dynamodb = || config::DynamoDb {
            region: "eu-west-1".to_owned(),
            // Nothing listens there, and nothing is sent.
            endpoint_url: "http://127.0.0.1:9".to_owned(),
            ..config::DynamoDb::default()
        };
        for (dynamodb, said) in [
            (config::DynamoDb { table: "a b".to_owned(), ..dynamodb() }, "store.table: "),
            (config::DynamoDb { region: "Ireland".to_owned(), ..dynamodb() }, "store.region: "),
            (
                config::DynamoDb { endpoint_url: "http://x/y".to_owned(), ..dynamodb() },
                "store.endpoint_url: ",
            ),
        ] {
            let refused = store(&dynamodb).await.unwrap_err().to_string();
            assert!(refused.starts_with(said), "{refused}");
        }
    }
}
