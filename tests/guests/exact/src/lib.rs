//! A rules module that uses exactly as much as it is asked to: each route is one limit, `?n=` the amount.
#![allow(missing_docs, unreachable_pub, clippy::pedantic, unsafe_code, reason = "mostly generated")]
#![allow(clippy::disallowed_methods, reason = "waiting is one of the things that have a limit")]

wit_bindgen::generate!({ path: "../../../wit", world: "rules" });

#[cfg(target_family = "wasm")]
mod component {
    use super::boxoffice::rules::{events, log};
    use super::exports::boxoffice::rules::handler::{self, Request, Response};
    use super::exports::boxoffice::rules::manifest::{self, Access, Method, ModuleManifest, Route};

    struct Exact;

    const ROUTES: [&str; 16] = [
        "fine",
        "cpu",
        "wait",
        "memory",
        "stack",
        "calls",
        "call-bytes",
        "bytes",
        "log-lines",
        "log-bytes",
        "output",
        "body",
        "headers",
        "header-bytes",
        "get",
        "header-name",
    ];

    impl manifest::Guest for Exact {
        fn describe() -> ModuleManifest {
            let route = |id: &str| Route {
                id: id.to_owned(),
                method: Method::Get,
                path: if id == "get" { "/get/{event}".into() } else { format!("/{id}") },
                summary: String::new(),
                access: Access::Public,
                max_body_bytes: None,
                cacheable: false,
                query_schema: None,
                body_schema: None,
                answers: Vec::new(),
            };
            ModuleManifest {
                name: "exact".into(),
                version: "0.1.0".into(),
                summary: "Uses exactly as much as it is asked to".into(),
                routes: ROUTES.into_iter().map(route).collect(),
            }
        }
    }

    impl handler::Guest for Exact {
        fn handle(request: Request) -> Response {
            let n = request.query.iter().find(|(name, _)| name == "n").and_then(|(_, n)| n.parse().ok()).unwrap_or(0);
            let text = |bytes: usize| "x".repeat(bytes);
            let mut answer = Response { status: 200, headers: Vec::new(), body: b"done".to_vec() };
            match request.route_id.as_str() {
                "cpu" => spin(n),
                "wait" => std::thread::sleep(std::time::Duration::from_millis(n as u64)),
                "memory" => grow_to(n),
                "stack" => drop(std::hint::black_box(deep(n))),
                "calls" => (0..n).for_each(|_| drop(events::get("none"))),
                "get" => (0..n).for_each(|_| drop(events::get(&request.params[0].1))),
                "call-bytes" => drop(events::get(&text(n))),
                // In calls of at most 16 KiB each.
                "bytes" => (0..n).step_by(16 * 1024).for_each(|at| drop(events::get(&text((n - at).min(16 * 1024))))),
                "log-lines" => (0..n).for_each(|_| log::write(log::Level::Info, "line", &[])),
                "log-bytes" => (0..n).step_by(1024).for_each(|at| {
                    log::write(log::Level::Info, &text((n - at).min(1024)), &[]);
                }),
                "output" => {
                    eprint!("{}", text(n));
                    panic!();
                }
                "body" => answer.body = text(n).into_bytes(),
                "headers" => answer.headers = (0..n).map(|n| (format!("x-{n}"), "v".into())).collect(),
                "header-name" => answer.headers = vec![(format!("x-{}", text(n - 2)), "v".into())],
                "header-bytes" => answer.headers = vec![("x-long".into(), text(n))],
                _ => {}
            }
            answer
        }
    }

    fn spin(rounds: usize) {
        for n in 0..rounds {
            std::hint::black_box(n);
        }
    }

    /// Grows the memory to `pages` pages of 64 KiB in all.
    fn grow_to(pages: usize) {
        let present = core::arch::wasm32::memory_size(0);
        core::arch::wasm32::memory_grow(0, pages.saturating_sub(present));
    }

    /// A frame of the stack for each level.
    #[inline(never)]
    fn deep(levels: usize) -> usize {
        if levels == 0 { 0 } else { deep(std::hint::black_box(levels - 1)) + 1 }
    }

    super::export!(Exact with_types_in super);
}
