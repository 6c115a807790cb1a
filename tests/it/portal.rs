//! The portal's files as the binary serves them.

use std::path::Path;

use http::{Method, StatusCode};
use memchr::memmem;
use turnpike_tests::{Plane, bin};

/// The paths of the scripts and style sheets that the page names.
fn files_of(page: &str) -> Vec<String> {
    let parts = page.split('"').filter(|part| part.starts_with("/assets/"));
    parts.map(str::to_owned).collect()
}

#[tokio::test]
async fn the_portal_comes_out_of_the_binary_and_compressed() {
    let plane = Plane::start().await;
    let http = plane.http();
    let page = http.send(Method::GET, "/", &[("accept", "text/html")], "").await;
    assert_eq!((page.status, page.header("cache-control")), (StatusCode::OK, "no-store"));
    let files = files_of(&page.text());
    assert!(files.iter().any(|f| f.ends_with(".js")) && files.iter().any(|f| f.ends_with(".css")));
    let binary = std::fs::read(bin("turnpike")).unwrap();
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/ui/dist");
    for file in files {
        let mut tags = Vec::new();
        for (accepted, encoding, suffix) in
            [("gzip, deflate, br, zstd", "br", ".br"), ("gzip", "gzip", ".gz"), ("", "", "")]
        {
            let answer = http.send(Method::GET, &file, &[("accept-encoding", accepted)], "").await;
            assert_eq!(answer.status, StatusCode::OK, "{file}");
            assert_eq!(answer.header("content-encoding"), encoding, "{file}");
            assert_eq!(answer.header("vary"), "accept-encoding");
            assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            let built = std::fs::read(dist.join(format!("{}{suffix}", &file[1..]))).unwrap();
            assert!(answer.body == built, "{file}{suffix} is not what was built: `make ui`");
            assert!(memmem::find(&binary, &built).is_some(), "{file}{suffix} is not in the binary");
            tags.push(answer.header("etag").to_owned());
        }
        tags.dedup();
        assert_eq!(tags.len(), 3, "each form has its own tag");
    }
}
