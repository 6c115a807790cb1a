//! gRPC-web frames that no client would send: a status comes back, whatever it is, never a hang or a dead process.

use bytes::Bytes;
use http::Method;
use prost::Message;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use turnpike_proto::v1 as pb;
use turnpike_tests::{Answer, Plane};

const WEB: &str = "application/grpc-web+proto";

fn frame(flag: u8, length: u32, body: &[u8]) -> Bytes {
    let mut bytes = vec![flag];
    bytes.extend(length.to_be_bytes());
    bytes.extend(body);
    bytes.into()
}

/// The `grpc-status` of a gRPC-web answer, from its headers or its last frame.
fn status(answer: &Answer) -> Option<u32> {
    if let Ok(status) = answer.header("grpc-status").parse() {
        return Some(status);
    }
    let text = String::from_utf8_lossy(&answer.body);
    let (_, after) = text.rsplit_once("grpc-status:")?;
    after.trim_start().split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[tokio::test]
async fn any_frame_gets_a_status() {
    let mut plane = Plane::start().await;
    let http = plane.http();
    let session = plane.sign_in("ada").await;
    let headers = [
        ("content-type", WEB),
        ("x-grpc-web", "1"),
        ("x-turnpike-csrf", "1"),
        ("cookie", session.cookie.as_str()),
    ];
    let good = pb::ListClientsRequest::default().encode_to_vec();
    let get = pb::GetClientRequest { client_id: "x".to_owned() }.encode_to_vec();
    let mut bodies: Vec<(String, Bytes)> = vec![
        ("nothing".to_owned(), Bytes::new()),
        ("one byte".to_owned(), Bytes::from_static(&[0])),
        ("half a header".to_owned(), Bytes::from_static(&[0, 0, 0])),
        ("an empty message".to_owned(), frame(0, 0, &[])),
        ("two messages".to_owned(), [frame(0, 0, &[]), frame(0, 0, &[])].concat().into()),
        ("less than it says".to_owned(), frame(0, 100, &get)),
        ("more than it says".to_owned(), frame(0, 1, &get)),
        ("four gigabytes announced".to_owned(), frame(0, u32::MAX, &get)),
        ("compressed, it says".to_owned(), frame(1, get.len() as u32, &get)),
        ("trailers only".to_owned(), frame(0x80, 15, b"grpc-status: 0\r")),
        ("an unknown flag".to_owned(), frame(0x40, get.len() as u32, &get)),
        ("all flags".to_owned(), frame(0xff, get.len() as u32, &get)),
        (
            "a good one and trailers".to_owned(),
            [frame(0, good.len() as u32, &good), frame(0x80, 0, &[])].concat().into(),
        ),
        ("five megabytes".to_owned(), frame(0, 5_000_000, &vec![0; 5_000_000])),
    ];
    let mut random = StdRng::seed_from_u64(7);
    for n in 0..400 {
        let mut bytes = vec![0; random.random_range(0..64)];
        random.fill_bytes(&mut bytes);
        if n % 2 == 0 && bytes.len() > 5 {
            bytes[0] = 0;
            let length = (bytes.len() - 5) as u32;
            bytes[1..5].copy_from_slice(&length.to_be_bytes());
        }
        bodies.push((format!("random {n}"), bytes.into()));
    }
    for method in [
        "ClientService/ListClients",
        "ClientService/CreateClient",
        "AuditService/ExportEvents",
        "SessionService/GetSession",
    ] {
        let path = format!("/turnpike.v1.{method}");
        for (name, body) in &bodies {
            let answer = http.try_send(Method::POST, &path, &headers, body.clone()).await;
            let Some(answer) = answer else {
                assert!(body.len() > 1_000_000, "{method}, {name}: the connection broke");
                continue;
            };
            assert!(answer.status.as_u16() < 500, "{method}, {name}: {}", answer.status);
            if answer.status == 200 {
                let status =
                    status(&answer).unwrap_or_else(|| panic!("{method}, {name}: no status"));
                assert!(
                    ![2, 13, 14, 15].contains(&status),
                    "{method}, {name}: status {status}: {}",
                    answer.text()
                );
                let has_details = !answer.header("grpc-status-details-bin").is_empty()
                    || String::from_utf8_lossy(&answer.body).contains("grpc-status-details-bin:");
                assert_eq!(has_details, status != 0, "{method}, {name}: {}", answer.text());
            }
        }
    }
    assert!(plane.is_alive());
}
