//! Compiles modules for the test binaries, which cannot start themselves for it.

use std::process::ExitCode;

fn main() -> ExitCode {
    boxoffice::wasm::compile_module()
}
