//! `make bench` and `make bench-quick`: what requests cost, beside bare HTTP and beside the same rules without a sandbox.
//!
//! Servers are processes of their own, loaded in turn by wrk (A B C, A B C, ...), so that what the machine does meanwhile falls on all of
//! them; tables have the medians of the rounds, and of their ratios. `cargo bench --package boxoffice --bench http -- --help` says what
//! can be chosen.

mod driver;
mod hello;
mod native;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    let role = arguments.peek().and_then(|word| word.to_str()).unwrap_or_default().to_owned();
    // This process can also be one of the servers that it measures.
    let ended = match role.as_str() {
        "native" => native::serve(arguments.skip(1)),
        "hello" => hello(arguments.nth(1)),
        _ => driver::run(std::env::args_os()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bench: {why}");
            ExitCode::FAILURE
        }
    }
}

fn hello(address: Option<OsString>) -> Result<(), String> {
    let address = address.and_then(|text| text.into_string().ok()).unwrap_or_default();
    hello::serve(address.parse().map_err(|_| format!("hello {address:?}: it needs the address to listen on"))?)
}
