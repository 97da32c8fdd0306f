//! Messages as the documents that the HTTP doors read, so that both are judged by the same rules.

use std::collections::BTreeSet;

use api_input::document::Doc;

use crate::order_v1::Address;
use crate::problem::Problem;

/// A document under way: only what is set is in it.
#[derive(Debug, Default)]
pub(crate) struct Document(Vec<(String, Doc)>);

impl Document {
    /// Text, if set.
    pub(crate) fn text(mut self, name: &str, value: Option<String>) -> Self {
        self.0.extend(value.map(|text| (name.to_owned(), Doc::String(text))));
        self
    }

    /// A number, if set.
    pub(crate) fn number(mut self, name: &str, value: Option<i64>) -> Self {
        self.0.extend(value.map(|number| (name.to_owned(), Doc::Number(number.to_string()))));
        self
    }

    /// Texts, unless there are none.
    pub(crate) fn texts(mut self, name: &str, values: Vec<String>) -> Self {
        if !values.is_empty() {
            self.0.push((name.to_owned(), Doc::Array(values.into_iter().map(Doc::String).collect())));
        }
        self
    }

    /// An address, if set.
    pub(crate) fn address(mut self, name: &str, value: Option<Address>) -> Self {
        let doc = |address: Address| {
            Self::default()
                .text("name", address.name)
                .text("line1", address.line1)
                .text("line2", address.line2)
                .text("city", address.city)
                .text("region", address.region)
                .text("postal_code", address.postal_code)
                .text("country", address.country)
                .text("company", address.company)
                .text("phone", address.phone)
                .end()
        };
        self.0.extend(value.map(|address| (name.to_owned(), doc(address))));
        self
    }

    /// Fields to clear, each named once and not set: a list becomes empty, anything else `null`.
    pub(crate) fn cleared(mut self, names: Vec<String>, lists: &[&str]) -> Result<Self, Problem> {
        let mut taken: BTreeSet<String> = self.0.iter().map(|(name, _)| name.clone()).collect();
        for name in names {
            if !taken.insert(name.clone()) {
                return Err(Problem::invalid("DUPLICATE_FIELD", "A field is named twice: it can be set or cleared, once."));
            }
            let nothing = if lists.contains(&name.as_str()) { Doc::Array(Vec::new()) } else { Doc::Null };
            self.0.push((name, nothing));
        }
        Ok(self)
    }

    /// The whole of it.
    pub(crate) fn end(self) -> Doc {
        Doc::Object(self.0)
    }
}

#[cfg(test)]
mod tests {
    use api_input::document::parse;

    use super::*;

    #[test]
    fn what_is_set_is_in_it_and_nothing_else() {
        let doc = Document::default()
            .text("a", Some("x".into()))
            .text("b", None)
            .number("n", Some(5))
            .texts("l", vec!["y".into()])
            .texts("m", Vec::new())
            .address("home", Some(Address { city: Some("c".into()), ..Address::default() }))
            .cleared(vec!["z".into(), "m".into()], &["m"])
            .unwrap()
            .end();
        assert_eq!(Ok(doc), parse(br#"{"a":"x","n":5,"l":["y"],"home":{"city":"c"},"z":null,"m":[]}"#));
    }

    #[test]
    fn a_field_is_set_or_cleared_once() {
        for (set, clear) in [(Some("x"), &["a"][..]), (None, &["a", "a"])] {
            let clear = clear.iter().map(|name| (*name).to_owned()).collect();
            let got = Document::default().text("a", set.map(Into::into)).cleared(clear, &[]);
            assert_eq!(got.unwrap_err().reason, "DUPLICATE_FIELD");
        }
    }
}
