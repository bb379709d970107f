//! How a command ends when it does not succeed: a sentence on stderr, perhaps a hint, and an exit
//! code that scripts can rely on.

use std::io;
use std::process::ExitCode;

use bellwire_store::StoreError;

/// Why a command did not succeed.
#[derive(Debug)]
pub(super) struct Failure {
    kind: Kind,
    sentence: String,
    /// What to do about it.
    hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Failed,
    Usage,
    NotFound,
    Refused,
    Unreachable,
    /// Whoever read our output has gone, like `head` after its lines: nothing went wrong.
    Unread,
}

/// The exit codes, for `--help`.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  the command line is wrong
  3  what was named is not there: an app, key, endpoint, delivery or server path
  4  refused by the server: credentials, limits or toggles
  5  the server or its database cannot be reached";

impl Failure {
    /// Something went wrong that no other kind names.
    pub(super) fn failed(sentence: impl Into<String>) -> Self {
        Self::of(Kind::Failed, sentence)
    }

    /// The command line is wrong.
    pub(super) fn usage(sentence: impl Into<String>) -> Self {
        Self::of(Kind::Usage, sentence)
    }

    /// What was named is not there.
    pub(super) fn not_found(sentence: impl Into<String>) -> Self {
        Self::of(Kind::NotFound, sentence)
    }

    /// The server said no.
    pub(super) fn refused(sentence: impl Into<String>) -> Self {
        Self::of(Kind::Refused, sentence)
    }

    /// The server did not say anything.
    pub(super) fn unreachable(sentence: impl Into<String>) -> Self {
        Self::of(Kind::Unreachable, sentence)
    }

    /// Our output could not be written.
    pub(super) fn unwritten(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::of(Kind::Unread, ""),
            _ => Self::failed(format!("the output cannot be written: {error}")),
        }
    }

    /// The same failure with what to do about it.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Tells the person, and returns the code for the script.
    pub(super) fn report(&self) -> ExitCode {
        let code = match self.kind {
            Kind::Unread => return ExitCode::SUCCESS,
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::NotFound => 3,
            Kind::Refused => 4,
            Kind::Unreachable => 5,
        };
        eprintln!("error: {}", self.sentence);
        if let Some(hint) = &self.hint {
            eprintln!("hint: {hint}");
        }
        ExitCode::from(code)
    }

    fn of(kind: Kind, sentence: impl Into<String>) -> Self {
        Self { kind, sentence: sentence.into(), hint: None }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::failed(format!("{error:#}"))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Connect { .. } => Self::unreachable(error.to_string()),
            _ => Self::failed(error.to_string()),
        }
    }
}
