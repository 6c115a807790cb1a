//! In which set-up the suite runs: `TURNPIKE_TEST_SETUP` says it, and no test looks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::OnceCell;
use turnpike_testkit::ministack::MiniStack;

/// What a plane is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// One process over `DynamoDB` and Cognito, as an emulator and a strict fake play them.
    DynamoDb,
    /// Two processes of each service and a gateway over the same.
    Split,
    /// One process over `SQLite`.
    Sqlite,
}

impl Setup {
    /// The one that the environment asks for; `SQLite` if it does not say.
    #[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the product")]
    pub fn current() -> Self {
        match std::env::var("TURNPIKE_TEST_SETUP").as_deref() {
            Err(_) | Ok("" | "sqlite") => Self::Sqlite,
            Ok("dynamodb") => Self::DynamoDb,
            Ok("split") => Self::Split,
            Ok(other) => panic!("TURNPIKE_TEST_SETUP is `{other}`: sqlite, dynamodb or split"),
        }
    }

    /// How long it may take until what one process changed is known to all: the promise is a second. Where there is one
    /// process, it is known at once.
    pub const fn lag(self) -> Duration {
        match self {
            Self::DynamoDb | Self::Sqlite => Duration::ZERO,
            Self::Split => Duration::from_secs(1),
        }
    }

    /// How often a test kills a plane that costs a process and a folder: fewer times where it costs more.
    pub const fn kills(self) -> usize {
        match self {
            Self::DynamoDb => 40,
            Self::Split => 10,
            Self::Sqlite => 200,
        }
    }
}

/// Where the emulator is that all tests of a program share; it is started if it is not there yet.
pub async fn emulator_url() -> &'static str {
    static EMULATOR: OnceCell<MiniStack> = OnceCell::const_new();
    EMULATOR.get_or_init(MiniStack::start).await.url()
}

/// Variables by which a process keeps its registry in a new table of the emulator, which all tests of a program share.
pub(crate) async fn new_table() -> Vec<(&'static str, String)> {
    static TABLES: AtomicUsize = AtomicUsize::new(0);
    let table = format!("plane-{}", TABLES.fetch_add(1, Ordering::Relaxed));
    vec![
        ("AWS_ACCESS_KEY_ID", MiniStack::ACCESS_KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", MiniStack::SECRET_ACCESS_KEY.to_owned()),
        ("TURNPIKE_STORE__KIND", "dynamodb".to_owned()),
        ("TURNPIKE_STORE__TABLE", table),
        ("TURNPIKE_STORE__REGION", MiniStack::REGION.to_owned()),
        ("TURNPIKE_STORE__ENDPOINT_URL", emulator_url().await.to_owned()),
        ("TURNPIKE_STORE__CREATE_TABLE", "true".to_owned()),
        // Of a busy machine nobody knows how long an answer takes.
        ("TURNPIKE_STORE__CONNECT_TIMEOUT_MS", "10000".to_owned()),
        ("TURNPIKE_STORE__ATTEMPT_TIMEOUT_MS", "30000".to_owned()),
        ("TURNPIKE_STORE__OPERATION_TIMEOUT_MS", "60000".to_owned()),
    ]
}
