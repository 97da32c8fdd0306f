//! What callers send, as typed values: read strictly, judged completely. Every broken field is told at once.
//!
//! Both doors read with it, so that the same input has the same pointers and the same codes at each. [`document`] refuses what two readers
//! could understand differently, [`fields`] reads an object with the [`rules`], [`asked`] holds what several doors ask for alike, [`canonical`]
//! gives one text to all spellings of the same document. Nothing here knows HTTP.

pub mod address;
pub mod asked;
pub mod canonical;
pub mod cursor;
pub mod document;
pub mod fields;
pub mod head;
pub mod rules;

use std::borrow::Cow;

use serde::Serialize;

/// Broken fields told in one answer. More help nobody, and a hostile body could break sixty thousand.
pub const ERRORS_MAX: usize = 100;

/// One broken field or parameter. `code` is public API: add, never rename.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where it stands.
    #[serde(flatten)]
    pub at: At,
    /// What is wrong, for programs.
    pub code: &'static str,
    /// What is wrong and what would be right, for people. Never holds the value that was sent.
    pub message: Cow<'static, str>,
}

/// Where a broken value stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum At {
    /// In the body: a JSON pointer (RFC 6901), empty for the whole body.
    Pointer(String),
    /// In the query string: the name of the parameter.
    Parameter(String),
}

impl At {
    /// The pointer or the name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pointer(text) | Self::Parameter(text) => text,
        }
    }
}

/// Names longer than this are cut in answers: no field of ours comes near.
const NAME_SHOWN_CHARS: usize = 64;

/// A name that a caller chose, short enough to be told back.
pub fn shown(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(NAME_SHOWN_CHARS) {
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
        None => Cow::Borrowed(name),
    }
}

/// The one of `known` that looks most like `name`; among equals the first.
pub fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let name = shown(name);
    let mut best = None;
    for word in known {
        // `price` for `unit_price` is nearer than any slip of the finger.
        let contained = name.len() >= 3 && word.contains(&*name);
        let likeness = strsim::jaro_winkler(&name, word) + if contained { 1.0 } else { 0.0 };
        if best.is_none_or(|(most, _)| likeness > most) {
            best = Some((likeness, *word));
        }
    }
    best.map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        let known = ["sku_id", "qty", "unit_price", "currency", "customer_email"];
        for (sent, meant) in [
            ("quantity", "qty"),
            ("skuId", "sku_id"),
            ("sku", "sku_id"),
            ("price", "unit_price"),
            ("curency", "currency"),
            ("email", "customer_email"),
            ("qyt", "qty"),
        ] {
            assert_eq!(nearest(sent, &known), Some(meant), "{sent}");
        }
        assert_eq!(nearest("qty", &[]), None);
    }

    #[test]
    fn a_long_name_is_cut_at_a_whole_character() {
        assert_eq!(shown("qty"), "qty");
        let cut = shown(&"é".repeat(5_000)).into_owned();
        assert_eq!(cut.chars().count(), NAME_SHOWN_CHARS + 1);
    }
}
