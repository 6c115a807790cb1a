//! The least that the machine can do the same thing for: what a subject is held against.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_SHA256,
};
use axum::Router;
use axum::extract::Path;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Deserialize;
use tonic::{Request, Response, Status, Streaming};
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::introspection_service_server::IntrospectionService;

use crate::Failure;

/// What is signed by floors: as long as what is signed of a token.
pub(crate) const MESSAGE: [u8; 552] = [b'a'; 552];

/// A public RSA key, parsed.
pub(crate) struct ParsedRsa(ParsedPublicKey);

impl ParsedRsa {
    /// The first key of a JWK set.
    pub(crate) fn from_jwks(text: &str) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Jwks {
            keys: Vec<Jwk>,
        }
        #[derive(Deserialize)]
        struct Jwk {
            n: String,
            e: String,
        }
        let jwks: Jwks = serde_json::from_str(text)?;
        let jwk = jwks.keys.first().ok_or("no key")?;
        let (n, e) = (URL_SAFE_NO_PAD.decode(&jwk.n)?, URL_SAFE_NO_PAD.decode(&jwk.e)?);
        let components = PublicKeyComponents { n, e };
        Ok(Self(components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)?))
    }

    /// Checks a signature, SHA-256 included.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Failure> {
        Ok(self.0.verify_sig(message, signature)?)
    }
}

/// A private key, parsed.
pub(crate) enum Signer {
    Es256(EcdsaKeyPair),
    Rs256(KeyPair),
}

impl Signer {
    pub(crate) fn es256() -> Result<Self, Failure> {
        Ok(Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?))
    }

    pub(crate) fn rs256() -> Result<Self, Failure> {
        Ok(Self::Rs256(KeyPair::generate(KeySize::Rsa2048)?))
    }

    /// Signs [`MESSAGE`], SHA-256 included.
    pub(crate) fn sign(&self) -> Result<(), Failure> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(pair) => {
                std::hint::black_box(pair.sign(&random, &MESSAGE)?);
            }
            Self::Rs256(pair) => {
                let mut signature = [0; 256];
                pair.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signature)?;
                std::hint::black_box(signature);
            }
        }
        Ok(())
    }
}

/// A tonic service that gives one answer, as long as the real one.
pub(crate) struct FixedAnswer;

#[tonic::async_trait]
impl IntrospectionService for FixedAnswer {
    async fn introspect(
        &self,
        _request: Request<pb::IntrospectRequest>,
    ) -> Result<Response<pb::IntrospectResponse>, Status> {
        let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        Ok(Response::new(pb::IntrospectResponse {
            active: true,
            scopes: vec!["lj-health-food/place-order".to_owned()],
            client_id: "1example23456789abcdefghij".to_owned(),
            client_display_name: "A shop".to_owned(),
            client_team: "partners".to_owned(),
            token_type: "Bearer".to_owned(),
            expire_time: time(1_800_003_600),
            issue_time: time(1_800_000_000),
            subject: "1example23456789abcdefghij".to_owned(),
            issuer: crate::plane::ISSUER.to_owned(),
            token_id: "5a9c1c35-4b4f-4b0a-9d2e-3f1a7c0f6f10".to_owned(),
        }))
    }

    type WatchPolicyStream = tokio_stream::Empty<Result<pb::WatchPolicyResponse, Status>>;

    async fn watch_policy(
        &self,
        _request: Request<Streaming<pb::WatchPolicyRequest>>,
    ) -> Result<Response<Self::WatchPolicyStream>, Status> {
        Err(Status::unimplemented("it only answers"))
    }

    async fn list_verifiers(
        &self,
        _request: Request<pb::ListVerifiersRequest>,
    ) -> Result<Response<pb::ListVerifiersResponse>, Status> {
        Err(Status::unimplemented("it only answers"))
    }

    async fn revoke_token(
        &self,
        _request: Request<pb::RevokeTokenRequest>,
    ) -> Result<Response<pb::RevokeTokenResponse>, Status> {
        Err(Status::unimplemented("it only answers"))
    }
}

/// The answer of RFC 7662, as long as the real one.
const INTROSPECTED: &str = concat!(
    r#"{"active":true,"scope":"lj-health-food/place-order","client_id":"1example23456789abcdefghij","#,
    r#""token_type":"Bearer","exp":1800003600,"iat":1800000000,"sub":"1example23456789abcdefghij","#,
    r#""iss":"https://issuer.bench.invalid","jti":"5a9c1c35-4b4f-4b0a-9d2e-3f1a7c0f6f10"}"#,
);

/// `/introspect` reads the body and gives one answer; `/sign/{times}` signs with RSA, so often.
pub(crate) fn router() -> Router {
    /// Made when it is first needed: a server that only starts does not need it.
    static SIGNER: LazyLock<Option<Signer>> = LazyLock::new(|| Signer::rs256().ok());

    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    let sign = async |Path(times): Path<u32>| {
        let signs = |signer: &Signer| (0..times).all(|_| signer.sign().is_ok());
        let signed = SIGNER.as_ref().is_some_and(signs);
        if signed { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR }
    };
    Router::new()
        .route("/introspect", post(async move |_body: Bytes| (headers, INTROSPECTED)))
        .route("/sign/{times}", post(sign))
}
