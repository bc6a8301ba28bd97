//! The standard rules, or those of bookings, with one fault of many: what `boxoffice rules test` must find.
//!
//! One build has all of them. Which ones a module has is in 128 bytes of its data, `boxoffice-fault:` and their names between commas, filled
//! up with dots: a test changes them in the component (`harness::broken_rules`). With `none`, these are the standard rules, with `bookings` those of bookings.
//!
//! A fault is done to the request before the rules see it (`asked`), to what the host says (`told`), to the answer (`answered`), or to
//! the manifest (`described`). `tests/program/conforming/faults.rs` has what each is, and the checks that must fail for it.
#![allow(clippy::disallowed_methods, reason = "doing what is not done is what it is for")]

mod answered;
mod asked;
mod booked;
/// The bookings, from their own file: a module that is linked as a library exports its rules, and so there were two that do.
#[path = "../../../../guest/bookings/src/lib.rs"]
#[allow(unreachable_pub, reason = "they are a crate of their own")]
mod bookings;
#[cfg(target_family = "wasm")]
mod described;
mod told;

use std::hint::black_box;

// The bookings' file names the SDK. Here that is this crate, which is the SDK but for one macro: the bookings export nothing.
extern crate self as boxoffice_sdk;
pub use sdk::*;

#[doc(hidden)]
#[macro_export]
macro_rules! export {
    ($rules:ty) => {};
}

use bookings::Bookings;

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

/// Whether the faults are those of bookings.
fn is_bookings(faults: &[String]) -> bool {
    faults.iter().any(|fault| fault == "bookings")
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
        let told = Told::with(&faults, cx.host(), &request);
        let cx_of_faults = Context::new(&told, &request);
        if is_bookings(&faults) {
            let response = Bookings.handle(&cx_of_faults);
            return faults.iter().fold(response, |response, fault| booked::with(fault, cx.request(), response));
        }
        let response = standard::handle(self, &cx_of_faults);
        faults.iter().fold(response, |response, fault| answered::with(fault, cx.request(), response))
    }
}

/// By hand and not by the SDK's macro, which lets nobody touch the manifest.
#[cfg(target_family = "wasm")]
#[allow(unsafe_code, missing_docs, clippy::pedantic, reason = "the canonical ABI is raw pointers")]
mod component {
    use sdk::__private as bindings;
    use sdk::__private::exports::boxoffice::rules::{handler, manifest};

    use crate::{Bookings, Broken, described, faults, is_bookings};

    struct Component;

    impl manifest::Guest for Component {
        fn describe() -> manifest::ModuleManifest {
            let faults = faults();
            let manifest =
                if is_bookings(&faults) { bindings::describe::<Bookings>() } else { bindings::describe::<Broken>() };
            faults.iter().fold(manifest, |manifest, fault| described::with(fault, manifest))
        }
    }

    impl handler::Guest for Component {
        fn handle(request: handler::Request) -> handler::Response {
            bindings::handle::<Broken>(request)
        }
    }

    bindings::export!(Component with_types_in sdk::__private);
}
