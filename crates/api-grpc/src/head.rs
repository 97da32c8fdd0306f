//! What a call brings beside its message: its id, who calls, its key, its deadline.

use std::sync::Arc;
use std::time::Duration;

use api_input::head::{RequestIds, is_request_id, key};
use domain::checkout::GuestToken;
use engine::guest;
use http::HeaderMap;
use tokio::time::Instant;
use tonic::metadata::MetadataMap;

use crate::problem::Problem;

pub(crate) const X_REQUEST_ID: &str = "x-request-id";
const X_GUEST_TOKEN: &str = "x-guest-token";
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const GRPC_TIMEOUT: &str = "grpc-timeout";

/// What is known of a call before its message is read.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// How it is named in answers, logs and facts.
    pub(crate) request_id: Arc<str>,
    /// When its caller leaves.
    pub(crate) deadline: Option<Instant>,
}

impl Head {
    /// The id that the caller sent, if he sent a good one, else one that `maker` makes; and until when he waits.
    pub(crate) fn of(headers: &HeaderMap, maker: &RequestIds) -> Self {
        let mut sent = headers.get_all(X_REQUEST_ID).iter();
        let one = sent.next().filter(|_| sent.next().is_none());
        let given = one.and_then(|value| value.to_str().ok()).filter(|text| is_request_id(text));
        let request_id = given.map_or_else(|| maker.make().into(), Into::into);
        let within = headers.get(GRPC_TIMEOUT).and_then(|value| timeout(value.to_str().ok()?));
        Self { request_id, deadline: within.and_then(|within| Instant::now().checked_add(within)) }
    }
}

/// `grpc-timeout`: up to eight digits and a unit. What is none binds nobody.
fn timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count = digits.parse::<u64>().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

/// What a guest proves himself with, if he does. What is no token proves nothing.
pub(crate) fn guest_token(metadata: &MetadataMap) -> Option<GuestToken> {
    metadata.get(X_GUEST_TOKEN).map(|value| guest::kept_of(&String::from_utf8_lossy(value.as_bytes())))
}

/// The key that makes the call safe to repeat.
pub(crate) fn idempotency_key(metadata: &MetadataMap) -> Result<Option<String>, Problem> {
    let mut sent = metadata.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = sent.next() else { return Ok(None) };
    let key = value.to_str().ok().filter(|_| sent.next().is_none()).and_then(key);
    key.map(Some)
        .ok_or_else(|| Problem::invalid("IDEMPOTENCY_KEY_INVALID", "The key must be 1 to 255 visible ASCII characters, given once."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_digits_and_a_unit() {
        for (sent, expected) in [
            ("1m", Some(1)),
            ("2S", Some(2_000)),
            ("1M", Some(60_000)),
            ("1H", Some(3_600_000)),
            ("3000u", Some(3)),
            ("5000000n", Some(5)),
            ("99999999H", Some(359_999_996_400_000)),
            ("123456789S", None),
            ("m", None),
            ("", None),
            ("1", None),
            ("-1S", None),
            ("1s", None),
            ("1é", None),
        ] {
            assert_eq!(timeout(sent).map(|within| within.as_millis()), expected, "{sent}");
        }
    }

    #[test]
    fn a_good_request_id_is_kept_and_another_replaced() {
        let maker = RequestIds::new(7);
        for (sent, is_kept) in [("r-1", true), ("a b", false), ("", false)] {
            let headers: HeaderMap = [(http::HeaderName::from_static(X_REQUEST_ID), sent.parse().unwrap())].into_iter().collect();
            assert_eq!(&*Head::of(&headers, &maker).request_id == sent, is_kept, "{sent}");
        }
    }

    #[test]
    fn a_wrong_key_is_refused() {
        for (sent, expected) in [("k", Ok(Some("k"))), ("\"k\"", Ok(Some("k"))), ("a b", Err("IDEMPOTENCY_KEY_INVALID"))] {
            let mut metadata = MetadataMap::new();
            metadata.insert(IDEMPOTENCY_KEY, sent.parse().unwrap());
            let got = idempotency_key(&metadata);
            assert_eq!(got.as_ref().map(Option::as_deref).map_err(|problem| problem.reason), expected, "{sent}");
        }
    }
}
