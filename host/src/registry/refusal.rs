//! Why an operator's wish was not done. Whatever it is, the active module serves on as before.

use std::fmt;
use std::path::PathBuf;

use hyper::StatusCode;

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

    /// As HTTP has it.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::InvalidPercent(_) | Self::ModuleAmbiguous(_) => StatusCode::BAD_REQUEST,
            Self::ModuleNotFound(_) => StatusCode::NOT_FOUND,
            Self::Module(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotKept(_) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Pinned(_)
            | Self::UploadInProgress
            | Self::AlreadyActive
            | Self::ModuleInUse(_)
            | Self::ModuleNotInUse
            | Self::BuiltIn
            | Self::NothingBefore => StatusCode::CONFLICT,
        }
    }
}

/// What is wrong and what to do: one line.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pinned(path) => write!(
                f,
                "the rules are pinned to --rules {}; change that file with --watch, or serve without --rules",
                path.display()
            ),
            Self::UploadInProgress => f.write_str("another module is being uploaded; wait for it and try again"),
            Self::Module(error) => write!(f, "{error} ({}); {}", error.refusal.name(), error.refusal.advice()),
            Self::ModuleNotFound(asked) => {
                write!(f, "there is no module {asked:?}; list the modules, or push it first")
            }
            Self::ModuleAmbiguous(asked) => write!(f, "several modules begin with {asked:?}; give more digits"),
            Self::InvalidPercent(why) => f.write_str(why),
            Self::AlreadyActive => f.write_str("the module is the active one already; choose another"),
            Self::ModuleInUse(role) => write!(f, "the module is {role}; activate another or take it off first"),
            Self::ModuleNotInUse => {
                f.write_str("the module is neither canary nor shadow, so there is nothing to take off")
            }
            Self::BuiltIn => f.write_str("the built-in rules are part of the program and cannot be deleted"),
            Self::NothingBefore => f.write_str("no version served before this one; activate one by its digest"),
            Self::NotKept(why) => write!(f, "it could not be kept on disk: {why}; make room and try again"),
        }
    }
}

impl std::error::Error for Refusal {}
