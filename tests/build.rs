//! Builds the modules that only the tests have.
#![expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Packages (the modules that only the tests have, and those that the program does not carry), and the variables that tell the harness where their components are.
const MODULES: [(&str, &str); 8] = [
    ("unruly-rules", "UNRULY_RULES"),
    ("exact-rules", "EXACT_RULES"),
    ("raw-rules", "RAW_RULES"),
    ("forwarding-rules", "FORWARDING_RULES"),
    ("altered-rules", "ALTERED_RULES"),
    ("bookings", "BOOKINGS_RULES"),
    ("early-access", "EARLY_ACCESS_RULES"),
    ("broken-rules", "BROKEN_RULES"),
];

/// The same, of modules that are built with the lines of their code.
const WITH_LINES: [(&str, &str); 1] = [("unruly-rules", "UNRULY_RULES_WITH_LINES")];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    for input in ["guests", "../guest", "../wit", "../Cargo.lock", "../Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", tests.join(input).display());
    }
    // As in host/build.rs: beside the profiles' folders, on which cargo holds a lock while it runs this. Not the folder of that, so that
    // neither waits for the other.
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let target = out.ancestors().nth(4).ok_or("OUT_DIR is not where cargo puts it")?.join("guest-tests");
    build(&target, "guest", &MODULES)?;
    build(&target, "guest-lines", &WITH_LINES)
}

/// Builds these modules, and tells the harness where they are.
fn build(target: &Path, profile: &str, modules: &[(&str, &str)]) -> Result<(), Box<dyn std::error::Error>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let status = Command::new(std::env::var("CARGO")?)
        .args(["build", "--locked", "--profile", profile, "--target", "wasm32-wasip2"])
        .args(modules.iter().flat_map(|(package, _)| ["--package", package]))
        .arg("--manifest-path")
        .arg(tests.join("../Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTFLAGS")
        .status()?;
    if !status.success() {
        return Err("the tests' modules did not build; is the target there? (rustup target add wasm32-wasip2)".into());
    }
    for (package, variable) in modules {
        let component =
            target.join("wasm32-wasip2").join(profile).join(package.replace('-', "_")).with_extension("wasm");
        println!("cargo::rustc-env={variable}={}", component.display());
    }
    Ok(())
}
