//! Where a new project in Rust has the SDK from.

use std::path::Path;

use semver::Version;

use super::Refused;
use super::project::File;
use super::templates;

/// The SDK's package.
const PACKAGE: &str = "boxoffice-sdk";
/// Where a project has its copy.
const VENDORED: &str = "vendor/boxoffice-sdk";
/// The last section of the SDK's own manifest, which belongs to this repository's workspace; `host/build/templates.rs` sees to it that this is
/// its end.
const LAST_SECTION: &str = "\n[lints]\nworkspace = true\n";

/// Where it comes from.
pub(super) enum Sdk {
    /// A copy in the project, of the one that this program was built with: it always fits this host.
    Copy,
    /// A folder, absolute, and the version that it has.
    Folder(String, String),
    /// A version in the registry.
    Published(Version),
}

impl Sdk {
    /// What `--sdk` says.
    pub(super) fn asked_for(asked: Option<&str>) -> Result<Self, Refused> {
        let Some(asked) = asked else { return Ok(Self::Copy) };
        if let Ok(version) = Version::parse(asked) {
            return Ok(Self::Published(version));
        }
        let refused = |why: &str| {
            let advice = "name the folder guest/sdk of a checkout of boxoffice, or a version such as 0.1.0";
            Refused::new("no-sdk", format!("--sdk {asked}: {why}"), advice)
        };
        let folder = Path::new(asked).canonicalize().map_err(|error| refused(&error.to_string()))?;
        let manifest =
            std::fs::read_to_string(folder.join("Cargo.toml")).map_err(|_| refused("it has no Cargo.toml"))?;
        let package = manifest.parse::<toml::Table>().ok();
        let value = |name: &str| package.as_ref()?.get("package")?.get(name)?.as_str();
        if value("name") != Some(PACKAGE) {
            return Err(refused("it is not the SDK's folder"));
        }
        let folder = folder.to_str().ok_or_else(|| refused("its path is no text"))?;
        Ok(Self::Folder(folder.to_owned(), value("version").unwrap_or_default().to_owned()))
    }

    /// A word about one that is not of this program's version.
    pub(super) fn note(&self) -> Option<String> {
        let (asked, ours) = match self {
            Self::Copy => return None,
            Self::Folder(_, version) => (version.clone(), embedded_version()?),
            Self::Published(version) => (version.to_string(), embedded_version()?),
        };
        let told = format!(
            "the SDK asked for is {asked}, and this program has {ours}: `boxoffice rules test` says whether what is built on it is served here"
        );
        (asked != ours).then_some(told)
    }

    /// Whether the project has the very packages that the starter was tested with.
    pub(super) fn is_as_tested(&self) -> bool {
        matches!(self, Self::Copy)
    }

    /// The dependency, as a line of a Cargo.toml.
    pub(super) fn dependency(&self) -> String {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        match self {
            Self::Copy => format!("{PACKAGE} = {{ path = {} }}", quoted(VENDORED)),
            Self::Folder(path, _) => format!("{PACKAGE} = {{ path = {} }}", quoted(path)),
            Self::Published(version) => format!("{PACKAGE} = {}", quoted(&version.to_string())),
        }
    }

    /// What the project has of it.
    pub(super) fn files(&self) -> Vec<File> {
        if !self.is_as_tested() {
            return Vec::new();
        }
        let own = templates::SDK.iter().map(|file| {
            let text = if file.path == "Cargo.toml" { standing_alone(file.text) } else { file.text.to_owned() };
            File { path: format!("{VENDORED}/{}", file.path), text }
        });
        let wit = templates::WIT
            .iter()
            .map(|file| File { path: format!("{VENDORED}/wit/{}", file.path), text: file.text.to_owned() });
        own.chain(wit).collect()
    }
}

/// The version of the SDK that this program has.
fn embedded_version() -> Option<String> {
    let manifest = templates::SDK.iter().find(|file| file.path == "Cargo.toml")?;
    let table = manifest.text.parse::<toml::Table>().ok()?;
    Some(table.get("package")?.get("version")?.as_str()?.to_owned())
}

/// The SDK's Cargo.toml without its last section and what is said of that.
fn standing_alone(manifest: &str) -> String {
    let whole = manifest.strip_suffix(LAST_SECTION).unwrap_or(manifest);
    let mut lines: Vec<_> = whole.lines().collect();
    while lines.last().is_some_and(|line| line.starts_with('#') || line.is_empty()) {
        lines.pop();
    }
    lines.join("\n") + "\n"
}
