//! The attacks of modules that must never be served: the program refuses them by name, in bounded time, and makes no database.

use boxoffice::clock::Stopwatch;
use boxoffice::wasm::LoadRefusal;
use serde_json::Value;

use super::program::{Ended, run_check, run_to_end};
use super::{Outcome, Plan, from_text};
use crate::unruly_rules;

/// Bytes of the one line that refuses a module.
const MAX_LINE: usize = 2_000;
/// How many modules are broken at random, each in its own way.
const BROKEN: u64 = 24;

/// One module that must be refused, or may be harmless and taken.
pub struct LoadAttack {
    /// Its name.
    pub name: String,
    bytes: Bytes,
    expected: Expected,
    /// For the program: limits that are reached before everybody has lost patience.
    flags: &'static [&'static str],
}

type Bytes = Box<dyn Fn() -> Vec<u8>>;
/// Breaks a module in one of many ways, by number.
type Breaking = fn(u64) -> Vec<u8>;
/// A name, what must come of it, and its bytes.
type Part = (&'static str, LoadRefusal, &'static str, fn() -> Vec<u8>);

#[derive(Clone, Copy)]
enum Expected {
    /// Refused for this reason, in words that contain this text.
    Refused(LoadRefusal, &'static str),
    /// Broken at random: refused by whatever name, or by chance still a module.
    Either,
}

/// All of them.
#[must_use]
pub fn load_attacks() -> Vec<LoadAttack> {
    let mut all: Vec<_> = in_text().into_iter().chain(as_bytes()).chain(bombs()).collect();
    let broken: [(&str, Breaking); 3] = [("random bytes", random), ("truncated", truncated), ("mutated", mutated)];
    for (name, breaking) in broken {
        all.extend((0..BROKEN).map(|seed| LoadAttack {
            name: format!("{name} {seed}"),
            bytes: Box::new(move || breaking(seed)),
            expected: Expected::Either,
            flags: &[],
        }));
    }
    all
}

fn in_text() -> Vec<LoadAttack> {
    use LoadRefusal::{BadManifest, NoManifest, WrongImports};
    let texts = [
        ("describe-loops", NoManifest, "cpu-budget"),
        ("describe-sleeps", NoManifest, "wall-clock"),
        ("describe-traps", NoManifest, "trap"),
        ("describe-outside-memory", NoManifest, "out of bounds"),
        ("describe-lies-about-routes", NoManifest, "out of bounds"),
        ("describe-bad-text", NoManifest, "utf-8"),
        ("describe-long-text", BadManifest, "its name"),
        ("describe-many-routes", BadManifest, "5000 routes"),
        ("same-route-twice", BadManifest, "GET /attack"),
        ("smoke-traps", LoadRefusal::SmokeCall, "GET /fine"),
        ("start-traps", NoManifest, "trap"),
        ("start-loops", NoManifest, "cpu-budget"),
        ("data-outside-memory", NoManifest, "out of bounds"),
        ("many-memories", LoadRefusal::OverLimits, "memories"),
        ("huge-memory", LoadRefusal::OverLimits, "memory"),
        ("many-tables", LoadRefusal::OverLimits, "tables"),
        ("huge-table", LoadRefusal::OverLimits, "table"),
        ("imports-sockets", WrongImports, "wasi:sockets/tcp"),
        ("imports-vault", WrongImports, "test:wild/vault"),
    ];
    let attack = |(name, refusal, text): (&'static str, LoadRefusal, &'static str)| LoadAttack {
        name: name.to_owned(),
        bytes: Box::new(move || from_text(name)),
        expected: Expected::Refused(refusal, text),
        // Nobody learns more from waiting for the whole of it.
        flags: if name == "describe-sleeps" { &["--rules-timeout", "500ms"] } else { &[] },
    };
    texts.into_iter().map(attack).collect()
}

fn as_bytes() -> Vec<LoadAttack> {
    use LoadRefusal::{NotAComponent, TooLarge, WrongExports};
    let parts: [Part; 7] = [
        ("empty file", NotAComponent, "not a valid component", Vec::new),
        ("core module", NotAComponent, "not a valid component", || b"\0asm\x01\0\0\0".to_vec()),
        ("empty component", WrongExports, "does not export", || b"\0asm\x0d\0\x01\0".to_vec()),
        ("garbage behind the module", NotAComponent, "not a valid component", || {
            [from_text("module"), vec![0xff; 64]].concat()
        }),
        ("65 MiB", TooLarge, "more than 64 MiB", || vec![0; 65 << 20]),
        ("nested components", WrongExports, "does not export", || nested(900)),
        ("many core instances", LoadRefusal::OverLimits, "instances", || {
            component(&format!("(core module $m) {}", "(core instance (instantiate $m))".repeat(1_000)))
        }),
    ];
    let attack = |(name, refusal, text, bytes): Part| LoadAttack {
        name: name.to_owned(),
        bytes: Box::new(bytes),
        expected: Expected::Refused(refusal, text),
        flags: &[],
    };
    parts.into_iter().map(attack).collect()
}

/// Small modules that cost a compiler much: 20,000 components within each other are 240 KB, and took it 52 s; 200,000 took it 24 GB.
fn bombs() -> [LoadAttack; 2] {
    let bomb = |name: &str, depth, flags| LoadAttack {
        name: name.to_owned(),
        bytes: Box::new(move || nested(depth)),
        expected: Expected::Refused(LoadRefusal::TooComplex, ""),
        flags,
    };
    [
        bomb("bomb of time", 20_000, &["--compile-timeout", "2s"]),
        bomb("bomb of memory", 200_000, &["--compile-memory", "256MiB", "--compile-timeout", "20s"]),
    ]
}

fn component(inside: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {inside})")).expect("the text of a component")
}

/// Components within components, in bytes: the text's own parser refuses to go so deep.
fn nested(depth: usize) -> Vec<u8> {
    const HEAD: &[u8] = b"\0asm\x0d\0\x01\0";
    (0..depth).fold(HEAD.to_vec(), |inside, _| [HEAD, &[4], &leb128(inside.len()), &inside].concat())
}

/// A number as WebAssembly encodes it.
fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Numbers that look random and are the same each time (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or(0)
    }
}

/// Bytes that begin as a component does, so that more than the first check sees them.
fn random(seed: u64) -> Vec<u8> {
    let mut numbers = Numbers(seed);
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    bytes.extend((0..4_096).map(|_| numbers.next().to_le_bytes()[0]));
    bytes
}

fn truncated(seed: u64) -> Vec<u8> {
    let mut bytes = std::fs::read(unruly_rules()).expect("the module was built with the tests");
    bytes.truncate(Numbers(seed).below(bytes.len()));
    bytes
}

/// One byte of a good module is another, or two are: with more, none gets past the validation.
fn mutated(seed: u64) -> Vec<u8> {
    let mut numbers = Numbers(seed);
    let mut bytes = from_text("module");
    for _ in 0..=seed % 2 {
        let at = numbers.below(bytes.len());
        bytes[at] = numbers.next().to_le_bytes()[0];
    }
    bytes
}

/// Has the program load it.
pub(super) fn carry_out(plan: &Plan, attack: &LoadAttack) -> Outcome {
    let mut outcome = Outcome { attack: attack.name.clone(), attackers: 1, ..Outcome::default() };
    let bytes = (attack.bytes)();
    let watch = Stopwatch::start();
    let taken = match run_check(plan, attack.flags, &bytes) {
        Ok((code, said)) => check_said(&mut outcome, attack.expected, code, &said),
        Err(error) => {
            outcome.fault(error);
            false
        }
    };
    // What is broken at random is refused for one reason or another; that the same reasons stop a server is seen with all others.
    if taken || !matches!(attack.expected, Expected::Either) {
        match run_to_end(plan, attack.flags, &bytes) {
            Ok(ended) => check_served(&mut outcome, attack.expected, &ended),
            Err(error) => outcome.fault(error),
        }
    }
    outcome.took = Some(watch.elapsed());
    outcome
}

/// What `boxoffice rules check` said; whether it would take the module.
fn check_said(outcome: &mut Outcome, expected: Expected, code: Option<i32>, said: &Value) -> bool {
    let (taken, refusal) = (said["accepted"] == true, said["refusal"].as_str());
    if taken != (code == Some(0)) || taken == refusal.is_some() || (!taken && code != Some(1)) {
        outcome.fault(format!("rules check ended with {code:?}, and said {said}"));
    }
    refusal.unwrap_or("-").clone_into(&mut outcome.cause);
    if taken { "taken" } else { "refused" }.clone_into(&mut outcome.answer);
    if let Expected::Refused(wanted, text) = expected
        && (refusal != Some(wanted.name()) || !said["message"].as_str().is_some_and(|message| message.contains(text)))
    {
        outcome.fault(format!("not refused as {}, for {text:?}: {said}", wanted.name()));
    }
    taken
}

/// What `boxoffice serve` did with it.
fn check_served(outcome: &mut Outcome, expected: Expected, ended: &Ended) {
    let said: Vec<_> = ended.stderr.lines().filter(|line| line.starts_with("boxoffice: ")).collect();
    let text = if let Expected::Refused(_, text) = expected { text } else { "" };
    if ended.stderr.contains("panic") {
        outcome.fault(format!("the program panicked: {}", ended.stderr));
    }
    if ended.listened {
        if !matches!(expected, Expected::Either) {
            outcome.fault("the program took the module");
        }
        if ended.code != Some(0) {
            outcome.fault("having taken the module, the program did not end in an orderly way");
        }
        return;
    }
    if ended.code != Some(1) || said.len() != 1 || ended.made_database {
        let (code, database) = (ended.code, ended.made_database);
        outcome.fault(format!("exit code {code:?}, a database: {database}, it said: {}", ended.stderr));
    }
    if let Some(line) = said.first()
        && (!line.contains("--rules") || !line.contains(text) || line.len() > MAX_LINE)
    {
        outcome.fault(format!("{text:?} is missing in the {} bytes of {line:?}", line.len()));
    }
}
