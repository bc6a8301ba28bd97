//! Files with keys: read with care, and written so that nobody else reads them and none is ever lost.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, KeypairBytes,
};
use ed25519_dalek::{SigningKey, VerifyingKey};
use rand::TryRng as _;
use rand::rngs::SysRng;
use rustix::fs::OFlags;
use rustix::process::geteuid;

use super::KeyName;

/// Most bytes of a key's file: PEM of 120 bytes, and comments before it.
const MAX_KEY: u64 = 16 * 1024;
/// Bits of a mode that let others do anything.
const OTHERS: u32 = 0o077;
/// How the two halves of a key begin.
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----";
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----";

/// Why a key cannot be used: the file and what to do, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyError {
    file: PathBuf,
    why: String,
}

impl KeyError {
    pub(super) fn new(file: &Path, why: impl Into<String>) -> Self {
        Self { file: file.to_owned(), why: why.into() }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.file.display(), self.why)
    }
}

impl std::error::Error for KeyError {}

/// Why a small file was not read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// There is none.
    Missing,
    /// It is a folder, a pipe, a device.
    NotAFile,
    /// It has more than this many bytes.
    TooLarge(u64),
    Io(io::Error),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such file"),
            Self::NotAFile => f.write_str("it is not a file"),
            Self::TooLarge(most) => write!(f, "it has more than {most} bytes"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::NotFound { Self::Missing } else { Self::Io(error) }
    }
}

/// Opens a file for reading, if it is one: without waiting for whoever might write into a pipe.
fn open(path: &Path) -> Result<File, Unreadable> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(Unreadable::NotAFile) }
}

/// Whether others than its owner may read a file, or change it.
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

/// All of a file of at most `most` bytes.
pub(crate) fn read_small(path: &Path, most: u64) -> Result<Vec<u8>, Unreadable> {
    read_open(open(path)?, most)
}

fn read_open(file: File, most: u64) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(Unreadable::TooLarge(most)) } else { Ok(bytes) }
}

/// The public key in this file: what `--rules-trust` names.
///
/// # Errors
/// What the file has instead, and what to do.
pub fn read_public_key(path: &Path) -> Result<VerifyingKey, KeyError> {
    let refuse = |why: &str| KeyError::new(path, why);
    let bytes = read_small(path, MAX_KEY).map_err(|why| KeyError::new(path, format!("cannot be read: {why}")))?;
    let text = String::from_utf8_lossy(&bytes);
    if text.contains(PRIVATE) {
        return Err(refuse("has a private key: name its public half, FILE.pub, and keep this one to yourself"));
    }
    let Some(begin) = text.find(PUBLIC) else {
        return Err(refuse("has no public key in PEM: name a file that `boxoffice rules keygen` has made, FILE.pub"));
    };
    let key = VerifyingKey::from_public_key_pem(&text[begin..])
        .map_err(|error| KeyError::new(path, format!("has no Ed25519 public key: {error}")))?;
    if key.is_weak() { Err(refuse("has a weak key, under which anybody can sign: make another one")) } else { Ok(key) }
}

/// The private key in this file, if nobody else can read it.
///
/// # Errors
/// What is wrong with the file, and what to do.
pub fn read_private_key(path: &Path) -> Result<SigningKey, KeyError> {
    let unreadable = |why: Unreadable| KeyError::new(path, format!("cannot be read: {why}"));
    let file = open(path).map_err(unreadable)?;
    // Of the open file: what is checked is what is read.
    let metadata = file.metadata().map_err(|error| unreadable(error.into()))?;
    let (user, mode) = (geteuid().as_raw(), metadata.mode() & 0o7777);
    if metadata.uid() != user {
        return Err(KeyError::new(
            path,
            format!("belongs to user {}, and this is user {user}: make it yours", metadata.uid()),
        ));
    }
    if mode & OTHERS != 0 {
        let why = format!(
            "can be read or changed by others (its mode is {mode:o}): chmod 600 it, and if others have read it, make a new key"
        );
        return Err(KeyError::new(path, why));
    }
    let bytes = read_open(file, MAX_KEY).map_err(unreadable)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let Some(begin) = text.find(PRIVATE) else {
        let why =
            if text.contains(PUBLIC) { "has a public key: name the private one" } else { "has no private key in PEM" };
        return Err(KeyError::new(path, format!("{why}; `boxoffice rules keygen` makes one")));
    };
    SigningKey::from_pkcs8_pem(&text[begin..])
        .map_err(|error| KeyError::new(path, format!("has no Ed25519 private key: {error}")))
}

/// Makes a key: the private half in `path`, for its owner alone, and the public one in `path.pub`. Neither file may be there: a key that is
/// overwritten is lost.
///
/// # Errors
/// A file is there or cannot be written. Then nothing is left behind.
pub fn make_keys(path: &Path) -> Result<(KeyName, PathBuf), KeyError> {
    let mut public_path = path.as_os_str().to_owned();
    public_path.push(".pub");
    let public_path = PathBuf::from(public_path);
    let mut pair = KeypairBytes { secret_key: [0; 32], public_key: None };
    let no_random = |error| KeyError::new(path, format!("was not made, the system gives no random numbers: {error}"));
    SysRng.try_fill_bytes(&mut pair.secret_key).map_err(no_random)?;
    let key = SigningKey::from_bytes(&pair.secret_key).verifying_key();
    let form = |error: &dyn fmt::Display| KeyError::new(path, format!("was not made: {error}"));
    // Without its public half, as RFC 8410 has it first: some tools do not read the other form.
    let private = pair.to_pkcs8_pem(LineEnding::LF).map_err(|error| form(&error))?;
    let public = key.to_public_key_pem(LineEnding::LF).map_err(|error| form(&error))?;
    write_new(path, private.as_bytes(), 0o600)?;
    if let Err(error) = write_new(&public_path, public.as_bytes(), 0o644) {
        // It was made a moment ago, by this function and for nothing.
        let _ = std::fs::remove_file(path);
        return Err(error);
    }
    Ok((KeyName::of(&key), public_path))
}

fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), KeyError> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(|error| {
        let why = match error.kind() {
            ErrorKind::AlreadyExists => {
                "is there already, and keys are never overwritten: name another file".to_owned()
            }
            _ => format!("cannot be made: {error}"),
        };
        KeyError::new(path, why)
    })?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    written.map_err(|error| {
        let _ = std::fs::remove_file(path);
        KeyError::new(path, format!("cannot be written: {error}"))
    })
}
