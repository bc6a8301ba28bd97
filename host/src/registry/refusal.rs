//! Why an operator's wish was not done. Whatever it is, the active module serves on as before.

use std::fmt;
use std::path::PathBuf;

use crate::wasm::LoadError;

/// Every way in which an operator can be refused, in order of precedence.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// The rules are those of `--rules FILE`, and only `--watch` changes them.
    Pinned(PathBuf),
    /// Another module is being uploaded; compiling two at once would take the machine from those who are served.
    UploadInProgress,
    /// This host would not serve the module.
    Module(LoadError),
    /// No module has this digest, or a digest that begins with it.
    ModuleNotFound(String),
    /// Several modules have digests that begin with it.
    ModuleAmbiguous(String),
    /// The share of a canary is not one.
    InvalidPercent(String),
    /// It serves already: a canary or shadow of the active module would be compared with itself.
    AlreadyActive,
    /// It is active, canary or shadow: which, in a word.
    ModuleInUse(&'static str),
    /// It is neither canary nor shadow.
    ModuleNotInUse,
    /// The built-in rules cannot be deleted.
    BuiltIn,
    /// Nothing served before.
    NothingBefore,
    /// It could not be kept on disk; the text says why.
    NotKept(String),
}

impl Refusal {
    /// The name, the same in answers and on the command line.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Pinned(_) => "pinned",
            Self::UploadInProgress => "upload_in_progress",
            Self::Module(_) => "module_refused",
            Self::ModuleNotFound(_) => "module_not_found",
            Self::ModuleAmbiguous(_) => "module_ambiguous",
            Self::InvalidPercent(_) => "invalid_percent",
            Self::AlreadyActive => "already_active",
            Self::ModuleInUse(_) => "module_in_use",
            Self::ModuleNotInUse => "module_not_in_use",
            Self::BuiltIn => "built_in",
            Self::NothingBefore => "nothing_before",
            Self::NotKept(_) => "not_kept",
        }
    }
}

impl Refusal {
    /// What kind of refusal it is, in a few words.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Pinned(_) => "The rules are pinned",
            Self::UploadInProgress => "Another upload is under way",
            Self::Module(_) => "This host would not serve the module",
            Self::ModuleNotFound(_) => "There is no such module",
            Self::ModuleAmbiguous(_) => "Several modules could be meant",
            Self::InvalidPercent(_) => "The share is not valid",
            Self::AlreadyActive => "The module is active already",
            Self::ModuleInUse(_) => "The module is in use",
            Self::ModuleNotInUse => "The module is not in use",
            Self::BuiltIn => "The module is part of the program",
            Self::NothingBefore => "There is nothing to go back to",
            Self::NotKept(_) => "The change could not be kept",
        }
    }

    /// What to do about it: one line.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Pinned(_) => "change that file with --watch, or serve without --rules",
            Self::UploadInProgress => "wait for it and try again",
            Self::Module(error) => error.refusal.advice(),
            Self::ModuleNotFound(_) => "list the modules, or push it first",
            Self::ModuleAmbiguous(_) => "give more of its digits",
            Self::InvalidPercent(_) => "give a number from 0.01 to 100",
            Self::AlreadyActive => "choose another",
            Self::ModuleInUse(_) => "activate another, or take it off, first",
            Self::ModuleNotInUse => "list the modules",
            Self::BuiltIn => "leave it: it takes no room",
            Self::NothingBefore => "activate a module by its digest, or standard",
            Self::NotKept(_) => "see to what is named, such as room on the disk, and try again",
        }
    }
}

/// Most characters that are told of what somebody asked for.
const MAX_TOLD: usize = 80;

fn told(asked: &str) -> String {
    asked.chars().take(MAX_TOLD).flat_map(char::escape_debug).collect()
}

/// What is wrong: one line.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pinned(path) => write!(f, "the rules are pinned to --rules {}", path.display()),
            Self::UploadInProgress => f.write_str("another module is being uploaded"),
            Self::Module(error) => error.fmt(f),
            Self::ModuleNotFound(asked) => write!(f, "there is no module \"{}\"", told(asked)),
            Self::ModuleAmbiguous(asked) => write!(f, "several modules begin with \"{}\"", told(asked)),
            Self::InvalidPercent(why) => f.write_str(why),
            Self::AlreadyActive => f.write_str("the module is the active one already"),
            Self::ModuleInUse(role) => write!(f, "the module is {role}"),
            Self::ModuleNotInUse => f.write_str("the module is neither canary nor shadow"),
            Self::BuiltIn => f.write_str("the built-in rules are part of the program"),
            Self::NothingBefore => f.write_str("no version served before this one"),
            Self::NotKept(why) => write!(f, "nothing was changed, since it could not be kept on disk: {why}"),
        }
    }
}

impl std::error::Error for Refusal {}
