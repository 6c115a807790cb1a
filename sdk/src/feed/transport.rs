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
    http: Http,
    origin: Uri,
}

impl Transport {
    pub(super) fn new(address: &str, allow_plain: bool) -> Result<Self, AddressError> {
        let (origin, connector) = connect::connector_to(address, allow_plain)?;
        let http = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .http2_only(true)
            .build(connector);
        Ok(Self { http, origin })
    }

    pub(super) fn client(&self) -> IntrospectionServiceClient<Http> {
        IntrospectionServiceClient::with_origin(self.http.clone(), self.origin.clone())
            .max_decoding_message_size(MESSAGE_MAX)
    }
}
