//! A whole host in a folder that goes with it: what a module is tried in before anybody relies on it.
//!
//! The real server, the real store and the real sandbox, on free ports of loopback, with whoever started it looking at every request.

use std::net::Ipv4Addr;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::bind;
use crate::clock::Clock;
use crate::config::Serve;
use crate::domain::IdSource;
use crate::seen::Observer;
use crate::server::{Server, Setup, StartError};
use crate::store::sqlite::SqliteOptions;
use crate::wasm::Module;

/// What a throw-away host is made of.
pub(crate) struct ThrowawaySetup {
    /// Limits and the like. The database and the modules are put into the throw-away folder, and its addresses are not used.
    pub(crate) settings: Serve,
    /// Listens for clients; `None`: on a free port of loopback.
    pub(crate) listener: Option<TcpListener>,
    /// Tells the time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where ids come from: those of the store, of requests, and the guests' randomness.
    pub(crate) ids: [IdSource; 2],
    /// Serves if the settings name no file.
    pub(crate) module: Option<Arc<Module>>,
    /// Looks at every request.
    pub(crate) observer: Arc<dyn Observer>,
}

/// A running one. Its folder goes when this does.
pub(crate) struct Throwaway {
    pub(crate) server: Server,
    folder: TempDir,
}

impl Throwaway {
    /// Makes the folder, and starts the server in it.
    ///
    /// # Errors
    /// What a server can fail with; no folder can be made.
    pub(crate) async fn start(setup: ThrowawaySetup) -> Result<Self, StartError> {
        let ThrowawaySetup { mut settings, listener, clock, ids: [ids, request_ids], module, observer } = setup;
        let folder = tempfile::Builder::new().prefix("boxoffice-").tempdir()?;
        settings.db = folder.path().join("events.db");
        settings.operating.modules_dir = None;
        let free = || bind((Ipv4Addr::LOCALHOST, 0).into());
        let listener = listener.map_or_else(free, Ok)?;
        let setup = Setup {
            settings,
            listener,
            admin_listener: free()?,
            clock,
            ids,
            request_ids,
            store: SqliteOptions::default(),
            module,
        };
        let server = Server::start_observed(setup, Some(observer)).await?;
        Ok(Self { server, folder })
    }

    /// Ends the server as a signal would, and removes the folder.
    pub(crate) async fn stop(self) {
        self.server.stop().await;
        if let Err(error) = self.folder.close() {
            tracing::warn!("the folder of the throw-away host is left: {error}");
        }
    }
}
