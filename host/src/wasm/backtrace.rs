//! In which functions a guest was when it trapped, and where that is in its author's files.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use wasmtime::{FrameInfo, FrameSymbol, WasmBacktrace};

/// Most functions of a backtrace that are told.
const MAX_FUNCTIONS: usize = 16;

/// Most places that are told: a function can have several, of what was inlined into it.
const MAX_PLACES: usize = 32;

/// Most characters of a function's name that are told: generic Rust has long ones, and a stranger's can be any length.
const MAX_FUNCTION_NAME: usize = 160;

/// Most bytes of a name that is looked at for mangling; the longest honest ones have some 2,000.
const MAX_MANGLED_NAME: usize = 4096;

/// Bytes of a path that are looked at.
const MAX_PATH: usize = 4096;

/// What the paths of Rust's own library begin with, and then there is the compiler's hash.
const RUST: &str = "/rustc/";
/// Where cargo keeps the sources of other people's crates; below it each registry has a folder.
const REGISTRY: &str = "/registry/src/";
/// What is in the paths of files that are not an author's own: Rust's library, here and as it was built elsewhere, C's, crates, and copies of
/// them. Looked for below the folder that paths are told from, where a file lies there: a project can lie in a folder of any name.
const OF_OTHERS: [&str; 6] = [RUST, REGISTRY, "/rustlib/src/", "/wasi-libc/", "/vendor/", "/guest/sdk/"];

/// What is in the name of the function that hands a call to an author's code: wit-bindgen's `_export_handle_cabi`.
const GLUE: [&str; 2] = ["_export_", "_cabi"];

/// How files and lines are told.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    /// Paths below this folder are told from here.
    base: PathBuf,
}

impl Lines {
    pub(super) fn from(base: &Path) -> Self {
        Self { base: base.to_owned() }
    }

    /// The path as its author knows it: from the base, or from the name of the crate that it belongs to.
    fn path(&self, path: &str) -> String {
        let path = &path[..path.floor_char_boundary(MAX_PATH)];
        let after = |mark: &str| path.split_once(mark).and_then(|(_, rest)| rest.split_once('/')).map(|(_, rest)| rest);
        let told = below(path, &self.base).or_else(|| after(REGISTRY)).or_else(|| after(RUST)).unwrap_or(path);
        readable(told)
    }
}

/// A place in a module's sources, as its debug information has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The function, demangled and cut.
    pub function: String,
    /// The file, if that is known; relative where it lies below the folder that paths are told from.
    pub file: Option<String>,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// Whether it is its author's, and not of a library or of what a compiler adds.
    pub own: bool,
}

impl Place {
    /// Most places of one trap that are an author's own and told in a line or a few.
    const MAX_OWN: usize = 4;

    /// The innermost of these that are the author's own, a recursion once: what to look at first.
    #[must_use]
    pub fn own(places: &[Self]) -> Vec<&Self> {
        let mut own: Vec<_> = places.iter().filter(|place| place.own).collect();
        own.dedup_by_key(|place| (&place.file, place.line));
        own.truncate(Self::MAX_OWN);
        own
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.function)?;
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, " ({file}:{line})"),
            (Some(file), None) => write!(f, " ({file})"),
            _ => Ok(()),
        }
    }
}

/// The path from this folder, if it lies below it.
fn below<'a>(path: &'a str, base: &Path) -> Option<&'a str> {
    Path::new(path).strip_prefix(base).ok().and_then(Path::to_str)
}

/// Whether a file that a module was built from is its author's own, and not of a library or a copy of one. `path` is as the debug information
/// has it, and `base` the folder that its author works in.
#[must_use]
pub fn is_own_file(path: &str, base: &Path) -> bool {
    let looked_at = format!("/{}", below(path, base).unwrap_or(path));
    !OF_OTHERS.iter().any(|mark| looked_at.contains(mark))
}

/// The functions that a guest was in, innermost first.
#[derive(Default)]
pub(super) struct Frames {
    pub(super) functions: Vec<String>,
    /// Empty where nobody asked for them, or the module has none.
    pub(super) places: Vec<Place>,
}

impl Frames {
    /// Of an error that came out of a run.
    pub(super) fn of(error: &wasmtime::Error, lines: Option<&Lines>) -> Self {
        let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return Self::default() };
        let frames = || backtrace.frames().iter().take(MAX_FUNCTIONS);
        let functions = frames().map(function).collect();
        let Some(lines) = lines else { return Self { functions, places: Vec::new() } };
        if frames().all(|frame| frame.symbols().is_empty()) {
            return Self { functions, places: Vec::new() };
        }
        let mut places: Vec<_> = frames().flat_map(|frame| places(frame, lines)).take(MAX_PLACES).collect();
        // What calls the author's code lies in the author's files, too, where a macro has put it there.
        if let Some(glue) = places.iter().position(|place| GLUE.iter().all(|part| place.function.contains(part))) {
            places[glue..].iter_mut().for_each(|place| place.own = false);
        }
        Self { functions, places }
    }
}

fn function(frame: &FrameInfo) -> String {
    match frame.func_name() {
        Some(name) => demangled(name),
        None => format!("function {}", frame.func_index()),
    }
}

/// What the code at one place of the stack came from: the innermost that was inlined, and so on, to the function itself.
fn places(frame: &FrameInfo, lines: &Lines) -> Vec<Place> {
    let symbols = frame.symbols();
    if symbols.is_empty() {
        return vec![Place { function: function(frame), file: None, line: None, own: false }];
    }
    let mut places: Vec<_> = symbols.iter().take(MAX_PLACES).map(|symbol| place(symbol, frame, lines)).collect();
    // Debug information has short names, and the name section has whole ones: of functions, not of what was inlined.
    if let Some(last) = places.last_mut().filter(|_| symbols.len() <= MAX_PLACES && frame.func_name().is_some()) {
        last.function = function(frame);
    }
    places
}

fn place(symbol: &FrameSymbol, frame: &FrameInfo, lines: &Lines) -> Place {
    let function = symbol.name().map_or_else(|| function(frame), demangled);
    let (file, line) = (symbol.file().map(|file| lines.path(file)), symbol.line().filter(|line| *line > 0));
    let own = symbol.file().is_some_and(|path| is_own_file(path, &lines.base));
    Place { function, file, line, own }
}

/// A name out of a module, which can be any text.
pub(super) fn readable(name: &str) -> String {
    name.chars().take(MAX_FUNCTION_NAME).flat_map(char::escape_debug).collect()
}

/// Text that is cut while it is written: whoever writes more is stopped, and not only hidden.
struct Cut {
    text: String,
    left: usize,
}

impl fmt::Write for Cut {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let fits = &more[..more.floor_char_boundary(self.left)];
        self.text.push_str(fits);
        self.left -= fits.len();
        if fits.len() == more.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// The name of a function, without Rust's mangling. A short mangled name can stand for a megabyte of text, and a module can have any names,
/// so what it would say is not even written beyond what is told: 16 such names took 80 ms, on the time of others.
fn demangled(name: &str) -> String {
    if name.len() > MAX_MANGLED_NAME {
        return readable(name);
    }
    let mut cut = Cut { text: String::new(), left: MAX_FUNCTION_NAME * 4 };
    // The only error is that of being cut.
    let _ = write!(cut, "{:#}", rustc_demangle::demangle(name));
    readable(&cut.text)
}
