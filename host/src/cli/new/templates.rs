//! The projects that this program carries: what `host/build.rs` has found below `guest/` and `wit/`.

/// A file of a template.
pub(super) struct Embedded {
    /// Below the template's folder.
    pub(super) path: &'static str,
    pub(super) text: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/templates.rs"));
