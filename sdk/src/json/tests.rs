use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { depth: 16, members: 64 };

fn first(text: &str) -> Result<Value<'_>, Error> {
    object(text, LIMITS).map(|members| members.into_iter().next().expect("a member").1)
}

#[test]
fn reads_values_of_every_kind() {
    let text = r#" { "a" : [1, "x", {}] , "b":true,"c":false,"d":null,"e":-12,"f":1.5e-3,
        "g":{"h":[]},"i":"t\u0065xt" } "#;
    let members = object(text, LIMITS).expect("an object");
    let values: Vec<_> = members.into_iter().map(|(_, value)| value).collect();
    assert_eq!(
        values,
        [
            Value::Array(r#"[1, "x", {}]"#),
            Value::Bool(true),
            Value::Bool(false),
            Value::Null,
            Value::Integer(-12),
            Value::Number,
            Value::Object(r#"{"h":[]}"#),
            Value::String("text".into()),
        ]
    );
    assert_eq!(
        array(r#"[1, "x", {}]"#, LIMITS),
        Ok(vec![Value::Integer(1), Value::String("x".into()), Value::Object("{}")])
    );
}

#[test]
fn a_string_without_escapes_is_borrowed() {
    let Ok(Value::String(Cow::Borrowed("plain \u{e9}"))) = first("{\"a\":\"plain \u{e9}\"}") else {
        panic!("owned or refused");
    };
}

#[test]
fn duplicates_are_refused_at_any_level_and_in_any_spelling() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":1}"#,
        r#"{"x":{"a":1,"b":2,"a":3}}"#,
        r#"{"x":[[{"a":1,"a":3}]]}"#,
        r#"{"":1,"":2}"#,
    ] {
        assert_eq!(object(text, LIMITS), Err(Error::Duplicate), "{text}");
    }
    assert!(object(r#"{"a":1,"A":1,"x":{"a":1}}"#, LIMITS).is_ok());
}

#[test]
fn integers_are_written_as_integers_and_stay_exact() {
    assert_eq!(first(r#"{"a":0}"#), Ok(Value::Integer(0)));
    assert_eq!(first(r#"{"a":9007199254740991}"#), Ok(Value::Integer(MAX_INTEGER)));
    for text in ["9007199254740992", "1.0", "1e3", "-0", "99999999999999999999999", "0.0"] {
        assert_eq!(first(&format!(r#"{{"a":{text}}}"#)), Ok(Value::Number), "{text}");
    }
    for text in ["01", "+1", ".5", "1.", "1e", "-", "0x1", "NaN", "Infinity", "1_0"] {
        assert_eq!(first(&format!(r#"{{"a":{text}}}"#)), Err(Error::Malformed), "{text}");
    }
}

#[test]
fn limits_hold() {
    let limits = Limits { depth: 3, members: 2 };
    assert!(object(r#"{"a":[[1]]}"#, limits).is_ok());
    assert_eq!(object(r#"{"a":[[[1]]]}"#, limits), Err(Error::Malformed));
    assert_eq!(object(r#"{"a":{"b":{"c":{}}}}"#, limits), Err(Error::Malformed));
    assert_eq!(object(r#"{"a":1,"b":1,"c":1}"#, limits), Err(Error::Malformed));
    let deep = format!(r#"{{"a":{}"#, "[".repeat(1_000_000));
    assert_eq!(object(&deep, LIMITS), Err(Error::Malformed));
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "null",
        "1",
        "[]",
        "\"a\"",
        "{",
        "}",
        "{}x",
        "{}{}",
        "{,}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{a:1}"#,
        r#"{'a':1}"#,
        r#"{"a":1 "b":2}"#,
        r#"{"a":tru}"#,
        r#"{"a":True}"#,
        r#"{"a":"x}"#,
        "{\"a\":\"x\ny\"}",
        r#"{"a":"\x"}"#,
        r#"{"a":"\u12"}"#,
        r#"{"a":"\u+123"}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\ud800\u0041"}"#,
        r#"{"a":"\udc00"}"#,
        "\u{feff}{}",
        "{}\0",
        r#"{"a":[1,]}"#,
        r#"{"a":[1}"#,
        "{/**/}",
        r#"{"a":1}//"#,
        "{\"a\":\u{a0}1}",
    ] {
        assert_eq!(object(text, LIMITS), Err(Error::Malformed), "{text}");
    }
    assert_eq!(first(r#"{"a":"\ud83d\ude00\u0000"}"#), Ok(Value::String("😀\0".into())));
}

/// Objects of moderate size, so that the limits do not decide.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    let value = leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    prop::collection::hash_map(any::<String>(), value, 0..6)
        .prop_map(|map| serde_json::Value::Object(map.into_iter().collect()))
}

proptest! {
    #[test]
    fn accepts_what_serde_writes(value in json()) {
        let text = value.to_string();
        // Read again: serde_json does not bring back every float that it wrote.
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let members = object(&text, LIMITS).expect("written by serde_json");
        let map = value.as_object().expect("an object");
        prop_assert_eq!(members.len(), map.len());
        for (name, ours) in members {
            let theirs = &map[name.as_ref()];
            match ours {
                Value::String(text) => prop_assert_eq!(theirs.as_str(), Some(text.as_ref())),
                Value::Integer(value) => prop_assert_eq!(theirs.as_i64(), Some(value)),
                Value::Array(text) | Value::Object(text) => prop_assert_eq!(
                    &serde_json::from_str::<serde_json::Value>(text).expect("JSON"), theirs),
                Value::Bool(value) => prop_assert_eq!(theirs.as_bool(), Some(value)),
                Value::Null => prop_assert!(theirs.is_null()),
                Value::Number => prop_assert!(theirs.is_number()),
            }
        }
    }

    /// What we accept, a general reader accepts too: we are only ever stricter.
    #[test]
    fn is_never_laxer_than_serde(
        value in json(),
        at in any::<prop::sample::Index>(),
        with in prop::sample::select(b"{}[]\",:\\0-1eE.tfnu \n\x00\x7fa".to_vec()),
    ) {
        let mut bytes = value.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = with;
        if let Ok(text) = std::str::from_utf8(&bytes)
            && object(text, LIMITS).is_ok()
        {
            let read = serde_json::from_str::<serde_json::Value>(text);
            // Beyond the range of f64 serde_json gives up; for us it is just no integer.
            let out_of_range = read.as_ref().err()
                .is_some_and(|error| error.to_string().contains("out of range"));
            prop_assert!(read.is_ok() || out_of_range, "{}", text);
        }
    }
}
