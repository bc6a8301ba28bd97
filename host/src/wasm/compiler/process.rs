//! Starts the compiler's process, speaks to it, and judges how it ended.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};

use super::child::{HEADER, INVALID, MAGIC, TOO_COMPLEX, precompile};
use super::{CompileLimits, blocking};
use crate::clock::Stopwatch;
use crate::wasm::failure::{LoadError, LoadRefusal};

/// Most bytes of native code: that of 18 MB of Python has some 100 MB.
pub(super) const MAX_CODE: usize = 256 * 1024 * 1024;
/// Exit code of a panic: the compiler has met something that it did not expect, the end of its memory most of the time.
const PANICKED: u8 = 101;
/// Bytes that are kept of what the compiler says on stderr: a line of it is told.
const MAX_SAID: u64 = 4 * 1024;
/// Most threads of the compiler: each has a stack and takes memory of its own.
const MAX_THREADS: usize = 4;

/// The program that compiles: it is started with `arguments` and does what [`compile_module`](super::compile_module) does.
///
/// By default it is the running program itself, with the hidden command `compile-module`. Whatever else has the host as a library, a
/// test binary for example, says here what to start instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompilerProgram {
    /// A process of its own, with limits.
    Started {
        /// The program.
        path: PathBuf,
        /// What it is started with.
        arguments: Vec<String>,
    },
    /// The running process itself, without limits: for fuzzers and benchmarks. Never for strangers' modules.
    Here,
}

impl Default for CompilerProgram {
    fn default() -> Self {
        // By this name it is the very file that runs, also when another version has been put in its place.
        let running = PathBuf::from("/proc/self/exe");
        let path = if running.exists() { running } else { std::env::current_exe().unwrap_or(running) };
        Self::at(path)
    }
}

impl CompilerProgram {
    /// This program, which takes the hidden command.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self::Started { path, arguments: vec!["compile-module".to_owned()] }
    }
}

/// How one module is to be compiled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    /// How much nicer than this process the compiler's is, 0 to 19.
    pub(super) nice: i32,
    /// Whether debug information is kept beside the code.
    pub(super) lines: bool,
}

/// Native code of this component. Dropped, it ends the process.
pub(super) async fn compile(
    program: &CompilerProgram,
    limits: CompileLimits,
    order: Order,
    component: Vec<u8>,
) -> Result<Vec<u8>, LoadError> {
    let watch = Stopwatch::start();
    let (path, arguments) = match program {
        CompilerProgram::Started { path, arguments } => (path, arguments),
        CompilerProgram::Here => {
            let compiled = blocking(move || precompile(&component, order.lines)).await?;
            return compiled.map_err(|(code, why)| refused(code, "at once", &format!(": {why}")));
        }
    };
    let mut child = start(path, arguments)?;
    let talked = tokio::time::timeout(limits.timeout, talk(&mut child, limits, order, component)).await;
    let Ok(talked) = talked else {
        // It has ended by itself, or ends now.
        let _ = child.kill().await;
        return Err(too_complex(&format!("took longer than {} (--compile-timeout)", show(limits.timeout))));
    };
    let talked = talked.map_err(|error| unavailable(format!("the compiler cannot be spoken to: {error}")))?;
    judge(talked, limits, watch.elapsed())
}

fn start(path: &Path, arguments: &[String]) -> Result<Child, LoadError> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Command::new(path)
        .args(arguments)
        // It needs nothing of ours. Threads and their heaps are address space, which is limited.
        .env_clear()
        .env("RAYON_NUM_THREADS", processors.min(MAX_THREADS).to_string())
        .env("MALLOC_ARENA_MAX", "2")
        .env("RUST_BACKTRACE", "0")
        .current_dir(Path::new("/"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| unavailable(format!("the compiler {} cannot be started: {error}", path.display())))
}

/// How a compilation ended.
struct Talked {
    status: ExitStatus,
    /// `None`: more than [`MAX_CODE`].
    answer: Option<Vec<u8>>,
    said: String,
}

async fn talk(child: &mut Child, limits: CompileLimits, order: Order, component: Vec<u8>) -> std::io::Result<Talked> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        return Err(std::io::Error::other("its streams are not piped"));
    };
    let asked = ask(stdin, limits, order, component);
    let (stdin, answer, said) = tokio::join!(asked, read_code(stdout), read_said(stderr));
    let status = child.wait().await?;
    // Open until now: its end tells the compiler that nobody wants the code any more.
    drop(stdin);
    Ok(Talked { status, answer: answer?, said })
}

async fn ask(mut stdin: ChildStdin, limits: CompileLimits, order: Order, component: Vec<u8>) -> ChildStdin {
    // All threads together: it is the wall clock that ends most; this ends a compiler that nobody watches.
    let cpu_seconds = (limits.timeout.as_secs() + 1) * MAX_THREADS as u64;
    let mut header = Vec::with_capacity(HEADER);
    let nice = u64::try_from(order.nice).unwrap_or(0);
    for number in [limits.memory as u64, cpu_seconds, nice, order.lines.into(), component.len() as u64] {
        header.extend_from_slice(&number.to_le_bytes());
    }
    // A compiler that does not read to the end has ended, and its exit code says why.
    if stdin.write_all(&header).await.is_ok() {
        let _ = stdin.write_all(&component).await;
    }
    stdin
}

async fn read_code(stdout: impl AsyncRead + Unpin) -> std::io::Result<Option<Vec<u8>>> {
    let most = MAGIC.len() + MAX_CODE;
    let mut answer = Vec::new();
    stdout.take(most as u64 + 1).read_to_end(&mut answer).await?;
    Ok((answer.len() <= most).then_some(answer))
}

/// The beginning of what it says; the rest is read, so that it does not wait, and dropped.
async fn read_said(mut stderr: impl AsyncRead + Unpin) -> String {
    let mut said = Vec::new();
    // What cannot be read was not said.
    let _ = (&mut stderr).take(MAX_SAID).read_to_end(&mut said).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    let text = String::from_utf8_lossy(&said);
    // A panic's place and message are two lines; what follows is advice for whoever debugs a compiler.
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("note:"));
    lines.take(2).collect::<Vec<_>>().join(" ").chars().flat_map(char::escape_debug).collect()
}

fn judge(talked: Talked, limits: CompileLimits, took: Duration) -> Result<Vec<u8>, LoadError> {
    let Talked { status, answer, said } = talked;
    let Some(mut answer) = answer else {
        return Err(too_complex(&format!("gives more than {} MiB of native code", MAX_CODE / 1024 / 1024)));
    };
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    let after = show(Duration::from_millis(took.as_millis().try_into().unwrap_or(u64::MAX)));
    let limited = format!("limited to {} (--compile-memory)", bytesize::ByteSize(limits.memory as u64));
    if let Some(signal) = status.signal() {
        let overload = [Signal::ABORT, Signal::KILL, Signal::XCPU, Signal::SEGV, Signal::BUS];
        if overload.iter().any(|known| known.as_raw() == signal) {
            return Err(too_complex(&format!("ended with signal {signal} after {after}, {limited}{said}")));
        }
        return Err(unavailable(format!("the compiler was ended by signal {signal} after {after}{said}")));
    }
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(0) if answer.starts_with(MAGIC) => {
            answer.drain(..MAGIC.len());
            Ok(answer)
        }
        Some(code @ (INVALID | TOO_COMPLEX | PANICKED)) => {
            Err(refused(code, &format!("after {after}, {limited}"), &said))
        }
        _ => Err(unavailable(format!("the compiler failed ({status}){said}"))),
    }
}

/// What an exit code of the compiler's means.
fn refused(code: u8, when: &str, said: &str) -> LoadError {
    match code {
        INVALID => LoadError::new(LoadRefusal::NotAComponent, format!("the module is not a valid component{said}")),
        TOO_COMPLEX | PANICKED => too_complex(&format!("failed {when}{said}")),
        _ => unavailable(format!("the compiler failed{said}")),
    }
}

fn show(duration: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(duration)
}

fn too_complex(what: &str) -> LoadError {
    LoadError::new(LoadRefusal::TooComplex, format!("compiling the module {what}"))
}

fn unavailable(what: String) -> LoadError {
    LoadError::new(LoadRefusal::Unavailable, what)
}
