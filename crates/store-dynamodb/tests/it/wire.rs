//! The way to the emulator, on which things happen that no emulator shows.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_sdk_dynamodb::error::ConnectorError;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::{Value, json};
use turnpike_store_dynamodb::Settings;

/// What happens to one call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The service says this, and does nothing.
    Answer(u16, Value),
    /// The service's answer, changed on the way.
    Change(fn(Value) -> Value),
    /// The service does as it is told; its answer is lost with the connection.
    LoseAnswer,
    /// The service does as it is told, and says that something went wrong.
    LoseAnswerTo500,
    /// The service does as it is told, and no answer comes.
    LoseAnswerToTime,
    /// The connection breaks before the service hears anything.
    LoseCall,
    /// Nothing.
    Pass,
}

/// A call as it was sent.
#[derive(Clone, Debug)]
pub struct Call {
    pub operation: String,
    pub body: Value,
}

/// Takes calls to the emulator, and does to each the next fault; when there is none left all goes well.
#[derive(Clone, Debug)]
pub struct Wire(Arc<State>);

#[derive(Debug)]
struct State {
    real: SharedHttpClient,
    faults: Mutex<VecDeque<Fault>>,
    calls: Mutex<Vec<Call>>,
}

impl Wire {
    pub fn new() -> Wire {
        Wire(Arc::new(State {
            real: aws_smithy_http_client::Builder::new().build_http(),
            faults: Mutex::default(),
            calls: Mutex::default(),
        }))
    }

    /// A client that calls this way.
    pub fn client(&self, settings: &Settings) -> Client {
        let config = crate::support::client(settings).config().to_builder();
        Client::from_conf(config.http_client(self.clone()).build())
    }

    /// Forgets the calls so far, and does this to the next ones.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.calls.lock().unwrap().clear();
        *self.0.faults.lock().unwrap() = faults.into_iter().collect();
    }

    /// The calls since.
    pub fn calls(&self) -> Vec<Call> {
        self.0.calls.lock().unwrap().clone()
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let real = self.0.real.http_connector(settings, components);
        SharedHttpConnector::new(Connector { state: Arc::clone(&self.0), real })
    }
}

#[derive(Debug)]
struct Connector {
    state: Arc<State>,
    real: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = operation.rsplit('.').next().unwrap_or_default().to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        self.state.calls.lock().unwrap().push(Call { operation, body });
        let fault = self.state.faults.lock().unwrap().pop_front().unwrap_or(Fault::Pass);
        let real = self.real.clone();
        HttpConnectorFuture::new(async move {
            let broken = || ConnectorError::io("the connection broke".into());
            match fault {
                Fault::Answer(status, body) => Ok(answer(status, &body)),
                Fault::LoseCall => Err(broken()),
                Fault::Pass => real.call(request).await,
                Fault::Change(change) => {
                    let mut response = real.call(request).await?;
                    let body = ByteStream::new(response.take_body()).collect().await.unwrap();
                    Ok(answer(200, &change(serde_json::from_slice(&body.into_bytes()).unwrap())))
                }
                Fault::LoseAnswer => real.call(request).await.and(Err(broken())),
                Fault::LoseAnswerTo500 => {
                    real.call(request).await?;
                    Ok(answer(500, &json!({"__type": "InternalServerError"})))
                }
                Fault::LoseAnswerToTime => {
                    real.call(request).await?;
                    std::future::pending().await
                }
            }
        })
    }
}

fn answer(status: u16, body: &Value) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()))
}

/// The answer of a service that takes no such call now, or ever.
pub fn refusal(code: &str) -> Fault {
    let code = format!("com.amazonaws.dynamodb.v20120810#{code}");
    Fault::Answer(400, json!({"__type": code, "message": "said the service"}))
}

/// A transaction that was cancelled for these reasons, one of each write.
pub fn cancelled(reasons: &[&str]) -> Fault {
    let reasons: Vec<_> = reasons.iter().map(|code| json!({"Code": code})).collect();
    let code = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    let body = json!({"__type": code, "Message": "cancelled", "CancellationReasons": reasons});
    Fault::Answer(400, body)
}
