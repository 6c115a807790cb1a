//! Sessions of people, and callers of RPCs.

use http::Method;
use tonic::metadata::{MetadataKey, MetadataMap};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use turnpike_proto::v1::audit_service_client::AuditServiceClient;
use turnpike_proto::v1::client_service_client::ClientServiceClient;
use turnpike_proto::v1::grant_service_client::GrantServiceClient;
use turnpike_proto::v1::introspection_service_client::IntrospectionServiceClient;
use turnpike_proto::v1::reconcile_service_client::ReconcileServiceClient;
use turnpike_proto::v1::resource_server_service_client::ResourceServerServiceClient;
use turnpike_proto::v1::session_service_client::SessionServiceClient;
use turnpike_proto::v1::team_service_client::TeamServiceClient;

use crate::http::Http;

/// The header by which our own pages and programs prove that no other site made the call.
const CSRF: (&str, &str) = ("x-turnpike-csrf", "1");

/// A session, as a cookie.
#[derive(Clone, Debug)]
pub struct Session {
    /// `name=value`.
    pub cookie: String,
}

impl Session {
    /// Redeems a one-time link as a program does.
    pub async fn open(http: &Http, link: &str) -> Self {
        let code = link.split_once("code=").unwrap().1;
        let form = [("code", code)];
        let headers = [("accept", "application/json"), CSRF];
        let answer = http.form("/login", &headers, &form).await;
        assert!(answer.status.is_success(), "sign-in refused: {}", answer.status);
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        assert!(!cookie.is_empty(), "sign-in gave no session");
        Self { cookie }
    }

    /// Ends it.
    pub async fn close(&self, http: &Http) {
        let headers = [("cookie", self.cookie.as_str()), CSRF];
        let answer = http.send(Method::POST, "/logout", &headers, "").await;
        assert!(answer.status.is_success(), "logout refused: {}", answer.status);
    }
}

/// Adds the caller's credentials to each call.
#[derive(Clone, Debug)]
pub struct Credentials(MetadataMap);

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        for entry in self.0.iter() {
            if let tonic::metadata::KeyAndValueRef::Ascii(key, value) = entry {
                request.metadata_mut().insert(key.clone(), value.clone());
            }
        }
        Ok(request)
    }
}

/// A channel with credentials.
pub type Authorized = InterceptedService<Channel, Credentials>;

/// Someone who calls RPCs over native gRPC.
#[derive(Clone, Debug)]
pub struct Caller {
    channel: Channel,
    credentials: Credentials,
}

impl Caller {
    /// With a session of a person.
    pub async fn with_session(url: &str, session: &Session) -> Self {
        let metadata = vec![
            ("cookie".to_owned(), session.cookie.clone()),
            (CSRF.0.to_owned(), CSRF.1.to_owned()),
        ];
        Self::with_metadata(url, metadata).await
    }

    /// With this metadata on each call.
    pub async fn with_metadata(url: &str, metadata: Vec<(String, String)>) -> Self {
        let channel = Endpoint::from_shared(url.to_owned()).unwrap().connect().await.unwrap();
        let mut map = MetadataMap::new();
        for (key, value) in metadata {
            map.insert(MetadataKey::from_bytes(key.as_bytes()).unwrap(), value.parse().unwrap());
        }
        Self { channel, credentials: Credentials(map) }
    }

    fn authorized(&self) -> Authorized {
        InterceptedService::new(self.channel.clone(), self.credentials.clone())
    }

    /// The connection and its credentials, for calls by descriptor.
    pub fn service(&self) -> Authorized {
        self.authorized()
    }

    /// AuditService.
    pub fn audit(&self) -> AuditServiceClient<Authorized> {
        AuditServiceClient::new(self.authorized())
    }

    /// ClientService.
    pub fn clients(&self) -> ClientServiceClient<Authorized> {
        ClientServiceClient::new(self.authorized())
    }

    /// GrantService.
    pub fn grants(&self) -> GrantServiceClient<Authorized> {
        GrantServiceClient::new(self.authorized())
    }

    /// IntrospectionService.
    pub fn introspection(&self) -> IntrospectionServiceClient<Authorized> {
        IntrospectionServiceClient::new(self.authorized())
    }

    /// ReconcileService.
    pub fn reconcile(&self) -> ReconcileServiceClient<Authorized> {
        ReconcileServiceClient::new(self.authorized())
    }

    /// ResourceServerService.
    pub fn resource_servers(&self) -> ResourceServerServiceClient<Authorized> {
        ResourceServerServiceClient::new(self.authorized())
    }

    /// SessionService.
    pub fn sessions(&self) -> SessionServiceClient<Authorized> {
        SessionServiceClient::new(self.authorized())
    }

    /// TeamService.
    pub fn teams(&self) -> TeamServiceClient<Authorized> {
        TeamServiceClient::new(self.authorized())
    }
}
