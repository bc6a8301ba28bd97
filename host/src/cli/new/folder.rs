//! Writes a project: all of it, or nothing.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::Refused;
use super::project::File;

/// Writes the files into `dir/name`, which is not there yet, or empty; gives its path. They are written beside it first: what fails
/// half-way leaves nothing, and nothing is ever overwritten.
pub(super) fn write(dir: &Path, name: &str, files: &[File]) -> Result<PathBuf, Refused> {
    let path = if dir == Path::new(".") { PathBuf::from(name) } else { dir.join(name) };
    let shown = path.display().to_string();
    refuse_if_taken(&path)?;
    let failed = |error: io::Error| {
        let advice = "choose a folder that you can write to, with --dir";
        Refused::new("unwritable", format!("{shown} cannot be written: {error}"), advice)
    };
    if !dir.is_dir() {
        let message = format!("--dir {}: there is no such folder", dir.display());
        return Err(Refused::new("no-folder", message, "make it first, or name another"));
    }
    let beside = tempfile::Builder::new().prefix(&format!(".{name}.")).tempdir_in(dir).map_err(failed)?;
    let whole = beside.path().join(name);
    fs::create_dir(&whole).and_then(|()| write_all(&whole, files)).map_err(failed)?;
    // In place of nothing, or of an empty folder; the system refuses anything else, also what came meanwhile.
    fs::rename(&whole, &path).map_err(|error| match error.kind() {
        ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory | ErrorKind::AlreadyExists => taken(&path),
        _ => failed(error),
    })?;
    Ok(path)
}

fn write_all(folder: &Path, files: &[File]) -> io::Result<()> {
    for file in files {
        let path = folder.join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, file.text.as_bytes())?;
        if file.text.starts_with("#!") {
            // A script is to be run.
            let mode = fs::metadata(&path)?.permissions().mode();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode | (mode & 0o444) >> 2))?;
        }
    }
    Ok(())
}

fn refuse_if_taken(path: &Path) -> Result<(), Refused> {
    // Without following a link: its end would be somewhere else.
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_dir() => Err(taken(path)),
        Ok(_) if fs::read_dir(path).is_ok_and(|mut inside| inside.next().is_none()) => Ok(()),
        Ok(_) => Err(taken(path)),
        // What else is wrong is found when it is written.
        Err(_) => Ok(()),
    }
}

fn taken(path: &Path) -> Refused {
    let message = format!("{} is there already; nothing is overwritten", path.display());
    Refused::new("folder-there", message, "choose another name, or another folder with --dir")
}
