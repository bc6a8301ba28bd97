//! `boxoffice rules keygen FILE` and `boxoffice rules sign --key FILE MODULE`

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use rustix::fs::{Mode, OFlags, open};
use serde_json::{Value, json};

use super::tell;
use crate::config::{Keygen, Sign};
use crate::trust::{KeyName, make_keys, read_private_key, sign, signature_path};
use crate::wasm::{Digest, read_module};

/// Makes a key.
pub(super) fn keygen(settings: &Keygen) -> ExitCode {
    let made = make_keys(&settings.file).map(|(name, public)| {
        let (private, public) = (settings.file.display(), public.display());
        let what = format!("key {name}\n  {private}: sign with it (rules sign --key), and show it to nobody\n  {public}: who trusts it names it (--rules-trust)");
        (what, json!({"key": name.as_str(), "private": private.to_string(), "public": public.to_string()}))
    });
    end(made, settings.json)
}

/// Signs a module.
pub(super) async fn sign_module(settings: &Sign) -> ExitCode {
    end(signed(settings).await, settings.json)
}

async fn signed(settings: &Sign) -> Result<(String, Value), String> {
    let module = &settings.module;
    if module == Path::new("-") {
        return Err("name the module's file: its signature is put beside it".into());
    }
    let key = read_private_key(&settings.key).map_err(|error| format!("--key {error}"))?;
    let bytes = read_module(module).await.map_err(|error| format!("{}: {error}", module.display()))?;
    let path = signature_path(module);
    replace(&path, sign(&key, &bytes).as_bytes()).map_err(|error| format!("{}: {error}", path.display()))?;
    let (name, digest) = (KeyName::of(&key.verifying_key()), Digest::of(&bytes));
    let what = format!("{}: by key {name}, of the module {digest}", path.display());
    let json = json!({"signature": path.display().to_string(), "key": name.as_str(), "digest": digest.to_string()});
    Ok((what, json))
}

/// Puts a file with this content in the place of the one before, whole or not at all.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{:016x}.tmp", rand::random::<u64>()));
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(open(&temporary, flags, Mode::from_raw_mode(0o644))?);
    let written =
        file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // It is of no use to anybody; if it cannot be removed either, the error says enough.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// Tells what came of it: to people, or in JSON.
fn end(done: Result<(String, Value), impl Display>, as_json: bool) -> ExitCode {
    let told = match done {
        Ok((_, json)) if as_json => tell(&json.to_string()),
        Ok((what, _)) => tell(&what),
        Err(error) => {
            eprintln!("boxoffice: {error}");
            return ExitCode::FAILURE;
        }
    };
    // Whoever closed stdout does not want to know.
    if told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
