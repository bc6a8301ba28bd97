//! What is loaded: a component's bytes, and where they come from.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, fstat, open};

use super::MAX_COMPONENT;
use crate::trust::Origin;
use crate::wasm::compiler::blocking;
use crate::wasm::failure::{LoadError, LoadRefusal};

/// A component that may become a module.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// The component.
    pub bytes: Vec<u8>,
    /// Who says that it is a good one.
    pub origin: Origin,
}

impl From<Vec<u8>> for Artifact {
    /// Without a signature.
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, origin: Origin::Unsigned }
    }
}

impl Artifact {
    /// A part of the program.
    #[must_use]
    pub fn built_in(bytes: Vec<u8>) -> Self {
        Self { bytes, origin: Origin::BuiltIn }
    }

    /// With the signature that came with it, if one did: the text of `MODULE.sig`.
    #[must_use]
    pub fn with_signature(bytes: Vec<u8>, signature: Option<Vec<u8>>) -> Self {
        Self { bytes, origin: Origin::with(signature) }
    }

    /// From a file, with the signature beside it, `FILE.sig`; or from stdin where the path is `-`, without one. No more of it is read than
    /// a module may have, and one byte.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn read(path: &Path) -> Result<Self, LoadError> {
        let path = path.to_owned();
        let read = blocking(move || {
            if path == Path::new("-") {
                return Ok(Self::from(read_from(std::io::stdin())?));
            }
            // Without blocking: somebody's named pipe would wait for a writer.
            let file = open(&path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?;
            if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
                return Err(std::io::Error::other("it is not a file; `-` reads from stdin"));
            }
            let bytes = read_from(File::from(file))?;
            Ok(Self { bytes, origin: Origin::of_file(&path) })
        })
        .await?;
        read.map_err(|error: std::io::Error| LoadError::new(LoadRefusal::Unavailable, error.to_string()))
    }

    /// The signature that came with it.
    #[must_use]
    pub fn signature(&self) -> Option<&[u8]> {
        if let Origin::Signed(text) = &self.origin { Some(text) } else { None }
    }
}

fn read_from(source: impl std::io::Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_COMPONENT as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
