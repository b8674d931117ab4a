//! A command that could not do its work: the exit code and the words.
//!
//! Must not know which command it was.

use std::io;

use mailproof_scenarios::language::Problems;

use crate::{
    exit::Exit,
    reach::AnchorError,
    report::{folder::FolderError, reporter::FinishError, text},
    snapshot::StoreError,
};

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What to tell the user, safe to show; may have several lines.
    pub message: String,
}

impl Failure {
    /// The command line or a file is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.into(),
        }
    }

    /// The environment or mailproof itself failed.
    pub fn environment(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Environment,
            message: message.into(),
        }
    }
}

/// Problems in files that the user wrote or named.
impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::usage(crate::report::text::block(&problems.to_string()))
    }
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        Self::environment(error.to_string())
    }
}

impl From<AnchorError> for Failure {
    fn from(error: AnchorError) -> Self {
        let message = text::line(&error.to_string());
        match error {
            AnchorError::Wrong(_) => Self::usage(message),
            AnchorError::Environment(_) => Self::environment(message),
        }
    }
}

impl From<FinishError> for Failure {
    fn from(error: FinishError) -> Self {
        Self::environment(error.to_string())
    }
}

/// What is wrong with a snapshot is wrong in a file of the user's.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Malformed { .. } => Self::usage(error.to_string()),
            StoreError::Unreadable { .. } | StoreError::Folder(_) => {
                Self::environment(error.to_string())
            }
        }
    }
}

/// Standard output. A reader who has gone (`mailproof list | head`) is no failure.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self {
                exit: Exit::AsExpected,
                message: String::new(),
            };
        }
        Self::environment(format!("cannot write to standard output: {error}"))
    }
}
