//! Builds the standard rules for `wasm32-wasip2`, so that they can be built into the binary, however cargo was called.
#![expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for input in ["guest", "wit", "Cargo.lock", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
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
