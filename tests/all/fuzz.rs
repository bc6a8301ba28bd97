//! Short, seeded runs of the fuzz targets; `make fuzz` runs the same code for as long as one likes.

use std::collections::BTreeMap;
use std::io::Write as _;

use harness::fuzz::{Answers, Loads};
use harness::raw_rules;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

/// The same every time; another seed is another run.
const SEED: u64 = 0xb0c5;

/// Says it also when the test passes, unlike `println!`.
fn tell(what: &str) {
    // Who closed stderr does not want to know.
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// An answer as it lies in a guest's memory, honest at first: status, two headers, a body; then, mostly, with some bytes that lie.
fn answer(random: &mut StdRng) -> Vec<u8> {
    let mut memory = vec![0_u8; 256];
    let mut put = |at: usize, value: u32| memory[at..at + 4].copy_from_slice(&value.to_le_bytes());
    let status = if random.random_ratio(1, 2) { 200 } else { u32::from(random.random::<u16>()) };
    // Where the headers are and how many, where the body is and how long; each header: name and value, where and how long.
    let record = [(0, status), (4, 20), (8, 2), (12, 128), (16, 100)];
    let headers = [(20, 64), (24, 4), (28, 70), (32, 10), (36, 80), (40, 4), (44, 90), (48, 5)];
    record.into_iter().chain(headers).for_each(|(at, value)| put(at, value));
    memory[64..68].copy_from_slice(b"etag");
    memory[70..80].copy_from_slice(b"\"version1\"");
    memory[80..84].copy_from_slice(b"x-ok");
    memory[90..95].copy_from_slice(b"value");
    for _ in 0..random.random_range(0..4) {
        let at = random.random_range(0..memory.len());
        match random.random_range(0..3) {
            0 => memory[at] = random.random(),
            1 => memory[at] ^= 1 << random.random_range(0..8),
            _ => {
                let word = at / 4 * 4;
                let value = [0, 1, 33, 0x10_0000, 0x20_0000, 0x7fff_ffff, u32::MAX][random.random_range(0..7)];
                memory[word..word + 4].copy_from_slice(&value.to_le_bytes());
            }
        }
    }
    if random.random_ratio(1, 16) {
        random.fill_bytes(&mut memory);
    }
    memory.truncate(random.random_range(20..512));
    memory
}

#[test]
fn whatever_a_guest_answers_is_an_answer_within_the_limits_or_a_named_cause() {
    const RUNS: usize = 5_000;
    let answers = Answers::new();
    let mut random = StdRng::seed_from_u64(SEED);
    let mut outcomes = BTreeMap::new();
    for _ in 0..RUNS {
        let outcome = match answers.run(&answer(&mut random)) {
            Ok(_) => "an answer",
            Err(cause) => cause.name(),
        };
        *outcomes.entry(outcome).or_insert(0) += 1;
    }
    tell(&format!("fuzz answer: {RUNS} executions: {outcomes:?}"));
    for expected in ["an answer", "bad-response"] {
        assert!(outcomes.get(expected).is_some_and(|count| *count > RUNS / 100), "{expected}: {outcomes:?}");
    }
}

/// A component that was damaged: cut off, overwritten, bits flipped, pieces moved; or no component at all.
fn damaged(random: &mut StdRng, sound: &[u8]) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    match random.random_range(0..8) {
        0 => bytes.truncate(random.random_range(0..sound.len())),
        1 => {
            bytes = vec![0; random.random_range(0..4096)];
            random.fill_bytes(&mut bytes);
            // As if it were one: the magic and the version of a component.
            if random.random_ratio(1, 2) && bytes.len() >= 8 {
                bytes[..8].copy_from_slice(&sound[..8]);
            }
        }
        2 => {
            let at = random.random_range(0..bytes.len());
            let end = (at + random.random_range(1..256)).min(bytes.len());
            bytes.drain(at..end);
        }
        3..=5 => misspell(random, &mut bytes),
        _ => {
            for _ in 0..random.random_range(1..6) {
                let at = random.random_range(0..bytes.len());
                bytes[at] ^= 1 << random.random_range(0..8);
            }
        }
    }
    bytes
}

/// Changes a letter of what the module says of itself, or of what it imports and exports: damage that a decoder does not see.
fn misspell(random: &mut StdRng, bytes: &mut [u8]) {
    let words: [&[u8]; 6] = [b"raw", b"/answer", b"0.1.0", b"describe", b"handler@", b"stream"];
    let word = words[random.random_range(0..words.len())];
    let places: Vec<_> = bytes.windows(word.len()).enumerate().filter(|(_, seen)| *seen == word).collect();
    if places.is_empty() {
        return;
    }
    let at = places[random.random_range(0..places.len())].0 + random.random_range(0..word.len());
    bytes[at] = random.random_range(b' '..b'~');
}

#[test]
fn whatever_is_taken_for_a_module_is_loaded_or_refused_by_name() {
    const RUNS: usize = 500;
    let loads = Loads::new();
    let sound = std::fs::read(raw_rules()).unwrap();
    assert_eq!(loads.run(&sound), Ok(()), "undamaged, it is taken");
    let mut random = StdRng::seed_from_u64(SEED);
    let mut outcomes = BTreeMap::new();
    for _ in 0..RUNS {
        let outcome = match loads.run(&damaged(&mut random, &sound)) {
            Ok(()) => "loaded",
            Err(refusal) => refusal.name(),
        };
        *outcomes.entry(outcome).or_insert(0) += 1;
    }
    tell(&format!("fuzz load: {RUNS} executions: {outcomes:?}"));
    for expected in ["loaded", "not-a-component", "bad-manifest"] {
        assert!(outcomes.get(expected).is_some_and(|count| *count > RUNS / 100), "{expected}: {outcomes:?}");
    }
}
