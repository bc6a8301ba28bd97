//! Components made for a test: with a manifest that no toolchain would write, and a handler in WAT.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fmt::Write as _;

/// One route of a manifest, as it is said.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) id: String,
    /// `get` is 0, in the contract's order.
    pub(crate) method: u8,
    pub(crate) path: String,
    pub(crate) summary: String,
    pub(crate) body_schema: Option<String>,
    /// Status and schema.
    pub(crate) answers: Vec<(u16, Option<String>)>,
}

impl Said {
    pub(crate) fn get(id: &str, path: &str) -> Self {
        let (id, path) = (id.to_owned(), path.to_owned());
        Self { id, method: 0, path, summary: "A route".into(), body_schema: None, answers: Vec::new() }
    }

    pub(crate) fn post(id: &str, path: &str) -> Self {
        Self { method: 1, ..Self::get(id, path) }
    }
}

/// A module, as it describes itself.
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) summary: String,
    pub(crate) routes: Vec<Said>,
    /// What `describe` does instead, in WAT; empty: it answers.
    pub(crate) describe: &'static str,
    /// Pages of memory, and most of them if it says so, in WAT.
    pub(crate) memory: &'static str,
    /// What `handle` does before it answers, in WAT.
    pub(crate) handle: &'static str,
    /// The status that it answers with.
    pub(crate) status: u16,
}

impl Default for Made {
    fn default() -> Self {
        Self {
            name: "made".into(),
            version: "1.2.3".into(),
            summary: "Made for a test".into(),
            routes: vec![Said::get("one", "/one")],
            memory: PAGES,
            describe: "",
            handle: "",
            status: 200,
        }
    }
}

/// Where the data begins in memory.
const BASE: u32 = 1024;
/// Pages of data and heap.
const PAGES: &str = "64";

/// What is in the guest's memory: the canonical ABI's layout of the contract's records, for 32 bits.
struct Image(Vec<u8>);

impl Image {
    /// Puts bytes into memory, aligned; gives their address.
    fn put(&mut self, bytes: &[u8]) -> u32 {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        let address = BASE + u32::try_from(self.0.len()).unwrap();
        self.0.extend_from_slice(bytes);
        address
    }

    /// A string or list: address and length.
    fn list(&mut self, bytes: &[u8], length: usize) -> [u8; 8] {
        let mut record = [0; 8];
        record[..4].copy_from_slice(&self.put(bytes).to_le_bytes());
        record[4..].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
        record
    }

    fn text(&mut self, text: &str) -> [u8; 8] {
        self.list(text.as_bytes(), text.len())
    }

    fn optional(&mut self, text: Option<&String>) -> [u8; 12] {
        let mut record = [0; 12];
        if let Some(text) = text {
            record[0] = 1;
            record[4..].copy_from_slice(&self.text(text));
        }
        record
    }

    fn answer(&mut self, (status, schema): &(u16, Option<String>)) -> Vec<u8> {
        let mut record = u32::from(*status).to_le_bytes().to_vec();
        record.extend(self.text("An answer"));
        record.extend(self.optional(None));
        record.extend(self.optional(schema.as_ref()));
        record
    }

    fn route(&mut self, route: &Said) -> Vec<u8> {
        let mut record = self.text(&route.id).to_vec();
        record.extend(u32::from(route.method).to_le_bytes());
        record.extend(self.text(&route.path));
        record.extend(self.text(&route.summary));
        // Public, no limit of its own, not cacheable.
        record.extend([0; 4 + 8 + 4]);
        record.extend(self.optional(None));
        record.extend(self.optional(route.body_schema.as_ref()));
        let answers: Vec<_> = route.answers.iter().flat_map(|answer| self.answer(answer)).collect();
        record.extend(self.list(&answers, route.answers.len()));
        record
    }

    fn manifest(&mut self, made: &Made) -> u32 {
        let mut record = self.text(&made.name).to_vec();
        record.extend(self.text(&made.version));
        record.extend(self.text(&made.summary));
        let routes: Vec<_> = made.routes.iter().flat_map(|route| self.route(route)).collect();
        record.extend(self.list(&routes, made.routes.len()));
        self.put(&record)
    }
}

impl Made {
    /// The component.
    pub(crate) fn component(&self) -> Vec<u8> {
        let mut image = Image(Vec::new());
        let manifest = image.manifest(self);
        let mut response = u32::from(self.status).to_le_bytes().to_vec();
        response.resize(20, 0);
        let response = image.put(&response);
        let heap = BASE + u32::try_from(image.0.len()).unwrap().next_multiple_of(4096);
        let data = image.0.iter().fold(String::new(), |mut text, byte| {
            write!(text, "\\{byte:02x}").unwrap();
            text
        });
        let (describe, handle, memory) = (self.describe, self.handle, self.memory);
        let core = format!(
            r#"(module
              (memory (export "memory") {memory})
              (global $heap (mut i32) (i32.const {heap}))
              (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (global.set $heap (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
                (global.get $heap)
                (global.set $heap (i32.add (global.get $heap) (local.get 3))))
              (func $describe (export "boxoffice:rules/manifest@0.1.0#describe") (result i32)
                {describe} (i32.const {manifest}))
              (func $handle (export "boxoffice:rules/handler@0.1.0#handle")
                (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64) (result i32)
                {handle} (i32.const {response}))
              (data (i32.const {BASE}) "{data}"))"#
        );
        harness::attack::encode(&mut wat::parse_str(core).unwrap(), "wild").unwrap()
    }
}
