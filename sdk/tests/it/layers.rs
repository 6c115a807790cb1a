//! The layers of axum and tonic, answered as RFC 6750 wants it.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use axum::routing::{get, post};
use http_body_util::BodyExt as _;
use tower::{Layer as _, ServiceExt as _};
use turnpike_sdk::axum::{require_scopes, verify};
use turnpike_sdk::bearer::Realm;
use turnpike_sdk::{Refusal, Require, Verified};

use crate::setup::{CLIENT, LIST, NOW, PLACE, SHARED, draft, place, verifier};

fn app() -> Router {
    let list = require_scopes(Require::all_of([LIST]).expect("a scope"));
    let caller = async |caller: Verified| caller.client_id().to_owned();
    Router::new()
        .route("/orders", post(caller).layer(require_scopes(place())).get(caller).layer(list))
        .route("/me", get(caller))
        .layer(
            verify(verifier(), Require::any_token()).realm(Realm::new("orders").expect("a realm")),
        )
        .route("/open", get(async || "open"))
        .route("/forgotten", get(caller))
        .route("/half", get(async || "x").layer(require_scopes(place())))
}

async fn send(request: Request<Body>) -> Response<Body> {
    app().oneshot(request).await.expect("infallible")
}

async fn get_with(path: &str, headers: &[&str]) -> Response<Body> {
    let mut request = Request::get(path);
    for value in headers {
        request = request.header(header::AUTHORIZATION, *value);
    }
    send(request.body(Body::empty()).expect("a request")).await
}

fn challenge(response: &Response<Body>) -> Option<&str> {
    let mut values = response.headers().get_all(header::WWW_AUTHENTICATE).iter();
    let value = values.next().map(|value| value.to_str().expect("ASCII"));
    assert!(values.next().is_none());
    value
}

async fn text(response: Response<Body>) -> String {
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(body.to_vec()).expect("UTF-8")
}

#[tokio::test]
async fn a_good_token_lets_through_and_names_the_caller() {
    let token = draft().token();
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let response = get_with("/me", &[&format!("{scheme} {token}")]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(text(response).await, CLIENT);
    }
    assert_eq!(get_with("/open", &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn without_credentials_there_is_no_error_code() {
    for headers in [&[][..], &["Basic YTpi"], &["DPoP abc"]] {
        let response = get_with("/me", headers).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(challenge(&response), Some("Bearer realm=\"orders\""));
        assert_eq!(text(response).await, "");
    }
}

#[tokio::test]
async fn a_token_elsewhere_than_in_the_header_is_not_read() {
    let token = draft().token();
    let response = get_with(&format!("/me?access_token={token}"), &[]).await;
    assert_eq!(challenge(&response), Some("Bearer realm=\"orders\""));
    let form = Request::post("/orders")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(format!("access_token={token}").into())
        .expect("a request");
    assert_eq!(challenge(&send(form).await), Some("Bearer realm=\"orders\""));
}

#[tokio::test]
async fn malformed_credentials_are_a_bad_request() {
    let bearer = format!("Bearer {}", draft().token());
    for headers in [
        &[bearer.as_str(), bearer.as_str()][..],
        &[bearer.as_str(), "Basic YTpi"],
        &["Bearer"],
        &["Bearer a b"],
        &["Bearer a, Bearer b"],
    ] {
        let response = get_with("/me", headers).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{headers:?}");
        let challenge = challenge(&response).expect("a challenge");
        assert!(challenge.contains("error=\"invalid_request\""), "{challenge}");
    }
}

#[tokio::test]
async fn refused_tokens_are_unauthorized() {
    let expired = draft().claim("iat", NOW - 900).claim("exp", NOW - 300).token();
    for (token, description) in [
        (expired.as_str(), "the token has expired"),
        ("opaque", "the token is malformed"),
        ("a.b.c", "a part of the token is not strict base64url"),
    ] {
        let response = get_with("/me", &[&format!("Bearer {token}")]).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(
            challenge(&response).expect("a challenge"),
            format!(
                "Bearer realm=\"orders\", error=\"invalid_token\", \
                 error_description=\"{description}\""
            )
        );
        assert!(response.extensions().get::<Refusal>().is_some(), "for logs and metrics");
    }
}

#[tokio::test]
async fn a_missing_scope_is_forbidden_and_named() {
    let token = SHARED.draft(CLIENT, PLACE, NOW).token();
    let response = get_with("/orders", &[&format!("Bearer {token}")]).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        challenge(&response).expect("a challenge"),
        "Bearer realm=\"orders\", error=\"insufficient_scope\", error_description=\"the token \
         does not hold the scopes that are needed\", scope=\"lj-health-food/list-orders\""
    );
    assert_eq!(response.extensions().get(), Some(&Refusal::InsufficientScope));
    let both = draft().token();
    assert_eq!(get_with("/orders", &[&format!("Bearer {both}")]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_outer_layer_asks_for_scopes_too() {
    let ours = Require::any_of([PLACE, LIST]).expect("scopes");
    let app = Router::new().route("/", get(async || "x")).layer(verify(verifier(), ours));
    for (scope, status) in [
        ("another-api/read", StatusCode::FORBIDDEN),
        (PLACE, StatusCode::OK),
        (LIST, StatusCode::OK),
    ] {
        let token = SHARED.draft(CLIENT, scope, NOW).token();
        let request = Request::get("/")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::empty())
            .expect("a request");
        let response = app.clone().oneshot(request).await.expect("infallible");
        assert_eq!(response.status(), status, "{scope}");
    }
}

/// A route that was forgotten in the set-up serves nobody.
#[tokio::test]
async fn a_route_without_the_layer_is_an_error_of_the_server() {
    let bearer = format!("Bearer {}", draft().token());
    for path in ["/forgotten", "/half"] {
        let response = get_with(path, &[&bearer]).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
    }
}

#[tokio::test]
async fn a_verifier_that_cannot_decide_is_unavailable() {
    let verifier = turnpike_sdk::Verifier::builder(crate::setup::ISSUER)
        .keys(turnpike_sdk::Keys::default())
        .build()
        .expect("a verifier");
    let app = Router::new().route("/", get(async || "x")).layer(verify(verifier, place()));
    let request = Request::get("/")
        .header(header::AUTHORIZATION, format!("Bearer {}", draft().token()))
        .body(Body::empty())
        .expect("a request");
    let response = app.oneshot(request).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(challenge(&response), None);
}

mod grpc {
    use std::convert::Infallible;

    use tonic::{Code, Status};
    use turnpike_sdk::tonic::{Grpc, Verify, check, require_scopes, verified, verify};

    use super::*;

    type GrpcBody = tonic::body::Body;

    /// A service that answers with the id of the caller, as a generated one would sit there.
    fn service() -> impl tower::Service<
        Request<GrpcBody>,
        Response = Response<GrpcBody>,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + 'static {
        tower::service_fn(async |request: Request<GrpcBody>| {
            let request = tonic::Request::from_http(request);
            let answer = verified(&request).and_then(|caller| {
                check(&request, &place())?;
                Ok(Response::builder()
                    .header("x-caller", caller.client_id())
                    .body(GrpcBody::empty())
                    .expect("a response"))
            });
            Ok(answer.unwrap_or_else(Status::into_http))
        })
    }

    async fn call(authorization: &[&str]) -> Response<GrpcBody> {
        let mut request = Request::post("/turnpike.v1.X/Y");
        for value in authorization {
            request = request.header("authorization", *value);
        }
        let request = request.body(GrpcBody::empty()).expect("a request");
        verify(verifier(), Require::any_token())
            .layer(service())
            .oneshot(request)
            .await
            .expect("infallible")
    }

    fn status(response: &Response<GrpcBody>) -> Status {
        assert_eq!(response.status(), StatusCode::OK);
        Status::from_header_map(response.headers()).expect("a status")
    }

    #[tokio::test]
    async fn a_good_token_lets_through() {
        let response = call(&[&format!("Bearer {}", draft().token())]).await;
        assert_eq!(response.headers()["x-caller"], CLIENT);
    }

    #[tokio::test]
    async fn refusals_are_statuses_with_a_challenge() {
        let list_only = format!("Bearer {}", SHARED.draft(CLIENT, LIST, NOW).token());
        for (authorization, code, error) in [
            (&[][..], Code::Unauthenticated, None),
            (&["Bearer x"], Code::Unauthenticated, Some("invalid_token")),
            (&["Bearer x", "Bearer x"], Code::Unauthenticated, Some("invalid_request")),
            (&[list_only.as_str()], Code::PermissionDenied, Some("insufficient_scope")),
        ] {
            let status = status(&call(authorization).await);
            assert_eq!(status.code(), code, "{authorization:?}");
            let challenge = status.metadata().get("www-authenticate").expect("a challenge");
            let challenge = challenge.to_str().expect("ASCII");
            assert!(challenge.starts_with("Bearer realm="), "{challenge}");
            match error {
                Some(error) => assert!(challenge.contains(error), "{challenge}"),
                None => assert!(!challenge.contains("error"), "{challenge}"),
            }
        }
    }

    #[tokio::test]
    async fn scopes_may_be_asked_for_by_a_layer() {
        let request = |scope: &str| {
            Request::post("/x")
                .header(
                    "authorization",
                    format!("Bearer {}", SHARED.draft(CLIENT, scope, NOW).token()),
                )
                .body(GrpcBody::empty())
                .expect("a request")
        };
        let layered = || {
            verify(verifier(), Require::any_token()).layer(require_scopes(place()).layer(service()))
        };
        let answer = layered().oneshot(request(PLACE)).await.expect("infallible");
        assert_eq!(answer.headers()["x-caller"], CLIENT);
        let answer = layered().oneshot(request(LIST)).await.expect("infallible");
        assert_eq!(status(&answer).code(), Code::PermissionDenied);
        let answer = require_scopes(place()).layer(service()).oneshot(request(PLACE)).await;
        assert_eq!(status(&answer.expect("infallible")).code(), Code::Internal);
        let answer = service().oneshot(request(PLACE)).await.expect("infallible");
        assert_eq!(status(&answer).code(), Code::Internal);
    }

    #[test]
    fn a_layered_service_keeps_its_name() {
        #[derive(Clone)]
        struct Orders;
        impl tonic::server::NamedService for Orders {
            const NAME: &'static str = "orders.v1.Orders";
        }
        fn name<S: tonic::server::NamedService>(_: &S) -> &'static str {
            S::NAME
        }
        let service: Verify<Orders, Grpc> = verify(verifier(), Require::any_token()).layer(Orders);
        assert_eq!(name(&service), "orders.v1.Orders");
    }
}
