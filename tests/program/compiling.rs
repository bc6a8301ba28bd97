//! The compiler is a process with limits: what a stranger's module does to it, it does to nobody else.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::checking::{STANDARD, check};
use crate::running::{program, until};

/// A component of some 20 kB that compiles for minutes: each loop's head joins each local, so work grows with their product.
fn bomb(dir: &TempDir, locals: usize, loops: usize) -> PathBuf {
    let add = |n: usize| format!("(local.set {n} (i64.add (local.get {n}) (i64.const 1)))");
    let work = (1..=locals).map(add).collect::<Vec<_>>().concat();
    let heads = "(loop ".repeat(loops);
    let tails = "(br_if 0 (local.get 0)))".repeat(loops);
    let text =
        format!("(component (core module (func (param i32) (local{}) {heads}{work}{tails})))", " i64".repeat(locals));
    let path = dir.path().join("bomb.wasm");
    fs::write(&path, wat::parse_str(text).unwrap()).unwrap();
    path
}

#[test]
fn a_module_that_compiles_too_long_is_too_complex_in_bounded_time() {
    let dir = TempDir::new().unwrap();
    let bomb = bomb(&dir, 4000, 400);
    let (code, told, stderr) = check(&dir, &[bomb.to_str().unwrap(), "--compile-timeout", "300ms"]);
    assert_eq!((code, told["refusal"].as_str(), stderr.as_str()), (Some(1), Some("too-complex"), ""), "{told}");
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("300ms") && message.contains("--compile-timeout"), "{message}");
}

#[test]
fn a_module_that_takes_too_much_memory_to_compile_is_too_complex() {
    let dir = TempDir::new().unwrap();
    let bomb = bomb(&dir, 4000, 400);
    let arguments = [bomb.to_str().unwrap(), "--compile-memory", "64MiB", "--compile-timeout", "1h"];
    let (code, told, _) = check(&dir, &arguments);
    assert_eq!((code, told["refusal"].as_str()), (Some(1), Some("too-complex")), "{told}");
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("64.0 MiB") && message.contains("--compile-memory"), "{message}");
}

#[test]
fn an_honest_module_needs_little_of_what_it_may_have() {
    let dir = TempDir::new().unwrap();
    assert_eq!(check(&dir, &[STANDARD, "--compile-memory", "512MiB"]).0, Some(0));
}

/// The processes that this one has started and that still run.
fn children(parent: u32) -> Vec<i32> {
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let of_parent = |pid: &i32| {
        // What follows the name: state, parent.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let rest = stat.rsplit(')').next().unwrap_or_default();
        let mut words = rest.split_whitespace();
        words.next() != Some("Z") && words.next() == Some(&parent.to_string())
    };
    pids.filter(of_parent).collect()
}

fn runs(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

/// Ends a program whatever becomes of the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // If it has ended, that is what was wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program that compiles a bomb, and the process that does it.
fn compiling(dir: &TempDir, arguments: &[&str]) -> (Ended, i32) {
    let bomb = bomb(dir, 4000, 400);
    let mut command = program(dir.path());
    command.args(arguments).arg(bomb).args(["--compile-timeout", "1h", "--compile-memory", "8GiB"]);
    let program = Ended(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    until("it compiles", || !children(program.0.id()).is_empty());
    let compiler = children(program.0.id())[0];
    (program, compiler)
}

#[test]
fn the_compiler_ends_with_whoever_asked_even_if_it_was_killed() {
    let dir = TempDir::new().unwrap();
    let (mut program, compiler) = compiling(&dir, &["rules", "check"]);
    assert!(runs(compiler));
    kill_process(Pid::from_child(&program.0), Signal::KILL).unwrap();
    program.0.wait().unwrap();
    until("the compiler has ended", || !runs(compiler));
}

#[test]
fn a_server_that_is_told_to_stop_while_it_compiles_stops_and_so_does_its_compiler() {
    let dir = TempDir::new().unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--rules"];
    let (mut program, compiler) = compiling(&dir, &serve);
    kill_process(Pid::from_child(&program.0), Signal::TERM).unwrap();
    assert_eq!(program.0.wait().unwrap().code(), Some(0));
    until("the compiler has ended", || !runs(compiler));
    assert!(!dir.path().join("events.db").exists());
}

#[test]
fn the_compiler_has_nothing_of_the_host_s() {
    let dir = TempDir::new().unwrap();
    let (program, compiler) = compiling(&dir, &["rules", "check"]);
    let limit = |name: &str| {
        let limits = fs::read_to_string(format!("/proc/{compiler}/limits")).unwrap();
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        line.strip_prefix(name).unwrap_or_default().split_whitespace().next().unwrap_or_default().to_owned()
    };
    until("it has limited itself", || limit("Max core file size") == "0" && limit("Max file size") == "0");
    assert_eq!(limit("Max address space"), (8_u64 << 30).to_string());
    assert_eq!(limit("Max open files"), "16");
    let environment = fs::read(format!("/proc/{compiler}/environ")).unwrap();
    let names = environment.split(|byte| *byte == 0).filter_map(|line| line.split(|byte| *byte == b'=').next());
    let names: Vec<_> = names.map(String::from_utf8_lossy).filter(|name| !name.is_empty()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    drop(program);
}
