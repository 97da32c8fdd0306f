//! One text for every spelling of the same document: names sorted, no blanks, the fewest escapes. Numbers as written.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::document::Doc;

/// The document as text that does not depend on blanks, escapes or the order of fields.
pub fn canonical(doc: &Doc) -> String {
    let mut out = String::with_capacity(256);
    write(doc, &mut out);
    out
}

/// SHA-256 of what is asked for (`path`) and of the canonical text: equal for equal requests. The field `without` does not
/// count: the same key may stand in the header or in the body.
pub fn fingerprint(path: &str, doc: &Doc, without: &str) -> [u8; 32] {
    let mut text = String::with_capacity(512);
    text.push_str(path);
    match doc {
        Doc::Object(fields) => write_object(fields.iter().filter(|(name, _)| name != without), &mut text),
        other => write(other, &mut text),
    }
    Sha256::digest(text.as_bytes()).into()
}

/// Depth is bounded by the parser, so this may call itself.
fn write(doc: &Doc, out: &mut String) {
    match doc {
        Doc::Null => out.push_str("null"),
        Doc::Bool(true) => out.push_str("true"),
        Doc::Bool(false) => out.push_str("false"),
        Doc::Number(text) => out.push_str(text),
        Doc::String(text) => write_text(text, out),
        Doc::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Doc::Object(fields) => write_object(fields.iter(), out),
    }
}

fn write_object<'d>(fields: impl Iterator<Item = &'d (String, Doc)>, out: &mut String) {
    let mut sorted: Vec<&(String, Doc)> = fields.collect();
    sorted.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    out.push('{');
    for (index, (name, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        write(value, out);
    }
    out.push('}');
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut plain_from = 0;
    for (index, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[plain_from..index]);
        plain_from = index + 1;
        if escape.is_empty() {
            write!(out, "\\u{byte:04x}").expect("a String takes any text");
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::super::document::parse_any;
    use super::*;

    fn doc(text: &str) -> Doc {
        parse_any(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_canonical_text_has_one_form() {
        for (sent, expected) in [
            (r#" { "b" : 1 , "a" : [ true , null , false ] } "#, r#"{"a":[true,null,false],"b":1}"#),
            (r#"{"\u0061":"\u00e9\/\u0001\n\t\r\"\\"}"#, r#"{"a":"é/\u0001\n\t\r\"\\"}"#),
            (r#"{"b":{"z":1,"y":{}},"a":[]}"#, r#"{"a":[],"b":{"y":{},"z":1}}"#),
            ("[100.00, 1e3, -5]", "[100.00,1e3,-5]"),
            (r#""\ud83d\ude00""#, "\"😀\""),
        ] {
            let text = canonical(&doc(sent));
            assert_eq!(text, expected);
            assert_eq!(canonical(&doc(&text)), text, "the canonical text is its own canonical text");
        }
    }

    #[test]
    fn other_spelling_has_the_same_fingerprint() {
        let one = fingerprint("/", &doc(r#"{"items":[{"sku_id":"A","qty":1}],"notes":"é"}"#), "idempotency_key");
        assert_eq!(one, fingerprint("/", &doc(r#"{ "notes": "\u00e9", "items": [ {"qty": 1, "sku_id": "A"} ] }"#), "idempotency_key"));
    }

    #[test]
    fn another_request_has_another_fingerprint() {
        let one = fingerprint("/", &doc(r#"{"a":[1,2],"b":"1"}"#), "idempotency_key");
        for other in [
            r#"{"a":[2,1],"b":"1"}"#,
            r#"{"a":[1,2],"b":1}"#,
            r#"{"a":[12],"b":"1"}"#,
            r#"{"a":[1,2],"b":"1","c":null}"#,
            r#"{"a":[1,2]}"#,
            r#"{"a":[1,2],"b":"1 "}"#,
        ] {
            assert_ne!(one, fingerprint("/", &doc(other), "idempotency_key"), "{other}");
        }
    }
}
