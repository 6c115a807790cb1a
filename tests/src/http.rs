//! Plain HTTP/1.1 to a plane.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A client for one base URL. Follows no redirects and keeps no cookies.
#[derive(Clone, Debug)]
pub struct Http {
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Http {
    /// A client for this base URL.
    pub fn new(base: &str) -> Self {
        let client = Client::builder(TokioExecutor::new())
            // A connection each: one that the server closed must not fail the next request.
            .pool_max_idle_per_host(0)
            .build(HttpConnector::new());
        Self { base: base.trim_end_matches('/').to_owned(), client }
    }

    /// Sends a request; `target` is a path of the base URL, or a whole URL.
    pub async fn send(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        self.try_send(method, target, headers, body).await.expect("the connection broke")
    }

    /// The same; `None` if the server hung up. One that answers before it has read a request to its end may: who
    /// still writes then sees a broken connection instead of the answer.
    pub async fn try_send(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Option<Answer> {
        let uri = match target.starts_with('/') {
            true => format!("{}{target}", self.base),
            false => target.to_owned(),
        };
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let response = self.client.request(request).await.ok()?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// GET.
    pub async fn get(&self, target: &str) -> Answer {
        self.send(Method::GET, target, &[], Bytes::new()).await
    }

    /// POST of a form.
    pub async fn form(
        &self,
        target: &str,
        headers: &[(&str, &str)],
        form: &[(&str, &str)],
    ) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend(headers);
        self.send(Method::POST, target, &all, body).await
    }

    /// A token for a client; `scope` may be empty.
    pub async fn token(&self, client_id: &str, secret: &str, scope: &str) -> Answer {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", secret),
        ];
        if !scope.is_empty() {
            form.push(("scope", scope));
        }
        self.form("/oauth2/token", &[], &form).await
    }
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON ({}): {}", self.status, self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, or the empty text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The access token of a token answer.
    pub fn access_token(&self) -> String {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self.json()["access_token"].as_str().unwrap().to_owned()
    }
}
