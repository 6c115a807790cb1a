//! Values at and beyond every boundary, for every field of every RPC, made from the descriptor set: whatever comes in, the
//! answer is a refusal in words, never INTERNAL, UNKNOWN, a hang or a panic.

use std::time::Duration;

use prost::Message;
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor,
    ReflectMessage, Value,
};
use tonic::Code;

use crate::authz::{World, rpcs, world, world_with};

/// Answers that no input may cause.
const NEVER: [Code; 5] =
    [Code::Internal, Code::Unknown, Code::DataLoss, Code::Unavailable, Code::DeadlineExceeded];

fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "a",
        " a ",
        "a b",
        "A",
        "\0",
        "a\0b",
        "\n",
        "\r\n",
        "\t",
        "\u{7f}",
        "é",
        "日本語",
        "🦀",
        "a\u{202E}b",
        "\u{FEFF}",
        "e\u{301}",
        "\u{301}a",
        "\u{61C}",
        "\u{3164}",
        "\u{E0041}",
        "\u{10FFFF}",
        "%00",
        "%",
        "../../etc/passwd",
        "' OR 1=1 --",
        "${jndi:ldap://x}",
        "<script>",
        "a/b",
        "/",
        "//",
        "a/",
        "/a",
        "\"",
        "\\",
        "\"1\"",
        "\"0\"",
        "W/\"1\"",
        "*",
        "null",
        "0",
        "-1",
        "1e9",
        "gr_",
        "sec_",
        "turnpike",
        "turnpike/registry.read",
        "lj-health-food",
        "partners",
        "orders",
        "00000000-0000-4000-8000-000000000000",
        "00000000-0000-4000-8000-00000000000g",
    ]
    .map(str::to_owned)
    .into();
    for length in [35, 36, 37, 63, 64, 65, 128, 129, 255, 256, 257, 1000, 1001, 8192, 8193, 100_000]
    {
        texts.push("x".repeat(length));
    }
    for length in [128, 129, 256, 257, 1001] {
        texts.push("é".repeat(length));
        texts.push("🦀".repeat(length));
        texts.push("e\u{301}".repeat(length));
    }
    texts.push(format!("gr_{}", "a".repeat(26)));
    texts.push(format!("sec_{}", "a".repeat(16)));
    texts.push("a/".repeat(128));
    texts
}

fn numbers() -> Vec<i64> {
    vec![
        0,
        1,
        -1,
        2,
        49,
        50,
        51,
        200,
        201,
        i64::from(i32::MAX),
        i64::from(i32::MIN),
        i64::MAX,
        i64::MIN,
    ]
}

/// Values of one kind, alone.
fn values(field: &FieldDescriptor) -> Vec<Value> {
    match field.kind() {
        Kind::String => texts().into_iter().map(Value::String).collect(),
        Kind::Bool => vec![Value::Bool(false), Value::Bool(true)],
        Kind::Int32 => {
            numbers().into_iter().filter_map(|n| i32::try_from(n).ok()).map(Value::I32).collect()
        }
        Kind::Int64 => numbers().into_iter().map(Value::I64).collect(),
        Kind::Enum(_) => [0, 1, 2, 5, 6, 99, -1, i32::MAX, i32::MIN].map(Value::EnumNumber).into(),
        Kind::Message(message) => messages(&message).into_iter().map(Value::Message).collect(),
        other => panic!("no values for {other:?}: add some"),
    }
}

/// Messages of one type: empty, and with each field at its boundaries.
fn messages(descriptor: &MessageDescriptor) -> Vec<DynamicMessage> {
    let mut all = vec![DynamicMessage::new(descriptor.clone())];
    if descriptor.full_name() == "google.protobuf.FieldMask" {
        let mask = |paths: &[&str]| {
            let mut mask = DynamicMessage::new(descriptor.clone());
            let paths = paths.iter().map(|path| Value::String((*path).to_owned())).collect();
            mask.set_field_by_name("paths", Value::List(paths));
            mask
        };
        let many = vec!["display_name"; 1000];
        for paths in [
            &["*"][..],
            &["*", "team"],
            &["nope"],
            &[""],
            &["display_name"],
            &["scopes"],
            &["team"],
            &["etag"],
            &["client_id"],
            &["identifier"],
            &["secrets"],
            &["scopes.name"],
            &["Display_Name"],
            &["token_lifetime"],
            &many,
        ] {
            all.push(mask(paths));
        }
        return all;
    }
    for (seconds, nanos) in [
        (0, 0),
        (1, 1),
        (1, -1),
        (-1, 0),
        (299, 0),
        (300, 0),
        (86_400, 0),
        (86_401, 0),
        (300, 500_000_000),
        (i64::MAX, 0),
        (i64::MIN, 0),
        (i64::MAX, i32::MAX),
        (i64::MIN, i32::MIN),
        (253_402_300_799, 999_999_999),
        (253_402_300_800, 0),
        (4_000_000_000, 0),
        (1, 1_000_000_000),
        (4_000_000_000, 1_000_000),
    ] {
        if ["google.protobuf.Timestamp", "google.protobuf.Duration"]
            .contains(&descriptor.full_name())
        {
            let mut time = DynamicMessage::new(descriptor.clone());
            time.set_field_by_name("seconds", Value::I64(seconds));
            time.set_field_by_name("nanos", Value::I32(nanos));
            all.push(time);
        }
    }
    all
}

/// Copies of `message` with one field changed, through all messages within it.
fn variants(message: &DynamicMessage) -> Vec<(String, DynamicMessage)> {
    let mut variants = Vec::new();
    for field in message.descriptor().fields() {
        let name = field.name().to_owned();
        let with = |value: Value| {
            let mut changed = message.clone();
            changed.set_field(&field, value);
            changed
        };
        if field.cardinality() == Cardinality::Repeated {
            for value in values(&field) {
                variants.push((format!("{name}[one]"), with(Value::List(vec![value]))));
            }
            let plain = values(&field).into_iter().nth(2);
            if let Some(value) = plain.or_else(|| values(&field).into_iter().next()) {
                for count in [0, 2, 50, 51, 100, 101, 1000] {
                    variants.push((
                        format!("{name}[{count}]"),
                        with(Value::List(vec![value.clone(); count])),
                    ));
                }
            }
            continue;
        }
        for value in values(&field) {
            variants.push((name.clone(), with(value)));
        }
        if let Kind::Message(inner) = field.kind() {
            let mut without = message.clone();
            without.clear_field(&field);
            variants.push((format!("{name} absent"), without));
            if !inner.full_name().starts_with("google.") {
                let there = message.get_field(&field);
                let there = there.as_message().expect("a message");
                for (path, changed) in crate::boundary::variants(there) {
                    variants.push((format!("{name}.{path}"), with(Value::Message(changed))));
                }
            }
        }
    }
    variants
}

fn input(rpc: &str) -> MessageDescriptor {
    let pool = DescriptorPool::decode(turnpike_proto::FILE_DESCRIPTOR_SET).unwrap();
    let (service, method) = rpc.split_once('/').unwrap();
    let service = pool.get_service_by_name(&format!("turnpike.v1.{service}")).unwrap();
    service.methods().find(|m| m.name() == method).unwrap().input()
}

async fn try_all(world: &World, rpc: &str, kind: &str, validate_only: bool) -> Vec<String> {
    let base = world.request(rpc, validate_only);
    let base = DynamicMessage::decode(input(rpc), base.as_slice()).unwrap();
    let path = format!("/turnpike.v1.{rpc}");
    let mut wrong = Vec::new();
    for (field, message) in variants(&base) {
        let call = world.callers[kind].call(&path, message.encode_to_vec());
        let short = |text: String| text.chars().take(300).collect::<String>();
        match tokio::time::timeout(Duration::from_secs(20), call).await {
            Err(_) => {
                wrong.push(format!("{rpc} {field}: no answer to {}", short(format!("{message:?}"))))
            }
            Ok(Err(status)) if NEVER.contains(&status.code()) => {
                wrong.push(format!(
                    "{rpc} {field}: {status:?} to {}",
                    short(format!("{message:?}"))
                ));
            }
            Ok(_) => {}
        }
    }
    wrong
}

/// Who may call it.
fn kind_for(rpc: &str) -> &'static str {
    match rpc {
        "IntrospectionService/Introspect" | "IntrospectionService/WatchPolicy" => "api secret",
        _ => "admin",
    }
}

const CONFIGURED: &str = "
[limits]
changes_per_second = 1000000
reads_per_second = 1000000
tokens_per_second = 1000000
";

#[tokio::test(flavor = "multi_thread")]
async fn no_value_of_any_field_is_a_defect() {
    let mut world = world_with(CONFIGURED).await;
    let mut wrong = Vec::new();
    for rpc in rpcs() {
        let kind = kind_for(&rpc);
        wrong.extend(try_all(&world, &rpc, kind, true).await);
        if !rpc.contains("/Delete") && !rpc.contains("/Remove") {
            wrong.extend(try_all(&world, &rpc, kind, false).await);
        }
    }
    assert!(wrong.is_empty(), "{} defects:\n{}", wrong.len(), wrong.join("\n"));
    assert!(world.plane.is_alive());
    let verify = turnpike_proto::v1::VerifyLogRequest::default();
    assert!(world.callers["admin"].audit().verify_log(verify).await.unwrap().get_ref().intact);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_message_are_a_refusal() {
    let world = world().await;
    let random: Vec<Vec<u8>> = (0..40u32)
        .map(|seed| {
            (0..seed * 3)
                .map(|n| (seed.wrapping_mul(2_654_435_761).wrapping_add(n * 40_503) >> 7) as u8)
                .collect()
        })
        .chain([
            vec![0xff; 64],
            vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
            b"\x0a\x02\xc3\x28".to_vec(),
        ])
        .collect();
    for rpc in rpcs() {
        let kind = kind_for(&rpc);
        for bytes in &random {
            let outcome =
                world.callers[kind].call(&format!("/turnpike.v1.{rpc}"), bytes.clone()).await;
            if let Err(status) = outcome {
                assert!(!NEVER.contains(&status.code()), "{rpc}: {status:?} to {bytes:?}");
            }
        }
    }
}
