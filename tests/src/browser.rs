//! A browser without scripts: it follows redirects and keeps cookies.

use std::collections::BTreeMap;

use http::Method;

use crate::http::{Answer, Http};
use crate::session::Session;

/// More redirects than this go round in circles.
const REDIRECTS_MAX: usize = 10;

/// A browser with cookies of its own. As in every browser, all ports of a host share them.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    /// By name.
    pub cookies: BTreeMap<String, String>,
}

/// Where a browser has come to.
#[derive(Debug)]
pub struct Page {
    /// The address.
    pub url: String,
    /// What is there.
    pub answer: Answer,
}

impl Browser {
    /// Goes to an address, and on to where that leads.
    pub async fn go(&mut self, url: &str) -> Page {
        let answer = self.step(Method::GET, url, "").await;
        self.follow(url, answer).await
    }

    /// Submits a form to an address, and goes on to where that leads.
    pub async fn submit(&mut self, url: &str, form: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let answer = self.step(Method::POST, url, &body).await;
        self.follow(url, answer).await
    }

    /// One request; a redirect is not followed.
    pub async fn step(&mut self, method: Method, url: &str, body: &str) -> Answer {
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers = [
            ("accept", "text/html"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("cookie", &cookies.join("; ")),
            ("sec-fetch-mode", "navigate"),
        ];
        let answer = Http::new(url).send(method, url, &headers, body.to_owned()).await;
        for set in answer.headers.get_all("set-cookie") {
            let set = set.to_str().unwrap();
            let over = set.contains("Max-Age=0") || set.contains("expires=Thu, 01 Jan 1970");
            let pair = set.split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match over {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    async fn follow(&mut self, url: &str, mut answer: Answer) -> Page {
        let mut url = url.to_owned();
        for _ in 0..REDIRECTS_MAX {
            if !answer.status.is_redirection() {
                return Page { url, answer };
            }
            url = join(&url, answer.header("location"));
            answer = self.step(Method::GET, &url, "").await;
        }
        panic!("it goes round in circles at {url}");
    }

    /// Signs in at the plane of this address by its directory; where that leads.
    pub async fn sign_in(&mut self, plane: &str, person: &str) -> Page {
        let page = self.go(&format!("{plane}/login")).await;
        assert!(page.url.contains("/interaction/"), "not at the directory: {page:?}");
        self.submit(&page.url, &[("login", person)]).await
    }

    /// The session that it has at the plane of this address, if any.
    pub fn session(&self, plane: &str) -> Option<Session> {
        let name = format!("__Host-Http-turnpike-{}", plane.rsplit(':').next().unwrap());
        let value = self.cookies.get(&name)?;
        Some(Session { cookie: format!("{name}={value}") })
    }
}

/// Where a `Location` leads.
pub fn join(from: &str, to: &str) -> String {
    let origin: Vec<&str> = from.splitn(4, '/').take(3).collect();
    if to.starts_with('/') { format!("{}{to}", origin.join("/")) } else { to.to_owned() }
}
