//! The seam of tokens: the suite, and what is Cognito's own.

use turnpike_domain::authorization_server::pool::{Pool as _, PoolClient, PoolResourceServer};
use turnpike_domain::authorization_server::{AuthorizationServer as _, TokenRequest};
use turnpike_domain::error::ErrorCode;
use turnpike_domain::ports::Clock as _;
use turnpike_domain::secret::SecretValue;
use turnpike_domain::time::TokenLifetime;
use turnpike_domain::{Error, Identifier, Scope};
use turnpike_fake_cognito::{Fault, FaultKind};
use turnpike_issuer_cognito::{Cognito, SecretsFrom};
use turnpike_testkit::authorization_server::{
    Registered, Trial, authorization_server_conformance, client,
};
use turnpike_testkit::clock::SeededEntropy;

use crate::world::{MARK, World, open};

/// Makes a client that may have `scopes`, and the resource servers that offer them.
pub async fn register(pool: &Cognito, lifetime: i64, scopes: &[Scope]) -> Registered {
    let mut servers: Vec<Identifier> = scopes.iter().map(Scope::identifier).collect();
    servers.dedup();
    for identifier in servers {
        let of = scopes.iter().filter(|scope| scope.is_of(&identifier));
        let offered = of.map(|scope| (scope.name().to_string(), "d".to_owned())).collect();
        let server = PoolResourceServer { identifier, name: "API".to_owned(), scopes: offered };
        pool.put_resource_server(&server).await.unwrap();
    }
    let wanted = PoolClient {
        name: format!("{MARK} client of {lifetime}"),
        token_lifetime: TokenLifetime::from_seconds(lifetime).unwrap(),
        scopes: scopes.to_vec(),
    };
    let secret = SecretValue::generate(&SeededEntropy::new(u64::try_from(lifetime).unwrap()));
    let made = pool.create_client(&wanted, &secret).await.unwrap();
    let client = client(made.client_id.as_str(), lifetime);
    Registered { client, secret: secret.expose().to_owned() }
}

async fn conforms(world: &World, cognito: &Cognito) {
    let trial = Trial {
        server: cognito,
        prefix: "",
        register: async |lifetime: i64, scopes: &[Scope]| register(cognito, lifetime, scopes).await,
        now: world.clock.now(),
        clock_seconds: 0,
        keeps_order: false,
        odd_claims: &[],
    };
    authorization_server_conformance(&trial).await;
}

fn generated(world: &World) -> Cognito {
    let mut settings = world.settings();
    settings.secrets = SecretsFrom::Cognito;
    open(settings)
}

fn scope() -> Vec<Scope> {
    vec![Scope::parse("orders/read").unwrap(), Scope::parse("orders/write").unwrap()]
}

async fn issue(
    world: &World,
    cognito: &Cognito,
    whom: &Registered,
    scopes: &[Scope],
) -> Result<String, Error> {
    let now = world.clock.now();
    let request = TokenRequest { client: &whom.client, scopes, secret: &whom.secret, now };
    cognito.issue(&request).await.map(|token| token.access_token.expose().to_owned())
}

fn code(answer: Result<String, Error>) -> Option<ErrorCode> {
    answer.err().map(|error| error.code())
}

/// The kind of what is in the way.
fn blocked(answer: Result<String, Error>) -> &'static str {
    match answer {
        Err(Error::Precondition(blockers)) => blockers[0].kind,
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn the_suite_with_secrets_of_ours() {
    let world = World::new().await;
    conforms(&world, &world.cognito()).await;
}

#[tokio::test]
async fn the_suite_with_secrets_of_cognitos() {
    let world = World::new().await;
    conforms(&world, &generated(&world)).await;
}

#[tokio::test]
async fn a_client_is_refused_with_another_secret() {
    let world = World::new().await;
    let cognito = world.cognito();
    let mut whom = register(&cognito, 300, &scope()).await;
    whom.secret.push('x');
    assert_eq!(
        code(issue(&world, &cognito, &whom, &scope()).await),
        Some(ErrorCode::Unauthenticated)
    );
    assert!(cognito.proves_secrets() && !generated(&world).proves_secrets());
}

#[tokio::test]
async fn both_secrets_work_until_one_is_ended() {
    let world = World::new().await;
    let cognito = world.cognito();
    let first = register(&cognito, 300, &scope()).await;
    let id = first.client.client_id.clone();
    let first_name = cognito.secrets(&id).await.unwrap()[0].clone();
    let value = SecretValue::generate(&SeededEntropy::new(9));
    cognito.add_secret(&id, &value).await.unwrap();
    let client = first.client.clone();
    let second = Registered { client, secret: value.expose().to_owned() };
    for whom in [&first, &second] {
        assert!(issue(&world, &cognito, whom, &scope()).await.is_ok());
    }
    assert!(cognito.remove_secret(&id, &first_name).await.unwrap());
    let refused = issue(&world, &cognito, &first, &scope()).await;
    assert_eq!(code(refused), Some(ErrorCode::Unauthenticated));
    assert!(issue(&world, &cognito, &second, &scope()).await.is_ok());
}

#[tokio::test]
async fn scopes_that_the_pool_does_not_give_are_not_given() {
    let world = World::new().await;
    let cognito = world.cognito();
    let whom = register(&cognito, 300, &scope()).await;
    let other = [Scope::parse("orders/delete").unwrap()];
    assert_eq!(blocked(issue(&world, &cognito, &whom, &other).await), "SCOPE_REFUSED");

    // A scope that its resource server lost is left out in silence there.
    let fewer = PoolResourceServer {
        identifier: Identifier::parse("orders").unwrap(),
        name: "API".to_owned(),
        scopes: vec![("read".to_owned(), "d".to_owned())],
    };
    cognito.put_resource_server(&fewer).await.unwrap();
    assert_eq!(blocked(issue(&world, &cognito, &whom, &scope()).await), "SCOPE_REFUSED");
    assert!(issue(&world, &cognito, &whom, &scope()[..1]).await.is_ok());

    let silent = PoolClient {
        name: "silent".to_owned(),
        token_lifetime: TokenLifetime::DEFAULT,
        scopes: Vec::new(),
    };
    cognito.put_client(&whom.client.client_id, &silent).await.unwrap();
    assert_eq!(blocked(issue(&world, &cognito, &whom, &scope()).await), "GRANT_REFUSED");
}

#[tokio::test]
async fn a_token_of_another_issuer_is_not_passed_on() {
    let world = World::new().await;
    let whom = register(&world.cognito(), 300, &scope()).await;
    let mut settings = world.settings();
    settings.issuer = turnpike_domain::url::HttpUrl::parse("https://issuer.example.com").unwrap();
    let refused = issue(&world, &open(settings), &whom, &scope()).await;
    assert_eq!(code(refused), Some(ErrorCode::Internal));
}

#[tokio::test]
async fn what_may_pass_is_unavailable_and_what_may_not_is_a_defect() {
    let world = World::new().await;
    world.make_keys().await;
    let whom = register(&world.cognito(), 300, &scope()).await;
    let cognito = world.impatient();
    let refuse = |status: u16, code: &str| FaultKind::Refuse {
        status,
        code: code.to_owned(),
        message: "<b>words</b>".to_owned(),
    };
    for (kind, expected) in [
        (FaultKind::Throttle, ErrorCode::Unavailable),
        (FaultKind::InternalError, ErrorCode::Unavailable),
        (FaultKind::Unavailable, ErrorCode::Unavailable),
        (FaultKind::HangBefore, ErrorCode::Unavailable),
        (FaultKind::HangAfter, ErrorCode::Unavailable),
        (FaultKind::ResetBefore, ErrorCode::Unavailable),
        (FaultKind::ResetAfter, ErrorCode::Unavailable),
        (refuse(403, "Forbidden"), ErrorCode::Unavailable),
        (refuse(401, "invalid_client"), ErrorCode::Unauthenticated),
        (refuse(400, "invalid_request"), ErrorCode::Internal),
        (refuse(302, "found"), ErrorCode::Internal),
        (FaultKind::Garbage, ErrorCode::Internal),
    ] {
        world.fake.inject(Fault::once("Token", kind.clone()));
        let answer = issue(&world, &cognito, &whom, &scope()).await;
        assert_eq!(code(answer), Some(expected), "{kind:?}");
    }
    assert!(issue(&world, &cognito, &whom, &scope()).await.is_ok());
}

#[tokio::test]
async fn cognitos_own_secret_is_read_once_and_again_when_it_is_another() {
    let world = World::new().await;
    let cognito = generated(&world);
    let mut whom = register(&cognito, 300, &scope()).await;
    // What the client shows is Turnpike's to check, and nothing to Cognito.
    whom.secret = "shown".to_owned();
    let described = |world: &World| {
        world.fake.calls().iter().filter(|c| c.operation == "DescribeUserPoolClient").count()
    };
    for _ in 0..3 {
        issue(&world, &cognito, &whom, &scope()).await.unwrap();
    }
    assert_eq!(described(&world), 1);

    let key = serde_json::json!({
        "UserPoolId": world.fake.pool_id(),
        "ClientId": whom.client.client_id.as_str(),
    });
    let listed = world.fake.call("ListUserPoolClientSecrets", key.clone()).unwrap();
    let old = listed["ClientSecrets"][0]["ClientSecretId"].clone();
    world.fake.call("AddUserPoolClientSecret", key.clone()).unwrap();
    let mut end = key;
    end["ClientSecretId"] = old;
    world.fake.call("DeleteUserPoolClientSecret", end).unwrap();
    issue(&world, &cognito, &whom, &scope()).await.unwrap();
    assert_eq!(described(&world), 2);

    cognito.delete_client(&whom.client.client_id).await.unwrap();
    let gone = issue(&world, &cognito, &whom, &scope()).await;
    assert_eq!(code(gone), Some(ErrorCode::Unavailable));
}

#[tokio::test]
async fn tokens_have_a_rate_of_their_own() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.rates.tokens = 0.01;
    let cognito = open(settings);
    let whom = register(&cognito, 300, &scope()).await;
    issue(&world, &cognito, &whom, &scope()).await.unwrap();
    match issue(&world, &cognito, &whom, &scope()).await {
        Err(Error::RateLimited { retry_after_ms }) => {
            assert!((30_000..=100_000).contains(&retry_after_ms), "{retry_after_ms}");
        }
        other => unreachable!("{other:?}"),
    }
}
