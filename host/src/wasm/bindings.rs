//! What `bindgen!` makes of the contract in `wit/`.
#![allow(missing_docs, clippy::pedantic, unreachable_pub, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "rules",
    imports: {
        "boxoffice:rules/log.write": trappable,
        default: async | trappable,
    },
    exports: { default: async },
    // For recordings; flags have theirs in imports/convert.rs.
    additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
});
