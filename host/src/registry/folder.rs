//! Where modules and the deployment are kept: a folder beside the database.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::deployment::Deployment;
use crate::wasm::Digest;

/// The file of the deployment.
const DEPLOYMENT: &str = "deployment.json";

/// The folder. It is made when there is something to keep.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The deployment that was kept; the default where none was.
    pub(super) fn deployment(&self) -> Result<Deployment, String> {
        let path = self.path.join(DEPLOYMENT);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Deployment::default()),
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        let read = serde_json::from_slice::<Deployment>(&text).map_err(|error| error.to_string());
        let sound = read.and_then(|deployment| deployment.is_sound().map(|()| deployment));
        sound.map_err(|why| format!("{} is not a deployment: {why}", path.display()))
    }

    /// Keeps the deployment: as a whole, or not at all.
    pub(super) fn keep_deployment(&self, deployment: &Deployment) -> std::io::Result<()> {
        self.write(DEPLOYMENT, &serde_json::to_vec_pretty(deployment)?)
    }

    /// Keeps a module and its signature.
    pub(super) fn keep_module(&self, digest: Digest, bytes: &[u8], signature: Option<&[u8]>) -> std::io::Result<()> {
        if let Some(signature) = signature {
            self.write(&format!("{digest}.sig"), signature)?;
        }
        self.write(&format!("{digest}.wasm"), bytes)
    }

    /// A module and its signature, as they were kept.
    pub(super) fn module(&self, digest: Digest) -> std::io::Result<(Vec<u8>, Option<Vec<u8>>)> {
        let bytes = fs::read(self.path.join(format!("{digest}.wasm")))?;
        Ok((bytes, fs::read(self.path.join(format!("{digest}.sig"))).ok()))
    }

    /// Removes a module. What cannot be removed is in nobody's way.
    pub(super) fn remove_module(&self, digest: Digest) {
        let _ = fs::remove_file(self.path.join(format!("{digest}.wasm")));
        let _ = fs::remove_file(self.path.join(format!("{digest}.sig")));
    }

    fn write(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        fs::create_dir_all(&self.path)?;
        let temporary = self.path.join(format!("{name}.tmp"));
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, self.path.join(name))?;
        File::open(&self.path)?.sync_all()
    }
}
