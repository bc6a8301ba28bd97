//! A rules module that misbehaves on request: its routes are named for what they do.
#![allow(missing_docs, unreachable_pub, clippy::pedantic, unsafe_code, reason = "mostly generated")]
#![allow(clippy::disallowed_methods, reason = "doing what is not done is what it is for")]

wit_bindgen::generate!({ path: "../../../wit", world: "rules" });

#[cfg(target_family = "wasm")]
mod attacks;
#[cfg(target_family = "wasm")]
mod kept;

#[cfg(target_family = "wasm")]
mod component {
    use super::attacks::{self, new_event, register};
    use super::boxoffice::rules::{events, log};
    use super::exports::boxoffice::rules::handler::{self, Request, Response};
    use super::exports::boxoffice::rules::manifest::{self, Access, Method, ModuleManifest, Route};
    use super::kept;

    struct Unruly;

    /// Method, path and access of each route; its id is the path without the slash.
    const ROUTES: &[(Method, &str, Access)] = &[
        (Method::Get, "/fine", Access::Public),
        (Method::Get, "/look", Access::Public),
        (Method::Get, "/trap", Access::Public),
        (Method::Get, "/spin", Access::Public),
        (Method::Get, "/grow", Access::Public),
        (Method::Get, "/recurse", Access::Public),
        (Method::Get, "/sleep", Access::Public),
        (Method::Get, "/burn-then-trap", Access::Public),
        (Method::Get, "/alternate", Access::Public),
        (Method::Get, "/fill-memory", Access::Public),
        (Method::Get, "/vast-answer", Access::Public),
        (Method::Get, "/whole-memory", Access::Public),
        (Method::Get, "/many-headers", Access::Public),
        (Method::Get, "/long-header", Access::Public),
        (Method::Get, "/proxy-header", Access::Public),
        (Method::Get, "/flood-calls", Access::Public),
        (Method::Get, "/flood-bytes", Access::Public),
        (Method::Get, "/flood-fields", Access::Public),
        (Method::Get, "/deep-json", Access::Public),
        (Method::Get, "/exit", Access::Public),
        (Method::Get, "/abort", Access::Public),
        (Method::Get, "/forge-log", Access::Public),
        (Method::Post, "/flood-registrations", Access::Public),
        (Method::Get, "/flood-log", Access::Public),
        (Method::Get, "/chatter", Access::Public),
        (Method::Get, "/big-answer", Access::Public),
        (Method::Get, "/large-answer", Access::Public),
        (Method::Get, "/huge-call", Access::Public),
        (Method::Get, "/bad-status", Access::Public),
        (Method::Get, "/bad-header", Access::Public),
        (Method::Get, "/steal-header", Access::Public),
        (Method::Get, "/remember", Access::Public),
        (Method::Get, "/clocks", Access::Public),
        (Method::Get, "/headers", Access::Public),
        // The route lies: it asks for no role, and the host functions it calls do.
        (Method::Post, "/create", Access::Public),
        (Method::Post, "/register", Access::Public),
        (Method::Post, "/register-then-trap", Access::Public),
        (Method::Post, "/clear-start", Access::Public),
        (Method::Get, "/search", Access::Public),
        (Method::Get, "/admin-only", Access::Admin),
        // These say of themselves that their answers may be kept, and most of them lie.
        (Method::Get, "/kept/seen", Access::Public),
        (Method::Post, "/kept/posted", Access::Public),
        (Method::Get, "/kept/ticket", Access::Public),
        (Method::Get, "/kept/tickets", Access::Public),
        (Method::Get, "/kept/created", Access::Public),
        (Method::Get, "/kept/time", Access::Public),
        (Method::Get, "/kept/random", Access::Public),
        (Method::Get, "/kept/remembered", Access::Public),
        (Method::Get, "/kept/status", Access::Public),
        (Method::Get, "/kept/bytes", Access::Public),
        (Method::Get, "/kept/event-twice", Access::Public),
    ];

    impl manifest::Guest for Unruly {
        fn describe() -> ModuleManifest {
            let denied = matches!(events::get("any"), Err(events::GetRefusal::AccessDenied));
            let route = |(method, path, access): (Method, &str, Access)| Route {
                id: path.trim_start_matches('/').replace('/', "."),
                method,
                path: path.to_owned(),
                summary: String::new(),
                access,
                max_body_bytes: None,
                cacheable: path.starts_with("/kept/"),
                query_schema: None,
                body_schema: None,
                answers: Vec::new(),
            };
            ModuleManifest {
                // The host sees by the name whether host functions were denied while the module described itself.
                name: if denied { "unruly".into() } else { "unruly-granted".into() },
                version: "0.1.0".into(),
                summary: "Misbehaves on request".into(),
                routes: ROUTES.iter().copied().map(route).collect(),
            }
        }
    }

    impl handler::Guest for Unruly {
        fn handle(request: Request) -> Response {
            let body = String::from_utf8_lossy(&request.body).into_owned();
            match request.route_id.as_str() {
                "trap" => panic!("trapped as asked"),
                "spin" => attacks::spin(),
                "grow" => attacks::grow(),
                "recurse" => return answer(200, attacks::recurse(1).to_string()),
                "look" => return answer(200, format!("{:?}", events::get("nothing"))),
                "burn-then-trap" => attacks::burn_then_trap(),
                "alternate" => attacks::alternate(),
                "fill-memory" => return answer(200, attacks::fill_memory().to_string()),
                "vast-answer" => return answer(200, "x".repeat(1024 * 1024 * 1024)),
                "whole-memory" => return answer(200, "x".repeat(20 * 1024 * 1024)),
                "many-headers" => {
                    return with_headers((0..10_000).map(|n| (format!("x-{n}"), n.to_string())).collect());
                }
                "long-header" => return with_header("x-long", &"x".repeat(64 * 1024)),
                "proxy-header" => return with_header("x-accel-redirect", "/etc/passwd"),
                "flood-calls" => (0..100_000).for_each(|_| drop(attacks::list_events(100))),
                "flood-bytes" => attacks::flood_bytes(),
                "flood-fields" => attacks::flood_fields(),
                "deep-json" => return answer(200, attacks::deep_json()),
                "exit" => std::process::exit(0),
                "abort" => std::process::abort(),
                "forge-log" => attacks::forge_log(),
                "flood-registrations" => return answer(200, attacks::flood_registrations()),
                "sleep" => std::thread::sleep(std::time::Duration::from_millis(number(&request, "ms"))),
                "flood-log" => (0..1_000).for_each(|n| log::write(log::Level::Info, &format!("line {n}"), &[])),
                "chatter" => (0..10_000).for_each(|_| println!("{}", "x".repeat(100))),
                "big-answer" => return answer(200, "x".repeat(1024 * 1024 + 1)),
                "large-answer" => return answer(200, "x".repeat(1024 * 1024)),
                "huge-call" => log::write(log::Level::Info, &"x".repeat(3 * 1024 * 1024), &[]),
                "bad-status" => return answer(u16::try_from(number(&request, "status")).unwrap_or(0), String::new()),
                "bad-header" => return with_header("x-bad", "a\r\nset-cookie: b"),
                "steal-header" => return with_header("content-length", "0"),
                "remember" => return answer(200, attacks::remember().to_string()),
                "clocks" => return answer(200, attacks::clocks()),
                "headers" => return answer(200, format!("{:?}", request.headers)),
                "create" => return answer(200, format!("{:?}", events::create(&new_event()))),
                "register" => return answer(200, format!("{:?}", register(&body))),
                "search" => return answer(200, attacks::search("held")),
                "clear-start" => return answer(200, attacks::clear_start(&body)),
                // Another id for each run.
                "kept.seen" | "kept.posted" => return answer(200, kept::seen(&request)),
                "kept.ticket" => return answer(200, kept::ticket(text(&request, "id"))),
                "kept.tickets" => return answer(200, kept::tickets(text(&request, "email"))),
                "kept.created" => return answer(200, format!("{:?}", events::create(&new_event()))),
                "kept.time" => return answer(200, attacks::clocks()),
                "kept.random" => return answer(200, kept::random()),
                "kept.remembered" => return answer(200, format!("{} {}", attacks::remember(), request.request_id)),
                "kept.status" => {
                    return answer(u16::try_from(number(&request, "status")).unwrap_or(0), request.request_id);
                }
                "kept.bytes" => {
                    let bytes = usize::try_from(number(&request, "bytes")).unwrap_or(0);
                    return answer(200, format!("{:x<bytes$}", request.request_id));
                }
                "kept.event-twice" => return answer(200, kept::event_twice(text(&request, "id"))),
                "register-then-trap" => {
                    let _ = register(&body);
                    panic!("trapped after registering");
                }
                _ => {}
            }
            answer(200, "fine".into())
        }
    }

    fn answer(status: u16, body: String) -> Response {
        let headers = vec![("content-type".into(), "text/plain".into())];
        Response { status, headers, body: body.into_bytes() }
    }

    fn with_header(name: &str, value: &str) -> Response {
        with_headers(vec![(name.into(), value.into())])
    }

    fn with_headers(headers: Vec<(String, String)>) -> Response {
        Response { status: 200, headers, body: Vec::new() }
    }

    fn text<'a>(request: &'a Request, name: &str) -> &'a str {
        request.query.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.as_str())
    }

    fn number(request: &Request, name: &str) -> u64 {
        let value = request.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        value.and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    super::export!(Unruly with_types_in super);
}
