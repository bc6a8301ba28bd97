//! Native rules, which only those have who measure: they answer in the guest's place, and nothing else is different.

use std::sync::Arc;

use boxoffice::domain::{Actor, Principal, RegistrationLimits, Roles};
use boxoffice::load_rules;
use boxoffice::store::StoreFailure;
use boxoffice::wasm::{
    Cause, Failure, Grants, GuestRequest, GuestResponse, Module, NativeRules, NativeRun, RunError, roles_for_guest,
};
use harness::{EmptyStore, START, settings};

/// Says this, whatever it is asked.
struct Says {
    header: &'static str,
    failure: Option<StoreFailure>,
}

impl NativeRules for Says {
    fn answer<'a>(&'a self, request: &'a GuestRequest, _: Grants) -> NativeRun<'a> {
        let headers = vec![(self.header.to_owned(), "text/plain".to_owned())];
        let answer = GuestResponse { status: 201, headers, body: request.route_id.clone().into_bytes() };
        Box::pin(async move { self.failure.clone().map_or(Ok(answer), Err) })
    }
}

async fn asked(module: &Module) -> Result<(u16, String), RunError> {
    let request = GuestRequest {
        route_id: "get-event".into(),
        params: vec![("id".into(), "none".into())],
        query: Vec::new(),
        headers: Vec::new(),
        body: Vec::new(),
        roles: roles_for_guest(Roles::NONE),
        request_id: "one".into(),
        now_ms: START.as_u64(),
    };
    let limits = RegistrationLimits { hold: settings().hold, max_quantity: 10 };
    let grants = Grants { store: Arc::new(EmptyStore::default()), actor: Actor::nowhere(Principal::default()), limits };
    let answer = module.handle(&request, grants, 1).await.result?;
    Ok((answer.status.as_u16(), String::from_utf8_lossy(&answer.body).into_owned()))
}

#[tokio::test]
async fn native_rules_answer_in_the_guests_place_and_within_its_limits() {
    let module = load_rules(&settings()).await.unwrap();
    let (status, said) = asked(&module).await.unwrap();
    assert!(status == 404 && said.contains("event_not_found"), "the component answers: {status} {said}");
    let says = |header, failure| Arc::new(Says { header, failure });
    let module = module.natively(says("content-type", None));
    assert_eq!(asked(&module).await, Ok((201, "get-event".to_owned())));
    // A header that is the host's: refused of whoever answers.
    let module = module.natively(says("connection", None));
    let refused = asked(&module).await;
    assert!(matches!(refused, Err(RunError::Failed(Failure { cause: Cause::BadResponse, .. }))), "{refused:?}");
    let module = module.natively(says("content-type", Some(StoreFailure::Overloaded)));
    assert_eq!(asked(&module).await, Err(RunError::Store(StoreFailure::Overloaded)));
}
