//! Answers over HTTP.

use std::fmt;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::token::Refused;

/// An answer.
pub(crate) type Reply = Response<Full<Bytes>>;

/// The connection breaks instead of an answer.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut on purpose")
    }
}

impl std::error::Error for Cut {}

pub(crate) fn api_answer(value: &Value) -> Reply {
    amazon(200, value)
}

pub(crate) fn api_refusal(error: &ApiError) -> Reply {
    amazon(error.status, &error.body())
}

pub(crate) fn token_answer(value: &Value) -> Reply {
    let mut reply = of(200, "application/json;charset=UTF-8", value.to_string());
    let headers = reply.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    reply
}

pub(crate) fn token_refusal(refused: &Refused) -> Reply {
    let status = if refused.0 == "server_error" { 500 } else { 400 };
    oauth_refusal(status, refused.0, None)
}

/// An injected refusal of the token endpoint.
pub(crate) fn injected_token_refusal(error: &ApiError) -> Reply {
    match error.code.as_ref() {
        "TooManyRequestsException" => oauth_refusal(429, "too_many_requests", None),
        "InternalErrorException" => oauth_refusal(500, "server_error", None),
        code => oauth_refusal(error.status, code, Some(&error.message)),
    }
}

pub(crate) fn json_answer(value: &Value) -> Reply {
    of(200, "application/json", value.to_string())
}

pub(crate) fn html(status: u16) -> Reply {
    of(status, "text/html", "<html><body>Service Temporarily Unavailable</body></html>".to_owned())
}

pub(crate) fn plain(status: u16, words: &str) -> Reply {
    of(status, "text/plain", words.to_owned())
}

fn oauth_refusal(status: u16, code: &str, description: Option<&str>) -> Reply {
    let mut body = json!({ "error": code });
    if let Some(description) = description {
        body["error_description"] = json!(description);
    }
    of(status, "application/json;charset=UTF-8", body.to_string())
}

fn amazon(status: u16, body: &Value) -> Reply {
    let mut reply = of(status, "application/x-amz-json-1.1", body.to_string());
    let id = uuid::Uuid::new_v4().to_string();
    if let Ok(id) = HeaderValue::from_str(&id) {
        reply.headers_mut().insert("x-amzn-requestid", id);
    }
    reply
}

fn of(status: u16, content_type: &'static str, body: String) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}
