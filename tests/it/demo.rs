//! `make demo`, as a person runs it; and what it does when something is wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::Command;
use turnpike_tests::{Ended, bin};

const DEMO: &str = env!("CARGO_BIN_EXE_demo");

#[tokio::test]
async fn the_demo_ends_well_and_tells_no_secret() {
    let ended = Ended::of(Command::new(DEMO)).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    for told in ["Every answer was right", "insufficient_scope", "invalid_token", "events intact"] {
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
    let all = format!("{}{}", ended.stdout, ended.stderr);
    // A secret of ours, the beginning of any token, and colours where there is no terminal.
    for hidden in ["tp_", "eyJ", "\x1b["] {
        assert!(!all.contains(hidden), "{all}");
    }
}

#[tokio::test]
async fn a_wrong_answer_ends_the_demo_and_what_it_started() {
    // Beside a partner's program that says that all is well, whatever happens.
    let folder = tempfile::tempdir_in(Path::new(DEMO).parent().unwrap()).unwrap();
    let demo = folder.path().join("demo");
    fs::hard_link(DEMO, &demo).unwrap();
    for name in ["turnpike", "orders-api"] {
        fs::hard_link(bin(name), folder.path().join(name)).unwrap();
    }
    let liar = folder.path().join("partner-app");
    fs::write(&liar, "#!/bin/sh\necho '{\"state\":\"placed\"}'\n").unwrap();
    fs::set_permissions(&liar, fs::Permissions::from_mode(0o755)).unwrap();

    // In one process, whatever the set-up: there are no others beside it.
    let mut demo = Command::new(&demo);
    demo.env_remove("TURNPIKE_TEST_SETUP");
    let ended = Ended::of(demo).await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("expected exit code 4"), "{}", ended.stdout);
    let (_, rest) = ended.stdout.split_once("listens on http://").unwrap();
    let address = rest.lines().next().unwrap();
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
