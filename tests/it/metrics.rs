//! What deploy/ asks of metrics is what processes export: names and labels of every query of the Grafana dashboard, and what goes
//! to CloudWatch.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use turnpike_proto::v1 as pb;
#[cfg(feature = "aws")]
use turnpike_tests::Cognito;
use turnpike_tests::{Http, Plane};

use crate::support::{client, grant, orders_api};

const DASHBOARD: &str = include_str!("../../deploy/grafana/turnpike.json");
const CLOUDWATCH: &str = include_str!("../../deploy/cdk/metrics.json");

/// Words of PromQL that are in use. A word that is neither one of these nor exported is a mistake.
const PROMQL: [&str; 7] =
    ["by", "histogram_quantile", "label_values", "max", "rate", "sum", "topk"];
/// Labels that are not the process's: who scrapes it adds them.
const OF_THE_SCRAPE: [&str; 2] = ["instance", "service"];
/// How the names begin of what is measured only where the authorization server lives elsewhere.
const ELSEWHERE: [&str; 3] = ["turnpike_broker_", "turnpike_drift", "turnpike_outbox_"];

/// Labels by the name of what was exported, as it stands in a query.
type Exported = BTreeMap<String, BTreeSet<String>>;

/// What goes to CloudWatch: the name, and who has it by which labels.
type Taken = BTreeMap<String, Value>;

#[tokio::test]
async fn every_metric_that_deploy_names_is_exported() {
    let plane = Plane::start().await;
    use_all_of_it(&plane).await;
    let exported = exported(&plane.urls()).await;
    let here = |text: &str| !ELSEWHERE.iter().any(|begin| text.contains(begin));
    for query in queries(DASHBOARD).iter().filter(|query| here(query)) {
        check(query, &exported);
    }
    for (name, how) in taken().iter().filter(|(name, _)| here(name)) {
        check_labels(name, how, &exported);
    }
}

#[cfg(feature = "aws")]
#[tokio::test(flavor = "multi_thread")]
async fn over_a_pool_each_process_exports_what_deploy_takes_from_it() {
    let cognito = Cognito::start().await;
    let plane = Plane::replicated("", cognito.environment()).await;
    use_all_of_it(&plane).await;
    let all = exported(&plane.urls()).await;
    for query in queries(DASHBOARD) {
        check(&query, &all);
    }
    for (name, how) in taken() {
        for service in texts(&how["of"]) {
            let urls = plane.urls_of(&format!("turnpike-{service}"));
            assert!(!urls.is_empty(), "{name}: there is no {service}");
            check_labels(&format!("{name} of {service}"), &how, &exported(&urls).await);
        }
    }
}

#[test]
fn a_query_of_something_else_is_found() {
    let labels = BTreeSet::from(["outcome".to_owned()]);
    let exported = Exported::from([("turnpike_a_total".to_owned(), labels)]);
    check("sum by (outcome, service) (rate(turnpike_a_total{outcome=\"x\"}[5m]))", &exported);
    for query in [
        "rate(turnpike_b_total[5m])",
        "sum by (method) (rate(turnpike_a_total[5m]))",
        "rate(turnpike_a_total{method=\"x\"}[5m])",
        "irate(turnpike_a_total[5m])",
    ] {
        let found = std::panic::catch_unwind(|| check(query, &exported));
        assert!(found.is_err(), "{query}");
    }
}

/// Has every process do a little of what it does.
async fn use_all_of_it(plane: &Plane) {
    let (olga, pavel) = (plane.caller("olga").await, plane.caller("pavel").await);
    orders_api(&olga).await;
    let (shop, secret) = client(&pavel, "Partner shop").await;
    grant(&pavel, &olga, &shop, &["place-order"]).await;
    let http = plane.http();
    let token = http.token(&shop.client_id, &secret, "").await.access_token();
    for path in ["/oauth2/introspect", "/oauth2/revoke"] {
        http.form(path, &[], &[("token", token.as_str())]).await;
    }
    let request = pb::RevokeTokenRequest { token, ..Default::default() };
    pavel.introspection().revoke_token(request).await.unwrap();
    pavel.teams().list_teams(pb::ListTeamsRequest::default()).await.unwrap();
    let aino = plane.caller("aino").await;
    aino.audit().list_events(pb::ListEventsRequest::default()).await.unwrap();
}

/// What the processes at these addresses export.
async fn exported(urls: &[String]) -> Exported {
    let mut text = String::new();
    for url in urls {
        text.push_str(&Http::new(url).get("/metrics").await.text());
    }
    let mut exported = Exported::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, labels) =
            line.split_once('{').unwrap_or_else(|| (line.split(' ').next().unwrap(), ""));
        let labels = labels.rsplit_once('}').map_or("", |(labels, _)| labels);
        let entry = exported.entry(name.to_owned()).or_default();
        entry.extend(labels.split("\",").filter_map(|l| Some(l.split_once('=')?.0.to_owned())));
    }
    exported
}

fn taken() -> Taken {
    serde_json::from_str(CLOUDWATCH).unwrap()
}

/// Holds the labels by which a metric is taken against those that it has.
fn check_labels(what: &str, how: &Value, exported: &Exported) {
    let name = what.split(' ').next().unwrap();
    let histogram = exported.get(&format!("{name}_count"));
    let labels = exported.get(name).or(histogram).unwrap_or_else(|| panic!("no {what}"));
    for label in how["dimensions"].as_array().unwrap().iter().flat_map(texts) {
        assert!(OF_THE_SCRAPE.contains(&label) || labels.contains(label), "{what} by {label}");
    }
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap())
}

/// Every query of a dashboard.
fn queries(dashboard: &str) -> Vec<String> {
    let dashboard: Value = serde_json::from_str(dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let mut queries: Vec<String> =
        targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
    assert!(queries.len() >= panels.iter().filter(|panel| panel["type"] != "row").count());
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    queries.extend(
        variables.filter(|v| v["type"] == "query").map(|v| v["query"].as_str().unwrap().to_owned()),
    );
    queries
}

/// Holds the words of a query against what is exported.
fn check(query: &str, exported: &Exported) {
    let mut words = words(query);
    words.retain(|word| !PROMQL.contains(&word.as_str()));
    let (names, labels): (Vec<String>, Vec<String>) =
        words.into_iter().partition(|word| word.contains('_') && exported.contains_key(word));
    assert!(!names.is_empty(), "{query}: asks nothing that is exported");
    for label in labels {
        let known = OF_THE_SCRAPE.contains(&label.as_str())
            || names.iter().any(|name| exported[name].contains(&label));
        assert!(known, "{query}: `{label}` is neither exported nor a label of what is asked");
    }
}

/// The words of a query without texts, durations and numbers.
fn words(query: &str) -> Vec<String> {
    let without_texts: String =
        query.split('"').enumerate().filter(|(n, _)| n % 2 == 0).map(|(_, part)| part).collect();
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let words =
        without_texts.split(word).filter(|w| w.starts_with(|c: char| c.is_ascii_alphabetic()));
    words.map(str::to_owned).collect()
}
