//! `boxoffice rules check FILE`

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use serde_json::{Value, json};

use super::tell;
use super::terminal::{spinner, table};
use crate::config::Check;
use crate::wasm::{Artifact, Engine, Import, LoadError, LoadRefusal, Loader, Manifest, Module};

/// Loads the module as the host would, and says what it is, or why the host would not.
pub(super) async fn check(settings: &Check) -> ExitCode {
    let spinner = spinner("compiling and checking");
    let loaded = load(settings).await;
    if let Some(spinner) = spinner {
        spinner.finish_and_clear();
    }
    let told = match (&loaded, settings.json) {
        (Ok(module), true) => tell(&accepted(module).to_string()),
        (Ok(module), false) => tell(&report(module)),
        (Err(error), true) => tell(&refused(error).to_string()),
        (Err(error), false) => {
            let (file, name, advice) = (settings.file.display(), error.refusal.name(), error.refusal.advice());
            eprintln!("boxoffice: {file}: refused: {name}: {error}\n  what to do: {advice}");
            Ok(())
        }
    };
    // Whoever closed stdout does not want to know.
    if loaded.is_ok() && told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn load(settings: &Check) -> Result<Module, LoadError> {
    let engine = Engine::new(settings.limits.limits()).map_err(|error| {
        LoadError::new(LoadRefusal::Unavailable, format!("the sandbox cannot be set up: {error:#}"))
    })?;
    let trust = settings.trusting.trust();
    let trust = trust.map_err(|error| LoadError::new(LoadRefusal::Unavailable, format!("--rules-trust {error}")))?;
    let loader = Loader::new(Arc::new(engine), settings.compiling.compiler()).trusting(trust);
    loader.load(Artifact::read(&settings.file).await?).await
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

fn accepted(module: &Module) -> Value {
    let (manifest, loaded) = (&module.manifest, &module.loaded);
    let routes = manifest.routes.iter().map(|route| {
        json!({"id": route.id, "method": route.method.name(), "path": route.path, "access": route.access.name()})
    });
    let imports = loaded.imports.iter().map(|import| {
        json!({"interface": import.interface, "functions": import.functions, "inert": !import.is_of_the_contract()})
    });
    json!({
        "accepted": true,
        "name": manifest.name,
        "version": manifest.version,
        "summary": manifest.summary,
        "digest": module.digest.to_string(),
        "bytes": loaded.bytes,
        "code_bytes": loaded.code_bytes,
        "compile_ms": millis(loaded.compiled_in),
        "load_ms": millis(loaded.loaded_in),
        "cached": loaded.cached,
        "signed_by": loaded.signed_by,
        "routes": routes.collect::<Vec<_>>(),
        "imports": imports.collect::<Vec<_>>(),
    })
}

fn refused(error: &LoadError) -> Value {
    json!({
        "accepted": false,
        "refusal": error.refusal.name(),
        "message": error.message,
        "advice": error.refusal.advice(),
    })
}

fn report(module: &Module) -> String {
    let (manifest, loaded) = (&module.manifest, &module.loaded);
    let size = |bytes: usize| ByteSize(bytes as u64);
    let signed = loaded.signed_by.as_ref().map_or_else(String::new, |key| format!("  signed  by key {key}\n"));
    let origin = if loaded.cached { "from the cache" } else { "compiled" };
    let mut may = table();
    may.set_header(["interface", "functions"]);
    for import in loaded.imports.iter().filter(|import| import.is_of_the_contract()) {
        may.add_row([import.interface.clone(), import.functions.join(", ")]);
    }
    let inert: Vec<_> = loaded.imports.iter().filter(|import| !import.is_of_the_contract()).map(short).collect();
    let inert = if inert.is_empty() { "nothing".to_owned() } else { inert.join(", ") };
    format!(
        "{} {}: {}\n  digest  {}\n{signed}  size    {}, {} of native code\n  loaded  in {} ms, {} of them for the code, {origin}\n\n\
         {}\n\nIt may call, as far as the caller's role allows:\n{}\n\nOf WASI it imports, all inert: {inert}",
        manifest.name,
        manifest.version,
        manifest.summary,
        module.digest,
        size(loaded.bytes),
        size(loaded.code_bytes),
        millis(loaded.loaded_in),
        millis(loaded.compiled_in),
        routes(manifest),
        may.trim_fmt(),
    )
}

/// The routes of a module, as a table.
pub(super) fn routes(manifest: &Manifest) -> String {
    let mut routes = table();
    routes.set_header(["method", "path", "access", "route"]);
    for route in &manifest.routes {
        routes.add_row([route.method.name(), &route.path, route.access.name(), &route.id]);
    }
    routes.trim_fmt()
}

/// The interface without package and version: `cli/stdout`.
fn short(import: &Import) -> &str {
    let name = import.interface.split('@').next().unwrap_or_default();
    name.strip_prefix("wasi:").unwrap_or(name)
}
