//! The TOML file, as a third source behind flags and environment.
//!
//! Its keys are the names of the flags, and its values go through the flags' own parsers: what neither the command line nor the
//! environment says is appended to the command line, and that is parsed again.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::ConfigError;

/// Parses `arguments`, with what the file adds; gives the keys that came from the file too.
pub(super) fn merge(command: &Command, arguments: &[OsString]) -> Result<(ArgMatches, Vec<String>), ConfigError> {
    let matches = command.clone().try_get_matches_from(arguments)?;
    let Some((name, given)) = matches.subcommand() else { return Ok((matches, Vec::new())) };
    let path = given.try_get_one::<std::path::PathBuf>("config").ok().flatten().cloned();
    let (Some(path), Some(subcommand)) = (path, command.find_subcommand(name)) else {
        return Ok((matches, Vec::new()));
    };
    let mut all = arguments.to_vec();
    let mut from_file = Vec::new();
    for (key, value) in read(&path)? {
        let Some(arg) = settable(subcommand).find(|arg| arg.get_long() == Some(&key)) else {
            return Err(ConfigError::Invalid(format!("{}: there is no setting {key:?}", path.display())));
        };
        let source = given.value_source(arg.get_id().as_str());
        if matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
            continue;
        }
        if let Some(flag) = as_flag(arg, &key, &value, &path)? {
            all.push(flag);
        }
        from_file.push(key);
    }
    let matches = command
        .clone()
        .try_get_matches_from(all)
        .map_err(|error| ConfigError::Invalid(format!("{}: {}", path.display(), super::first_line(&error))))?;
    Ok((matches, from_file))
}

/// Variables that look like settings and are none: a typing error should not go unnoticed.
#[expect(clippy::disallowed_methods, reason = "config is the reader of the environment")]
pub(super) fn unknown_environment(command: &Command) -> Vec<String> {
    let mut known = Vec::new();
    settings_of(command, &mut known);
    let ours =
        std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("BOXOFFICE_"));
    ours.filter(|name| !known.contains(&name.as_os_str())).map(|name| name.to_string_lossy().into_owned()).collect()
}

/// The variables of a command and of all commands below it.
fn settings_of<'a>(command: &'a Command, known: &mut Vec<&'a std::ffi::OsStr>) {
    known.extend(command.get_arguments().filter_map(Arg::get_env));
    for below in command.get_subcommands() {
        settings_of(below, known);
    }
}

/// What a file can set: everything but what is about the file itself.
fn settable(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !matches!(arg.get_long(), None | Some("config" | "print-config" | "help")))
}

fn read(path: &Path) -> Result<toml::Table, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::Invalid(format!("--config {}: {error}", path.display())))?;
    text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        ConfigError::Invalid(format!("{}: line {line}: {}", path.display(), error.message()))
    })
}

/// A key and its value as a flag; `None` for a switch that is off.
fn as_flag(arg: &Arg, key: &str, value: &toml::Value, path: &Path) -> Result<Option<OsString>, ConfigError> {
    let switch = !arg.get_action().takes_values();
    let text = match value {
        toml::Value::Boolean(on) if switch => return Ok(on.then(|| format!("--{key}").into())),
        toml::Value::String(text) if !switch => text.clone(),
        toml::Value::Integer(number) if !switch => number.to_string(),
        _ => {
            let wants = if switch { "true or false" } else { "a string or a number" };
            return Err(ConfigError::Invalid(format!("{}: {key} must be {wants}", path.display())));
        }
    };
    Ok(Some(format!("--{key}={text}").into()))
}

/// Every setting, its value in force and its source.
pub(super) fn table(command: &Command, matches: &ArgMatches, from_file: &[String]) -> String {
    let mut table = String::new();
    let Some((name, given)) = matches.subcommand() else { return table };
    for arg in command.find_subcommand(name).into_iter().flat_map(settable) {
        let id = arg.get_id().as_str();
        let key = arg.get_long().unwrap_or(id);
        let values = given.get_raw(id).into_iter().flatten();
        let value = values.map(|v| v.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
        let source = match given.value_source(id) {
            _ if from_file.iter().any(|k| k == key) => "file",
            Some(ValueSource::CommandLine) => "flag",
            Some(ValueSource::EnvVariable) => "environment",
            _ => "default",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(table, "{key:<28} {:<24} {source}", if value.is_empty() { "-" } else { &value });
    }
    table
}
