//! Builds what the binary carries: the standard rules for `wasm32-wasip2`, however cargo was called, the page of `/docs`, and the projects of
//! `rules new`.
#![expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]

#[path = "build/templates.rs"]
mod templates;

use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

fn main() -> anyhow::Result<()> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    rules(&workspace, &out)?;
    templates::write(&workspace, &out)?;
    docs(&out)
}

fn rules(workspace: &Path, out: &Path) -> anyhow::Result<()> {
    // Not all of `guest`: tools of other languages put thousands of files there.
    for input in ["guest/standard", "guest/sdk", "wit", "Cargo.lock", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }
    // OUT_DIR is <target>/<profile>/build/<package>/out. A folder of their own beside the profiles': cargo holds a lock on
    // <target> while it runs this, and one for all so that tests, lints and builds make the rules once.
    let target = out.ancestors().nth(4).context("OUT_DIR is not where cargo puts it")?.join("guest");
    let status = Command::new(std::env::var("CARGO")?)
        .args(["build", "--locked", "--profile", "guest", "--target", "wasm32-wasip2", "--package", "standard-rules"])
        .arg("--manifest-path")
        .arg(workspace.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        // What clippy and coverage tools set for the host is not for the guest.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTFLAGS")
        .status()?;
    if !status.success() {
        anyhow::bail!("the standard rules did not build; is the target there? (rustup target add wasm32-wasip2)");
    }
    let component = target.join("wasm32-wasip2/guest/standard_rules.wasm");
    println!("cargo::rustc-env=STANDARD_RULES_COMPONENT={}", component.display());
    Ok(())
}

/// The release of Swagger UI that the pinned crate has.
const RENDERER: &str = "5.32.6";

/// One page, with the renderer in it; compressed; and the policy that lets its scripts run and no other.
fn docs(out: &Path) -> anyhow::Result<()> {
    println!("cargo::rerun-if-changed=docs");
    let mut archive = zip::ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    let mut part = |name: &str| -> anyhow::Result<String> {
        let path = format!("swagger-ui-{RENDERER}/dist/{name}");
        let mut text = String::new();
        archive.by_name(&path)?.read_to_string(&mut text)?;
        Ok(text)
    };
    // What would end the script's element, or hide its end, is only ever inside strings, where this says the same.
    let script = |text: String| {
        text.replace("</script", "\\x3c/script").replace("<script", "\\x3cscript").replace("<!--", "\\x3c!--")
    };
    let renderer = script(part("swagger-ui-bundle.js")?);
    let style = part("swagger-ui.css")?;
    anyhow::ensure!(!style.contains("</style"), "the renderer's style would end its element");
    let start = script(fs::read_to_string("docs/start.js")?);
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    // The renderer sets style attributes, which have no hashes.
    let policy = format!(
        "default-src 'none'; script-src {} {}; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(&renderer),
        hash(&start)
    );
    let page = fs::read_to_string("docs/page.html")?;
    let page = page.replace("{{style}}", &style).replace("{{start}}", &start).replace("{{renderer}}", &renderer);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(page.as_bytes())?;
    let etag = BASE64_STANDARD.encode(&Sha256::digest(&page)[..12]);
    fs::write(out.join("docs.html"), page)?;
    fs::write(out.join("docs.html.gz"), gzip.finish()?)?;
    fs::write(out.join("docs.policy"), policy)?;
    fs::write(out.join("docs.etag"), etag)?;
    Ok(())
}
