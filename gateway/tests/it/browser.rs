//! A browser on its way to the directory and back.

use std::collections::BTreeMap;

use turnpike_domain::actor::Staff;

use crate::client::Answer;
use crate::directory::{Asked, Directory};
use crate::harness::World;

pub const ECHO: &str = "/test.Puppet/Echo";

/// A browser with cookies of its own.
pub struct Browser<'a> {
    pub w: &'a World,
    pub directory: &'a Directory,
    pub cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    pub fn new(w: &'a World, directory: &'a Directory) -> Self {
        Self { w, directory, cookies: BTreeMap::new() }
    }

    /// Its `Cookie` header.
    pub fn cookie(&self) -> String {
        let pairs: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    /// The name of the session's cookie.
    pub fn session_name(&self) -> String {
        format!("__Host-Http-turnpike-{}", self.w.address.port())
    }

    /// Whether it has a session's cookie, good or not.
    pub fn has_session(&self) -> bool {
        self.cookies.contains_key(&self.session_name())
    }

    /// Goes to a page, as a navigation that `site` began.
    pub async fn navigate(&mut self, path: &str, site: &str) -> Answer {
        let mut client = self.w.h1().await;
        let call = client
            .get(path)
            .header("cookie", self.cookie())
            .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-site", site);
        let answer = call.send("").await;
        self.keep(&answer);
        answer
    }

    /// Keeps what an answer sets.
    pub fn keep(&mut self, answer: &Answer) {
        for set in answer.headers.get_all("set-cookie") {
            let set = set.to_str().unwrap();
            let (pair, attributes) = set.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            assert!(name.starts_with("__Host-Http-"), "{set}");
            assert!(attributes.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{set}");
            match attributes.starts_with("Max-Age=0;") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
    }

    /// Begins to sign in: what the directory is asked.
    pub async fn begin(&mut self, path: &str) -> Asked {
        let answer = self.navigate(path, "same-origin").await;
        assert_eq!(answer.status, 303, "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        Asked::of(self.directory, answer.header("location").unwrap())
    }

    /// Comes back from the directory with this.
    pub async fn back(&mut self, answer: &[(&str, &str)]) -> Answer {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
        self.navigate(&format!("/login/callback?{query}"), "cross-site").await
    }

    /// The whole way.
    pub async fn sign_in(&mut self) -> Answer {
        let asked = self.begin("/login").await;
        let code = self.directory.code(&asked);
        self.back(&[("code", &code), ("state", asked.get("state"))]).await
    }

    /// Calls a service with its session.
    pub async fn call(&self) -> Answer {
        self.w.h1().await.call(ECHO).with_session(&self.cookie()).message("x").await
    }

    /// Whom the service then takes the caller for.
    pub async fn who(&self) -> Staff {
        let answer = self.call().await;
        assert_eq!(answer.grpc().code(), tonic::Code::Ok, "{answer:?}");
        let seen = self.w.puppet.seen().pop().unwrap();
        let identity = seen.headers["x-turnpike-identity"].to_str().unwrap();
        self.w.verifier.verify(identity, ECHO).unwrap()
    }

    /// Signs out, as the portal does.
    pub async fn sign_out(&mut self) -> Answer {
        let mut client = self.w.h1().await;
        let answer = client.post("/logout").with_session(&self.cookie()).send("").await;
        self.keep(&answer);
        answer
    }
}
