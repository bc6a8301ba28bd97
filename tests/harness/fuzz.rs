//! What the fuzz targets do with their bytes: the same code in `make fuzz`, where a fuzzer looks for new paths, and in `make test`, where a
//! seed makes a short run.

use std::sync::Arc;
use std::time::Duration;

use boxoffice::config::Serve;
use boxoffice::domain::{Actor, Principal, RegistrationLimits, Roles};
use boxoffice::load_rules;
use boxoffice::wasm::{
    Answer, Cause, CompilerProgram, Engine, Grants, GuestRequest, LoadRefusal, Loader, Module, RunError,
    roles_for_guest,
};
use tokio::runtime::Runtime;

use crate::{EmptyStore, raw_rules};

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// The loader: bytes are taken for a component.
pub struct Loads {
    loader: Loader,
    runtime: Runtime,
}

/// Bytes that are looked at: enough for a small module, too few for one that keeps the compiler busy.
const MAX_COMPONENT: usize = 128 * 1024;

impl Loads {
    /// Sets an engine up.
    ///
    /// # Panics
    /// If there is no room for it.
    #[must_use]
    pub fn new() -> Self {
        let mut settings = Serve::defaults();
        settings.compiling.program = CompilerProgram::Here;
        settings.limits.max_instances = 4;
        let engine = Arc::new(Engine::new(settings.limits.limits()).expect("an engine"));
        Self { loader: Loader::new(engine, settings.compiling.compiler()), runtime: runtime() }
    }

    /// Gives the refusal by name; a module that is taken has routes.
    ///
    /// # Panics
    /// If what comes of it is neither.
    pub fn run(&self, bytes: &[u8]) -> Result<(), LoadRefusal> {
        let bytes = &bytes[..bytes.len().min(MAX_COMPONENT)];
        match self.runtime.block_on(self.loader.load(bytes.to_vec())) {
            Ok(module) => {
                assert!(!module.manifest.routes.is_empty(), "a module without routes was taken");
                Ok(())
            }
            Err(error) => {
                assert!(!error.message.is_empty() && !error.message.contains('\n'), "one line: {error:?}");
                assert_ne!(error.refusal, LoadRefusal::Unavailable, "nothing was wrong with the machine: {error:?}");
                Err(error.refusal)
            }
        }
    }
}

impl Default for Loads {
    fn default() -> Self {
        Self::new()
    }
}

/// The lifting of guest answers: bytes become the memory from which the host reads an answer.
pub struct Answers {
    rules: Module,
    settings: Serve,
    runtime: Runtime,
}

impl Answers {
    /// Loads the module that answers with any bytes.
    ///
    /// # Panics
    /// If it does not load.
    #[must_use]
    pub fn new() -> Self {
        let runtime = runtime();
        let mut settings = Serve::defaults();
        settings.compiling.program = CompilerProgram::Here;
        settings.rules = Some(raw_rules().to_owned());
        let rules = runtime.block_on(load_rules(&settings)).expect("the module loads");
        Self { rules, settings, runtime }
    }

    /// Gives what the host makes of it: an answer within the limits, or a named cause.
    ///
    /// # Panics
    /// If it is neither.
    pub fn run(&self, bytes: &[u8]) -> Result<Answer, Cause> {
        let request = GuestRequest {
            route_id: "answer".into(),
            params: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: bytes.to_vec(),
            roles: roles_for_guest(Roles::NONE),
            request_id: "fuzz".into(),
            now_ms: 1,
        };
        let limits = RegistrationLimits { hold: Duration::from_secs(1), max_quantity: 1 };
        let store = Arc::new(EmptyStore::default());
        let grants = Grants { store, actor: Actor::nowhere(Principal::default()), limits };
        match self.runtime.block_on(self.rules.handle(&request, grants, 1)).result {
            Ok(answer) => {
                self.check(&answer);
                Ok(answer)
            }
            Err(RunError::Failed(failure)) => {
                assert!(!failure.message.is_empty(), "a cause in words: {failure:?}");
                Err(failure.cause)
            }
            Err(other) => panic!("nothing was asked of the store: {other:?}"),
        }
    }

    fn check(&self, answer: &Answer) {
        let limits = self.settings.limits.limits();
        assert!((200..600).contains(&answer.status.as_u16()), "{answer:?}");
        assert!(answer.body.len() <= limits.answer_bytes && answer.headers.len() <= limits.answer_headers);
        for (name, value) in &answer.headers {
            assert!(value.len() <= limits.answer_header_bytes, "{name}");
            let hosts = ["content-length", "connection", "transfer-encoding", "set-cookie", "x-request-id"];
            assert!(!hosts.contains(&name.as_str()), "{name} is the host's");
        }
    }
}

impl Default for Answers {
    fn default() -> Self {
        Self::new()
    }
}
