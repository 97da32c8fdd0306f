//! Writes a JSON object, field by field. Every order that is saved takes several inside of the writer's turn; made from structs by
//! `serde`, with each amount read again as `RawValue`, they took a tenth of the turn.

use std::fmt::Display;
use std::io::Write as _;

use domain::money::{self, Currency};

/// An object under way.
pub(crate) struct Object(Vec<u8>);

impl Object {
    /// An empty one.
    pub(crate) fn new() -> Self {
        // Room for an order of two lines.
        let mut json = Vec::with_capacity(1024);
        json.push(b'{');
        Self(json)
    }

    /// A text that may hold anything.
    pub(crate) fn text(mut self, name: &'static str, value: &str) -> Self {
        self.name(name);
        serde_json::to_writer(&mut self.0, value).expect("a text is JSON, and memory is there");
        self
    }

    /// The same, or `null`.
    pub(crate) fn text_or_null(self, name: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self.bare(name, "null"),
        }
    }

    /// A text that needs no escapes: an id, a moment, a number of an order.
    pub(crate) fn plain(mut self, name: &'static str, value: impl Display) -> Self {
        self.name(name);
        write!(self.0, "\"{value}\"").expect("memory is there");
        self
    }

    /// The same, or `null`.
    pub(crate) fn plain_or_null(self, name: &'static str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.plain(name, value),
            None => self.bare(name, "null"),
        }
    }

    /// What stands without quotes: a whole number, `true`, `false`.
    pub(crate) fn bare(mut self, name: &'static str, value: impl Display) -> Self {
        self.name(name);
        write!(self.0, "{value}").expect("memory is there");
        self
    }

    /// A number with exactly the currency's decimals.
    pub(crate) fn amount(mut self, name: &'static str, minor: i64, currency: Currency) -> Self {
        self.name(name);
        self.0.extend_from_slice(money::to_text(minor, currency).as_bytes());
        self
    }

    /// A list of objects, each with the fields that `fields` adds.
    pub(crate) fn objects<T>(mut self, name: &'static str, all: impl IntoIterator<Item = T>, fields: impl Fn(Self, T) -> Self) -> Self {
        self.name(name);
        self.0.push(b'[');
        for one in all {
            if self.0.last() == Some(&b'}') {
                self.0.push(b',');
            }
            self.0.push(b'{');
            self = fields(self, one);
            self.0.push(b'}');
        }
        self.0.push(b']');
        self
    }

    /// A list of texts.
    pub(crate) fn words(mut self, name: &'static str, words: &[&'static str]) -> Self {
        self.name(name);
        serde_json::to_writer(&mut self.0, words).expect("texts are JSON, and memory is there");
        self
    }

    /// What `fields` adds, if there is a value.
    pub(crate) fn with<T>(self, value: Option<T>, fields: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => fields(self, value),
            None => self,
        }
    }

    /// The whole object.
    pub(crate) fn end(mut self) -> String {
        self.0.push(b'}');
        String::from_utf8(self.0).expect("made of texts")
    }

    fn name(&mut self, name: &'static str) {
        // After a value no object is just open: texts end with a quote.
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_field_is_json_and_stands_in_the_order_of_the_calls() {
        let usd = Currency::from_code("USD").unwrap();
        let written = Object::new()
            .text("name", "a \"{\" and a\nnew line é")
            .text_or_null("none", None)
            .plain("id", 7)
            .plain_or_null("no_id", None::<i64>)
            .bare("is_new", true)
            .amount("total", -105, usd)
            .objects("none_of_them", [0; 0], |one, n| one.bare("n", n))
            .objects("items", [1, 2], |one, n| one.with((n == 2).then_some(n), |one, n| one.bare("n", n)))
            .words("fields", &["notes", "metadata"])
            .with(Some("x"), |object, x| object.text("last", x))
            .end();
        assert_eq!(
            written,
            r#"{"name":"a \"{\" and a\nnew line é","none":null,"id":"7","no_id":null,"is_new":true,"total":-1.05,"none_of_them":[],"items":[{},{"n":2}],"fields":["notes","metadata"],"last":"x"}"#
        );
        serde_json::from_str::<serde_json::Value>(&written).unwrap();
        assert_eq!(Object::new().end(), "{}");
    }
}
