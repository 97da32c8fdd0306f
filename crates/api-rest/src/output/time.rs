//! Times as RFC 3339 in UTC, always with three decimals: `2026-11-20T10:24:09.000Z`.

use domain::time::Time;
use serde::{Serialize, Serializer};

/// A moment, written as a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UtcTime(pub(crate) Time);

impl Serialize for UtcTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
