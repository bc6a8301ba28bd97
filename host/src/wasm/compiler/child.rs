//! The compiler's own process: it limits itself, reads one component from stdin, and writes its native code to stdout.
//!
//! stdin: memory in bytes, CPU time in seconds, how nice to be (0 to 19), whether to keep
//! debug information (0 or 1), length in bytes (each a little-endian u64), the component; and then it stays open, and
//! its end is the end of whoever asked. stdout: [`MAGIC`], the code. The exit code says how it went, stderr says it in a line.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setpriority_process, setrlimit};

use crate::wasm::engine::code_config;

/// Begins the compiler's answer: another program's output is not taken for code.
pub(super) const MAGIC: &[u8; 16] = b"boxoffice code 1";
/// Bytes of what comes before the component.
pub(super) const HEADER: usize = 40;
/// Exit code: the bytes are no valid component.
pub(super) const INVALID: u8 = 3;
/// Exit code: the component is valid, and compiling it takes too much.
pub(super) const TOO_COMPLEX: u8 = 4;
/// Exit code: the machine's fault, not the component's.
pub(super) const UNAVAILABLE: u8 = 5;

/// Descriptors: the standard streams, and what the standard library opens for a moment to count processors.
const DESCRIPTORS: u64 = 16;
/// Bytes of the stack of the thread that waits for the end of stdin.
const WATCHER_STACK: usize = 64 * 1024;

/// Compiles one component, as a process of its own: what the hidden command `compile-module` does.
///
/// For programs that embed the host and are to be their own compiler; see [`crate::wasm::CompilerProgram`].
#[must_use]
pub fn compile_module() -> ExitCode {
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, why)) => {
            // The exit code says it too.
            let _ = writeln!(io::stderr(), "{why}");
            ExitCode::from(code)
        }
    }
}

pub(super) type Refused = (u8, String);

fn compile() -> Result<(), Refused> {
    let unavailable = |error: io::Error| (UNAVAILABLE, error.to_string());
    // Not the buffered, locked one: another thread goes on reading it.
    let mut stdin = File::from(io::stdin().as_fd().try_clone_to_owned().map_err(unavailable)?);
    let mut header = [0; HEADER];
    stdin.read_exact(&mut header).map_err(unavailable)?;
    let [memory, cpu_seconds, nice, lines, length] = numbers(&header);
    be_nice(nice).map_err(unavailable)?;
    limit_self(memory, cpu_seconds).map_err(unavailable)?;
    let length = usize::try_from(length).map_err(|error| (TOO_COMPLEX, error.to_string()))?;
    let mut component = Vec::new();
    component.try_reserve_exact(length).map_err(|error| (TOO_COMPLEX, error.to_string()))?;
    component.resize(length, 0);
    stdin.read_exact(&mut component).map_err(unavailable)?;
    end_with(stdin).map_err(unavailable)?;
    let code = precompile(&component, lines == 1)?;
    let mut stdout = File::from(io::stdout().as_fd().try_clone_to_owned().map_err(unavailable)?);
    stdout.write_all(MAGIC).and_then(|()| stdout.write_all(&code)).map_err(unavailable)
}

fn numbers(header: &[u8; HEADER]) -> [u64; 5] {
    let (numbers, _) = header.as_chunks::<8>();
    [0, 1, 2, 3, 4].map(|at| numbers.get(at).map_or(0, |bytes| u64::from_le_bytes(*bytes)))
}

/// Native code of a component, or an exit code and why.
pub(super) fn precompile(component: &[u8], lines: bool) -> Result<Vec<u8>, Refused> {
    let engine = wasmtime::Engine::new(&code_config(lines)).map_err(|error| (UNAVAILABLE, format!("{error:#}")))?;
    engine.precompile_component(component).map_err(|error| {
        let code = if is_too_complex(&error) { TOO_COMPLEX } else { INVALID };
        // wasmparser shows bytes over many lines.
        let why = error.root_cause().to_string();
        (code, why.split_whitespace().collect::<Vec<_>>().join(" ").escape_debug().to_string())
    })
}

/// The component is well formed and the compiler gave up: out of memory, or beyond one of its own limits. These errors have no public
/// types but for the first, so their text it is; whichever way it falls, the module is refused.
fn is_too_complex(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| {
        let no_memory = cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::OutOfMemory);
        let text = cause.to_string();
        no_memory || text.starts_with("Compilation error") || text.contains("mplementation limit")
    })
}

/// Lowers this process's priority, before it has threads that would keep theirs: it must not take the machine from those who are served.
fn be_nice(nice: u64) -> io::Result<()> {
    match i32::try_from(nice) {
        Ok(0) => Ok(()),
        Ok(nice) => Ok(setpriority_process(None, nice)?),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// Takes from this process what compiling does not need. What it may have already is never raised.
fn limit_self(memory: u64, cpu_seconds: u64) -> io::Result<()> {
    let limits = [
        (Resource::As, memory),
        (Resource::Cpu, cpu_seconds),
        (Resource::Nofile, DESCRIPTORS),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ];
    for (resource, wanted) in limits {
        let limit = Some(getrlimit(resource).maximum.map_or(wanted, |maximum| maximum.min(wanted)));
        setrlimit(resource, Rlimit { current: limit, maximum: limit })?;
    }
    Ok(())
}

/// Ends this process when stdin does: whoever asked is gone, even if it could tell nobody.
fn end_with(mut stdin: File) -> io::Result<()> {
    let watch = move || {
        // Nothing more comes: what counts is that it ends.
        let _ = io::copy(&mut stdin, &mut io::sink());
        std::process::exit(UNAVAILABLE.into());
    };
    std::thread::Builder::new().name("parent".into()).stack_size(WATCHER_STACK).spawn(watch).map(drop)
}
