//! What `ordo` was told: a TOML file and the environment become one checked [`Config`], or every error at once.
//!
//! The environment wins over the file, the file over the default. [`keys`] is the only list of keys.

mod check;
mod given;
mod keys;
pub(crate) mod kinds;
mod mask;
mod problem;
mod show;
#[cfg(test)]
mod tests;
pub(crate) mod words;

use std::path::{Path, PathBuf};

use given::Values;
pub(crate) use keys::{Config, Log};
pub(crate) use problem::ConfigErrors;
pub(crate) use show::docs;
pub(crate) use words::LogFormat;

/// The file that is read when none is named and it exists.
const FILE_DEFAULT: &str = "ordo.toml";

impl Config {
    /// Reads `file` (none: defaults only), lays `environment` over it, and checks the whole.
    ///
    /// Only variables whose name begins with `ORDO_` are looked at.
    pub(crate) fn load(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigErrors> {
        let mut values = Values::default();
        let mut problems = Vec::new();
        if let Some(path) = file {
            values.add_file(path, &mut problems);
        }
        values.add_environment(environment, &mut problems);
        let config = Self::read(&values, &mut problems);
        if let Some(config) = &config {
            check::check(config, &mut problems);
        }
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigErrors(problems)),
        }
    }
}

/// The file to read: the one that was asked for, else `ordo.toml` of the working directory when it exists.
pub(crate) fn file(asked: Option<PathBuf>) -> Option<PathBuf> {
    asked.or_else(|| Some(PathBuf::from(FILE_DEFAULT)).filter(|path| path.exists()))
}

/// The environment of this process. A value that is not UTF-8 becomes one that no key accepts silently.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
}
