//! JSON text to a tree, with everything refused that two readers could understand differently.
//!
//! Refused beyond the grammar: a byte order mark, the same field twice, negative zero, more than [`DEPTH_MAX`] levels,
//! more than [`VALUES_MAX`] values. Numbers stay text, so no digit of an amount is lost.

use json_event_parser::{JsonEvent, LowLevelJsonParser, LowLevelJsonParserResult};

/// Levels of arrays and objects in each other.
pub const DEPTH_MAX: usize = 32;

/// Values in one body. 500 lines need some thousands; a mebibyte of `[[],[],…` would need a hundred times its size.
pub const VALUES_MAX: usize = 65_536;

/// Objects up to this size look for a repeated field pair by pair, larger ones sort their names.
const PAIRWISE_FIELDS_MAX: usize = 16;

/// A JSON value. Fields stay in the order sent, numbers as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doc {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// The number as written: `1`, `100.00`, `1e3`.
    Number(String),
    /// The text, escapes resolved.
    String(String),
    /// `[…]`
    Array(Vec<Doc>),
    /// `{…}`, no name twice.
    Object(Vec<(String, Doc)>),
}

impl Doc {
    /// The field of that name; `None` in anything but an object.
    pub fn get(&self, name: &str) -> Option<&Doc> {
        match self {
            Self::Object(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Array(_) => None,
        }
    }
}

/// Why a body is not a document. `at` counts bytes from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DocError {
    /// No bytes, or blanks only.
    #[error("The request needs a JSON body.")]
    Empty,
    /// Against the grammar, or cut off.
    #[error("The body is not valid JSON at byte {at}.")]
    Malformed {
        /// First byte that does not fit.
        at: usize,
    },
    /// A document, but no object.
    #[error("The body must be one JSON object.")]
    NotAnObject,
    /// Not UTF-8.
    #[error("The body is not valid UTF-8 at byte {at}.")]
    Encoding {
        /// First byte that does not fit.
        at: usize,
    },
    /// An object has the same field twice.
    #[error("The object that begins at byte {at} has the same field twice.")]
    Duplicate {
        /// Where that object begins.
        at: usize,
    },
    /// More than [`DEPTH_MAX`] levels.
    #[error("The body is nested deeper than {DEPTH_MAX} levels at byte {at}.")]
    TooDeep {
        /// Where the level too many begins.
        at: usize,
    },
    /// More than [`VALUES_MAX`] values.
    #[error("The body holds more than {VALUES_MAX} values.")]
    TooManyValues,
}

/// Reads a request body, which must be one object.
pub fn parse(body: &[u8]) -> Result<Doc, DocError> {
    match parse_any(body)? {
        doc @ Doc::Object(_) => Ok(doc),
        Doc::Null | Doc::Bool(_) | Doc::Number(_) | Doc::String(_) | Doc::Array(_) => Err(DocError::NotAnObject),
    }
}

/// Reads one JSON value of any kind.
pub fn parse_any(body: &[u8]) -> Result<Doc, DocError> {
    // The parser would skip it in silence.
    if body.starts_with(b"\xEF\xBB\xBF") {
        return Err(DocError::Malformed { at: 0 });
    }
    if let Err(error) = std::str::from_utf8(body) {
        return Err(DocError::Encoding { at: error.valid_up_to() });
    }
    if body.trim_ascii().is_empty() {
        return Err(DocError::Empty);
    }
    let mut events = Events { parser: LowLevelJsonParser::new(), body, at: 0 };
    let root = tree(&mut events)?;
    match events.next()? {
        JsonEvent::Eof => Ok(root),
        _ => Err(DocError::Malformed { at: events.at }),
    }
}

/// The parser with its place in the body.
struct Events<'b> {
    parser: LowLevelJsonParser,
    body: &'b [u8],
    at: usize,
}

impl<'b> Events<'b> {
    fn next(&mut self) -> Result<JsonEvent<'b>, DocError> {
        let rest = self.body.get(self.at..).unwrap_or_default();
        let LowLevelJsonParserResult { consumed_bytes, event } = self.parser.parse_next(rest, true);
        self.at += consumed_bytes;
        match event {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let at = usize::try_from(error.location().start.offset).unwrap_or(self.at);
                Err(DocError::Malformed { at: at.min(self.body.len()) })
            }
            None => Err(DocError::Malformed { at: self.at }),
        }
    }
}

/// An array or object that is not closed yet.
enum Open {
    Array(Vec<Doc>),
    Object { begins_at: usize, name: String, fields: Vec<(String, Doc)> },
}

/// Builds one value. The open levels are a list of ours, so depth costs no stack.
fn tree(events: &mut Events<'_>) -> Result<Doc, DocError> {
    let mut open: Vec<Open> = Vec::new();
    let mut values = 0_usize;
    loop {
        let done = match events.next()? {
            JsonEvent::Null => Doc::Null,
            JsonEvent::Boolean(value) => Doc::Bool(value),
            JsonEvent::String(text) => Doc::String(text.into_owned()),
            JsonEvent::Number(text) => {
                if is_negative_zero(&text) {
                    return Err(DocError::Malformed { at: events.at - text.len() });
                }
                Doc::Number(text.into_owned())
            }
            JsonEvent::StartArray | JsonEvent::StartObject if open.len() == DEPTH_MAX => {
                return Err(DocError::TooDeep { at: events.at - 1 });
            }
            JsonEvent::StartArray => {
                open.push(Open::Array(Vec::new()));
                continue;
            }
            JsonEvent::StartObject => {
                open.push(Open::Object { begins_at: events.at - 1, name: String::new(), fields: Vec::new() });
                continue;
            }
            JsonEvent::ObjectKey(key) => match open.last_mut() {
                Some(Open::Object { name, .. }) => {
                    *name = key.into_owned();
                    continue;
                }
                Some(Open::Array(_)) | None => return Err(DocError::Malformed { at: events.at }),
            },
            JsonEvent::EndArray | JsonEvent::EndObject => match open.pop() {
                Some(Open::Array(items)) => Doc::Array(items),
                Some(Open::Object { begins_at, fields, .. }) => {
                    if repeats(&fields) {
                        return Err(DocError::Duplicate { at: begins_at });
                    }
                    Doc::Object(fields)
                }
                None => return Err(DocError::Malformed { at: events.at }),
            },
            JsonEvent::Eof => return Err(DocError::Malformed { at: events.at }),
        };
        values += 1;
        if values > VALUES_MAX {
            return Err(DocError::TooManyValues);
        }
        match open.last_mut() {
            None => return Ok(done),
            Some(Open::Array(items)) => items.push(done),
            Some(Open::Object { name, fields, .. }) => fields.push((std::mem::take(name), done)),
        }
    }
}

/// JSON allows `-0`, but readers differ in what it equals.
fn is_negative_zero(number: &str) -> bool {
    number.strip_prefix('-').is_some_and(|digits| {
        let mantissa = digits.split(['e', 'E']).next().unwrap_or_default();
        mantissa.bytes().all(|byte| matches!(byte, b'0' | b'.'))
    })
}

fn repeats(fields: &[(String, Doc)]) -> bool {
    if fields.len() <= PAIRWISE_FIELDS_MAX {
        return fields.iter().enumerate().any(|(index, (name, _))| fields[..index].iter().any(|(other, _)| other == name));
    }
    let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_keeps_its_order_and_its_digits() {
        let doc = parse(br#" {"b": 100.00, "a": [true, null, "x\u00e9\ud83d\ude00"], "n": 1e3} "#).unwrap();
        assert_eq!(
            doc,
            Doc::Object(vec![
                ("b".into(), Doc::Number("100.00".into())),
                ("a".into(), Doc::Array(vec![Doc::Bool(true), Doc::Null, Doc::String("xé😀".into())])),
                ("n".into(), Doc::Number("1e3".into())),
            ])
        );
        assert_eq!(doc.get("n"), Some(&Doc::Number("1e3".into())));
        assert_eq!(doc.get("none"), None);
        assert_eq!(Doc::Null.get("n"), None);
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for body in [
            &b"{"[..],
            b"}",
            b"[",
            b"]",
            b"[}",
            b"{]",
            b"{\"a\"",
            b"{\"a\":",
            b"{\"a\":1",
            b"{\"a\":1,",
            b"{\"a\":1,}",
            b"[1,]",
            b"[,1]",
            b"[1 2]",
            b"{\"a\" 1}",
            b"{\"a\":1 \"b\":2}",
            b"{a:1}",
            b"{1:1}",
            b"{null:1}",
            b"{'a':1}",
            b"{\"a\":}",
            b"{:1}",
            b"{,}",
            b"{} x",
            b"{}{}",
            b"{} {}",
            b"{},",
            b"{}\0",
            b"\0{}",
            b"1 2",
            b"nul",
            b"nulll",
            b"truefalse",
            b"True",
            b"NaN",
            b"Infinity",
            b"-Infinity",
            b"{\"a\":NaN}",
            b"{\"a\":-}",
            b"[01]",
            b"[-01]",
            b"[00]",
            b"[0x10]",
            b"[+1]",
            b"[.5]",
            b"[5.]",
            b"[1.e3]",
            b"[1e]",
            b"[1e+]",
            b"[1_000]",
            b"[-0]",
            b"[-0.00]",
            b"[-0e7]",
            b"\"abc",
            b"\"a\\",
            b"\"\\x\"",
            b"\"\\u12\"",
            b"\"\\u12g4\"",
            b"\"\\ud800\"",
            b"\"\\ud800 \"",
            b"\"\\ud800\\n\"",
            b"\"\\udc00\"",
            b"\"\\ud800\\ud800\"",
            b"\"\\udc00\\ud800\"",
            b"\"\\ud800\\u0041\"",
            b"\"a\nb\"",
            b"\"a\tb\"",
            b"\"a\0b\"",
            b"\"\x1f\"",
            b"// c\n{}",
            b"{} // c",
            b"/**/{}",
            b"\x0b{}",
            b"\xEF\xBB\xBF{}",
            b" \xEF\xBB\xBF{}",
            b"\xC2\xA0{}",
        ] {
            let got = parse_any(body);
            assert!(matches!(got, Err(DocError::Malformed { .. })), "{:?}: {got:?}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn each_other_refusal_has_its_own_name() {
        let check = |body: &[u8], expected: DocError| assert_eq!(parse(body), Err(expected));
        check(b"", DocError::Empty);
        check(b" \r\n\t ", DocError::Empty);
        for body in [&b"[]"[..], b"\"x\"", b"null", b"1", b"true"] {
            check(body, DocError::NotAnObject);
        }
        check(b"{\"a\":\"\xff\"}", DocError::Encoding { at: 6 });
        check(b"{\"a\":\"\xed\xa0\x80\"}", DocError::Encoding { at: 6 });
        check(b"{\"a\":\"\xc0\xaf\"}", DocError::Encoding { at: 6 });
        check(b"\xff", DocError::Encoding { at: 0 });
        check(br#"{"qty":1,"qty":99}"#, DocError::Duplicate { at: 0 });
        check(br#"{"q":{"qty":1,"\u0071ty":99}}"#, DocError::Duplicate { at: 5 });
        check(br#"{"":1,"":1}"#, DocError::Duplicate { at: 0 });
    }

    #[test]
    fn a_repeated_field_is_found_in_an_object_of_any_size() {
        for count in [1, 2, PAIRWISE_FIELDS_MAX, PAIRWISE_FIELDS_MAX + 1, 20_000] {
            let fields: Vec<String> = (0..count).map(|n| format!("\"f{n}\":{n}")).collect();
            let good = format!("{{{}}}", fields.join(","));
            assert!(parse(good.as_bytes()).is_ok(), "{count}");
            let bad = format!("{{{},\"f0\":1}}", fields.join(","));
            assert_eq!(parse(bad.as_bytes()), Err(DocError::Duplicate { at: 0 }), "{count}");
        }
    }

    #[test]
    fn the_same_name_in_two_objects_is_no_repeat() {
        assert!(parse(br#"{"a":{"a":[{"a":1},{"a":2}]}}"#).is_ok());
    }

    #[test]
    fn depth_32_is_read_and_33_is_not() {
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse_any(nested(32).as_bytes()).is_ok());
        assert_eq!(parse_any(nested(33).as_bytes()), Err(DocError::TooDeep { at: 32 }));
        assert_eq!(parse_any(nested(10_000).as_bytes()), Err(DocError::TooDeep { at: 32 }));
        assert_eq!(parse_any("[".repeat(1_000_000).as_bytes()), Err(DocError::TooDeep { at: 32 }));
        let objects = "{\"a\":".repeat(10_000);
        assert_eq!(parse_any(objects.as_bytes()), Err(DocError::TooDeep { at: 160 }));
    }

    #[test]
    fn a_body_of_many_tiny_values_is_refused() {
        let many = |count: usize| format!("[{}0]", "0,".repeat(count - 1));
        assert!(parse_any(many(VALUES_MAX - 1).as_bytes()).is_ok());
        assert_eq!(parse_any(many(VALUES_MAX).as_bytes()), Err(DocError::TooManyValues));
    }

    #[test]
    fn no_cut_and_no_changed_byte_panics_or_hangs() {
        let body = r#"{"a":[1,-2.5e+3,true,false,null,"x\u00e9\ud83d\ude00\n\\\"é😀"],"b":{"c":{},"d":[]}}"#.as_bytes();
        assert!(parse(body).is_ok());
        for cut in 0..body.len() {
            assert!(parse(&body[..cut]).is_err(), "{cut}");
        }
        let mut changed = body.to_vec();
        for index in 0..body.len() {
            for byte in 0..=255 {
                changed[index] = byte;
                let _either = parse(&changed);
            }
            changed[index] = body[index];
        }
    }

    #[test]
    fn an_error_says_where_and_never_what() {
        let message = parse(br#"{"card":"4111111111111111" "x"}"#).unwrap_err().to_string();
        assert!(message.contains("27"), "{message}");
        assert!(!message.contains("4111"), "{message}");
    }
}
