//! HTTP/2 to Turnpike, with the same trust as every other request of the sdk.

use http::Uri;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use turnpike_proto::v1::introspection_service_client::IntrospectionServiceClient;

use crate::connect::{self, AddressError};

/// The largest message: a part of an update is far smaller.
const MESSAGE_MAX: usize = 16 * 1024 * 1024;

type Http = Client<HttpsConnector<HttpConnector>, tonic::body::Body>;

/// Where Turnpike is.
#[derive(Debug)]
pub(super) struct Transport {
    connector: HttpsConnector<HttpConnector>,
    origin: Uri,
}

impl Transport {
    pub(super) fn new(address: &str, allow_plain: bool) -> Result<Self, AddressError> {
        let (origin, connector) = connect::connector_to(address, allow_plain)?;
        Ok(Self { connector, origin })
    }

    /// One with a connection of its own: a stream that died takes its connection along, which may be dead too without
    /// anybody having said so.
    pub(super) fn client(&self) -> IntrospectionServiceClient<Http> {
        let http = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .http2_only(true)
            .build(self.connector.clone());
        IntrospectionServiceClient::with_origin(http, self.origin.clone())
            .max_decoding_message_size(MESSAGE_MAX)
    }
}
