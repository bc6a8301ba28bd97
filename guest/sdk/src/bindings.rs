//! The glue to the host: what `wit-bindgen` makes of `wit/`, and [`convert`], which moves its types into those of this crate and back.
//! Only the macro `export!` uses it. Nothing here decides anything.
#![allow(missing_docs, unreachable_pub, reason = "the items are documented in wit/")]
#![allow(clippy::pedantic, reason = "the code is generated")]
#![allow(unsafe_code, reason = "the canonical ABI is raw pointers; no other file has any")]

mod convert;
mod imports;

wit_bindgen::generate!({
    path: "wit",
    world: "rules",
    pub_export_macro: true,
});

use exports::boxoffice::rules::{handler, manifest};

/// The manifest of these rules.
pub fn describe<R: crate::Rules>() -> manifest::ModuleManifest {
    convert::manifest(crate::describe::<R>())
}

/// Answers one request, with fresh rules.
pub fn handle<R: crate::Rules>(request: handler::Request) -> handler::Response {
    let request = convert::request(request);
    let host = imports::Imports { now: request.now };
    let crate::Response { status, headers, body } = R::default().handle(&crate::Context::new(&host, &request));
    handler::Response { status, headers, body }
}
