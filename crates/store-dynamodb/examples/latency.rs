//! How long a commit of the log's shape and a read take, over the emulator: `cargo run -p turnpike-store-dynamodb
//! --example latency`. It says what Turnpike and the SDK cost, not what the service does: that one's network and
//! replication are not in it.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program to look at")]

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::Credentials;
use futures_util::future::join_all;
use turnpike_registry::store::{IndexKey, Item, Key, Query, Source, Store as _, Write};
use turnpike_store_dynamodb::{DynamoStore, Settings, connect_as, create};
use turnpike_testkit::ministack::MiniStack;

const CALLS: usize = 400;
const AT_ONCE: usize = 16;

#[tokio::main]
async fn main() {
    let emulator = MiniStack::start().await;
    let settings = Settings {
        endpoint_url: Some(emulator.url().to_owned()),
        ..Settings::new("turnpike", MiniStack::REGION)
    };
    let (key, secret) = (MiniStack::ACCESS_KEY_ID, MiniStack::SECRET_ACCESS_KEY);
    let client = connect_as(&settings, Credentials::from_keys(key, secret, None)).unwrap();
    create(&client, &settings.table).await.unwrap();
    let store = DynamoStore::over(client.clone(), &settings).await.unwrap();
    store.commit(&[Write::insert(item("HEAD", 0, 100))]).await.unwrap();

    let describe =
        async |_| drop(client.describe_table().table_name("turnpike").send().await.unwrap());
    let commit = async |n: usize| {
        let head = item("HEAD", 0, 100);
        let n = n as u64;
        let writes = [
            Write::replace(Item { version: n + 1, ..head }, n),
            Write::insert(item("LOG", n + 1, 900)),
            Write::insert(item("CLIENT", n + 1, 1_500)),
        ];
        store.commit(&writes).await.unwrap();
    };
    let get = async |n: usize| {
        assert!(store.get(&item("CLIENT", n as u64 + 1, 0).key).await.unwrap().is_some());
    };
    let page = async |_| {
        let page = store.query(&Query::new(Source::Table, "LOG", 100)).await.unwrap();
        assert_eq!(page.items.len(), 100);
    };

    println!("{:<44} {:>9} {:>9} {:>9}", "", "p50", "p99", "calls/s");
    one_by_one("any call of the SDK (DescribeTable)", describe).await;
    one_by_one("commit: head, event of 0.9 KB, record of 1.5 KB", commit).await;
    one_by_one("get of 1.5 KB", get).await;
    one_by_one("page of 100 events", page).await;
    let began = Instant::now();
    let mut times = Vec::new();
    for n in (0..CALLS).step_by(AT_ONCE) {
        times.extend(join_all((n..n + AT_ONCE).map(|n| timed(get(n)))).await);
    }
    print("get of 1.5 KB, 16 at once", times, began.elapsed());
}

async fn one_by_one(what: &str, call: impl AsyncFn(usize)) {
    let began = Instant::now();
    let mut times = Vec::new();
    for n in 0..CALLS {
        times.push(timed(call(n)).await);
    }
    print(what, times, began.elapsed());
}

async fn timed(call: impl Future<Output = ()>) -> Duration {
    let began = Instant::now();
    call.await;
    began.elapsed()
}

fn print(what: &str, mut times: Vec<Duration>, all: Duration) {
    times.sort();
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
    let rate = times.len() as f64 / all.as_secs_f64();
    println!("{what:<44} {:>6.2} ms {:>6.2} ms {rate:>9.0}", at(50), at(99));
}

fn item(pk: &str, n: u64, bytes: usize) -> Item {
    let sk = format!("{n:016}");
    let index = (pk != "HEAD").then(|| IndexKey::new(format!("{pk}S"), sk.clone()));
    Item { key: Key::new(pk, sk), index1: index, index2: None, version: 0, body: vec![7; bytes] }
}
