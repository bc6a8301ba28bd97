//! What the micro-benchmarks have in common: a store with events in it, and the standard rules.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use boxoffice::config::Serve;
use boxoffice::domain::{
    Actor, EventId, IdSource, Millis, NewEvent, Principal, RegistrationLimits, RegistrationRequest, Role, Roles,
};
use boxoffice::load_rules;
use boxoffice::store::Store as _;
use boxoffice::store::sqlite::{SqliteOptions, SqliteStore};
use boxoffice::wasm::{
    CompilerProgram, Grants, GuestRequest, GuestResponse, Module, NativeRules, NativeRun, roles_for_guest,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// 2026-11-21T09:30:00.000Z.
pub(crate) const NOW: Millis = Millis(1_795_253_400_000);
const EVENTS: u32 = 20;
const CAPACITY: u32 = 1_000_000;
const REUSE: u32 = 1000;

/// Made once, and used by all.
pub(crate) struct Kit {
    pub(crate) runtime: Runtime,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) event: EventId,
    pub(crate) fresh: Module,
    pub(crate) reused: Module,
    /// Answers the same, whatever it is asked.
    pub(crate) fixed: Module,
    limits: RegistrationLimits,
    registered: AtomicU32,
    _folder: TempDir,
}

/// One answer for everything.
struct Fixed(GuestResponse);

impl NativeRules for Fixed {
    fn answer<'a>(&'a self, _: &'a GuestRequest, _: Grants) -> NativeRun<'a> {
        let GuestResponse { status, headers, body } = &self.0;
        let answer = GuestResponse { status: *status, headers: headers.clone(), body: body.clone() };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

impl Kit {
    pub(crate) fn get() -> &'static Self {
        static KIT: OnceLock<Kit> = OnceLock::new();
        KIT.get_or_init(Self::make)
    }

    fn make() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        // On the disk that the build is on: a folder in memory is durable at no cost.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let store = SqliteStore::open(&folder.path().join("events.db"), SqliteOptions::default(), IdSource::seeded(1));
        let store = Arc::new(store.expect("a store"));
        let organizer = Actor::nowhere(Principal::with_role(Role::Organizer));
        let new = |n| NewEvent {
            name: format!("Event {n}"),
            capacity: CAPACITY,
            starts_at: None,
            tags: vec!["music".into()],
            attributes: r#"{"venue":"Main Hall"}"#.into(),
        };
        let made = (0..EVENTS).map(|n| runtime.block_on(store.create_event(NOW, &organizer, new(n))));
        let event = made.last().expect("some events").expect("the store answers").id;
        let mut settings = Serve::defaults();
        // This process is no compiler, and its modules are no strangers.
        settings.compiling.program = CompilerProgram::Here;
        let module = |reuse| {
            let mut settings = settings.clone();
            settings.limits.instance_reuse = reuse;
            runtime.block_on(load_rules(&settings)).expect("the standard rules load")
        };
        let headers = vec![("content-type".into(), "application/json".into())];
        let fixed = Fixed(GuestResponse { status: 200, headers, body: vec![b' '; 1024] });
        let (fresh, reused, fixed) = (module(1), module(REUSE), module(1).natively(Arc::new(fixed)));
        let limits = RegistrationLimits { hold: settings.hold, max_quantity: settings.max_quantity };
        let registered = AtomicU32::default();
        Self { runtime, store, event, fresh, reused, fixed, limits, registered, _folder: folder }
    }

    /// Registers somebody new.
    pub(crate) async fn register(&self) {
        let n = self.registered.fetch_add(1, Ordering::Relaxed);
        let request = RegistrationRequest {
            event_id: self.event.clone(),
            email: format!("{n}@example.org"),
            quantity: 1,
            hold: None,
            key: None,
            attributes: None,
        };
        let user = Actor::nowhere(Principal::with_role(Role::User));
        let registration = request.check(self.limits).expect("a good request");
        self.store.register(NOW, &user, registration).await.expect("the store answers").expect("a seat");
    }

    /// A run for GET /events/{id}.
    pub(crate) fn get_event(&self, module: &Module) {
        let request = GuestRequest {
            route_id: "get-event".into(),
            params: vec![("id".into(), self.event.as_str().into())],
            query: Vec::new(),
            headers: vec![("accept".into(), "application/json".into())],
            body: Vec::new(),
            roles: roles_for_guest(Roles::NONE),
            request_id: "0193a4d2-7c55-7000-8000-000000000001".into(),
            now_ms: NOW.as_u64(),
        };
        let actor = Actor::nowhere(Principal::default());
        let grants = Grants { store: self.store.clone(), actor, limits: self.limits };
        let report = self.runtime.block_on(module.handle(&request, grants, 1));
        assert_eq!(report.result.expect("an answer").status.as_u16(), 200);
    }
}
