//! The versions that a new project in Rust is built from: those that its template was tested with.

use super::project::File;

/// What each package of a Cargo.lock begins with.
const PACKAGE: &str = "[[package]]\n";

/// Makes the template's Cargo.lock that of the project called `name`, which it has in it already, or leaves it out: where the SDK is not the
/// one that it was written with, or a package that it depends on has the project's name. Then cargo writes one.
pub(super) fn fit(files: &mut Vec<File>, name: &str, as_tested: bool) {
    let Some(at) = files.iter().position(|file| file.path == "Cargo.lock") else { return };
    match in_order(&files[at].text, name).filter(|_| as_tested) {
        Some(text) => files[at].text = text,
        None => drop(files.remove(at)),
    }
}

/// With the package `name` where cargo would have put it: `cargo --locked` takes no other order. `None`: it is not there once.
fn in_order(lock: &str, name: &str) -> Option<String> {
    let mut blocks = lock.split(PACKAGE);
    let head = blocks.next()?;
    let mut packages: Vec<_> = blocks.map(|block| (name_of(block), block.trim_end())).collect();
    let at = packages.iter().position(|(other, _)| *other == name)?;
    let own = packages.remove(at);
    if packages.iter().any(|(other, _)| *other == name) {
        return None;
    }
    let place = packages.iter().position(|(other, _)| *other > name).unwrap_or(packages.len());
    packages.insert(place, own);
    let packages: Vec<_> = packages.into_iter().map(|(_, block)| format!("{PACKAGE}{block}\n")).collect();
    Some(format!("{head}{}", packages.join("\n")))
}

fn name_of(block: &str) -> &str {
    block.strip_prefix("name = \"").and_then(|rest| rest.split('"').next()).unwrap_or_default()
}
