//! What one value must be. A rule turns a JSON value, or the text of a query parameter, into a typed value.

mod amount;
mod number;
mod order;
mod text;
mod word;

use std::borrow::Cow;

pub use amount::money;
pub use number::{int, quantity};
pub use order::{order_number, statuses};
pub use text::{email, identifier, multiline, text};
pub use word::{any, boolean, choice, country, currency, metadata, time, uuid};

use super::document::Doc;

/// What one value must be.
pub trait Rule {
    /// What a good value becomes.
    type Value;

    /// Reads the text of a query parameter, or of a JSON string.
    fn read_text(&self, sent: &str) -> Result<Self::Value, Broken>;

    /// Reads a JSON value; most rules want a string.
    fn read(&self, sent: &Doc) -> Result<Self::Value, Broken> {
        match sent {
            Doc::String(text) => self.read_text(text),
            _ => Err(wrong_type("a string")),
        }
    }

    /// A value to go on with after an error, so that the other fields are still looked at. It never leaves the reader.
    fn stand_in(&self) -> Self::Value;
}

/// A borrowed rule is a rule.
impl<R: Rule> Rule for &R {
    type Value = R::Value;

    fn read_text(&self, sent: &str) -> Result<R::Value, Broken> {
        (**self).read_text(sent)
    }

    fn read(&self, sent: &Doc) -> Result<R::Value, Broken> {
        (**self).read(sent)
    }

    fn stand_in(&self) -> R::Value {
        (**self).stand_in()
    }
}

/// Why a value does not follow its rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// For programs.
    pub code: &'static str,
    /// For people; never holds the value that was sent.
    pub message: Cow<'static, str>,
}

impl Broken {
    /// A broken rule with its message.
    pub fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The value has another JSON type than `wanted`.
pub(super) fn wrong_type(wanted: &str) -> Broken {
    Broken::new("INVALID_TYPE", format!("Must be {wanted}."))
}

#[cfg(test)]
pub(super) mod checks {
    use super::super::document::parse_any;
    use super::*;

    /// What a rule makes of a JSON value: the value, or the code of the error.
    pub(in super::super) fn read<R: Rule>(rule: &R, json: &str) -> Result<R::Value, &'static str> {
        rule.read(&parse_any(json.as_bytes()).unwrap()).map_err(|broken| broken.code)
    }
}
