//! The smoke call: one answer of one route before anybody depends on it.

use crate::domain::{Millis, Roles};
use crate::wasm::answer::Answer;
use crate::wasm::bindings::RulesPre;
use crate::wasm::bindings::exports::boxoffice::rules::handler::Request;
use crate::wasm::engine::{Engine, Lane};
use crate::wasm::failure::{Cause, Failure, LoadError, LoadRefusal, NotBegun, RunError, explain};
use crate::wasm::imports::roles_for_guest;
use crate::wasm::manifest::{Access, Manifest, Method, Route};
use crate::wasm::module::within_limits;
use crate::wasm::run::{Answers, Run};

/// The request's id, in the log, and the value of the path's parameters.
const NAME: &str = "smoke-call";
/// The time of the request: any, and the same for every module. 2026-01-01.
const NOW: Millis = Millis(1_767_225_600_000);

/// Asks for one answer, in a store without grants and under all limits.
pub(super) async fn smoke_call(
    engine: &Engine,
    pre: &RulesPre<Run>,
    manifest: &Manifest,
    digest: &std::sync::Arc<str>,
) -> Result<(), LoadError> {
    let Some(route) = choose(&manifest.routes) else { return Ok(()) };
    let request = request(route);
    let refuse = |failure: &Failure| {
        let refusal =
            if failure.cause == Cause::NoInstance { LoadRefusal::Unavailable } else { LoadRefusal::SmokeCall };
        let (method, path, id) = (route.method.name(), &route.path, &route.id);
        LoadError::new(refusal, format!("asked for {method} {path} (route {id}), the module failed: {failure}"))
    };
    let _permit = engine.permit().await.map_err(|failure| refuse(&failure))?;
    let mut run = Run::new(Answers::Nobody, NOW, 0, engine.limits);
    run.request_id.clone_from(&request.request_id);
    run.digest = std::sync::Arc::clone(digest);
    let mut store = engine.store_for(run, Lane::Clients);
    let cpu = std::sync::Arc::clone(&store.data().cpu);
    let called = within_limits(engine, Lane::Clients, &cpu, async {
        let rules = pre.instantiate_async(&mut store).await.map_err(|error| error.context(NotBegun))?;
        rules.boxoffice_rules_handler().call_handle(&mut store, &request).await
    })
    .await;
    let run = store.into_data();
    let output = run.output.text();
    match called {
        Ok(Ok(response)) => Answer::check(response, &engine.limits).map(drop).map_err(|failure| refuse(&failure)),
        Ok(Err(error)) => Err(match explain(&error, output, engine.lines.as_ref()) {
            RunError::Failed(failure) => refuse(&failure),
            // There is none to fail, and nothing to differ from: every host function denies.
            other => LoadError::new(LoadRefusal::Unavailable, format!("{other:?}")),
        }),
        Err(timeout) => Err(refuse(&Failure { output, ..timeout })),
    }
}

/// A `GET` without parameters, else any `GET`, else the first: what an honest module answers without a body.
fn choose(routes: &[Route]) -> Option<&Route> {
    let get = |route: &&Route| route.method == Method::Get;
    let plain = routes.iter().filter(get).find(|route| !route.path.contains('{'));
    plain.or_else(|| routes.iter().find(get)).or_else(|| routes.first())
}

fn request(route: &Route) -> Request {
    let parameters = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let body = route.method != Method::Get && route.max_body != Some(0);
    let roles: Roles = match route.access {
        Access::Public => Roles::NONE,
        Access::Role(role) => [role].into_iter().collect(),
    };
    Request {
        route_id: route.id.clone(),
        params: parameters.map(|name| (name.to_owned(), NAME.to_owned())).collect(),
        query: Vec::new(),
        headers: if body { vec![("content-type".into(), "application/json".into())] } else { Vec::new() },
        body: if body { b"{}".to_vec() } else { Vec::new() },
        roles: roles_for_guest(roles),
        request_id: NAME.to_owned(),
        now_ms: NOW.as_u64(),
    }
}
