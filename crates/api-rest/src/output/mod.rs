//! What callers get back: money, times and pages in their one written form.

pub(crate) mod amount;
pub(crate) mod page;
pub(crate) mod time;

use serde_json::value::RawValue;

/// JSON that was stored as text. It was JSON when it was stored.
pub(crate) fn stored(text: Option<&str>) -> Option<&RawValue> {
    text.and_then(|text| serde_json::from_str(text).ok())
}
