//! Builds the modules that only the tests have.
#![expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    for input in ["guests", "../wit", "../Cargo.lock", "../Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", tests.join(input).display());
    }
    // As in host/build.rs: beside the profiles' folders, on which cargo holds a lock while it runs this.
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let target = out.ancestors().nth(4).ok_or("OUT_DIR is not where cargo puts it")?.join("guest");
    let status = Command::new(std::env::var("CARGO")?)
        .args(["build", "--locked", "--profile", "guest", "--target", "wasm32-wasip2", "--package", "unruly-rules"])
        .arg("--manifest-path")
        .arg(tests.join("../Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTFLAGS")
        .status()?;
    if !status.success() {
        return Err("the tests' modules did not build; is the target there? (rustup target add wasm32-wasip2)".into());
    }
    let component = target.join("wasm32-wasip2/guest/unruly_rules.wasm");
    println!("cargo::rustc-env=UNRULY_RULES={}", component.display());
    Ok(())
}
