//! A rules module that misbehaves on request: its routes are named for what they do.
#![allow(missing_docs, unreachable_pub, clippy::pedantic, unsafe_code, reason = "mostly generated")]
#![allow(clippy::disallowed_methods, reason = "doing what is not done is what it is for")]

wit_bindgen::generate!({ path: "../../../wit", world: "rules" });

#[cfg(target_family = "wasm")]
mod component {
    use super::boxoffice::rules::{events, log, tickets};
    use super::exports::boxoffice::rules::handler::{self, Request, Response};
    use super::exports::boxoffice::rules::manifest::{self, Access, Method, ModuleManifest, Route};

    struct Unruly;

    /// Method, path and access of each route; its id is the path without the slash.
    const ROUTES: [(Method, &str, Access); 21] = [
        (Method::Get, "/fine", Access::Public),
        (Method::Get, "/trap", Access::Public),
        (Method::Get, "/spin", Access::Public),
        (Method::Get, "/grow", Access::Public),
        (Method::Get, "/recurse", Access::Public),
        (Method::Get, "/sleep", Access::Public),
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
        (Method::Get, "/admin-only", Access::Admin),
    ];

    impl manifest::Guest for Unruly {
        fn describe() -> ModuleManifest {
            let denied = matches!(events::get("any"), Err(events::GetRefusal::AccessDenied));
            let route = |(method, path, access): (Method, &str, Access)| Route {
                id: path.trim_start_matches('/').to_owned(),
                method,
                path: path.to_owned(),
                summary: String::new(),
                access,
                max_body_bytes: None,
                cacheable: false,
                query_schema: None,
                body_schema: None,
                answers: Vec::new(),
            };
            ModuleManifest {
                // The host sees by the name whether host functions were denied while the module described itself.
                name: if denied { "unruly".into() } else { "unruly-granted".into() },
                version: "0.1.0".into(),
                summary: "Misbehaves on request".into(),
                routes: ROUTES.into_iter().map(route).collect(),
            }
        }
    }

    impl handler::Guest for Unruly {
        fn handle(request: Request) -> Response {
            let body = String::from_utf8_lossy(&request.body).into_owned();
            match request.route_id.as_str() {
                "trap" => panic!("trapped as asked"),
                "spin" => spin(),
                "grow" => grow(),
                "recurse" => return answer(200, recurse(1).to_string()),
                "sleep" => std::thread::sleep(std::time::Duration::from_millis(number(&request, "ms"))),
                "flood-log" => (0..1_000).for_each(|n| log::write(log::Level::Info, &format!("line {n}"), &[])),
                "chatter" => (0..10_000).for_each(|_| println!("{}", "x".repeat(100))),
                "big-answer" => return answer(200, "x".repeat(1024 * 1024 + 1)),
                "large-answer" => return answer(200, "x".repeat(1024 * 1024)),
                "huge-call" => log::write(log::Level::Info, &"x".repeat(3 * 1024 * 1024), &[]),
                "bad-status" => return answer(u16::try_from(number(&request, "status")).unwrap_or(0), String::new()),
                "bad-header" => return with_header("x-bad", "a\r\nset-cookie: b"),
                "steal-header" => return with_header("content-length", "0"),
                "remember" => return answer(200, remember().to_string()),
                "clocks" => return answer(200, clocks()),
                "headers" => return answer(200, format!("{:?}", request.headers)),
                "create" => return answer(200, format!("{:?}", events::create(&new_event()))),
                "register" => return answer(200, format!("{:?}", register(&body))),
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
        Response { status: 200, headers: vec![(name.into(), value.into())], body: Vec::new() }
    }

    fn number(request: &Request, name: &str) -> u64 {
        let value = request.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        value.and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    fn spin() {
        let mut n = 0_u64;
        while std::hint::black_box(n) < u64::MAX {
            n += 1;
        }
    }

    fn grow() {
        let mut kept = Vec::new();
        loop {
            kept.push(vec![1_u8; 1024 * 1024]);
            std::hint::black_box(&kept);
        }
    }

    #[allow(unconditional_recursion)]
    fn recurse(n: u64) -> u64 {
        std::hint::black_box(n) + recurse(std::hint::black_box(n + 1))
    }

    /// How often this instance has been asked: always the first time, when every request has its own.
    fn remember() -> u32 {
        static TIMES: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        TIMES.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1
    }

    /// What the guest sees of time and of the machine.
    fn clocks() -> String {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let environment: Vec<_> = std::env::vars().collect();
        let arguments: Vec<_> = std::env::args().collect();
        format!("{} {environment:?} {arguments:?}", since_epoch.map_or(0, |time| time.as_millis()))
    }

    fn new_event() -> events::NewEvent {
        events::NewEvent { name: "mine".into(), capacity: 5, starts_at_ms: None, tags: Vec::new(), attributes: None }
    }

    /// Registers for the event that the body names.
    fn register(event_id: &str) -> Result<tickets::Registered, tickets::RegisterRefusal> {
        tickets::atomic_register(&tickets::Registration {
            event_id: event_id.into(),
            email: "somebody@example.org".into(),
            quantity: 1,
            hold_ms: None,
            idempotency_key: None,
            attributes: None,
        })
    }

    super::export!(Unruly with_types_in super);
}
