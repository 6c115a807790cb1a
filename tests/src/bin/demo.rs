//! `make demo`: the story of a partner that orders, until its access is taken away.
//!
//! Real processes (`turnpike`, `orders-api`, `partner-app`) and public interfaces only. Every answer is
//! checked; the first wrong one ends the story, with an exit code other than 0. Secrets and tokens are
//! not printed.
#![expect(clippy::print_stdout, reason = "it is there to be read")]

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::process::Command;
use tonic::Status;
use turnpike_proto::v1 as pb;
use turnpike_tests::{Answer, Caller, Ended, OrdersApi, PartnerApp, Plane, bin};

const API: &str = "lj-health-food";
const PLACE: &str = "lj-health-food/place-order";
const LIST: &str = "lj-health-food/list-orders";
/// What the whole story may take.
const LONGEST: Duration = Duration::from_secs(60);
/// From when on no request with a token of a disabled client may pass.
const PROMISE: Duration = Duration::from_secs(1);

/// Why the story ended early.
type Wrong = String;

#[tokio::main]
async fn main() -> ExitCode {
    let started = Instant::now();
    let mut teller = Teller::new();
    let ending = tokio::select! {
        ending = play(&mut teller) => ending,
        () = tokio::time::sleep(LONGEST) => Err(format!("not done after {LONGEST:?}")),
        _ = tokio::signal::ctrl_c() => Err("stopped".to_owned()),
    };
    match ending {
        Ok(()) => {
            teller.end(&format!("Every answer was right, in {:.1?}.", started.elapsed()));
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            teller.wrong(&wrong);
            ExitCode::FAILURE
        }
    }
}

async fn play(teller: &mut Teller) -> Result<(), Wrong> {
    teller.title(
        "A partner orders, until its access is taken away",
        "Real processes, public interfaces; every answer is checked.",
    );
    teller.step("Turnpike starts: portal, API, tokens and log in one process");
    teller.asked("turnpike up --listen 127.0.0.1:0");
    let plane = Plane::start().await;
    teller.answered(&format!("listens on {}", plane.url()));
    let olga = plane.caller("olga").await;
    let pavel = plane.caller("pavel").await;
    let aino = plane.caller("aino").await;

    let orders_api = protect(teller, &plane, &olga).await?;
    let client = create_client(teller, &plane, &pavel, &orders_api).await?;
    grant(teller, &olga, &pavel, &client.id).await?;
    let token = order(teller, &client, &orders_api).await?;
    list_is_refused(teller, &client, &orders_api, &token).await?;
    disable(teller, &pavel, &client, &orders_api, &token).await?;
    the_log_tells(teller, &aino).await?;

    orders_api.stop().await;
    let mut plane = plane;
    plane.kill().await;
    Ok(())
}

/// The owner registers the API, and the API starts with its secret.
async fn protect(teller: &mut Teller, plane: &Plane, olga: &Caller) -> Result<OrdersApi, Wrong> {
    teller.step("Olga, who owns the orders API, registers it");
    teller.asked(&format!("CreateResourceServer `{API}`: place-order, list-orders"));
    let scope = |name: &str, description: &str| pb::Scope {
        name: name.to_owned(),
        description: description.to_owned(),
    };
    let request = pb::CreateResourceServerRequest {
        resource_server: Some(pb::ResourceServer {
            identifier: API.to_owned(),
            display_name: "LJ Health Food".to_owned(),
            description: "Takes orders.".to_owned(),
            team: "orders".to_owned(),
            scopes: vec![
                scope("place-order", "Place an order"),
                scope("list-orders", "List the orders placed so far"),
            ],
            ..pb::ResourceServer::default()
        }),
        add_secret: true,
        ..pb::CreateResourceServerRequest::default()
    };
    let answer = olga.resource_servers().create_resource_server(request).await;
    let answer = answer.map_err(refused)?.into_inner();
    let made = answer.resource_server.unwrap_or_default();
    let got = format!("{} scopes of team `{}`", made.scopes.len(), made.team);
    check("2 scopes of team `orders`", got == "2 scopes of team `orders`", &got)?;
    let secret = answer.secret.map(|secret| secret.value).ok_or("no secret was given")?;
    teller.answered("registered for team `orders`; a secret of its own, shown this once");

    teller.step("The orders API starts");
    teller.asked(&format!("orders-api --turnpike {}", plane.url()));
    let orders_api = OrdersApi::start(plane, &secret).await;
    let health = orders_api.http().get("/healthz").await;
    check("200", health.status == StatusCode::OK, health.status.as_str())?;
    teller.answered(&format!("listens on {}", orders_api.url()));
    teller.asked("POST /orders, without a token");
    let answer = place(&orders_api, None).await;
    check_refusal(&answer, StatusCode::UNAUTHORIZED, "Bearer realm=\"turnpike\"")?;
    teller.answered(&told(&answer));
    Ok(orders_api)
}

/// The partner's client, as a program and by hand.
struct Client {
    id: String,
    app: PartnerApp,
    secret: String,
    tokens: turnpike_tests::Http,
}

async fn create_client(
    teller: &mut Teller,
    plane: &Plane,
    pavel: &Caller,
    orders_api: &OrdersApi,
) -> Result<Client, Wrong> {
    teller.step("Pavel, who works with partners, creates a client for one");
    teller.asked("CreateClient `Corner shop`");
    let request = pb::CreateClientRequest {
        client: Some(pb::Client {
            display_name: "Corner shop".to_owned(),
            team: "partners".to_owned(),
            ..pb::Client::default()
        }),
        ..pb::CreateClientRequest::default()
    };
    let answer = pavel.clients().create_client(request).await.map_err(refused)?.into_inner();
    let id = answer.client.unwrap_or_default().client_id;
    let secret = answer.secret.map(|secret| secret.value).ok_or("no secret was given")?;
    teller.answered(&format!("client {id}, with a secret, shown this once"));
    let app = PartnerApp::new(plane, orders_api, &id, &secret);
    let client = Client { id, app, secret, tokens: plane.http() };

    teller.asked(&format!("POST /oauth2/token, for {PLACE}"));
    let early = client.tokens.token(&client.id, &client.secret, PLACE).await;
    check_json(&early, StatusCode::BAD_REQUEST, "error", "invalid_scope")?;
    teller.answered("400 invalid_scope: nothing is granted yet");
    Ok(client)
}

/// One asks, the other decides.
async fn grant(
    teller: &mut Teller,
    olga: &Caller,
    pavel: &Caller,
    client_id: &str,
) -> Result<(), Wrong> {
    teller.step("Pavel asks for a scope");
    teller.asked(&format!("RequestGrant {PLACE}: \"the corner shop sells your bars\""));
    let request = pb::RequestGrantRequest {
        client_id: client_id.to_owned(),
        resource_server: API.to_owned(),
        scopes: vec![PLACE.to_owned()],
        reason: "the corner shop sells your bars".to_owned(),
        ..pb::RequestGrantRequest::default()
    };
    let answer = pavel.grants().request_grant(request).await.map_err(refused)?.into_inner();
    let asked = answer.grant.unwrap_or_default();
    let state = asked.state();
    check("a grant that waits", state == pb::GrantState::Pending, state.as_str_name())?;
    teller.answered("waits for team `orders`");

    let approve = pb::ApproveGrantRequest {
        grant_id: asked.grant_id,
        etag: asked.etag,
        ..pb::ApproveGrantRequest::default()
    };
    teller.asked("ApproveGrant, by Pavel himself");
    match pavel.grants().approve_grant(approve.clone()).await {
        Err(status) if status.code() == tonic::Code::PermissionDenied => {
            teller.answered(&format!("PERMISSION_DENIED: {}", status.message()));
        }
        Err(status) => return Err(refused(status)),
        Ok(_) => return Err("expected PERMISSION_DENIED, got an approval".to_owned()),
    }

    teller.step("Olga approves");
    teller.asked("ApproveGrant, by Olga");
    let answer = olga.grants().approve_grant(approve).await.map_err(refused)?.into_inner();
    let approved = answer.grant.unwrap_or_default();
    let by = approved.decider.as_ref().map_or("", |decider| decider.id.as_str());
    let got = format!("{}, decided by {by}", approved.state().as_str_name());
    check("an active grant", got == "GRANT_STATE_ACTIVE, decided by olga", &got)?;
    teller.answered("active, decided by olga");
    Ok(())
}

/// The partner orders; answers with a token of the client, used by hand.
async fn order(
    teller: &mut Teller,
    client: &Client,
    orders_api: &OrdersApi,
) -> Result<Token, Wrong> {
    teller.step("The partner's program places an order");
    teller.asked("partner-app place --item \"oat bars\" --quantity 12");
    let ended = client.app.run(&["place", "--item", "oat bars", "--quantity", "12"]).await;
    let line: Value = serde_json::from_str(&ended.stdout).unwrap_or_default();
    check_ended(&ended, 0, line["state"] == "placed", "a placed order")?;
    teller.answered(ended.stdout.trim_end());

    teller.step("The same by hand");
    teller.asked("POST /oauth2/token, as the client");
    let asked_at = Instant::now();
    let answer = client.tokens.token(&client.id, &client.secret, "").await;
    check_json(&answer, StatusCode::OK, "scope", PLACE)?;
    let life = Duration::from_secs(answer.json()["expires_in"].as_u64().unwrap_or_default());
    let token = Token { value: answer.access_token(), asked_at, life };
    teller.answered(&format!("200, a token for {PLACE}, good for {} s", life.as_secs()));
    teller.asked("POST /orders, with that token");
    let answer = place(orders_api, Some(&token)).await;
    check_json(&answer, StatusCode::CREATED, "item", "walnuts")?;
    teller.answered(&format!("201 {}", answer.text()));
    Ok(token)
}

async fn list_is_refused(
    teller: &mut Teller,
    client: &Client,
    orders_api: &OrdersApi,
    token: &Token,
) -> Result<(), Wrong> {
    teller.step("It may place orders, and nothing else");
    teller.asked("partner-app list");
    let ended = client.app.run(&["list"]).await;
    let right = ended.stderr.contains("insufficient_scope");
    check_ended(&ended, 4, right, "a missing scope")?;
    teller.answered(&format!("exit code 4: {}", ended.stderr.trim_end()));
    teller.asked("GET /orders, with the token from above");
    let authorization = token.authorization();
    let headers = [("authorization", authorization.as_str())];
    let answer = orders_api.http().send(Method::GET, "/orders", &headers, "").await;
    check_refusal(&answer, StatusCode::FORBIDDEN, "error=\"insufficient_scope\"")?;
    check_refusal(&answer, StatusCode::FORBIDDEN, &format!("scope=\"{LIST}\""))?;
    teller.answered(&told(&answer));
    Ok(())
}

/// Access is taken away, and a token that was given before is of no use.
async fn disable(
    teller: &mut Teller,
    pavel: &Caller,
    client: &Client,
    orders_api: &OrdersApi,
    token: &Token,
) -> Result<(), Wrong> {
    teller.step("Pavel disables the client");
    teller.asked(&format!("DisableClient {}", client.id));
    let request = pb::DisableClientRequest { client_id: client.id.clone(), ..Default::default() };
    pavel.clients().disable_client(request).await.map_err(refused)?;
    let disabled = Instant::now();
    teller.answered("disabled");

    teller.step("Its token has not expired, and is refused within a second");
    teller.asked("POST /orders, with the token from above, again and again");
    let mut passed = 0;
    let (answer, after) = loop {
        // The promise is about requests that come a second later, however long they take.
        let after = disabled.elapsed();
        let answer = place(orders_api, Some(token)).await;
        if answer.status != StatusCode::OK {
            break (answer, after);
        }
        check("no request to pass", after < PROMISE, &format!("one that passed after {after:?}"))?;
        passed += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    check_refusal(&answer, StatusCode::UNAUTHORIZED, "error=\"invalid_token\"")?;
    let left = token.life.saturating_sub(token.asked_at.elapsed());
    check("a token that has not expired", left > LONGEST, &format!("one that has {left:?}"))?;
    teller.answered(&told(&answer));
    teller.more(&format!(
        "refused {} ms after the change ({passed} requests passed before); \
         it would have been good for {} s more",
        after.as_millis(),
        left.as_secs()
    ));

    teller.step("The partner's program says what is wrong, and loses no order");
    teller.asked("partner-app place --item \"rye crisps\" --quantity 3");
    let ended = client.app.run(&["place", "--item", "rye crisps", "--quantity", "3"]).await;
    let line: Value = serde_json::from_str(&ended.stdout).unwrap_or_default();
    check_ended(&ended, 3, line["state"] == "waiting", "an order that waits")?;
    teller.answered(ended.stdout.trim_end());
    teller.more(&format!("exit code 3: {}", ended.stderr.trim_end()));
    Ok(())
}

/// Who could call what, and who approved it, can be proved.
async fn the_log_tells(teller: &mut Teller, aino: &Caller) -> Result<(), Wrong> {
    teller.step("Aino, the auditor, reads what happened");
    teller.asked("ListEvents");
    let request = pb::ListEventsRequest { page_size: 100, ..Default::default() };
    let events = aino.audit().list_events(request).await.map_err(refused)?.into_inner().events;
    let happened: Vec<&str> = events.iter().rev().map(|event| event.action.as_str()).collect();
    let story = [
        "resource_server.created",
        "client.created",
        "grant.requested",
        "call.refused",
        "grant.approved",
        "client.disabled",
    ];
    check(&format!("{story:?}"), happened.ends_with(&story), &format!("{happened:?}"))?;
    teller.answered(&format!("{} events, the last of them:", events.len()));
    for event in events.iter().take(story.len()).rev() {
        let actor = event.actor.as_ref().map_or("", |actor| actor.id.as_str());
        let pb::Event { sequence, action, subject, .. } = event;
        teller.more(&format!("{sequence:>2}  {actor:<6} {action:<24} {subject}"));
    }

    teller.step("Nothing in the log was changed, and anybody can see that");
    teller.asked("VerifyLog");
    let answer = aino.audit().verify_log(pb::VerifyLogRequest::default()).await;
    let log = answer.map_err(refused)?.into_inner();
    let right = log.intact && log.last_sequence == log.head_sequence;
    check("an intact log", right, &log.problem)?;
    teller.answered(&format!("intact, {} events", log.last_sequence));

    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let (file, forged) = (folder.path().join("log.jsonl"), folder.path().join("forged.jsonl"));
    let text = export(aino, log.last_sequence).await?;
    std::fs::write(&file, &text).map_err(|e| e.to_string())?;
    std::fs::write(&forged, text.replacen("pavel", "petra", 1)).map_err(|e| e.to_string())?;
    let verify = async |file| {
        let mut command = Command::new(bin("turnpike"));
        command.args(["audit", "verify", "--expect-hash", &log.last_hash]).arg(file);
        Ended::of(command).await
    };
    teller.asked("turnpike audit verify log.jsonl, an export, offline");
    let ended = verify(&file).await;
    let count = format!("{} events intact", log.last_sequence);
    check_ended(&ended, 0, ended.stdout.contains(&count), &count)?;
    teller.answered(&count);
    teller.asked("the same, where one name was changed afterwards");
    let ended = verify(&forged).await;
    check_ended(&ended, 1, true, "a log that was changed")?;
    teller.answered(&format!("exit code 1: {}", ended.stderr.trim_end()));
    Ok(())
}

/// The log as it is kept, an event a line.
async fn export(aino: &Caller, last_sequence: i64) -> Result<String, Wrong> {
    let request = pb::ExportEventsRequest { last_sequence, ..Default::default() };
    let mut stream = aino.audit().export_events(request).await.map_err(refused)?.into_inner();
    let mut text = String::new();
    while let Some(part) = stream.message().await.map_err(refused)? {
        for line in part.lines {
            text.push_str(&line);
            text.push('\n');
        }
    }
    Ok(text)
}

/// A token, and how long it is good for.
struct Token {
    asked_at: Instant,
    life: Duration,
    value: String,
}

impl Token {
    fn authorization(&self) -> String {
        format!("Bearer {}", self.value)
    }
}

/// Places one and the same order: the API takes it once, and answers 200 from then on.
async fn place(orders_api: &OrdersApi, token: Option<&Token>) -> Answer {
    let authorization = token.map(Token::authorization).unwrap_or_default();
    let mut headers = vec![("content-type", "application/json")];
    if token.is_some() {
        headers.push(("authorization", authorization.as_str()));
    }
    let order = json!({ "order_id": "by-hand-1", "item": "walnuts", "quantity": 3 });
    orders_api.http().send(Method::POST, "/orders", &headers, order.to_string()).await
}

/// What an API says to a request that it refuses.
fn told(answer: &Answer) -> String {
    let challenge = answer.header("www-authenticate").replace("Bearer realm=\"turnpike\", ", "");
    format!("{} {challenge}", answer.status.as_u16())
}

fn refused(status: Status) -> Wrong {
    format!("refused: {:?}, {}", status.code(), status.message())
}

/// Of what came instead, nothing is shown that may hold a secret.
fn check(expected: &str, holds: bool, got: &str) -> Result<(), Wrong> {
    if holds { Ok(()) } else { Err(format!("expected {expected}, got {got}")) }
}

fn check_refusal(answer: &Answer, status: StatusCode, challenge: &str) -> Result<(), Wrong> {
    let right = answer.status == status && answer.header("www-authenticate").contains(challenge);
    check(&format!("{} with {challenge}", status.as_u16()), right, &told(answer))
}

fn check_json(answer: &Answer, status: StatusCode, name: &str, value: &str) -> Result<(), Wrong> {
    let found: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let right = answer.status == status && found[name] == value;
    check(&format!("{} with `{name}` {value}", status.as_u16()), right, &told(answer))
}

fn check_ended(ended: &Ended, code: i32, holds: bool, expected: &str) -> Result<(), Wrong> {
    let got = format!("exit code {:?}: {}", ended.code, ended.stderr.trim_end());
    check(&format!("exit code {code}, {expected}"), ended.code == Some(code) && holds, &got)
}

/// Writes the story down.
struct Teller {
    colour: bool,
    steps: u32,
}

impl Teller {
    const BOLD: &str = "1";
    const DIM: &str = "2";
    const GREEN: &str = "32";
    const RED: &str = "31";

    fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a custom of terminals: no-color.org")]
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colour: std::io::stdout().is_terminal() && !plain, steps: 0 }
    }

    fn title(&self, title: &str, below: &str) {
        println!("\n  {}\n  {}", self.paint(Self::BOLD, title), self.paint(Self::DIM, below));
    }

    fn step(&mut self, what: &str) {
        self.steps += 1;
        println!("\n{:>3}  {}", self.steps, self.paint(Self::BOLD, what));
    }

    fn asked(&self, what: &str) {
        println!("     {}     {what}", self.paint(Self::DIM, "asked"));
    }

    fn answered(&self, what: &str) {
        println!("     {}  {what}", self.paint(Self::GREEN, "answered"));
    }

    /// What else was answered.
    fn more(&self, what: &str) {
        println!("               {what}");
    }

    fn wrong(&self, what: &str) {
        println!("     {}     {what}\n", self.paint(Self::RED, "wrong"));
    }

    fn end(&self, what: &str) {
        println!("\n  {}\n", self.paint(Self::GREEN, what));
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
