//! One line of the catalogue at one door: what is sent, byte by byte, and what must come back.

use std::fmt::Write as _;

use super::doors::CANARY;

/// In which form a door refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `application/problem+json`.
    Details,
    /// `{"error": "lower_snake", "message": "…"}`.
    Tickets,
}

/// What is sent and what must come back.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The line of the catalogue.
    pub(super) number: u8,
    pub(super) what: String,
    pub(super) send: Vec<u8>,
    pub(super) expected: Expected,
}

/// What must come back.
#[derive(Clone, Debug)]
pub(super) enum Expected {
    /// A refusal of ours; where the broken thing stands, with its own code.
    Refusal { form: Form, status: u16, code: &'static str, at: Option<(String, &'static str)> },
    /// A refusal of ours, which says with which header.
    With(&'static str, &'static str, Box<Expected>),
    /// The HTTP library refuses with one of these, or ends the connection.
    Library(&'static [u16]),
    /// What is answered as if nothing were odd.
    Fine(u16),
}

impl Expected {
    pub(super) fn refusal(form: Form, status: u16, code: &'static str) -> Self {
        Self::Refusal { form, status, code, at: None }
    }

    pub(super) fn field(form: Form, pointer: impl Into<String>, code: &'static str) -> Self {
        Self::Refusal { form, status: 422, code: "VALIDATION_FAILED", at: Some((pointer.into(), code)) }
    }

    pub(super) fn parameter(name: impl Into<String>, code: &'static str, form: Form) -> Self {
        Self::Refusal { form, status: 422, code: "INVALID_PARAMETER", at: Some((name.into(), code)) }
    }
}

/// A request in the making, without the help of a client that would refuse to send it.
#[derive(Clone, Debug)]
pub(super) struct Call {
    line: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

impl Call {
    pub(super) fn new(method: &str, path: &str) -> Self {
        // What callers bring along and what nobody may find again in an answer or a log.
        let headers = [("Host", "shop.example".to_owned()), ("User-Agent", CANARY.to_owned()), ("Cookie", format!("session={CANARY}"))];
        let token = ("Authorization", format!("Bearer {CANARY}"));
        let headers = headers.into_iter().chain([token]).map(|(name, value)| (name.to_owned(), value.into_bytes())).collect();
        Self { line: format!("{method} {path} HTTP/1.1"), headers, body: None }
    }

    pub(super) fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    /// A JSON body.
    pub(super) fn json(self, body: impl Into<Vec<u8>>) -> Self {
        self.header("Content-Type", "application/json").body(body)
    }

    pub(super) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Head and body, with the length that the body has.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head(&self.body.as_ref().map(|body| format!("Content-Length: {}\r\n", body.len())).unwrap_or_default());
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }

    /// The head, with more lines before its end.
    pub(super) fn head(&self, more: &str) -> Vec<u8> {
        let mut bytes = format!("{}\r\n", self.line).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(more.as_bytes());
        bytes.extend_from_slice(b"\r\n");
        bytes
    }

    /// The line of the catalogue that this call is.
    pub(super) fn row(&self, number: u8, what: &str, expected: Expected) -> Row {
        self.sent(number, what, self.bytes(), expected)
    }

    /// The same with these bytes on the wire.
    pub(super) fn sent(&self, number: u8, what: &str, send: Vec<u8>, expected: Expected) -> Row {
        let mut shown = String::new();
        write!(shown, "{number}: {} at {}", &what.chars().take(80).collect::<String>(), &self.line.chars().take(80).collect::<String>())
            .expect("a String takes any text");
        Row { number, what: shown, send, expected }
    }
}
