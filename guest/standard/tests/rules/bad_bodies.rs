//! Bodies that are refused: each says where it is wrong, and the host is not asked.

use crate::mock::*;

const CAPACITY: &str = "must be a whole number from 1 to 1000000";
const NAME: &str = "must be a text of 1 to 200 characters, none of them a control character, not only white space";
const TAG: &str = "must be a text of 1 to 64 characters, none of them a control character";
const QUANTITY: &str = "must be a whole number of seats, 1 or more";

/// The faults of a body for `POST /events`.
fn of_create(body: &str) -> Vec<(String, String)> {
    let host = Mock::new();
    let found = faults(&host.answer(&create(body)));
    assert_eq!(host.calls(), [], "{body}");
    found
}

/// The faults of a body for `POST /events/{id}/register`.
fn of_register(body: &str) -> Vec<(String, String)> {
    let host = Mock::new();
    let found = faults(&host.answer(&register(body)));
    assert_eq!(host.calls(), [], "{body}");
    found
}

fn fault(pointer: &str, detail: &str) -> Vec<(String, String)> {
    vec![(pointer.to_owned(), detail.to_owned())]
}

#[test]
fn a_body_that_is_missing_is_required() {
    for body in ["", " \r\n\t"] {
        assert_eq!(of_create(body), fault("", "a JSON object is required"));
        assert_eq!(of_register(body), fault("", "a JSON object is required"));
    }
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    for body in ["[]", r#"["a",1]"#, "null", "true", "7", r#""name""#, "garbage", "\u{feff}{}"] {
        assert_eq!(of_create(body), fault("", "must be a JSON object"), "{body}");
    }
}

#[test]
fn a_body_that_is_not_json_is_refused_with_the_place_in_its_text() {
    for body in ["{", "{name:1}", r#"{"name":"a","capacity":1,}"#, r#"{"name":"a""#, r#"{"name":"a","capacity":1}}"#] {
        let found = of_create(body);
        assert_eq!(found.len(), 1, "{body}");
        assert!(found[0].1.starts_with("the body is not valid JSON: "), "{body}: {found:?}");
        assert!(found[0].1.contains(" at line 1 column "), "{body}: {found:?}");
    }
}

#[test]
fn a_syntax_error_inside_a_field_points_at_the_field() {
    for body in [
        r#"{"name":"a","capacity":01}"#,
        r#"{"name":"a","capacity":1e999}"#,
        r#"{"name":"a","capacity":NaN}"#,
        r#"{"name":"a","capacity":}"#,
    ] {
        assert_eq!(of_create(body)[0].0, "/capacity", "{body}");
    }
    for body in [r#"{"name":"\ud800","capacity":1}"#, "{\"name\":\"a\nb\",\"capacity\":1}"] {
        assert_eq!(of_create(body)[0].0, "/name", "{body}");
    }
    assert_eq!(of_create(r#"{"name":"a","capacity":1,"attributes":{"a":}}"#)[0].0, "/attributes");
}

#[test]
fn a_body_that_is_not_utf8_is_refused() {
    let host = Mock::new();
    let mut request = create(r#"{"name":"?","capacity":1}"#);
    request.body[9] = 0xff;
    assert_eq!(pointers(&host.answer(&request)), ["/name"]);
    assert_eq!(host.calls(), []);
}

#[test]
fn a_field_that_is_unknown_is_pointed_at() {
    let found = of_create(r#"{"name":"a","capacity":1,"price":3}"#);
    assert_eq!(found[0].0, "/price");
    assert!(found[0].1.contains("unknown field `price`, expected one of `name`"), "{found:?}");
    assert_eq!(of_register(r#"{"email":"a@b.cd","a~b/c":1}"#)[0].0, "/a~0b~1c");
    // Case matters.
    assert_eq!(of_create(r#"{"Name":"a","capacity":1}"#)[0].0, "/Name");
}

#[test]
fn a_field_that_is_given_twice_is_pointed_at() {
    let found = of_create(r#"{"name":"a","capacity":1,"name":"b"}"#);
    assert_eq!(found, fault("/name", "is given more than once; give it once"));
    assert_eq!(of_register(r#"{"email":"a@b.cd","quantity":1,"quantity":1}"#)[0].0, "/quantity");
}

#[test]
fn a_required_field_that_is_missing_or_null_is_pointed_at() {
    let both = [fault("/name", "is required"), fault("/capacity", "is required")].concat();
    assert_eq!(of_create("{}"), both);
    assert_eq!(of_create(r#"{"name":null,"capacity":null}"#), both);
    assert_eq!(of_register(r#"{"quantity":2}"#), fault("/email", "is required"));
}

#[test]
fn a_capacity_out_of_range_or_of_another_kind_is_told_the_range() {
    for capacity in [
        "0",
        "-1",
        "1.5",
        "-0.0",
        "1000001",
        "1000000000000",
        "1e30",
        "-1e30",
        "4294967297",
        r#""5""#,
        "true",
        "[5]",
        "{}",
    ] {
        let body = format!(r#"{{"name":"a","capacity":{capacity}}}"#);
        assert_eq!(of_create(&body), fault("/capacity", CAPACITY), "{capacity}");
    }
}

#[test]
fn a_name_out_of_range_or_of_another_kind_is_told_the_range() {
    let long = format!(r#""{}""#, "é".repeat(201));
    let long_with_space = format!(r#"" {} ""#, "é".repeat(199));
    let controlled = [r#""a\u0000b""#, r#""a\n""#, r#""\u0085a""#];
    for name in
        [r#""""#, r#"" ""#, r#""\u3000""#, long.as_str(), long_with_space.as_str()].into_iter().chain(controlled)
    {
        let found = of_create(&format!(r#"{{"name":{name},"capacity":1}}"#));
        assert_eq!(found, fault("/name", NAME), "{name}");
    }
    for name in ["1", "-1", "1.5", "false", "[]", r#"{"a":1}"#] {
        let found = of_create(&format!(r#"{{"name":{name},"capacity":1}}"#));
        assert_eq!(found, fault("/name", NAME), "{name}");
    }
}

#[test]
fn a_tag_that_is_wrong_is_pointed_at_by_its_place() {
    let of_tags = |tags: &str| of_create(&format!(r#"{{"name":"a","capacity":1,"tags":{tags}}}"#));
    let tag = TAG;
    let long = "é".repeat(65);
    assert_eq!(of_tags(&format!(r#"["ok","{long}"]"#)), fault("/tags/1", tag));
    let found = of_tags(r#"["",1,null,["x"],{"y":[]}]"#);
    assert_eq!(found, (0..5).flat_map(|i| fault(&format!("/tags/{i}"), tag)).collect::<Vec<_>>());
    assert_eq!(of_tags(r#"["a\u0007"]"#), fault("/tags/0", tag));
    assert_eq!(of_tags(r#"["a","b","a"]"#), fault("/tags/2", "is given twice"));
}

#[test]
fn tags_that_are_too_many_or_no_list_are_pointed_at() {
    let list = |n: usize| format!("[{}]", (0..n).map(|i| format!(r#""t{i}""#)).collect::<Vec<_>>().join(","));
    let expected = fault("/tags", "must be a list of at most 16 texts, no two the same");
    for tags in [list(17).as_str(), list(5_000).as_str(), r#""rust""#, "5", "{}", "true"] {
        assert_eq!(of_create(&format!(r#"{{"name":"a","capacity":1,"tags":{tags}}}"#)), expected);
    }
    let host = Mock::new();
    assert_eq!(host.answer(&create(&format!(r#"{{"name":"a","capacity":1,"tags":{}}}"#, list(16)))).status, 201);
}

#[test]
fn attributes_that_are_no_object_or_too_large_are_pointed_at() {
    let sized = |bytes: usize| format!(r#"{{"k":"{}"}}"#, "x".repeat(bytes - 8));
    for attributes in ["[]", "1", r#""{}""#, "false", sized(8193).as_str()] {
        let found = of_create(&format!(r#"{{"name":"a","capacity":1,"attributes":{attributes}}}"#));
        assert_eq!(found, fault("/attributes", "must be a JSON object of at most 8 KiB"), "{attributes}");
    }
    let host = Mock::new();
    let body = format!(r#"{{"name":"a","capacity":1,"attributes":{}}}"#, sized(8192));
    assert_eq!(host.answer(&create(&body)).status, 201);
}

#[test]
fn a_quantity_out_of_range_or_of_another_kind_is_told_so() {
    for quantity in ["0", "-1", "1.5", r#""2""#, "true", "[]", "{}"] {
        let found = of_register(&format!(r#"{{"email":"a@b.cd","quantity":{quantity}}}"#));
        assert_eq!(found, fault("/quantity", QUANTITY), "{quantity}");
    }
}

#[test]
fn an_email_of_the_wrong_shape_is_pointed_at() {
    let long = format!(r#""{}@{}.org""#, "a".repeat(60), ["b".repeat(60).as_str(); 4].join("."));
    for email in [
        r#""""#,
        r#"" ""#,
        r#""ada""#,
        r#""@example.org""#,
        r#""ada@""#,
        r#""a@b@c""#,
        r#""ada @example.org""#,
        r#""Ada <ada@example.org>""#,
        r#""<ada@example.org>""#,
        r#""ada@[127.0.0.1]""#,
        r#""ada@example..org""#,
        r#""ada\n@example.org""#,
        long.as_str(),
        "1",
        "true",
        r#"["ada@example.org"]"#,
        "{}",
    ] {
        let found = of_register(&format!(r#"{{"email":{email}}}"#));
        assert_eq!(found.len(), 1, "{email}");
        assert_eq!(found[0].0, "/email", "{email}");
        assert!(found[0].1.contains("email address"), "{email}");
    }
}

#[test]
fn all_that_is_wrong_is_listed_at_once() {
    let found = of_create(r#"{"name":"","capacity":-1,"starts_at":"soon","tags":["a","a"],"attributes":[]}"#);
    let pointers: Vec<_> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/name", "/capacity", "/starts_at", "/tags/1", "/attributes"]);
    let found = of_register(r#"{"email":"x","quantity":"2","idempotency_key":""}"#);
    let pointers: Vec<_> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/email", "/quantity", "/idempotency_key"]);
}

#[test]
fn bodies_made_to_break_a_parser_are_refused_and_nothing_more() {
    let nested = |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    let deep = nested("[", "]", 30_000);
    assert_eq!(of_create(&deep), fault("", "must be a JSON object"));
    for value in [deep.as_str(), nested(r#"{"a":"#, "}", 10_000).as_str()] {
        assert_eq!(of_create(&format!(r#"{{"name":"a","capacity":{value}}}"#)), fault("/capacity", CAPACITY));
        assert_eq!(of_create(&format!(r#"{{"name":"a","capacity":1,"tags":[{value}]}}"#))[0].0, "/tags/0");
        assert_eq!(of_create(&format!(r#"{{"name":"a","capacity":1,"attributes":{value}}}"#))[0].0, "/attributes");
        assert!(!of_create(&format!(r#"{{"x":{value}}}"#)).is_empty());
    }
    assert!(!of_create(&r#"{"a":"#.repeat(13_000)).is_empty());
    assert!(!of_create(&"{\"a\":".repeat(5)).is_empty());
    let key = "k".repeat(65_000);
    assert_eq!(of_create(&format!(r#"{{"{key}":1}}"#))[0].0, format!("/{key}"));
    let garbage: Vec<u8> = (0..65_536_u32).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
    let mut request = create("");
    request.body = garbage;
    faults(&Mock::new().answer(&request));
    request.body.insert(0, b'{');
    faults(&Mock::new().answer(&request));
}
