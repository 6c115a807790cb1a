//! The suite of the authorization-server seam: what its two sides must agree on.
//!
//! Tokens are read by a library that we did not write, so that they are what the standards say and
//! not what our own verifier happens to take.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a suite reports by panicking"
)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Value, json};
use turnpike_domain::authorization_server::{
    AuthorizationServer, IssuedToken, PublishedKeys, TokenRequest,
};
use turnpike_domain::id::{ClientId, TeamId};
use turnpike_domain::ports::Clock as _;
use turnpike_domain::secret::Secrets;
use turnpike_domain::text::{ClientName, Description};
use turnpike_domain::time::TokenLifetime;
use turnpike_domain::{Client, Scope, Timestamp};

use crate::clock::TestClock;

/// A client that may get tokens of this lifetime, registered nowhere.
///
/// # Panics
///
/// For a lifetime that no client may have.
pub fn client(client_id: &str, token_lifetime: i64) -> Client {
    Client {
        client_id: ClientId::parse(client_id).unwrap(),
        display_name: ClientName::parse("Shop").unwrap(),
        description: Description::parse("").unwrap(),
        team: TeamId::parse("partners").unwrap(),
        token_lifetime: TokenLifetime::from_seconds(token_lifetime).unwrap(),
        enabled: true,
        secrets: Secrets::default(),
        grants: Vec::new(),
        tokens_revoked: None,
        scope_cuts: Vec::new(),
        create_time: Timestamp::from_millis(0),
        update_time: Timestamp::from_millis(0),
    }
}

/// A client that can get tokens, and the secret that it shows.
#[derive(Debug)]
pub struct Registered {
    /// The client.
    pub client: Client,
    /// Its secret.
    pub secret: String,
}

/// An authorization server, and what may be expected of it.
#[derive(Debug)]
pub struct Trial<'a, R> {
    /// The server.
    pub server: &'a dyn AuthorizationServer,
    /// What the identifier of every resource server begins with, so that the suite touches none of others.
    pub prefix: &'a str,
    /// Makes a client known there whose tokens live so many seconds and may hold these scopes.
    pub register: R,
    /// The time there, give or take `clock_seconds`.
    pub now: Timestamp,
    /// How far its clock may be from `now`, the time that the suite takes included.
    pub clock_seconds: i64,
    /// Whether scopes stand in the order they were asked for in; else they are a set.
    pub keeps_order: bool,
    /// Claims that its tokens have and Cognito's have not, and the other way round.
    pub odd_claims: &'a [&'a str],
}

/// Runs the suite.
///
/// # Panics
///
/// Where the seam is not kept.
pub async fn authorization_server_conformance<R>(trial: &Trial<'_, R>)
where
    R: AsyncFn(i64, &[Scope]) -> Registered,
{
    the_token_has_cognitos_shape(trial).await;
    exactly_the_scopes_asked_for_are_given(trial).await;
    a_token_lives_as_long_as_the_client_says(trial).await;
    every_token_has_an_id_of_its_own(trial).await;
    keys_are_public_and_have_ids(trial.server).await;
    nothing_is_issued_without_scopes(trial).await;
    what_is_secret_does_not_print(trial).await;
}

impl<R> Trial<'_, R>
where
    R: AsyncFn(i64, &[Scope]) -> Registered,
{
    /// Scopes of resource servers of this trial.
    fn scopes(&self, scopes: &[&str]) -> Vec<Scope> {
        let scope = |scope: &&str| Scope::parse(&format!("{}{scope}", self.prefix)).unwrap();
        scopes.iter().map(scope).collect()
    }

    /// A client that may have these scopes.
    async fn client(&self, scopes: &[Scope]) -> Registered {
        (self.register)(3600, scopes).await
    }

    async fn issue(&self, whom: &Registered, scopes: &[Scope]) -> IssuedToken {
        self.server.issue(&self.request(whom, scopes)).await.unwrap()
    }

    const fn request<'b>(&self, whom: &'b Registered, scopes: &'b [Scope]) -> TokenRequest<'b> {
        TokenRequest { client: &whom.client, scopes, secret: whom.secret.as_str(), now: self.now }
    }

    /// The seconds that a claim says.
    fn seconds(&self, claims: &Value, name: &str) -> i64 {
        claims[name].as_i64().unwrap_or_else(|| panic!("{name} is a whole number"))
    }
}

/// A request of a client that has authenticated.
pub const fn asked<'a>(
    client: &'a Client,
    scopes: &'a [Scope],
    now: Timestamp,
) -> TokenRequest<'a> {
    TokenRequest { client, scopes, secret: "shown", now }
}

async fn the_token_has_cognitos_shape<R>(trial: &Trial<'_, R>)
where
    R: AsyncFn(i64, &[Scope]) -> Registered,
{
    let scope = trial.scopes(&["lj-health-food/place-order"]);
    let whom = trial.client(&scope).await;
    let token = trial.issue(&whom, &scope).await;
    let keys = trial.server.keys().await.unwrap();
    let header = part(token.access_token.expose(), 0);
    let members: Vec<&str> = header.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["alg", "kid"], "the header has no `typ` and nothing else");
    assert_eq!(header["alg"], keys.algorithms[0]);

    let claims = verify(token.access_token.expose(), &keys).expect("its own keys verify it");
    let jti = claims["jti"].as_str().unwrap();
    let issued = trial.seconds(&claims, "iat");
    let client_id = whom.client.client_id.as_str();
    let expected = json!({
        "sub": client_id,
        "token_use": "access",
        "scope": scope[0].as_str(),
        "auth_time": issued,
        "iss": trial.server.issuer(),
        "exp": issued + 3600,
        "iat": issued,
        "version": 2,
        "jti": jti,
        "client_id": client_id,
    });
    let even = |claims: &Value| {
        let mut claims = claims.as_object().unwrap().clone();
        claims.retain(|name, _| !trial.odd_claims.contains(&name.as_str()));
        claims
    };
    assert_eq!(even(&claims), even(&expected));
    let off = (issued - trial.now.seconds()).abs();
    assert!(off <= trial.clock_seconds, "issued {off} seconds from now");
    let form: Vec<usize> = jti.split('-').map(str::len).collect();
    assert_eq!(form, [8, 4, 4, 4, 12], "{jti} is a UUID");
    assert_eq!(&jti[14..15], "4", "{jti} is a random one");
}

async fn exactly_the_scopes_asked_for_are_given<R>(trial: &Trial<'_, R>)
where
    R: AsyncFn(i64, &[Scope]) -> Registered,
{
    let many: Vec<String> = (0..50).rev().map(|n| format!("https://api/v1/s{n:02}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let whom = trial.client(&trial.scopes(&many)).await;
    for asked in [&many[..], &many[10..12], &many[49..]] {
        let asked = trial.scopes(asked);
        let token = trial.issue(&whom, &asked).await;
        let keys = trial.server.keys().await.unwrap();
        let claims = verify(token.access_token.expose(), &keys).unwrap();
        let given = claims["scope"].as_str().unwrap();
        let mut given: Vec<&str> = given.split(' ').collect();
        let mut asked: Vec<&str> = asked.iter().map(Scope::as_str).collect();
        if !trial.keeps_order {
            given.sort_unstable();
            asked.sort_unstable();
        }
        assert_eq!(given, asked);
    }
}

async fn a_token_lives_as_long_as_the_client_says<R>(trial: &Trial<'_, R>)
where
    R: AsyncFn(i64, &[Scope]) -> Registered,
{
    let scope = trial.scopes(&["api/read"]);
    for lifetime in [300, 3600, 86_400] {
        let whom = (trial.register)(lifetime, &scope).await;
        let token = trial.issue(&whom, &scope).await;
        assert_eq!(token.expires_in, lifetime);
        let claims = part(token.access_token.expose(), 1);
        assert_eq!(trial.seconds(&claims, "exp") - trial.seconds(&claims, "iat"), lifetime);
    }
}

async fn every_token_has_an_id_of_its_own<R>(trial: &Trial<'_, R>)
where
    R: AsyncFn(i64, &[Scope]) -> Registered,
{
    let scope = trial.scopes(&["api/read"]);
    let whom = trial.client(&scope).await;
    let mut ids = BTreeSet::new();
    for _ in 0..20 {
        let token = trial.issue(&whom, &scope).await;
        let claims = part(token.access_token.expose(), 1);
        assert!(ids.insert(claims["jti"].as_str().unwrap().to_owned()));
    }
}

async fn keys_are_public_and_have_ids(server: &dyn AuthorizationServer) {
    let keys = server.keys().await.unwrap();
    let set: Value = serde_json::from_str(&keys.jwks).unwrap();
    let mut ids = BTreeSet::new();
    for key in set["keys"].as_array().unwrap() {
        assert!(ids.insert(key["kid"].as_str().unwrap()), "a key id stands twice");
        assert_eq!(key["use"], "sig");
        assert!(keys.algorithms.contains(&key["alg"].as_str().unwrap()));
        // RFC 7518 sections 6.2.2, 6.3.2 and 6.4: what only a holder may know.
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(private).is_none(), "{private} is published");
        }
    }
    assert!(!ids.is_empty());
}

async fn nothing_is_issued_without_scopes<R>(trial: &Trial<'_, R>)
where
    R: AsyncFn(i64, &[Scope]) -> Registered,
{
    let whom = trial.client(&trial.scopes(&["api/read"])).await;
    assert!(trial.server.issue(&trial.request(&whom, &[])).await.is_err());
}

async fn what_is_secret_does_not_print<R>(trial: &Trial<'_, R>)
where
    R: AsyncFn(i64, &[Scope]) -> Registered,
{
    let scope = trial.scopes(&["api/read"]);
    let whom = trial.client(&scope).await;
    let token = trial.issue(&whom, &scope).await;
    let signature = token.access_token.expose().rsplit('.').next().unwrap().to_owned();
    assert!(!format!("{token:?}").contains(&signature));
    let (request, server) = (trial.request(&whom, &scope), trial.server);
    assert!(!format!("{request:?} {server:?}").contains(&whom.secret));
    assert!(!format!("{server:?}").contains("PRIVATE"));
}

/// How a rotation is watched.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    /// How far the clock moves from look to look.
    pub step: Duration,
    /// How many looks there are.
    pub steps: u32,
    /// How long verifiers keep a key set without asking again: a whole number of steps.
    pub key_set_lifetime: Duration,
}

/// Watches a server through its changes of keys: no fresh token fails against a key set that was
/// fetched up to a lifetime of key sets earlier, and every token verifies until it ends. `tick` is
/// what the server's process does from time to time. Answers with the ids of the keys that signed,
/// in order.
///
/// # Panics
///
/// Where that does not hold.
pub async fn rotation_timeline(
    server: &dyn AuthorizationServer,
    clock: &TestClock,
    watch: Timeline,
    tick: impl AsyncFn(u32),
) -> Vec<String> {
    let longest = client("shop", TokenLifetime::MAX.seconds());
    let scope = [Scope::parse("api/read").unwrap()];
    let behind = usize::try_from(watch.key_set_lifetime.as_millis() / watch.step.as_millis());
    let mut sets: VecDeque<PublishedKeys> = VecDeque::new();
    let mut live: VecDeque<(i64, String, Value)> = VecDeque::new();
    let mut signed: Vec<String> = Vec::new();
    for step in 0..watch.steps {
        tick(step).await;
        let now = clock.now();
        sets.push_back(server.keys().await.unwrap());
        if sets.len() > behind.unwrap() + 1 {
            sets.pop_front();
        }
        let token = server.issue(&asked(&longest, &scope, now)).await.unwrap();
        let token = token.access_token.expose();
        for (age, keys) in sets.iter().rev().enumerate() {
            // Each set of the window has the key; the oldest and the newest also verify.
            assert!(jwk(token, keys).is_some(), "step {step}: a set {age} steps old lacks the key");
        }
        for keys in [sets.front().unwrap(), sets.back().unwrap()] {
            verify(token, keys).unwrap_or_else(|why| panic!("step {step}: {why}"));
        }

        let current = sets.back().unwrap();
        live.retain(|(exp, _, _)| now.seconds() < exp + 60);
        for (_, token, key) in &live {
            assert_eq!(jwk(token, current).as_ref(), Some(key), "step {step}: a key went too soon");
        }
        let key = jwk(token, current).unwrap();
        let key_id = key["kid"].as_str().unwrap().to_owned();
        if signed.last() != Some(&key_id) {
            signed.push(key_id);
        }
        live.push_back((now.seconds() + TokenLifetime::MAX.seconds(), token.to_owned(), key));
        clock.advance(watch.step);
    }
    let kids: BTreeMap<&String, usize> = signed.iter().map(|id| (id, 1)).collect();
    assert_eq!(kids.len(), signed.len(), "a key came back");
    signed
}

/// The claims, if the published key that the token names made its signature. Times are the caller's
/// to compare.
fn verify(token: &str, keys: &PublishedKeys) -> Result<Value, String> {
    let header = jsonwebtoken::decode_header(token).map_err(|e| e.to_string())?;
    let set: JwkSet = serde_json::from_str(&keys.jwks).map_err(|e| e.to_string())?;
    let kid = header.kid.ok_or("no kid")?;
    let jwk = set.find(&kid).ok_or("the key is not published")?;
    let key = DecodingKey::from_jwk(jwk).map_err(|e| e.to_string())?;
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<Value>(token, &key, &validation)
        .map(|token| token.claims)
        .map_err(|e| e.to_string())
}

/// The published key that the token names.
fn jwk(token: &str, keys: &PublishedKeys) -> Option<Value> {
    let set: Value = serde_json::from_str(&keys.jwks).unwrap();
    let kid = part(token, 0)["kid"].clone();
    set["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid).cloned()
}

/// A part of the token, unverified.
fn part(token: &str, at: usize) -> Value {
    let part = token.split('.').nth(at).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
