//! The projects that `boxoffice rules new` writes, as they lie in the repository: a sorted list of files and their texts for each.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// What is embedded: the constant's name, the folder below the repository, and the parts of it that are meant; none: all of it.
const TREES: [(&str, &str, &[&str]); 5] = [
    ("RUST", "guest/starters/rust", &[]),
    ("JAVASCRIPT", "guest/javascript", &[]),
    ("PYTHON", "guest/python", &[]),
    ("SDK", "guest/sdk", &["Cargo.toml", "README.md", "src"]),
    ("WIT", "wit", &[]),
];

/// Folders that tools make, and that are in no project.
const NEVER: [&str; 6] = [".git", ".venv", "__pycache__", "dist", "node_modules", "target"];
/// Most bytes of one file: a lock file of some hundred packages.
const MAX_FILE: u64 = 512 * 1024;

/// What the SDK's manifest ends with, and `rules new` cuts off: a copy belongs to no workspace.
const SDK_END: &str = "\n[lints]\nworkspace = true\n";

/// Writes `templates.rs` into `out`, for `host/src/cli/new/templates.rs`.
pub(super) fn write(workspace: &Path, out: &Path) -> anyhow::Result<()> {
    check_sdk(workspace)?;
    let mut code = String::new();
    for (name, folder, parts) in TREES {
        let root = workspace.join(folder);
        let ignored = Ignored::of(&root);
        let mut files = Vec::new();
        collect(&root, &root, &ignored, parts, &mut files)?;
        files.sort();
        writeln!(code, "/// `{folder}`.\npub(super) const {name}: &[Embedded] = &[")?;
        for path in files {
            let below = path.strip_prefix(&root)?.to_str().context("a file's name is no text")?;
            let whole = path.canonicalize()?;
            let whole = whole.to_str().context("the repository's path is no text")?;
            println!("cargo::rerun-if-changed={whole}");
            writeln!(code, "    Embedded {{ path: {below:?}, text: include_str!({whole:?}) }},")?;
        }
        writeln!(code, "];")?;
    }
    fs::write(out.join("templates.rs"), code)?;
    Ok(())
}

/// Refuses an SDK that would not build outside of this repository's workspace.
fn check_sdk(workspace: &Path) -> anyhow::Result<()> {
    let path = workspace.join("guest/sdk/Cargo.toml");
    let manifest = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let alone = manifest.strip_suffix(SDK_END);
    let alone = alone.with_context(|| format!("{} must end with {SDK_END:?}", path.display()))?;
    let inherits = |line: &str| !line.starts_with('#') && line.contains("workspace");
    if let Some(line) = alone.lines().find(|line| inherits(line)) {
        anyhow::bail!("{}: {line:?}: a project of an author's own has no such workspace", path.display());
    }
    Ok(())
}

/// The files below `folder` that belong to the tree of `root`.
fn collect(
    root: &Path,
    folder: &Path,
    ignored: &Ignored,
    parts: &[&str],
    files: &mut Vec<PathBuf>,
) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    // A folder that only has what belongs there is watched as a whole: a new file in it is seen.
    let mut is_clean = true;
    for entry in entries {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_part = folder != root || parts.is_empty() || parts.contains(&name.as_str());
        if !is_part || ignored.has(&name) || kind.is_symlink() {
            is_clean = false;
        } else if kind.is_dir() {
            collect(root, &path, ignored, parts, files)?;
        } else if entry.metadata()?.len() <= MAX_FILE && fs::read_to_string(&path).is_ok() {
            files.push(path);
        } else {
            anyhow::bail!("{}: a template has texts of at most {MAX_FILE} bytes alone", path.display());
        }
    }
    if is_clean && folder != root {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
    Ok(())
}

/// What git would ignore there: of its patterns, names and endings are understood, which is all that the templates have.
struct Ignored {
    patterns: Vec<String>,
}

impl Ignored {
    fn of(root: &Path) -> Self {
        let text = fs::read_to_string(root.join(".gitignore")).unwrap_or_default();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let patterns = lines.map(|line| line.trim_matches('/').to_owned());
        Self { patterns: patterns.collect() }
    }

    fn has(&self, name: &str) -> bool {
        let matches = |pattern: &String| match pattern.strip_prefix('*') {
            Some(ending) => name.ends_with(ending),
            None => name == pattern,
        };
        NEVER.contains(&name) || self.patterns.iter().any(matches)
    }
}
