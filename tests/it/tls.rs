//! Processes that know each other by certificates: the story is played, and nobody else gets a word in.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Status};
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::audit_service_client::AuditServiceClient;
use turnpike_tests::{Authority, Plane};

use crate::{story, support};

/// Calls a service directly, knowing it by `ours`, and showing what `shown` signed.
async fn call(url: &str, ours: &Authority, shown: Option<&Authority>) -> Result<(), Status> {
    let read = |path: &Path| std::fs::read(path).unwrap();
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(&ours.ca())));
    if let Some(shown) = shown {
        shown.sign("caller");
        let (certificate, key) = (shown.file("caller", "crt"), shown.file("caller", "key"));
        tls = tls.identity(Identity::from_pem(read(&certificate), read(&key)));
    }
    let endpoint = Endpoint::from_shared(url.to_owned()).unwrap().tls_config(tls).unwrap();
    ask(endpoint.connect_lazy()).await
}

async fn ask(channel: Channel) -> Result<(), Status> {
    let request = pb::VerifyLogRequest::default();
    AuditServiceClient::new(channel).verify_log(request).await.map(drop)
}

#[tokio::test]
async fn who_shows_no_certificate_of_ours_is_not_heard() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    for folder in [&ours, &theirs] {
        std::fs::create_dir(folder).unwrap();
    }
    let (ours, theirs) = (Arc::new(Authority::new(&ours)), Authority::new(&theirs));
    let plane = Plane::certified(ours.clone()).await;
    story::play(&plane).await;

    let url = &plane.urls_of("turnpike-audit")[0];
    // With one of ours it is heard, and then asked who calls.
    let heard = call(url, &ours, Some(&ours)).await.unwrap_err();
    assert_eq!(support::reason(&heard).0, "NOT_SIGNED_IN", "{heard:?}");
    for (shown, who) in [(None, "nobody"), (Some(&theirs), "somebody else")] {
        let refused = call(url, &ours, shown).await.unwrap_err();
        assert_ne!(refused.code(), Code::Unauthenticated, "{who} was heard: {refused:?}");
        assert!(refused.source().is_some(), "{who} was answered: {refused:?}");
    }
    let plain = url.replace("https://", "http://");
    let refused = ask(Endpoint::from_shared(plain).unwrap().connect_lazy()).await.unwrap_err();
    assert_ne!(refused.code(), Code::Unauthenticated, "plain text was heard: {refused:?}");
    // And one that is not theirs is not taken for theirs.
    let refused = call(url, &theirs, Some(&ours)).await.unwrap_err();
    assert_ne!(refused.code(), Code::Unauthenticated, "{refused:?}");
}
