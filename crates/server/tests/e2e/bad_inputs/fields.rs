//! What is wrong with one field, by what the field is.

use serde_json::{Value, json};

use super::doors::{CANARY, Door};
use super::row::{Call, Expected, Row};

/// What a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Quantity,
    Correction,
    Integer,
    Money,
    Currency,
    Country,
    Choice,
    Time,
    Uuid,
    Email,
    Metadata,
    Object,
    Items,
    Text { least: usize, most: usize, is_word: bool, has_lines: bool },
}

/// The line of the catalogue, the value as JSON text, the code of the field.
type Bad = (u8, String, &'static str);

fn all(number: u8, code: &'static str, values: &[&str]) -> Vec<Bad> {
    values.iter().map(|value| (number, (*value).to_owned(), code)).collect()
}

fn texts(number: u8, code: &'static str, values: &[&str]) -> Vec<Bad> {
    values.iter().map(|value| (number, json!(value).to_string(), code)).collect()
}

impl Kind {
    /// Every wrong value.
    pub(super) fn bad(self) -> Vec<Bad> {
        let mut bad = self.wrong_types();
        bad.extend(match self {
            Self::Quantity => {
                let mut bad = quantities();
                bad.extend(all(20, "QUANTITY_OUT_OF_RANGE", &["-1", "-2147483648", "-9223372036854775809"]));
                bad.extend(all(22, "QUANTITY_OUT_OF_RANGE", &["1000001"]));
                bad
            }
            Self::Correction => quantities(),
            Self::Integer => {
                let mut bad = all(22, "OUT_OF_RANGE", &["2147483648", "-2147483649", "123456789012345678901234567890"]);
                bad.extend(all(21, "INVALID_TYPE", &["1.5", "1e0", "1.0"]));
                bad
            }
            Self::Money => amounts(),
            Self::Currency => texts(28, "INVALID_CURRENCY", &["usd", "Usd", "XXX", "XTS", "ZZZ", "DOLLAR", "US", "", " USD", "$", "'; --"]),
            Self::Country => texts(43, "INVALID_COUNTRY", &["us", "USA", "XX", "UK", "", "U S", "'; drop table orders; --"]),
            Self::Choice => texts(43, "INVALID_VALUE", &["active", "GONE", "'; drop table orders; --", "ACTIVE;GONE"]),
            Self::Time => times(),
            Self::Uuid => {
                let word = format!("{CANARY}-10b1-426f-9247-bb680e5fe0c8");
                let rows = ["", "42", &word, "67e5504410b1426f9247bb680e5fe0c8", "{67e55044-10b1-426f-9247-bb680e5fe0c8}", "../../x", "\0"];
                texts(46, "INVALID_UUID", &rows)
            }
            Self::Email => emails(),
            Self::Metadata => metadata(),
            Self::Object => Vec::new(),
            Self::Items => {
                vec![(30, "[]".to_owned(), "LINES_OUT_OF_RANGE"), (30, format!("[{}1]", "1,".repeat(500)), "LINES_OUT_OF_RANGE")]
            }
            Self::Text { least, most, is_word, has_lines } => strings(least, most, is_word, has_lines),
        });
        bad
    }

    /// JSON of another type than the field's.
    fn wrong_types(self) -> Vec<Bad> {
        let values: &[&str] = match self {
            Self::Quantity | Self::Correction | Self::Integer => &["\"2\"", "true", "{}", "[1]", "\"\""],
            Self::Money => &["true", "{\"amount\":1}", "[1]"],
            Self::Metadata | Self::Object => &["\"{}\"", "1", "false", "[]"],
            Self::Items => &["\"[]\"", "1", "false", "{}", "{\"0\":{}}"],
            _ => &["1", "true", "{}", "[\"a\"]"],
        };
        all(18, "INVALID_TYPE", values)
    }
}

fn quantities() -> Vec<Bad> {
    let mut bad = all(19, "QUANTITY_OUT_OF_RANGE", &["0"]);
    bad.extend(all(21, "INVALID_TYPE", &["1.5", "1e0", "1.0", "1E2", "1e999", "1e-999999999"]));
    let large = ["2147483648", "9223372036854775807", "9223372036854775808", "123456789012345678901234567890"];
    bad.extend(all(22, "QUANTITY_OUT_OF_RANGE", &large));
    // A number as long as a body may be, and one that is all zeros behind its point.
    bad.push((22, format!("1{}", "0".repeat(1_000_000)), "QUANTITY_OUT_OF_RANGE"));
    bad.push((21, format!("1.{}", "0".repeat(1_000_000)), "INVALID_TYPE"));
    bad
}

fn amounts() -> Vec<Bad> {
    let mut bad = all(25, "INVALID_AMOUNT_SCALE", &["1.00001", "\"1.00001\""]);
    bad.push((25, format!("0.{}", "0".repeat(1_000_000)), "INVALID_AMOUNT_SCALE"));
    bad.extend(all(26, "INVALID_AMOUNT", &["1e2", "1E-2", "1e999", "1e-999999999"]));
    let texts_too =
        ["1e2", "1,000.00", "1.000,00", "1 000", "1_000", "1'000", "+5", "05", ".5", "5.", "", "-", " 5", "5 USD", "$5", "٥", "0x10"];
    bad.extend(texts(26, "INVALID_AMOUNT", &texts_too));
    bad.extend(texts(24, "INVALID_AMOUNT", &["NaN", "Infinity", "-Infinity"]));
    bad.extend(all(27, "AMOUNT_OUT_OF_RANGE", &["-5", "-0.01", "\"-5.00\"", "\"-0\""]));
    bad.extend(all(23, "AMOUNT_OUT_OF_RANGE", &["9223372036854775807", "1000000000000001", "99999999999999999999999999999999999999"]));
    bad.push((23, format!("1{}", "0".repeat(1_000_000)), "AMOUNT_OUT_OF_RANGE"));
    bad
}

fn times() -> Vec<Bad> {
    let rows = [
        "",
        "now",
        "2026-11-20",
        "2026-11-20T10:24:09",
        "2026-11-20 10:24:09Z",
        "2026-11-20T10:24:60Z",
        "2016-12-31T23:59:60Z",
        "2026-02-29T00:00:00Z",
        "9999999-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "2026-11-20T10:24:09+99:00",
        "2026-11-20T10:24:09Z[UTC]",
        "1969-12-31T23:59:59Z",
        "1795170249",
        "'; drop table orders; --",
    ];
    texts(36, "INVALID_TIMESTAMP", &rows)
}

fn emails() -> Vec<Bad> {
    let long = format!("{}@mail.example", "a".repeat(243));
    let rows = [
        "",
        CANARY,
        "@mail.example",
        "a@",
        "a@b@c.example",
        "canary7f3e@mail.example\r\nBcc: b@mail.example",
        "canary7f3e@mail.example\nb@mail.example",
        "a@mail.example,b@mail.example",
        "a@mail.example;b@mail.example",
        "<a@mail.example>",
        "a b@mail.example",
        "a@mail..example",
        "a@mail.example\0",
        &long,
    ];
    texts(41, "INVALID_EMAIL", &rows)
}

fn metadata() -> Vec<Bad> {
    let keys: Vec<String> = (0..51).map(|number| format!("\"k{number}\":1")).collect();
    let mut bad = vec![
        (42, format!("{{{}}}", keys.join(",")), "METADATA_LIMIT"),
        (42, format!("{{\"a\":\"{}\"}}", "x".repeat(8 * 1024)), "METADATA_LIMIT"),
        (42, format!("{{\"a\":[{}1]}}", "1,".repeat(30_000)), "METADATA_LIMIT"),
    ];
    let rows = [r#"{"__proto__":{}}"#, r#"{"a":[{"__proto__":1}]}"#, r#"{"\u005f_proto__":1}"#, r#"{"a":1e999}"#, r#"{"a":1e-99999}"#];
    bad.extend(all(42, "METADATA_LIMIT", &rows));
    bad.extend(all(37, "INVALID_TEXT", &[r#"{"a":"\u0000"}"#, r#"{"a\u0000":1}"#, r#"{"a":[{"b":["\u0000"]}]}"#]));
    bad
}

fn strings(least: usize, most: usize, is_word: bool, has_lines: bool) -> Vec<Bad> {
    let mut bad = texts(37, "INVALID_TEXT", &["\0", "canary7f3e\0"]);
    bad.extend(texts(39, "INVALID_TEXT", &["a\u{7}b", "a\u{1b}[31mb", "a\u{7f}b", "a\u{85}b", "a\u{9f}b"]));
    if !has_lines {
        bad.extend(texts(44, "INVALID_TEXT", &["canary7f3e\r\nX: y", "a\nb", "a\tb"]));
    }
    if is_word {
        bad.extend(texts(39, "INVALID_TEXT", &[" a", "a ", "a\u{a0}", "\u{2003}a"]));
    }
    if least > 0 {
        bad.extend(texts(17, "TOO_SHORT", &[""]));
    }
    let long = ["x".repeat(most + 1), "😀".repeat(most + 1), format!("{CANARY}{}", "x".repeat(100_000))];
    bad.extend(texts(40, "TOO_LONG", &long.each_ref().map(String::as_str)));
    bad
}

/// Every wrong value of every field of a door, one at a time.
pub(super) fn rows(door: &Door, call: impl Fn(&[u8]) -> Call) -> Vec<Row> {
    let mut rows = Vec::new();
    for (pointer, kind) in door.fields {
        for (number, value, code) in kind.bad() {
            let body = with(door.good, pointer, Some(&value));
            rows.push(call(body.as_bytes()).row(number, &format!("{pointer} = {value}"), Expected::field(door.form, *pointer, code)));
        }
        for (number, value) in
            [(24, "NaN"), (24, "Infinity"), (24, "-0"), (24, "-0.0"), (24, "0x10"), (24, "007"), (24, "+1"), (38, "\"\\ud800\"")]
        {
            let body = with(door.good, pointer, Some(value));
            let expected = Expected::refusal(door.form, 400, "MALFORMED_JSON");
            rows.push(call(body.as_bytes()).row(number, &format!("{pointer} = {value}"), expected));
        }
        if *kind == Kind::Items {
            for value in ["[1]", "[null]", "[[]]", "[\"a\"]"] {
                let body = with(door.good, pointer, Some(value));
                let expected = Expected::field(door.form, format!("{pointer}/0"), "INVALID_TYPE");
                rows.push(call(body.as_bytes()).row(18, &format!("{pointer} = {value}"), expected));
            }
        }
    }
    for pointer in door.required {
        for (value, what) in [(None, "is missing"), (Some("null"), "is null")] {
            let body = with(door.good, pointer, value);
            rows.push(call(body.as_bytes()).row(17, &format!("{pointer} {what}"), Expected::field(door.form, *pointer, "REQUIRED")));
        }
    }
    for name in door.read_only {
        for value in ["1", "\"PAID\"", "null", "{}"] {
            let body = with(door.good, &format!("/{name}"), Some(value));
            rows.push(call(body.as_bytes()).row(
                16,
                &format!("{name} = {value}"),
                Expected::field(door.form, format!("/{name}"), "READ_ONLY_FIELD"),
            ));
        }
    }
    rows
}

/// The good body with one field set to this JSON text, or without the field.
pub(super) fn with(good: &str, pointer: &str, value: Option<&str>) -> String {
    const HERE: &str = "<here>";
    let mut body: Value = serde_json::from_str(good).expect("a good body is JSON");
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer begins with a slash");
    let parent = body.pointer_mut(parent).and_then(Value::as_object_mut).expect("a good body has what the pointer leads to");
    match value {
        None => {
            parent.remove(name);
            body.to_string()
        }
        Some(value) => {
            parent.insert(name.to_owned(), json!(HERE));
            body.to_string().replace(&json!(HERE).to_string(), value)
        }
    }
}
