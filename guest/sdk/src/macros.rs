//! The two macros that an author uses.

/// Registers a type as the rules of this module: `boxoffice_sdk::export!(MyRules);`, once in a crate. Natively it does nothing, so that
/// the same crate is a library for tests.
#[macro_export]
macro_rules! export {
    ($rules:ty) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, missing_docs, clippy::pedantic, reason = "the canonical ABI is raw pointers")]
        const _: () = {
            struct Component;

            impl $crate::__private::exports::boxoffice::rules::manifest::Guest for Component {
                fn describe() -> $crate::__private::exports::boxoffice::rules::manifest::ModuleManifest {
                    $crate::__private::describe::<$rules>()
                }
            }

            impl $crate::__private::exports::boxoffice::rules::handler::Guest for Component {
                fn handle(
                    request: $crate::__private::exports::boxoffice::rules::handler::Request,
                ) -> $crate::__private::exports::boxoffice::rules::handler::Response {
                    $crate::__private::handle::<$rules>(request)
                }
            }

    $crate::__private::export!(Component with_types_in $crate::__private);
        };
    };
}

/// An [`About`](crate::About) of the name, version and description in your Cargo.toml.
#[macro_export]
macro_rules! about {
    () => {
        $crate::About {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            summary: env!("CARGO_PKG_DESCRIPTION"),
        }
    };
}
