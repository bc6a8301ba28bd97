//! A rules module that answers with any bytes as if they were an answer: what the canonical ABI would read out of a guest that lies.
//!
//! The body of a request becomes the guest's memory. Its first bytes are the record `response` as it lies there (status, where the headers
//! are and how many, where the body is and how long); the rest is what it may point to.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::pedantic,
    unsafe_code,
    reason = "plays the part of generated code, wrongly"
)]

wit_bindgen::generate!({ path: "../../../wit", world: "rules" });

#[cfg(target_family = "wasm")]
mod component {
    use super::exports::boxoffice::rules::manifest::{self, Access, Method, ModuleManifest, Route};

    struct Raw;

    impl manifest::Guest for Raw {
        fn describe() -> ModuleManifest {
            let answer = Route {
                id: "answer".into(),
                // So that the smoke call has no body, and gets the honest answer.
                method: Method::Get,
                path: "/answer".into(),
                summary: String::new(),
                access: Access::Public,
                max_body_bytes: None,
                cacheable: false,
                query_schema: None,
                body_schema: None,
                answers: Vec::new(),
            };
            ModuleManifest {
                name: "raw".into(),
                version: "0.1.0".into(),
                summary: "Answers with any bytes".into(),
                routes: vec![answer],
            }
        }
    }

    super::exports::boxoffice::rules::manifest::__export_boxoffice_rules_manifest_0_1_0_cabi!(
        Raw with_types_in super::exports::boxoffice::rules::manifest
    );

    /// Bytes of the record `response`.
    const RESPONSE: usize = 20;

    /// Its parameters are those of the record `request`, flattened: addresses and lengths of five texts and lists, the roles, the request
    /// id, the time.
    ///
    /// # Safety
    /// `address` and `length` are those of the body.
    #[unsafe(export_name = "boxoffice:rules/handler@0.1.0#handle")]
    unsafe extern "C" fn handle(
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        address: u32,
        length: u32,
        _: u32,
        _: u32,
        _: u32,
        _: u64,
    ) -> *const u8 {
        let length = length as usize;
        // 4 is the record's alignment; the space is never freed, like the instance.
        let memory = vec![0_u32; length.max(RESPONSE).div_ceil(4) + 1].leak();
        let base = memory.as_mut_ptr().cast::<u8>();
        // SAFETY: the body has `length` bytes, and the new memory at least as many, elsewhere.
        unsafe { std::ptr::copy_nonoverlapping(address as *const u8, base, length) };
        if length < RESPONSE {
            // Not a whole record, as when the module is checked: an honest answer.
            memory.fill(0);
            memory[0] = 200;
        }
        // An address below the length means a place in this memory; all others are as they are.
        for field in [4, 12] {
            // SAFETY: within the record, which the memory has room for, and aligned.
            unsafe { relocate(base.add(field).cast(), base, length) };
        }
        // SAFETY: as above; each header is two strings, and only as many are looked at as there is memory for.
        unsafe {
            let headers = base.add(4).cast::<u32>().read() as usize;
            let count = base.add(8).cast::<u32>().read() as usize;
            let inside = headers.checked_sub(base as usize).filter(|at| at % 4 == 0 && *at < length);
            if let Some(at) = inside {
                for string in 0..(count.min(64) * 2).min((length - at) / 8) {
                    relocate(base.add(at + string * 8).cast(), base, length);
                }
            }
        }
        base
    }

    /// # Safety
    /// `field` can be read and written.
    unsafe fn relocate(field: *mut u32, base: *const u8, length: usize) {
        // SAFETY: a promise of the caller.
        unsafe {
            let said = field.read() as usize;
            if said < length {
                field.write((base as usize + said) as u32);
            }
        }
    }
}
