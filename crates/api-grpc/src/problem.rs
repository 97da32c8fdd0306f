//! How a refusal looks on this wire: a status, with what the HTTP doors tell as `google.rpc` details.

use std::collections::HashMap;
use std::time::Duration;

use api_input::FieldError;
use domain::Refusal;
use domain::refusal::RefusalKind;
use engine::Failure;
use engine::refused::told;
use serde_json::value::RawValue;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// Who gives the reasons.
const DOMAIN: &str = "ordo";
/// Details travel in a header, in base64; common clients take 8 KiB of headers in all.
const DETAIL_BYTES_MAX: usize = 4 * 1024;
/// What a message may have of that: the rest is in the details.
const MESSAGE_CHARS_MAX: usize = 400;
/// What a 503 says when nobody knows better: long enough to spread a crowd, short enough for a customer.
const RETRY_AFTER_S: u32 = 1;

/// A refusal on its way to the caller. It never holds what was sent, nor anything internal.
#[derive(Debug)]
pub(crate) struct Problem {
    /// For programs that know gRPC.
    pub(crate) code: Code,
    /// For programs that know us; the `code` of the HTTP doors.
    pub(crate) reason: &'static str,
    detail: String,
    facts: Vec<(&'static str, Box<RawValue>)>,
    broken: Vec<FieldError>,
    retry_after_s: Option<u32>,
}

impl Problem {
    /// A refusal without more to tell.
    pub(crate) fn new(code: Code, reason: &'static str, detail: impl Into<String>) -> Self {
        Self { code, reason, detail: detail.into(), facts: Vec::new(), broken: Vec::new(), retry_after_s: None }
    }

    /// What was sent cannot be used.
    pub(crate) fn invalid(reason: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, reason, detail)
    }

    /// Not now.
    pub(crate) fn later(reason: &'static str, detail: impl Into<String>) -> Self {
        Self { retry_after_s: Some(RETRY_AFTER_S), ..Self::new(Code::Unavailable, reason, detail) }
    }

    /// The caller's time has passed.
    pub(crate) fn deadline() -> Self {
        let detail = "The deadline has passed. What was asked goes on; ask again to hear of it.";
        Self::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", detail)
    }

    /// A fact that the client needs.
    pub(crate) fn fact(mut self, name: &'static str, text: &str) -> Self {
        self.facts.extend(serde_json::value::to_raw_value(text).ok().map(|raw| (name, raw)));
        self
    }

    /// As the caller gets it.
    pub(crate) fn into_status(self, request_id: &str) -> Status {
        let mut room = DETAIL_BYTES_MAX;
        let mut metadata = HashMap::new();
        for (name, fact) in &self.facts {
            write(name, fact, &mut room, &mut metadata);
        }
        let mut details = ErrorDetails::new();
        details.set_error_info(self.reason, DOMAIN, metadata).set_request_info(request_id, "");
        for error in &self.broken {
            let description = format!("{}: {}", error.code, error.message);
            // Each is a message in a message: a few bytes of tags and lengths.
            let Some(left) = room.checked_sub(error.at.as_str().len() + description.len() + 8) else { break };
            room = left;
            details.add_bad_request_violation(error.at.as_str(), description);
        }
        if let Some(seconds) = self.retry_after_s {
            details.set_retry_info(Some(Duration::from_secs(seconds.into())));
        }
        let message: String = self.detail.chars().take(MESSAGE_CHARS_MAX).collect();
        Status::with_error_details(self.code, message, details)
    }
}

/// A fact as text: text as it is, anything else as JSON. Of a list that is too long the first entries, and how many were left out.
fn write(name: &'static str, fact: &RawValue, room: &mut usize, metadata: &mut HashMap<String, String>) {
    let text = serde_json::from_str::<String>(fact.get()).unwrap_or_else(|_| fact.get().to_owned());
    if let Some(left) = room.checked_sub(name.len() + text.len() + 8) {
        *room = left;
        metadata.insert(name.to_owned(), text);
        return;
    }
    let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(fact.get()) else { return };
    let (mut kept, mut count) = (String::from("["), 0);
    for entry in &entries {
        // Name, brackets and the count of those left out.
        if kept.len() + entry.get().len() + 2 * name.len() + 40 > *room {
            break;
        }
        if count > 0 {
            kept.push(',');
        }
        kept.push_str(entry.get());
        count += 1;
    }
    kept.push(']');
    *room = room.saturating_sub(kept.len() + 2 * name.len() + 40);
    metadata.insert(name.to_owned(), kept);
    metadata.insert(format!("{name}_left_out"), (entries.len() - count).to_string());
}

const fn code_of(kind: RefusalKind) -> Code {
    match kind {
        RefusalKind::NotFound => Code::NotFound,
        RefusalKind::Conflict => Code::FailedPrecondition,
        RefusalKind::Changed => Code::Aborted,
        RefusalKind::Invalid => Code::InvalidArgument,
        RefusalKind::Forbidden => Code::PermissionDenied,
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        let told = told(refusal);
        Self { facts: told.facts, retry_after_s: told.retry_after_s, ..Self::new(code_of(refusal.kind()), refusal.code(), told.detail) }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => Self::from(&refusal),
            Failure::Overloaded => Self::later("OVERLOADED", "Too many requests are waiting. Nothing was done; try again."),
            Failure::Stopping => Self::later("OVERLOADED", "The service is stopping. Nothing was done; try again."),
            Failure::Unavailable(_) => Self::later("STORE_UNAVAILABLE", "The store cannot be used now. Nothing was done; try again."),
            Failure::Unsure => {
                Self::later("STORE_UNAVAILABLE", "It is not known whether this was carried out. Repeat it with the same idempotency-key.")
            }
            Failure::Bug(_) => Self::new(Code::Internal, "INTERNAL", "The service failed"),
        }
    }
}

impl From<Vec<FieldError>> for Problem {
    fn from(broken: Vec<FieldError>) -> Self {
        let detail = match broken.len() {
            1 => "One field is broken; see the details.".to_owned(),
            count => format!("{count} fields are broken; see the details."),
        };
        Self { broken, ..Self::invalid("VALIDATION_FAILED", detail) }
    }
}

#[cfg(test)]
mod tests {
    use api_input::At;
    use domain::refusal::{CheckoutRefusal, OrderRefusal, Shortage};

    use super::*;

    fn status(problem: impl Into<Problem>) -> Status {
        problem.into().into_status("r-1")
    }

    #[test]
    fn each_failure_has_its_code_and_reason() {
        let version = OrderRefusal::VersionMismatch(3);
        for (failure, code, reason) in [
            (Failure::Refused(CheckoutRefusal::NotFound.into()), Code::NotFound, CheckoutRefusal::NotFound.into()),
            (Failure::Refused(version.clone().into()), Code::Aborted, version.into()),
            (Failure::Refused(CheckoutRefusal::ForeignOwner.into()), Code::PermissionDenied, CheckoutRefusal::ForeignOwner.into()),
            (Failure::Refused(Refusal::KeyReused), Code::InvalidArgument, Refusal::KeyReused),
        ] {
            let (status, reason): (Status, Refusal) = (status(failure), reason);
            let details = status.get_error_details();
            let info = details.error_info().unwrap();
            assert_eq!((status.code(), info.reason.as_str(), info.domain.as_str()), (code, reason.code(), "ordo"));
            assert_eq!(details.request_info().unwrap().request_id, "r-1");
        }
        for (failure, code, retries) in [
            (Failure::Overloaded, Code::Unavailable, true),
            (Failure::Stopping, Code::Unavailable, true),
            (Failure::Unavailable("no route to 10.0.0.1".into()), Code::Unavailable, true),
            (Failure::Unsure, Code::Unavailable, true),
            (Failure::Bug("secret".into()), Code::Internal, false),
        ] {
            let status = status(failure);
            assert_eq!((status.code(), status.get_error_details().retry_info().is_some()), (code, retries));
            assert!(!status.message().contains("secret") && !status.message().contains("10.0.0.1"));
        }
    }

    #[test]
    fn facts_are_text_under_their_names() {
        let lines = vec![Shortage { sku_id: "TEA".into(), requested: 5, available: 2 }];
        let details = status(&Refusal::from(OrderRefusal::OutOfStock(lines))).get_error_details();
        assert_eq!(details.error_info().unwrap().metadata["lines"], r#"[{"sku_id":"TEA","requested":5,"available":2}]"#);
        let details = status(Problem::invalid("X", "x").fact("order_id", "o")).get_error_details();
        assert_eq!(details.error_info().unwrap().metadata["order_id"], "o");
    }

    #[test]
    fn what_is_too_long_for_a_header_is_cut_and_said_to_be() {
        let line = |n| Shortage { sku_id: format!("SKU-{n}").as_str().into(), requested: 5, available: 2 };
        let all = status(&Refusal::from(OrderRefusal::OutOfStock((0..500).map(line).collect())));
        let details = all.get_error_details();
        let metadata = &details.error_info().unwrap().metadata;
        let kept: Vec<serde_json::Value> = serde_json::from_str(&metadata["lines"]).unwrap();
        assert!(kept.len() > 20 && kept.len() + metadata["lines_left_out"].parse::<usize>().unwrap() == 500, "{}", kept.len());
        assert!(all.details().len() < DETAIL_BYTES_MAX + 1024, "{}", all.details().len());
        let broken =
            |n| FieldError { at: At::Pointer(format!("/items/{n}/{}", "x".repeat(60))), code: "REQUIRED", message: "Is required.".into() };
        let many = status((0..100).map(broken).collect::<Vec<_>>());
        assert!(many.details().len() < DETAIL_BYTES_MAX + 1024, "{}", many.details().len());
        assert!(many.get_error_details().bad_request().unwrap().field_violations.len() > 20);
    }
}
