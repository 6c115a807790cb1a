//! `turnpike links`: new login links from a running process, for its owner and nobody else.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use turnpike_tests::{Plane, command};

struct Said {
    ok: bool,
    out: String,
    err: String,
}

async fn links(data: &Path, args: &[&str]) -> Said {
    let mut command = command("turnpike");
    let output =
        command.arg("links").arg("--data-dir").arg(data).args(args).output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { ok: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
}

#[tokio::test]
async fn who_runs_it_signs_in_again() {
    let plane = Plane::start().await;
    plane.sign_in("olga").await;
    let used = plane.http().get(plane.link("olga")).await;
    assert_eq!(used.status, StatusCode::FORBIDDEN);
    assert!(used.text().contains("<code>turnpike links</code>"), "{}", used.text());

    let one = links(&plane.data(), &["olga", "--json"]).await;
    assert!(one.ok && one.err.is_empty(), "{}", one.err);
    let fresh: std::collections::BTreeMap<String, String> = serde_json::from_str(&one.out).unwrap();
    assert_eq!(fresh.keys().collect::<Vec<_>>(), ["olga"]);
    let page = plane.http().get(&fresh["olga"]).await;
    assert!(page.text().contains("Continue as Olga Orders"), "{}", page.text());

    let all = links(&plane.data(), &[]).await;
    assert!(all.ok, "{}", all.err);
    for (persona, team) in [("Olga Orders", "orders"), ("Aino Auditor", "security")] {
        assert!(all.out.contains(&format!("{persona} ({team})\n    {}/login?code=", plane.url())));
    }
    let nobody = links(&plane.data(), &["petra"]).await;
    assert!(!nobody.ok && nobody.out.is_empty());
    assert!(nobody.err.contains("there is no persona `petra`"), "{}", nobody.err);
}

#[tokio::test]
async fn only_the_owner_reaches_the_socket_and_a_killed_process_leaves_no_trap() {
    let plane = Plane::start().await;
    let socket = plane.data().join("links/socket");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(socket.parent().unwrap()), 0o700);
    let mut plane = plane.restart().await;
    assert!(links(&plane.data(), &["olga"]).await.ok, "after SIGKILL");

    // Whatever comes in, the next one is answered.
    for bytes in [&b"\n"[..], b"{}", b"{\"x\":1}\n", b"\xff\xfe\n", &[b'x'; 100_000]] {
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        assert!(answer.is_empty() || answer.starts_with('{'), "{answer}");
    }
    assert!(links(&plane.data(), &["olga"]).await.ok);

    plane.stop().await;
    assert!(!socket.exists(), "a process that ends leaves no socket");
    let gone = links(&plane.data(), &[]).await;
    assert!(!gone.ok && gone.err.contains("no Turnpike runs over"), "{}", gone.err);
}
