//! The standard rules with one fault of many: what `boxoffice rules test` must find.
//!
//! One build has all of them. Which ones a module has is in 128 bytes of its data, `boxoffice-fault:` and their names between commas, filled
//! up with dots: a test changes them in the component (`harness::broken_rules`). With `none`, these are the standard rules.
//!
//! A fault is done to the request before the rules see it (`asked`), to what the host says (`told`), to the answer (`answered`), or to
//! the manifest (`described`). `tests/program/conforming/faults.rs` has what each is, and the checks that must fail for it.
#![allow(missing_docs, unreachable_pub, clippy::pedantic, unsafe_code, reason = "the exports are generated")]
#![allow(clippy::disallowed_methods, reason = "doing what is not done is what it is for")]

#[cfg(target_family = "wasm")]
mod answered;
#[cfg(target_family = "wasm")]
mod asked;
#[cfg(target_family = "wasm")]
mod described;
#[cfg(target_family = "wasm")]
mod told;

#[cfg(target_family = "wasm")]
mod component {
    use std::hint::black_box;

    use standard_rules::contract::{Guest as Manifest, ModuleManifest};
    use standard_rules::handler::{Guest as Handler, Request, Response};

    use crate::told::Told;
    use crate::{answered, asked, described};

    /// Where the name begins.
    const NAME: usize = 16;
    #[used]
    static FAULTS: [u8; 128] = *b"boxoffice-fault:none............\
        ................................................................................................";

    /// The faults that this build has.
    fn faults() -> Vec<String> {
        // Opaque to the compiler, which would take the names for constants.
        let names = String::from_utf8_lossy(&black_box(&FAULTS)[NAME..]);
        names.trim_end_matches('.').split(',').map(str::to_owned).collect()
    }

    struct Broken;

    impl Manifest for Broken {
        fn describe() -> ModuleManifest {
            faults().iter().fold(standard_rules::describe(), |manifest, fault| described::with(fault, manifest))
        }
    }

    impl Handler for Broken {
        fn handle(request: Request) -> Response {
            let faults = faults();
            let changed = faults.iter().fold(request.clone(), |request, fault| asked::with(fault, request));
            let told = Told::with(&faults, &changed);
            let response = standard_rules::handle(&told, &changed);
            faults.iter().fold(response, |response, fault| answered::with(fault, &request, response))
        }
    }

    standard_rules::bindings::export!(Broken with_types_in standard_rules::bindings);
}
