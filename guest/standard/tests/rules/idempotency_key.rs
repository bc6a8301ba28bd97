//! The idempotency key, in the header and in the body.

use boxoffice_sdk::Request;

use crate::mock::*;

const HEADER: &str = "idempotency-key";

/// A registration with this key in its body, if any, and these lines of the header.
fn registration(body_key: Option<&str>, lines: &[&str]) -> Request {
    let body = match body_key {
        Some(key) => format!(r#"{{"email":"a@b.cd","idempotency_key":{}}}"#, serde_json::Value::from(key)),
        None => r#"{"email":"a@b.cd"}"#.to_owned(),
    };
    lines.iter().fold(register(&body), |request, line| with_header(request, HEADER, line))
}

/// The key that the host was given.
fn given(body_key: Option<&str>, lines: &[&str]) -> Option<String> {
    let host = Mock::new();
    let response = host.answer(&registration(body_key, lines));
    assert_eq!(response.status, 201, "{lines:?}: {}", text(&response));
    match host.calls().pop() {
        Some(Call::Register(registration)) => registration.idempotency_key,
        other => panic!("{other:?}"),
    }
}

/// The detail of the refusal, which points at the key; the host was not asked.
fn refused(body_key: Option<&str>, lines: &[&str]) -> String {
    let host = Mock::new();
    let mut found = faults(&host.answer(&registration(body_key, lines)));
    assert_eq!(host.calls(), [], "{lines:?}");
    assert_eq!(found.len(), 1, "{lines:?}: {found:?}");
    let (pointer, detail) = found.remove(0);
    assert_eq!(pointer, "/idempotency_key", "{lines:?}");
    detail
}

#[test]
fn a_key_is_not_needed() {
    assert_eq!(given(None, &[]), None);
}

#[test]
fn a_key_may_come_in_the_body() {
    assert_eq!(given(Some("k\"1\""), &[]).as_deref(), Some("k\"1\""));
}

#[test]
fn a_key_in_the_header_may_be_bare() {
    for key in ["8e03978e-40d5-43dd-bc93-6894a57f9324", "k", "a b,c;d=\\e:f", "ключ"] {
        assert_eq!(given(None, &[key]).as_deref(), Some(key));
    }
    assert_eq!(given(None, &["\t k "]).as_deref(), Some("k"));
}

#[test]
fn a_key_in_the_header_may_be_a_structured_string() {
    assert_eq!(given(None, &[r#""k 1""#]).as_deref(), Some("k 1"));
    assert_eq!(given(None, &[r#""a\"b\\c""#]).as_deref(), Some(r#"a"b\c"#));
    assert_eq!(given(None, &[r#""k";future=1"#]).as_deref(), Some("k"));
}

#[test]
fn a_key_has_at_most_255_characters() {
    let (fits, over) = ("é".repeat(255), "é".repeat(256));
    assert_eq!(given(None, &[&fits]).as_ref(), Some(&fits));
    assert_eq!(given(Some(&fits), &[]).as_ref(), Some(&fits));
    assert!(refused(None, &[&over]).contains("1 to 255 characters"));
    assert!(refused(Some(&over), &[]).contains("1 to 255 characters"));
    // Counted without its quotes and escapes.
    let quoted = format!("\"{}\"", r"\\".repeat(255));
    assert_eq!(given(None, &[&quoted]), Some(r"\".repeat(255)));
}

#[test]
fn an_empty_key_is_refused() {
    for line in ["", " ", r#""""#] {
        assert!(refused(None, &[line]).contains("1 to 255 characters"), "{line}");
    }
    assert!(refused(Some(""), &[]).contains("1 to 255 characters"));
}

#[test]
fn a_key_with_broken_quotes_is_refused() {
    for line in [r#"""#, r#""k"#, r#"k""#, r#"k"k"#, r#""k"k"#, r#""a", "b""#, r#""k\""#, r#""k\n""#, r#""ключ""#] {
        assert!(refused(None, &[line]).contains("RFC 9651"), "{line}");
    }
}

#[test]
fn a_key_that_is_given_twice_in_the_header_is_refused() {
    assert!(refused(None, &["a", "b"]).contains("more than once"));
    assert!(refused(None, &["a", "a"]).contains("more than once"));
    assert!(refused(Some("a"), &["a", "a"]).contains("more than once"));
}

#[test]
fn a_key_that_differs_between_header_and_body_is_refused() {
    assert!(refused(Some("a"), &["b"]).contains("differ"));
    assert!(refused(Some("a"), &["A"]).contains("differ"));
    assert!(refused(Some("a"), &[r#""b""#]).contains("differ"));
}

#[test]
fn the_same_key_in_header_and_body_is_one_key() {
    assert_eq!(given(Some("a"), &["a"]).as_deref(), Some("a"));
    assert_eq!(given(Some("a"), &[r#""a""#]).as_deref(), Some("a"));
}

#[test]
fn a_wrong_key_is_listed_beside_all_else_that_is_wrong() {
    let request = with_header(register(r#"{"email":"x"}"#), HEADER, "");
    assert_eq!(pointers(&Mock::new().answer(&request)), ["/email", "/idempotency_key"]);
}

#[test]
fn routes_without_keys_do_not_look_at_the_header() {
    let host = Mock::new();
    let request = with_header(create(r#"{"name":"a","capacity":1}"#), HEADER, "");
    assert_eq!(host.answer(&request).status, 201);
}
