//! Native code that was compiled before, in a private folder.
//!
//! Invariant: only what this user's host wrote is ever given back; see [`crate::private_folder`]. The hash in an entry finds what the
//! disk has done to it, and an entry under another's name.

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::process::MAX_CODE;
use crate::private_folder::{Bounds, Durability, Others, PrivateFolder, Unusable};
use crate::wasm::engine::Engine;
use crate::wasm::module::Digest;

/// Begins an entry; another version of the form has another.
const MAGIC: &[u8; 16] = b"boxoffice cwasm1";
/// Bytes before the code: the magic, and SHA-256 of name and code.
const HEADER: usize = 16 + 32;
/// The last versions of a few modules.
const BOUNDS: Bounds = Bounds { files: 16, bytes: 1024 * 1024 * 1024 };

/// The folder. It is made when there is something to keep.
#[derive(Debug, Clone)]
pub struct Cache {
    path: PathBuf,
}

/// Names an entry: the module, and everything of the engine that decides about its code.
pub(super) struct Key(String);

impl Key {
    pub(super) fn of(digest: Digest, engine: &Engine) -> Self {
        let mut hasher = Sha256Hasher(Sha256::new());
        engine.inner.precompile_compatibility_hash().hash(&mut hasher);
        Self(format!("{digest}-{:016x}.cwasm", hasher.finish()))
    }
}

/// So that the name is the same in every process; the standard library promises that of no hasher.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let hash: [u8; 32] = self.0.clone().finalize().into();
        hash.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
    }
}

impl Cache {
    /// In this folder.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The code under this name, if there is any that can be trusted. What cannot be is told, removed, and made anew.
    pub(super) fn read(&self, key: &Key) -> Option<Vec<u8>> {
        let folder = match self.folder() {
            Ok(folder) => folder,
            Err(why) if why.is_missing() => return None,
            Err(why) => {
                self.warn(&why);
                return None;
            }
        };
        match read_entry(&folder, &key.0) {
            Ok(code) => code,
            Err(why) => {
                self.forget_in(&folder, key, &why.to_string());
                None
            }
        }
    }

    /// Removes an entry that turned out to be of no use.
    pub(super) fn forget(&self, key: &Key, why: &str) {
        if let Ok(folder) = self.folder() {
            self.forget_in(&folder, key, why);
        }
    }

    /// Counts entries as used now, so that others make room before them. Blocks.
    pub(super) fn touch(&self, keys: &[Key]) {
        if let Ok(folder) = self.folder() {
            for key in keys {
                folder.touch(&key.0);
            }
        }
    }

    fn forget_in(&self, folder: &PrivateFolder, key: &Key, why: &str) {
        tracing::warn!(folder = %self.path.display(), entry = key.0, "a compiled module is not used and made anew: {why}");
        // If it cannot be removed it is refused again, and overwritten.
        let _ = folder.remove(&key.0, Durability::Lazy);
    }

    /// Keeps code under this name. A failure costs the next start some time, and no more.
    pub(super) fn store(&self, key: &Key, code: &[u8]) {
        let stored = PrivateFolder::make(&self.path, Others::MayLook).and_then(|folder| {
            // Without a sync: what a crash leaves unwritten, the hash finds.
            folder.write(&key.0, &[MAGIC, &hash_of(&key.0, code), code], Durability::Lazy)?;
            folder.prune(is_entry, BOUNDS, &key.0)
        });
        if let Err(why) = stored {
            self.warn(&why);
        }
    }

    fn warn(&self, why: &Unusable) {
        tracing::warn!(
            "the cache folder {} is not used, so modules are compiled at each start: {why}; see --cache-dir",
            self.path.display()
        );
    }

    fn folder(&self) -> Result<PrivateFolder, Unusable> {
        PrivateFolder::open(&self.path, Others::MayLook)
    }
}

fn read_entry(folder: &PrivateFolder, name: &str) -> Result<Option<Vec<u8>>, Unusable> {
    let Some(mut bytes) = folder.read(name, (HEADER + MAX_CODE) as u64)? else { return Ok(None) };
    let Some((magic, rest)) = bytes.split_first_chunk::<16>() else { return Err(corrupt("it is too short")) };
    let Some((hash, code)) = rest.split_first_chunk::<32>() else { return Err(corrupt("it is too short")) };
    if magic != MAGIC || *hash != hash_of(name, code) {
        return Err(corrupt("its content is not what was written"));
    }
    folder.touch(name);
    bytes.drain(..HEADER);
    Ok(Some(bytes))
}

fn corrupt(what: &str) -> Unusable {
    Unusable::Refused(what.to_owned())
}

/// Of the name too: an entry that was renamed is not the code of the module in its new name.
fn hash_of(name: &str, code: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(name).chain_update([0]).chain_update(code).finalize().into()
}

fn is_entry(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == "cwasm")
}
