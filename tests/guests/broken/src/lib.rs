//! The standard rules with one fault of many: what `boxoffice rules test` must find.
//!
//! One build has all of them. Which ones a module has is in 128 bytes of its data, `boxoffice-fault:` and their names between commas, filled
//! up with dots: a test changes them in the component (`harness::broken_rules`). With `none`, these are the standard rules.
//!
//! A fault is done to the request before the rules see it (`asked`), to what the host says (`told`), to the answer (`answered`), or to
//! the manifest (`described`). `tests/program/conforming/faults.rs` has what each is, and the checks that must fail for it.
#![allow(clippy::disallowed_methods, reason = "doing what is not done is what it is for")]

mod answered;
mod asked;
#[cfg(target_family = "wasm")]
mod described;
mod told;

use std::hint::black_box;

use boxoffice_sdk::prelude::*;

use told::Told;

/// Where the names begin.
const NAMES: usize = 16;
#[used]
static FAULTS: [u8; 128] = *b"boxoffice-fault:none............\
    ................................................................................................";

/// The faults that this build has.
fn faults() -> Vec<String> {
    // Opaque to the compiler, which would take the names for constants.
    let names = String::from_utf8_lossy(&black_box(&FAULTS)[NAMES..]);
    names.trim_end_matches('.').split(',').map(str::to_owned).collect()
}

/// The rules with the faults.
#[derive(Default)]
pub struct Broken;

impl Rules for Broken {
    fn about() -> About {
        About { name: "broken", ..about!() }
    }

    fn handle(&self, cx: &Context<'_>) -> Response {
        let faults = faults();
        let request = faults.iter().fold(cx.request().clone(), |request, fault| asked::with(fault, request));
        let told = Told::with(&faults, cx.host(), request.now);
        let response = standard::handle(self, &Context::new(&told, &request));
        faults.iter().fold(response, |response, fault| answered::with(fault, cx.request(), response))
    }
}

/// By hand and not by the SDK's macro, which lets nobody touch the manifest.
#[cfg(target_family = "wasm")]
#[allow(unsafe_code, missing_docs, clippy::pedantic, reason = "the canonical ABI is raw pointers")]
mod component {
    use boxoffice_sdk::__private as bindings;
    use boxoffice_sdk::__private::exports::boxoffice::rules::{handler, manifest};

    use crate::{Broken, described, faults};

    struct Component;

    impl manifest::Guest for Component {
        fn describe() -> manifest::ModuleManifest {
            faults().iter().fold(bindings::describe::<Broken>(), |manifest, fault| described::with(fault, manifest))
        }
    }

    impl handler::Guest for Component {
        fn handle(request: handler::Request) -> handler::Response {
            bindings::handle::<Broken>(request)
        }
    }

    bindings::export!(Component with_types_in boxoffice_sdk::__private);
}
