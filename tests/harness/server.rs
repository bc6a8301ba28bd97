//! A server for one test.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use boxoffice::clock::{Clock, ManualClock, SystemClock};
use boxoffice::config::Serve;
use boxoffice::domain::{IdSource, Millis};
use boxoffice::store::sqlite::{SqliteOptions, violations};
use boxoffice::wasm::{CompilerProgram, Module};
use boxoffice::{Server, Setup, StartError, load_rules};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempDir};
use tokio::net::TcpListener;
use tokio::sync::OnceCell;

use crate::client::Call;
use crate::operator::TOKEN;

/// When every test begins: 2026-11-21T09:30:00.000Z.
pub const START: Millis = Millis(1_795_253_400_000);

/// The defaults of a server, for a process that is not the program: it names the tests' own compiler.
///
/// # Panics
/// Never: a process knows where it is.
#[must_use]
pub fn settings() -> Serve {
    let mut settings = Serve::defaults();
    let this = std::env::current_exe().expect("the path of this process");
    // Test binaries are in `deps`, beside which cargo puts the package's programs. Any other program of the package is its own
    // compiler: it calls `compile_if_asked` first.
    if let Some(folder) = this.parent().filter(|folder| folder.ends_with("deps")) {
        settings.compiling.program = CompilerProgram::at(folder.with_file_name("compiler"));
    }
    settings
}

/// Compiles a module, if that is what this process was started for; then `main` returns what this gives.
pub fn compile_if_asked() -> Option<ExitCode> {
    (std::env::args().nth(1)? == "compile-module").then(boxoffice::wasm::compile_module)
}

/// Where the module that misbehaves is.
#[must_use]
pub fn unruly_rules() -> &'static Path {
    Path::new(env!("UNRULY_RULES"))
}

/// The same module, with debug information that tells the lines of its code.
#[must_use]
pub fn unruly_rules_with_lines() -> &'static Path {
    Path::new(env!("UNRULY_RULES_WITH_LINES"))
}

/// Where the module is that uses exactly as much as it is asked to.
#[must_use]
pub fn exact_rules() -> &'static Path {
    Path::new(env!("EXACT_RULES"))
}

/// Where the module is that hands arguments to host functions as a request has them.
#[must_use]
pub fn forwarding_rules() -> &'static Path {
    Path::new(env!("FORWARDING_RULES"))
}

/// Where the standard rules with planted differences are; `tests/guests/altered` lists them.
#[must_use]
pub fn altered_rules() -> &'static Path {
    Path::new(env!("ALTERED_RULES"))
}

/// Where the module is that has another API over the same seats: `guest/bookings`.
#[must_use]
pub fn bookings_rules() -> &'static Path {
    Path::new(env!("BOOKINGS_RULES"))
}

/// Where the module is that lets members register first: `guest/early-access`.
#[must_use]
pub fn early_access_rules() -> &'static Path {
    Path::new(env!("EARLY_ACCESS_RULES"))
}

/// The standard rules with these faults; `tests/guests/broken` has them, and the program's tests what each must fail.
///
/// # Panics
/// If the names have no room in the module, or the module has none for them.
#[must_use]
pub fn broken_rules(faults: &[&str]) -> Vec<u8> {
    const MARK: &[u8] = b"boxoffice-fault:";
    const ROOM: usize = 128 - MARK.len();
    let mut module = std::fs::read(env!("BROKEN_RULES")).expect("the module is there");
    let places: Vec<_> = module.windows(MARK.len()).enumerate().filter(|(_, bytes)| *bytes == MARK).collect();
    let [(at, _)] = places[..] else { panic!("the module has {} places for names", places.len()) };
    let names = faults.join(",");
    assert!(names.len() <= ROOM, "too many faults for one module: {names}");
    let begin = at + MARK.len();
    module[begin..begin + ROOM].copy_from_slice(format!("{names:.<ROOM$}").as_bytes());
    module
}

/// Where the module is that answers with any bytes as if they were an answer.
#[must_use]
pub fn raw_rules() -> &'static Path {
    Path::new(env!("RAW_RULES"))
}

/// What a test wants of its server.
pub struct Builder {
    settings: Serve,
    store: SqliteOptions,
    own_rules: bool,
    real_time: bool,
    dir: Option<Arc<TempDir>>,
    kept: Vec<NamedTempFile>,
}

impl Builder {
    /// Changes settings.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Serve)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Changes the store's options.
    #[must_use]
    pub fn store(mut self, change: impl FnOnce(&mut SqliteOptions)) -> Self {
        change(&mut self.store);
        self
    }

    /// Serves the module that misbehaves, or another, in an engine of its own with the settings' limits.
    #[must_use]
    pub fn rules(mut self, path: &Path) -> Self {
        self.settings.rules = Some(path.to_owned());
        self.own_rules = true;
        self
    }

    /// Serves the standard rules in an engine of its own, which no other test uses.
    #[must_use]
    pub fn own_engine(mut self) -> Self {
        self.own_rules = true;
        self
    }

    /// Runs on the machine's clock.
    #[must_use]
    pub fn real_time(mut self) -> Self {
        self.real_time = true;
        self
    }

    /// Lets callers in by credentials: `jwt`, `keys`, or `jwt,keys`. Tokens need a key, too.
    ///
    /// # Panics
    /// If there is no such mode.
    #[must_use]
    pub fn auth(self, mode: &str) -> Self {
        self.with(|settings| settings.auth = mode.parse().expect("a mode"))
    }

    /// Tokens are checked with the key in a file of this content, which is the first that the server [keeps](TestServer::kept).
    #[must_use]
    pub fn jwt_key(mut self, content: &[u8]) -> Self {
        self.settings.jwt.jwt_key = Some(self.keep(content));
        self
    }

    /// Tokens are checked with these keys, in a file which is the first that the server [keeps](TestServer::kept).
    #[must_use]
    pub fn jwks(mut self, keys: &[Value]) -> Self {
        self.settings.jwt.jwks = Some(self.keep(json!({"keys": keys}).to_string().as_bytes()));
        self
    }

    /// There is an operator, with the token of every test's.
    #[must_use]
    pub fn operated(mut self) -> Self {
        self.settings.operating.admin_token_file = Some(self.keep(TOKEN.as_bytes()));
        self
    }

    /// Keeps a file as long as the server runs.
    fn keep(&mut self, content: &[u8]) -> PathBuf {
        let mut file = NamedTempFile::new().expect("a temporary file");
        file.write_all(content).expect("room for it");
        let path = file.path().to_owned();
        self.kept.push(file);
        path
    }

    /// Uses the database of a server that was stopped.
    #[must_use]
    pub fn database_of(mut self, dir: Arc<TempDir>) -> Self {
        self.dir = Some(dir);
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(self) -> TestServer {
        self.try_start().await.expect("the server starts")
    }

    /// Starts it, if it can be started like this.
    ///
    /// # Errors
    /// Why not.
    ///
    /// # Panics
    /// If there is no place for it.
    pub async fn try_start(self) -> Result<TestServer, StartError> {
        let dir = self.dir.unwrap_or_else(|| Arc::new(TempDir::new().expect("a temporary folder")));
        let mut settings = self.settings;
        settings.db = dir.path().join("events.db");
        let db = settings.db.clone();
        let manual = Arc::new(ManualClock::at(START));
        let clock: Arc<dyn Clock> = if self.real_time { Arc::new(SystemClock::start()) } else { manual.clone() };
        let module = if self.own_rules { None } else { Some(standard_rules().await) };
        let (listener, admin_listener) = (bind(), bind());
        let server = Server::start(Setup {
            settings,
            listener,
            admin_listener,
            clock,
            ids: IdSource::seeded(1),
            request_ids: IdSource::seeded(2),
            store: self.store,
            module,
        })
        .await?;
        Ok(TestServer { server: Some(server), clock: manual, dir, db, kept: self.kept })
    }
}

fn bind() -> TcpListener {
    boxoffice::bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port")
}

/// The standard rules, compiled once for all tests of the process.
async fn standard_rules() -> Arc<Module> {
    static RULES: OnceCell<Arc<Module>> = OnceCell::const_new();
    let load = || async { Arc::new(load_rules(&settings()).await.expect("the standard rules load")) };
    RULES.get_or_init(load).await.clone()
}

/// A running server, its clock and its database.
pub struct TestServer {
    server: Option<Server>,
    /// Stands still until a test moves it (unless the server runs in real time).
    pub clock: Arc<ManualClock>,
    dir: Arc<TempDir>,
    db: PathBuf,
    kept: Vec<NamedTempFile>,
}

impl TestServer {
    /// A server with the defaults.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// A server that is to be different.
    #[must_use]
    pub fn builder() -> Builder {
        let mut settings = settings();
        // Tests sweep when they want to.
        settings.sweep_interval = Duration::from_hours(1);
        Builder {
            settings,
            store: SqliteOptions::default(),
            own_rules: false,
            real_time: false,
            dir: None,
            kept: Vec::new(),
        }
    }

    /// The server itself.
    ///
    /// # Panics
    /// After [`TestServer::stop`].
    #[must_use]
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("the server runs")
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server().address()
    }

    /// Where the operator's surface listens.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.server().admin_address()
    }

    /// The files that were made for it, in the order in which they were asked for.
    #[must_use]
    pub fn kept(&self) -> &[NamedTempFile] {
        &self.kept
    }

    /// The path of the database.
    #[must_use]
    pub fn db(&self) -> &Path {
        &self.db
    }

    /// A `GET`, to be completed and sent.
    #[must_use]
    pub fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    /// A `POST`, to be completed and sent.
    #[must_use]
    pub fn post(&self, path: &str) -> Call {
        self.call("POST", path)
    }

    /// Any request, to be completed and sent.
    #[must_use]
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(self.address(), method, path)
    }

    /// What the operator's surface says at `/metrics`.
    pub async fn metrics(&self) -> String {
        Call::new(self.admin_address(), "GET", "/metrics").send().await.text
    }

    /// An event of `capacity` seats; gives its id.
    ///
    /// # Panics
    /// If it is not created.
    pub async fn event(&self, capacity: u32) -> String {
        let event = serde_json::json!({"name": "An event", "capacity": capacity});
        let answer = self.post("/events").role("organizer").json(&event).send().await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.body["id"].as_str().expect("an id").to_owned()
    }

    /// A registration of `email` for `event`, to be completed and sent.
    #[must_use]
    pub fn register(&self, event: &str, email: &str) -> Call {
        let body = serde_json::json!({"email": email});
        self.post(&format!("/events/{event}/register")).role("user").json(&body)
    }

    /// A hold of `email`; gives the ticket's id.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn hold(&self, event: &str, email: &str) -> String {
        let answer = self.register(event, email).send().await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.body["id"].as_str().expect("an id").to_owned()
    }

    /// Seats that the API says are available.
    ///
    /// # Panics
    /// If it says nothing.
    pub async fn available(&self, event: &str) -> u64 {
        let answer = self.get(&format!("/events/{event}/availability")).send().await;
        answer.body["available"].as_u64().expect("a number")
    }

    /// Stops it in an orderly way; its database can be used again.
    ///
    /// # Panics
    /// If it was stopped before.
    pub async fn stop(mut self) -> Arc<TempDir> {
        self.server.take().expect("the server runs").stop().await;
        Arc::clone(&self.dir)
    }

    /// Stops it and starts it again on the same database, the clock where it was.
    pub async fn restart(self) -> Self {
        let now = self.clock.now();
        let dir = self.stop().await;
        let again = Self::builder().database_of(dir).start().await;
        again.clock.set(now);
        again
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&self.db, flags).expect("the database can be read");
        let violations = violations(&db).expect("the invariants can be read");
        assert!(violations.is_empty(), "invariants do not hold: {violations:?}");
    }
}
