//! A JSON object as typed values. All broken fields are told at once, each with its pointer.
//!
//! ```text
//! let order = fields::read(&doc, |f| PlaceOrder {
//!     cart_id: f.optional("cart_id", uuid()),
//!     items: f.required_list("items", 1..=500, |f| Line {
//!         sku_id: f.required("sku_id", identifier()),
//!         qty: f.required("qty", quantity()),
//!     }),
//!     shipping_address: f.required_object("shipping_address", address),
//! })?;
//! ```
//!
//! After an error the closure goes on with a stand-in for the broken value, so that it sees all fields; what it built
//! is dropped and the errors are returned. Therefore the closure only builds, it does nothing.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use super::document::Doc;
use super::rules::{Broken, Rule, wrong_type};
use super::{At, ERRORS_MAX, FieldError, nearest, shown};

/// Builds a value from the fields of an object. Fields that `build` did not ask for are errors.
pub fn read<T>(doc: &Doc, build: impl FnOnce(&mut Fields<'_>) -> T) -> Result<T, Vec<FieldError>> {
    let mut errors = Vec::new();
    let value = read_object(doc, Path { parent: None, step: Step::Root }, &mut errors, build);
    match value {
        Some(value) if errors.is_empty() => Ok(value),
        _ => Err(errors),
    }
}

/// The fields of one object while they are read.
#[derive(Debug)]
pub struct Fields<'a> {
    sent: &'a [(String, Doc)],
    path: Path<'a>,
    errors: &'a mut Vec<FieldError>,
    /// Names that callers may send.
    known: Vec<&'static str>,
    /// Names that exist but are not to be suggested.
    withheld: &'static [&'static str],
    /// Names that are not asked for are no error.
    open: bool,
    /// The object is absent and that is told already.
    muted: bool,
}

/// A field of a partial update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch<T> {
    /// Not sent: stays as it is.
    Keep,
    /// Sent as `null`.
    Clear,
    /// Sent with a value.
    Set(T),
}

impl Fields<'_> {
    /// A field that must be there and not `null`.
    pub fn required<R: Rule>(&mut self, name: &'static str, rule: R) -> R::Value {
        let Some(sent) = self.take_required(name) else { return rule.stand_in() };
        let value = rule.read(sent);
        value.unwrap_or_else(|broken| {
            self.broken(name, broken);
            rule.stand_in()
        })
    }

    /// A field that may be absent or `null`.
    pub fn optional<R: Rule>(&mut self, name: &'static str, rule: R) -> Option<R::Value> {
        let value = rule.read(self.take(name)?);
        value.map_err(|broken| self.broken(name, broken)).ok()
    }

    /// A field of a partial update: absent and `null` differ.
    pub fn patch<R: Rule>(&mut self, name: &'static str, rule: R) -> Patch<R::Value> {
        match self.optional(name, rule) {
            Some(value) => Patch::Set(value),
            None if self.find(name) == Some(&Doc::Null) => Patch::Clear,
            None => Patch::Keep,
        }
    }

    /// An object that must be there.
    pub fn required_object<T>(&mut self, name: &'static str, build: impl FnOnce(&mut Fields<'_>) -> T) -> T {
        let path = Path { parent: Some(&self.path), step: Step::Field(name) };
        self.known.push(name);
        let sent = match present(self.sent, name) {
            Some(Doc::Object(fields)) => return read_fields(fields, path, self.errors, self.muted, build),
            other => other,
        };
        match sent {
            Some(_) => self.broken(name, wrong_type("an object")),
            None => self.missing(name),
        }
        read_fields(&[], Path { parent: None, step: Step::Root }, self.errors, true, build)
    }

    /// An object that may be absent or `null`.
    pub fn optional_object<T>(&mut self, name: &'static str, build: impl FnOnce(&mut Fields<'_>) -> T) -> Option<T> {
        let sent = self.take(name)?;
        read_object(sent, Path { parent: Some(&self.path), step: Step::Field(name) }, self.errors, build)
    }

    /// A list of objects that must be there; `length` says how many there may be.
    pub fn required_list<T>(
        &mut self,
        name: &'static str,
        length: RangeInclusive<usize>,
        build: impl FnMut(&mut Fields<'_>) -> T,
    ) -> Vec<T> {
        let Some(sent) = self.take_required(name) else { return Vec::new() };
        self.list(name, sent, &length, build)
    }

    /// A list of objects that may be absent or `null`.
    pub fn optional_list<T>(
        &mut self,
        name: &'static str,
        length: RangeInclusive<usize>,
        build: impl FnMut(&mut Fields<'_>) -> T,
    ) -> Option<Vec<T>> {
        let sent = self.take(name)?;
        Some(self.list(name, sent, &length, build))
    }

    /// A list of single values that must be there.
    pub fn required_values<R: Rule>(&mut self, name: &'static str, length: RangeInclusive<usize>, rule: R) -> Vec<R::Value> {
        let Some(sent) = self.take_required(name) else { return Vec::new() };
        self.values(name, sent, &length, &rule)
    }

    /// A list of single values that may be absent or `null`.
    pub fn optional_values<R: Rule>(&mut self, name: &'static str, length: RangeInclusive<usize>, rule: R) -> Option<Vec<R::Value>> {
        let sent = self.take(name)?;
        Some(self.values(name, sent, &length, &rule))
    }

    /// Fields that the service alone decides; sending one is an error of its own.
    pub fn read_only(&mut self, names: &'static [&'static str]) {
        self.withheld = names;
        for name in names {
            if self.find(name).is_some() {
                self.refuse(name, "READ_ONLY_FIELD", "Is decided by the service and cannot be sent.");
            }
        }
    }

    /// Fields that are not asked for may come too: the object is another service's, which may tell more.
    pub fn others_may_come(&mut self) {
        self.open = true;
    }

    /// A field that somebody else reads.
    pub fn known(&mut self, name: &'static str) {
        self.known.push(name);
    }

    /// Whether the field was sent and is not `null`. Asking does not make it known.
    pub fn has(&self, name: &str) -> bool {
        present(self.sent, name).is_some()
    }

    /// The field as it was sent, unless absent or `null`: for what is kept in the caller's words once it was read.
    pub fn sent(&self, name: &str) -> Option<&Doc> {
        present(self.sent, name)
    }

    /// Tells what is wrong with a field, for rules between fields.
    pub fn refuse(&mut self, name: &str, code: &'static str, message: &'static str) {
        self.broken(name, Broken::new(code, message));
    }

    /// Tells that the field breaks a rule that was applied later.
    pub fn broken(&mut self, name: &str, broken: Broken) {
        if !self.muted {
            push(self.errors, &Path { parent: Some(&self.path), step: Step::Field(name) }, broken);
        }
    }

    fn missing(&mut self, name: &'static str) {
        self.refuse(name, "REQUIRED", "Is required.");
    }
}

impl<'a> Fields<'a> {
    fn find(&self, name: &str) -> Option<&'a Doc> {
        self.sent.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The field unless absent or `null`; from now on it is known.
    fn take(&mut self, name: &'static str) -> Option<&'a Doc> {
        self.known.push(name);
        present(self.sent, name)
    }

    fn take_required(&mut self, name: &'static str) -> Option<&'a Doc> {
        let sent = self.take(name);
        if sent.is_none() {
            self.missing(name);
        }
        sent
    }

    /// The items of a list of the right length; otherwise none and an error.
    fn items(&mut self, name: &'static str, sent: &'a Doc, length: &RangeInclusive<usize>) -> &'a [Doc] {
        let Doc::Array(items) = sent else {
            self.broken(name, wrong_type("a list"));
            return &[];
        };
        if !length.contains(&items.len()) {
            let message = format!("Must have {} to {} entries.", length.start(), length.end());
            self.broken(name, Broken::new("LINES_OUT_OF_RANGE", message));
            return &[];
        }
        items
    }

    fn list<T>(
        &mut self,
        name: &'static str,
        sent: &'a Doc,
        length: &RangeInclusive<usize>,
        mut build: impl FnMut(&mut Fields<'_>) -> T,
    ) -> Vec<T> {
        let items = self.items(name, sent, length);
        let list = Path { parent: Some(&self.path), step: Step::Field(name) };
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = Path { parent: Some(&list), step: Step::Index(index) };
            values.extend(read_object(item, path, self.errors, &mut build));
        }
        values
    }

    fn values<R: Rule>(&mut self, name: &'static str, sent: &'a Doc, length: &RangeInclusive<usize>, rule: &R) -> Vec<R::Value> {
        let items = self.items(name, sent, length);
        let list = Path { parent: Some(&self.path), step: Step::Field(name) };
        let mut read = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match rule.read(item) {
                Ok(value) => read.push(value),
                Err(broken) => push(self.errors, &Path { parent: Some(&list), step: Step::Index(index) }, broken),
            }
        }
        read
    }
}

/// Where an object stands, from the inside out.
#[derive(Debug, Clone, Copy)]
struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Index(usize),
}

impl Path<'_> {
    fn write(&self, out: &mut String) {
        if let Some(parent) = self.parent {
            parent.write(out);
        }
        match self.step {
            Step::Root => {}
            Step::Field(name) => {
                out.push('/');
                out.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
            Step::Index(index) => write!(out, "/{index}").expect("a String takes any text"),
        }
    }
}

fn push(errors: &mut Vec<FieldError>, path: &Path<'_>, broken: Broken) {
    if errors.len() < ERRORS_MAX {
        let mut pointer = String::new();
        path.write(&mut pointer);
        errors.push(FieldError { at: At::Pointer(pointer), code: broken.code, message: broken.message });
    }
}

fn present<'a>(sent: &'a [(String, Doc)], name: &str) -> Option<&'a Doc> {
    sent.iter().find(|(key, _)| key == name).map(|(_, value)| value).filter(|value| **value != Doc::Null)
}

fn read_object<T>(sent: &Doc, path: Path<'_>, errors: &mut Vec<FieldError>, build: impl FnOnce(&mut Fields<'_>) -> T) -> Option<T> {
    if let Doc::Object(fields) = sent {
        return Some(read_fields(fields, path, errors, false, build));
    }
    push(errors, &path, wrong_type("an object"));
    None
}

fn read_fields<T>(
    sent: &[(String, Doc)],
    path: Path<'_>,
    errors: &mut Vec<FieldError>,
    muted: bool,
    build: impl FnOnce(&mut Fields<'_>) -> T,
) -> T {
    let mut fields = Fields { sent, path, errors, known: Vec::with_capacity(16), withheld: &[], open: false, muted };
    let value = build(&mut fields);
    let Fields { path, errors, known, withheld, open, .. } = fields;
    for (name, _) in sent {
        if !open && !known.contains(&name.as_str()) && !withheld.contains(&name.as_str()) && errors.len() < ERRORS_MAX {
            let message = match nearest(name, &known) {
                Some(known) => format!("Is not a field of this request; the nearest one is {known}."),
                None => "Is not a field of this request, which has none.".to_owned(),
            };
            let at = Path { parent: Some(&path), step: Step::Field(&shown(name)) };
            push(errors, &at, Broken::new("UNKNOWN_FIELD", message));
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::super::document::parse_any;
    use super::super::rules::{choice, country, currency, identifier, int, metadata, money, multiline, quantity, text, uuid};
    use super::*;
    use domain::money::{Currency, Decimal};

    #[derive(Debug, PartialEq)]
    struct Order {
        cart_id: Option<uuid::Uuid>,
        items: Vec<Line>,
        address: Address,
        billing: Option<Address>,
        codes: Option<Vec<String>>,
        price: (Decimal, Currency),
        notes: Option<String>,
    }

    #[derive(Debug, PartialEq)]
    struct Line {
        sku_id: String,
        qty: u32,
    }

    #[derive(Debug, PartialEq)]
    struct Address {
        city: String,
        country: &'static str,
    }

    fn address(f: &mut Fields<'_>) -> Address {
        Address { city: f.required("city", text(1..=100)), country: f.required("country", country()) }
    }

    fn line(f: &mut Fields<'_>) -> Line {
        Line { sku_id: f.required("sku_id", identifier()), qty: f.required("qty", quantity()) }
    }

    fn order(f: &mut Fields<'_>) -> Order {
        f.read_only(&["status", "total_amount"]);
        f.known("idempotency_key");
        let currency = f.required("currency", currency());
        Order {
            cart_id: f.optional("cart_id", uuid()),
            items: f.required_list("items", 1..=3, line),
            address: f.required_object("shipping_address", address),
            billing: f.optional_object("billing_address", address),
            codes: f.optional_values("promotion_codes", 0..=2, text(1..=20)),
            price: (f.required("price", money()), currency),
            notes: f.optional("notes", multiline(0..=2000)),
        }
    }

    const GOOD: &str = r#"{
        "currency": "EUR", "price": 12.5, "idempotency_key": "k", "notes": null,
        "items": [{"sku_id": "A", "qty": 2}, {"qty": 1, "sku_id": "B"}],
        "shipping_address": {"city": "Köln", "country": "DE"},
        "promotion_codes": ["X"]
    }"#;

    fn errors_of(text: &str) -> Vec<(String, &'static str)> {
        let errors = read(&parse_any(text.as_bytes()).unwrap(), order).err().unwrap_or_default();
        errors.into_iter().map(|error| (error.at.as_str().to_owned(), error.code)).collect()
    }

    #[test]
    fn a_good_object_becomes_the_value() {
        let read = read(&parse_any(GOOD.as_bytes()).unwrap(), order).unwrap();
        assert_eq!(
            read,
            Order {
                cart_id: None,
                items: vec![Line { sku_id: "A".into(), qty: 2 }, Line { sku_id: "B".into(), qty: 1 }],
                address: Address { city: "Köln".into(), country: "DE" },
                billing: None,
                codes: Some(vec!["X".into()]),
                price: (Decimal { mantissa: 125, scale: 1 }, Currency::EUR),
                notes: None,
            }
        );
    }

    #[test]
    fn one_change_to_a_good_object_gives_its_one_error() {
        for (good, bad, pointer, code) in [
            (r#""EUR""#, r#""eur""#, "/currency", "INVALID_CURRENCY"),
            (r#""EUR""#, "null", "/currency", "REQUIRED"),
            ("12.5,", "12.55555,", "/price", "INVALID_AMOUNT_SCALE"),
            ("12.5,", "-12.5,", "/price", "AMOUNT_OUT_OF_RANGE"),
            ("12.5,", "1e2,", "/price", "INVALID_AMOUNT"),
            (r#""qty": 2"#, r#""qty": 0"#, "/items/0/qty", "QUANTITY_OUT_OF_RANGE"),
            (r#""qty": 1"#, r#""qty": "1""#, "/items/1/qty", "INVALID_TYPE"),
            (r#""qty": 1, "#, "", "/items/1/qty", "REQUIRED"),
            (r#""qty": 1,"#, r#""qty": 1, "price": 1,"#, "/items/1/price", "UNKNOWN_FIELD"),
            (r#"{"sku_id": "A", "qty": 2}"#, "5", "/items/0", "INVALID_TYPE"),
            (r#"{"sku_id": "A", "qty": 2}"#, "null", "/items/0", "INVALID_TYPE"),
            (r#"{"sku_id": "A", "qty": 2}"#, "1,2,3", "/items", "LINES_OUT_OF_RANGE"),
            (r#""items": ["#, r#""notes2": ["#, "/items", "REQUIRED"),
            (r#"{"city": "Köln", "country": "DE"}"#, "null", "/shipping_address", "REQUIRED"),
            (r#"{"city": "Köln", "country": "DE"}"#, "[]", "/shipping_address", "INVALID_TYPE"),
            (r#""country": "DE""#, r#""country": "de""#, "/shipping_address/country", "INVALID_COUNTRY"),
            (r#""country": "DE""#, r#""country": "DE", "a/b~c": 1"#, "/shipping_address/a~1b~0c", "UNKNOWN_FIELD"),
            (r#"["X"]"#, r#""X""#, "/promotion_codes", "INVALID_TYPE"),
            (r#"["X"]"#, r#"["X", 5]"#, "/promotion_codes/1", "INVALID_TYPE"),
            (r#"["X"]"#, r#"["X", null]"#, "/promotion_codes/1", "INVALID_TYPE"),
            (r#"["X"]"#, r#"["X", "Y", "Z"]"#, "/promotion_codes", "LINES_OUT_OF_RANGE"),
            (r#""notes": null"#, r#""notes": 7"#, "/notes", "INVALID_TYPE"),
            (r#""notes": null"#, r#""billing_address": {}, "notes": null"#, "/billing_address/city", "REQUIRED"),
            (r#""notes": null"#, r#""billing_address": 7"#, "/billing_address", "INVALID_TYPE"),
            (r#""notes": null"#, r#""status": "PAID""#, "/status", "READ_ONLY_FIELD"),
            (r#""notes": null"#, r#""status": null"#, "/status", "READ_ONLY_FIELD"),
            (r#""notes": null"#, r#""": 1"#, "/", "UNKNOWN_FIELD"),
            (r#""notes": null"#, r#""cart_id": "7""#, "/cart_id", "INVALID_UUID"),
        ] {
            assert!(GOOD.contains(good), "{good}");
            let errors = errors_of(&GOOD.replacen(good, bad, 1));
            assert_eq!(errors.first().map(|(pointer, code)| (pointer.as_str(), *code)), Some((pointer, code)), "{errors:?}");
            // The three rows that break two things at once.
            let more = usize::from(bad.contains("notes2") || bad.contains("{}"));
            assert_eq!(errors.len(), 1 + more, "{errors:?}");
        }
    }

    #[test]
    fn all_broken_fields_are_told_at_once() {
        let errors = errors_of(r#"{"total_amount": 5, "price": -1, "items": [{"qty": 1.5, "sku": "A"}, {"sku_id": ""}], "note": "x"}"#);
        assert_eq!(
            errors,
            [
                ("/total_amount", "READ_ONLY_FIELD"),
                ("/currency", "REQUIRED"),
                ("/items/0/sku_id", "REQUIRED"),
                ("/items/0/qty", "INVALID_TYPE"),
                ("/items/0/sku", "UNKNOWN_FIELD"),
                ("/items/1/sku_id", "TOO_SHORT"),
                ("/items/1/qty", "REQUIRED"),
                ("/shipping_address", "REQUIRED"),
                ("/price", "AMOUNT_OUT_OF_RANGE"),
                ("/note", "UNKNOWN_FIELD"),
            ]
            .map(|(pointer, code)| (pointer.to_owned(), code))
        );
    }

    #[test]
    fn an_unknown_field_is_told_with_the_nearest_known_one() {
        let doc = parse_any(GOOD.replace("\"notes\"", "\"note\"").as_bytes()).unwrap();
        let errors = read(&doc, order).unwrap_err();
        assert_eq!(errors[0].message, "Is not a field of this request; the nearest one is notes.");
        let doc = parse_any(GOOD.replace("\"notes\"", "\"stat\"").as_bytes()).unwrap();
        let errors = read(&doc, order).unwrap_err();
        assert!(!errors[0].message.contains("status"), "a read-only field is no advice: {}", errors[0].message);
        let errors = read(&parse_any(br#"{"a":1}"#).unwrap(), |_| ()).unwrap_err();
        assert_eq!(errors[0].message, "Is not a field of this request, which has none.");
    }

    #[test]
    fn a_broken_currency_earns_its_amounts_no_error() {
        let errors = errors_of(&GOOD.replace("EUR", "QQQ").replace("12.5", "12.555"));
        assert_eq!(errors, [("/currency".to_owned(), "INVALID_CURRENCY")]);
    }

    #[test]
    fn a_hostile_body_gets_a_bounded_answer() {
        let fields: Vec<String> = (0..30_000).map(|n| format!("\"{}{n}\":1", "x".repeat(if n == 7 { 100_000 } else { 1 }))).collect();
        let doc = parse_any(format!("{{{}}}", fields.join(",")).as_bytes()).unwrap();
        let errors = read(&doc, order).unwrap_err();
        assert_eq!(errors.len(), ERRORS_MAX);
        assert!(errors.iter().all(|error| error.at.as_str().len() < 100 && error.message.len() < 200));
    }

    #[test]
    fn no_message_repeats_what_was_sent() {
        let secret = "4111111111111111";
        let body = format!(
            r#"{{"currency":"{secret}","price":"{secret} EUR","cart_id":"{secret}","notes":{secret},"items":"{secret}",
            "shipping_address":{{"city":{secret},"country":"{secret}"}},"promotion_codes":["{secret}{secret}"]}}"#
        );
        let errors = read(&parse_any(body.as_bytes()).unwrap(), order).unwrap_err();
        assert_eq!(errors.len(), 8, "{errors:?}");
        assert!(!serde_json::to_string(&errors).unwrap().contains(secret));
    }

    #[test]
    fn a_partial_update_tells_absent_from_null() {
        let check = |body: &str, expected: Result<Patch<i32>, usize>| {
            let doc = parse_any(body.as_bytes()).unwrap();
            let got = read(&doc, |f| f.patch("n", int(1..=9))).map_err(|errors| errors.len());
            assert_eq!(got, expected, "{body}");
        };
        check("{}", Ok(Patch::Keep));
        check(r#"{"n":null}"#, Ok(Patch::Clear));
        check(r#"{"n":5}"#, Ok(Patch::Set(5)));
        check(r#"{"n":10}"#, Err(1));
    }

    #[test]
    fn rules_between_fields_are_told_like_the_others() {
        let doc = parse_any(br#"{"amount":"5.55","items":[]}"#).unwrap();
        let errors = read(&doc, |f| {
            if f.has("amount") && f.has("items") {
                f.refuse("items", "EITHER_OR", "Send items or amount.");
            }
            let amount = f.required("amount", money());
            if let Err(error) = amount.to_minor(Currency::JPY) {
                f.broken("amount", Broken::new("INVALID_AMOUNT_SCALE", error.to_string()));
            }
            f.required_values("items", 0..=5, choice(&[("A", 1)]));
            f.optional_list("lines", 0..=5, line);
            f.optional("metadata", metadata());
        })
        .unwrap_err();
        let codes: Vec<&str> = errors.iter().map(|error| error.code).collect();
        assert_eq!(codes, ["EITHER_OR", "INVALID_AMOUNT_SCALE"]);
        let text = serde_json::to_string(&errors[0]).unwrap();
        assert_eq!(text, r#"{"pointer":"/items","code":"EITHER_OR","message":"Send items or amount."}"#);
    }

    #[test]
    fn what_is_no_object_is_told_at_the_root() {
        let errors = read(&Doc::Array(vec![]), order).unwrap_err();
        assert_eq!((errors.len(), errors[0].at.as_str(), errors[0].code), (1, "", "INVALID_TYPE"));
    }
}
