//! Attributes of an event: what is kept, and what a patch makes of them.

use boxoffice_sdk::Event;

use crate::mock::*;

/// The attributes that the host was given for a new event.
fn kept(attributes: &str) -> String {
    let host = Mock::new();
    let response = host.answer(&create(&format!(r#"{{"name":"a","capacity":1,"attributes":{attributes}}}"#)));
    assert_eq!(response.status, 201, "{}", text(&response));
    match host.calls().pop() {
        Some(Call::Create(new)) => new.attributes.unwrap(),
        other => panic!("{other:?}"),
    }
}

/// What is wrong with the attributes of a new event.
fn refused(attributes: &str) -> Vec<(String, String)> {
    let host = Mock::new();
    let found = faults(&host.answer(&create(&format!(r#"{{"name":"a","capacity":1,"attributes":{attributes}}}"#))));
    assert_eq!(host.calls(), [], "{attributes}");
    found
}

/// What the attributes `present` become by a patch.
fn merged(present: &str, patch_text: &str) -> String {
    let host = Mock { event: Ok(Event { attributes: present.to_owned(), ..event() }), ..Mock::new() };
    let response = host.answer(&patch(&format!(r#"{{"attributes":{patch_text}}}"#)));
    assert_eq!(response.status, 200, "{}", text(&response));
    match host.calls().pop() {
        Some(Call::Update(_, patch)) => patch.attributes.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn attributes_are_kept_as_they_are_written() {
    for attributes in [r#"{ "z" : 1.50, "a":[{}, null], "é": "\u00e9", "big": 123456789012345678901234567890 }"#, "{}"]
    {
        assert_eq!(kept(attributes), attributes);
    }
}

#[test]
fn a_name_that_one_object_has_twice_is_pointed_at() {
    let twice = "is given more than once; give it once";
    for (attributes, pointer) in [
        (r#"{"a":1,"a":1}"#, "/attributes/a"),
        (r#"{"a":1,"b":{"c":2,"d":3,"c":4}}"#, "/attributes/b/c"),
        (r#"{"a":[1,{"x/y":{"p":1,"p":2}}]}"#, "/attributes/a/1/x~1y/p"),
        (r#"{"a":1,"\u0061":2}"#, "/attributes/a"),
        (r#"{"":1,"":2}"#, "/attributes/"),
    ] {
        assert_eq!(refused(attributes), [(pointer.to_owned(), twice.to_owned())], "{attributes}");
        let patched = faults(&Mock::new().answer(&patch(&format!(r#"{{"attributes":{attributes}}}"#))));
        assert_eq!(patched, [(pointer.to_owned(), twice.to_owned())], "{attributes}");
    }
    assert_eq!(kept(r#"{"a":{"a":1},"b":{"a":1},"A":2}"#), r#"{"a":{"a":1},"b":{"a":1},"A":2}"#);
}

#[test]
fn attributes_may_be_nested_as_deeply_as_the_host_takes_them_and_no_deeper() {
    let nested = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert_eq!(kept(&nested(127)), nested(127));
    for levels in [128, 4_000] {
        let found = refused(&nested(levels));
        assert_eq!(found.len(), 1);
        assert!(found[0].0.starts_with("/attributes/a"), "{found:?}");
        assert!(found[0].1.contains("recursion limit"), "{found:?}");
    }
    let deep = format!(r#"{{"attributes":{}1{}}}"#, r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    assert!(pointers(&Mock::new().answer(&patch(&deep)))[0].starts_with("/attributes/a/a"));
}

#[test]
fn a_number_beyond_all_bounds_is_pointed_at() {
    let found = refused(r#"{"a":{"b":1e999}}"#);
    assert_eq!(found[0].0, "/attributes/a/b");
    assert!(found[0].1.contains("number out of range"), "{found:?}");
}

/// The examples of RFC 7396, appendix A, whose documents are objects.
#[test]
fn a_patch_of_attributes_does_what_rfc_7396_says() {
    for (present, patch, expected) in [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
        (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
        ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":{"a":"b","c":null}}"#, r#"{"a":{"a":"b"}}"#),
        (r#"{"a":1}"#, r#"{"a":[null,{"b":null}]}"#, r#"{"a":[null,{"b":null}]}"#),
    ] {
        assert_eq!(merged(present, patch), expected, "{present} {patch}");
    }
}

#[test]
fn what_a_patch_does_not_name_stays_to_the_digit_and_in_its_order() {
    let present = r#"{"z": 1.50, "room": {"n": 1e2, "wide":  [ 1 ]}, "a\"b": "\u00e9"}"#;
    let patch = r#"{"room":{"m":2,"n":3.0},"new":0}"#;
    let expected = r#"{"z":1.50,"room":{"n":3.0,"wide":[ 1 ],"m":2},"a\"b":"\u00e9","new":0}"#;
    assert_eq!(merged(present, patch), expected);
    // Names are compared as they read, not as they are written.
    assert_eq!(merged(r#"{"\u0061":1}"#, r#"{"a":2}"#), r#"{"a":2}"#);
}

#[test]
fn attributes_that_a_patch_makes_too_large_are_pointed_at_and_a_large_patch_that_removes_is_taken() {
    let present = format!(r#"{{"a":"{}"}}"#, "x".repeat(8_000));
    let host = Mock { event: Ok(Event { attributes: present.clone(), ..event() }), ..Mock::new() };
    let response = host.answer(&patch(&format!(r#"{{"attributes":{{"b":"{}"}}}}"#, "y".repeat(500))));
    let found = faults(&response);
    assert_eq!(found[0].0, "/attributes");
    assert!(found[0].1.contains("would have 8515 bytes"), "{found:?}");
    assert!(host.calls().iter().all(|call| matches!(call, Call::Event(_))));
    let many: Vec<_> = (0..2_000).map(|n| format!(r#""k{n}":null"#)).collect();
    assert_eq!(merged(&present, &format!("{{{}}}", many.join(","))), present);
}
