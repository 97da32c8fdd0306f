//! Idempotency keys: one key, one effect, for ever.

use std::fmt;
use std::sync::Arc;

use crate::time::Time;

/// What the row is found by: the caller, the command and the caller's key in one text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ScopedKey(pub Arc<str>);

impl ScopedKey {
    /// `key` as `caller` used it for `command`. No caller id and no command name contains the separator.
    pub fn new(caller: &str, command: &str, key: &str) -> Self {
        Self(format!("{caller}\u{1f}{command}\u{1f}{key}").into())
    }

    /// The part that the caller wrote.
    pub fn as_caller_wrote(&self) -> &str {
        self.0.rsplit('\u{1f}').next().unwrap_or_default()
    }
}

/// SHA-256 of what the caller said, in a canonical form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A key with what it did.
#[derive(Clone, PartialEq, Debug)]
pub struct KeyRow {
    /// Whose key, for which command.
    pub key: ScopedKey,
    /// What the caller said with it.
    pub fingerprint: Fingerprint,
    /// From which the answer is given again.
    pub answer: Arc<str>,
    /// When it was first used.
    pub created_at: Time,
}
