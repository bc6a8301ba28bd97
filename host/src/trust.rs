//! Whose modules are served: Ed25519 signatures (RFC 8032) over a module's bytes, and the keys that are trusted.
//!
//! A signature is one line of base64 in a file beside the module, `MODULE.sig`. Keys are PEM (RFC 8410), so other tools read them and can
//! make and check the same signatures. Invariant: where keys are named, nothing of a module that none of them has signed is compiled,
//! looked up in a cache, or run; the rules that are part of the program need no signature.

mod keys;

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::EncodePublicKey as _;
use ed25519_dalek::{SIGNATURE_LENGTH, Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

pub use keys::{KeyError, make_keys, read_private_key, read_public_key};
pub(crate) use keys::{is_open_to_others, read_small};

/// Most keys that are trusted: a module of 64 MiB is hashed once for each, in some 0.2 s.
pub const MAX_KEYS: usize = 16;
/// Most bytes of a signature's file: a line of 88 characters, and room for how an editor ends it.
pub const MAX_SIGNATURE: u64 = 256;
/// Digits of a key's name: 64 bits, so that nobody makes another key of the same name by chance.
const NAME_DIGITS: usize = 16;

/// Names a key: the first 16 hexadecimal digits of the SHA-256 of its public half, as DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName(String);

impl KeyName {
    /// Of this key.
    #[must_use]
    pub fn of(key: &VerifyingKey) -> Self {
        // 44 bytes of fixed form: that cannot fail. If it did, the raw key would name it as well.
        let der = key.to_public_key_der().map_or_else(|_| key.as_bytes().to_vec(), |der| der.as_bytes().to_vec());
        let digits = Sha256::digest(der).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        Self(digits.chars().take(NAME_DIGITS).collect())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a module is not trusted, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Untrusted {
    /// It has no signature.
    Unsigned(String),
    /// It has one that does not fit.
    Wrong(String),
}

/// Where a module comes from, as far as anybody says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is part of the program.
    BuiltIn,
    /// Nobody says so.
    Unsigned,
    /// It came with this signature, which nobody has looked at.
    Signed(Vec<u8>),
    /// There is a signature that cannot be read, and why.
    Unreadable(String),
}

impl Origin {
    /// Of a signature that was kept or sent, or none.
    #[must_use]
    pub fn with(signature: Option<Vec<u8>>) -> Self {
        signature.map_or(Self::Unsigned, Self::Signed)
    }

    /// Of a module in a file: its signature is beside it, in `MODULE.sig`. Blocks.
    #[must_use]
    pub fn of_file(module: &Path) -> Self {
        let path = signature_path(module);
        match keys::read_small(&path, MAX_SIGNATURE) {
            Ok(text) => Self::Signed(text),
            Err(keys::Unreadable::Missing) => Self::Unsigned,
            Err(other) => Self::Unreadable(format!("{}: {other}", path.display())),
        }
    }
}

/// The keys whose signatures count. None: modules are taken without a signature, as nobody is distrusted.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    keys: Vec<(KeyName, VerifyingKey)>,
}

impl Trust {
    /// In these keys.
    #[must_use]
    pub fn in_keys(keys: impl IntoIterator<Item = VerifyingKey>) -> Self {
        Self { keys: keys.into_iter().map(|key| (KeyName::of(&key), key)).collect() }
    }

    /// In the keys of these files.
    ///
    /// # Errors
    /// The first file that has no public key, and what it has instead; or there are too many.
    pub fn read(files: &[PathBuf]) -> Result<Self, KeyError> {
        if let Some(file) = files.get(MAX_KEYS) {
            return Err(KeyError::new(file, format!("is one key too many: at most {MAX_KEYS} are trusted")));
        }
        files.iter().map(|file| read_public_key(file)).collect::<Result<Vec<_>, _>>().map(Self::in_keys)
    }

    /// Whether modules need a signature.
    #[must_use]
    pub fn is_asked_for(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The key that has signed these bytes; `None` where nobody asks for one. Takes some 2 ms for each megabyte and key.
    ///
    /// # Errors
    /// Why this is not trusted.
    pub fn verify(&self, bytes: &[u8], origin: &Origin) -> Result<Option<KeyName>, Untrusted> {
        if !self.is_asked_for() || *origin == Origin::BuiltIn {
            return Ok(None);
        }
        let text = match origin {
            Origin::Signed(text) => text,
            Origin::Unreadable(why) => return Err(Untrusted::Wrong(format!("its signature cannot be read: {why}"))),
            Origin::Unsigned | Origin::BuiltIn => {
                return Err(Untrusted::Unsigned("the module has no signature, and --rules-trust asks for one".into()));
            }
        };
        let Some(signature) = parse(text).filter(|_| text.len() as u64 <= MAX_SIGNATURE) else {
            let what = format!("its signature is not one line of base64 for {SIGNATURE_LENGTH} bytes");
            return Err(Untrusted::Wrong(what));
        };
        // The strict form: with keys that fit several messages, or signatures that have several forms, nobody could say who has signed.
        let fits = self.keys.iter().find(|(_, key)| key.verify_strict(bytes, &signature).is_ok());
        fits.map(|(name, _)| Some(name.clone())).ok_or_else(|| {
            let names: Vec<_> = self.keys.iter().map(|(name, _)| name.as_str()).collect();
            Untrusted::Wrong(format!("its signature is not one of these bytes by a trusted key ({})", names.join(", ")))
        })
    }
}

/// Signs a module: the content of its signature file.
#[must_use]
pub fn sign(key: &SigningKey, module: &[u8]) -> String {
    format!("{}\n", STANDARD.encode(key.sign(module).to_bytes()))
}

/// Where the signature of a module's file is: `MODULE.sig`.
#[must_use]
pub fn signature_path(module: &Path) -> PathBuf {
    let mut name = module.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// Whether this has the form of a signature: one line of base64 for 64 bytes. Whose it is, is another question.
#[must_use]
pub fn is_signature(text: &[u8]) -> bool {
    text.len() as u64 <= MAX_SIGNATURE && parse(text).is_some()
}

fn parse(text: &[u8]) -> Option<Signature> {
    let bytes = STANDARD.decode(text.trim_ascii()).ok()?;
    Signature::from_slice(&bytes).ok()
}
