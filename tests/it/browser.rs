//! The portal in a real browser: the story of the product, each page in light and dark, by keyboard and at phone width, as
//! the binary serves it. The steps are in `gateway/ui/e2e/real`.

use std::path::Path;

use tokio::process::Command;
use turnpike_tests::{Plane, bin};

#[tokio::test]
async fn the_story_is_played_in_the_portal() {
    let plane = Plane::start().await;
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/ui");
    let output = Command::new("npm")
        .args(["run", "--silent", "e2e"])
        .current_dir(&ui)
        .env("TURNPIKE_BASE_URL", plane.url())
        .env("TURNPIKE_LOGIN_LINKS", serde_json::to_string(plane.links()).unwrap())
        .env("TURNPIKE_BIN", bin("turnpike"))
        .env("TURNPIKE_DATA_DIR", plane.data())
        .env("TURNPIKE_ORDERS_API", bin("orders-api"))
        .output()
        .await
        .expect("npm does not run: use `make test-e2e`");
    let text = String::from_utf8_lossy(&output.stdout);
    let tail: Vec<&str> = text.lines().rev().take(120).collect();
    let tail: Vec<&str> = tail.into_iter().rev().collect();
    assert!(output.status.success(), "{}", tail.join("\n"));
}
