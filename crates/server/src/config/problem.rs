//! What is wrong with a configuration: one sentence a problem, that names the key, where it was found, and what to write.

use std::fmt;
use std::path::PathBuf;

/// Where a value comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// Nobody set it.
    Default,
    /// A line of the file.
    File {
        /// As it was named.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// A variable of the environment.
    Environment {
        /// Its name.
        variable: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment { variable } => f.write_str(variable),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// The file cannot be had.
    #[error("{}: cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The file is not TOML.
    #[error("{origin}: not TOML: {reason}")]
    Syntax {
        /// The line.
        origin: Origin,
        /// What the parser says; never the text of the line, which may hold a secret.
        reason: String,
    },
    /// Nobody knows this key.
    #[error("{origin}: unknown key `{name}`; the nearest known one is `{nearest}`")]
    UnknownKey {
        /// The line.
        origin: Origin,
        /// The key.
        name: String,
        /// One that is known.
        nearest: &'static str,
    },
    /// Nobody knows this variable.
    #[error("environment: unknown variable `{name}`; the nearest known one is `{nearest}`")]
    UnknownVariable {
        /// The variable.
        name: String,
        /// One that is known.
        nearest: String,
    },
    /// The key does not take this value.
    #[error("`{key}` ({origin}): found {found}, expected {expected}{}", why.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    Value {
        /// The key.
        key: String,
        /// Where the value is.
        origin: Origin,
        /// The value, masked and shortened.
        found: String,
        /// What would be taken.
        expected: String,
        /// What else there is to say.
        why: Option<String>,
    },
    /// Values that are each right but do not go together, or a choice that is not served.
    #[error("{0}")]
    Together(String),
}

/// Everything that is wrong with a configuration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfigErrors(pub(crate) Vec<Problem>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl std::error::Error for ConfigErrors {}
