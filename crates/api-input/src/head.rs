//! What comes beside the fields, in headers or metadata: the id of a request, and the key that makes a call safe to repeat.

use std::sync::atomic::{AtomicU64, Ordering};

/// Whether this can name a request in answers, logs and events: 1 to 128 visible ASCII characters.
pub fn is_request_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Makes request ids: a prefix of this process and a count, so neither clock nor randomness is asked per request.
#[derive(Debug)]
pub struct RequestIds {
    process: u64,
    made: AtomicU64,
}

impl RequestIds {
    /// `process` is random, drawn once for each door when the service starts.
    pub fn new(process: u64) -> Self {
        Self { process, made: AtomicU64::new(0) }
    }

    /// The next one.
    pub fn make(&self) -> String {
        let count = self.made.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}-{count:08x}", self.process)
    }
}

/// Whether this can be an idempotency key: 1 to 255 visible ASCII characters.
pub fn is_key(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// An idempotency key as a header has it: plain, or quoted as the IETF draft has it. Both forms of a key are the same key.
pub fn key(sent: &str) -> Option<String> {
    let key = match sent.strip_prefix('"') {
        Some(quoted) => unquoted(quoted)?,
        None => sent.to_owned(),
    };
    is_key(&key).then_some(key)
}

/// The rest of a string of RFC 8941, section 3.3.3, after its first quote.
fn unquoted(rest: &str) -> Option<String> {
    let mut text = String::with_capacity(rest.len());
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(text),
            '\\' => text.push(chars.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            plain => text.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_once_and_can_be_sent_back() {
        let maker = RequestIds::new(0xabcd);
        let (one, other) = (maker.make(), maker.make());
        assert_ne!(one, other);
        assert!(is_request_id(&one) && one.starts_with("000000000000abcd-"));
    }

    #[test]
    fn a_key_is_plain_or_quoted_and_the_same() {
        for (sent, expected) in
            [("k", Some("k")), ("\"k\"", Some("k")), ("\"a\\\"b\"", Some("a\"b")), ("", None), ("\"k", None), ("a b", None)]
        {
            assert_eq!(key(sent).as_deref(), expected, "{sent}");
        }
    }
}
