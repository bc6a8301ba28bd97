//! Makes components of the attacks in text (`tests/guests/wat`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The sections of a module, in the order in which WebAssembly wants them.
const SECTIONS: [&str; 10] =
    ["import", "memory", "data", "manifest", "describe", "realloc", "handle", "attack", "post-return", "more"];
/// Characters of the longest function name.
const LONG_NAME: usize = 100_000;
/// How often the bomb doubles when its name is demangled: 2^30 characters, if nobody stops it.
const DOUBLINGS: usize = 30;

/// The component of the attack `name`: the template with the attack's sections, and what wit-component makes of it.
///
/// # Panics
/// If the text is no module for the contract: a mistake in the test.
#[must_use]
pub fn from_text(name: &str) -> Vec<u8> {
    let module = sections(&read("module"));
    let attack = sections(&read(name));
    let section = |heading: &str| attack.get(heading).or_else(|| module.get(heading)).map_or("", String::as_str);
    let text = SECTIONS.map(section).join("\n");
    let text = text.replace("@long-name", &"n".repeat(LONG_NAME)).replace("@name-bomb", &name_bomb());
    let mut core = wat::parse_str(format!("(module {text})")).unwrap_or_else(|error| panic!("{name}.wat: {error}"));
    let world = section("world").trim();
    encode(&mut core, world).unwrap_or_else(|error| panic!("{name}.wat: {error}"))
}

/// Makes a component of a core module in binary, for a world of `tests/guests/wat/world.wit`: `wild` has the contract.
///
/// # Errors
/// The module does not fit the world.
pub fn encode(core: &mut Vec<u8>, world: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut wit = Resolve::default();
    wit.push_dir(tests().join("../wit"))?;
    let package = wit.push_file(tests().join("guests/wat/world.wit"))?;
    let world = wit.select_world(&[package], Some(world))?;
    embed_component_metadata(core, &wit, world, StringEncoding::UTF8)?;
    Ok(ComponentEncoder::default().module(core)?.validate(true).encode()?)
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(name: &str) -> String {
    let path = tests().join(format!("guests/wat/{name}.wat"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The parts under `;; @heading` lines. `;; @repeat N text` stands for N times the text.
fn sections(text: &str) -> HashMap<String, String> {
    let mut found = HashMap::new();
    let mut heading = String::new();
    for line in text.lines() {
        let marked = line.trim_start().strip_prefix(";; @");
        match marked.map(|marked| marked.split_once(' ').unwrap_or((marked, ""))) {
            Some(("repeat", what)) => {
                let (times, what) = what.split_once(' ').expect("a number and a text");
                let times: usize = times.parse().expect("a number");
                found.entry(heading.clone()).or_insert_with(String::new).push_str(&what.repeat(times));
            }
            Some((other, _)) => other.clone_into(&mut heading),
            None => {
                let part = found.entry(heading.clone()).or_insert_with(String::new);
                part.push_str(line);
                part.push('\n');
            }
        }
    }
    found
}

/// A name in Rust's own mangling: a tuple of a tuple of a tuple, each twice by a reference to the first.
fn name_bomb() -> String {
    // Places count from behind `_R`; the outermost tuple is at 4, behind `IC1a`.
    let references = (1..=DOUBLINGS).map(|level| format!("B{}_E", base_62(4 + (DOUBLINGS + 1 - level) - 1)));
    format!("_RIC1a{}h{}E", "T".repeat(DOUBLINGS), references.collect::<String>())
}

/// One digit or two, as the mangling counts: `_` is 0, `0_` is 1.
fn base_62(number: usize) -> String {
    const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let digit = |place: usize| char::from(DIGITS[place % 62]);
    match number {
        0 => String::new(),
        1..=62 => digit(number - 1).to_string(),
        _ => format!("{}{}", digit((number - 1) / 62), digit(number - 1)),
    }
}
