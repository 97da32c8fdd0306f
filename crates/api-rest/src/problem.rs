//! How a refusal looks on the wire: problem details (RFC 9457), and the shorter form of the tickets door.
//!
//! The table below holds what the protocol itself refuses. What the business refuses brings its own status, code and
//! title through [`Problem::new`]. Codes are public API: add, never rename.

use std::borrow::Cow;
use std::fmt::Write as _;

use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::input::FieldError;
use crate::input::document::DocError;
use crate::request::RequestId;

/// A refusal that the protocol knows: what it is called, and the status and title that go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// For programs.
    pub(crate) code: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// For people; the same for every occurrence.
    pub(crate) title: &'static str,
}

macro_rules! kinds {
    ($($code:ident $status:literal $title:literal;)*) => {
        $(
            #[doc = $title]
            pub(crate) const $code: Kind = Kind { code: stringify!($code), status: $status, title: $title };
        )*
        /// Every refusal of the protocol, for the reference.
        pub(crate) const KINDS: &[Kind] = &[$($code),*];
    };
}

kinds! {
    MALFORMED_JSON             400 "The body is not valid JSON";
    BODY_REQUIRED              400 "The request needs a body";
    BAD_REQUEST_FRAMING        400 "The request is not valid HTTP";
    DUPLICATE_FIELD            400 "A field is given twice";
    JSON_TOO_DEEP              400 "The body is nested too deep";
    INVALID_ENCODING           400 "The request is not valid UTF-8";
    DUPLICATE_PARAMETER        400 "A query parameter is given twice";
    INVALID_CURSOR             400 "The cursor is not one of this list";
    IDEMPOTENCY_KEY_REQUIRED   400 "The request needs an Idempotency-Key";
    IDEMPOTENCY_KEY_INVALID    400 "The Idempotency-Key is not valid";
    IDEMPOTENCY_KEY_MISMATCH   400 "Header and body give different idempotency keys";
    IF_MATCH_INVALID           400 "If-Match is not a list of entity tags";
    LAST_EVENT_ID_INVALID      400 "Last-Event-ID is not the sequence of an event";
    UNAUTHENTICATED            401 "The request needs valid credentials";
    FORBIDDEN                  403 "The credentials do not allow this";
    NOT_FOUND                  404 "There is no such resource";
    METHOD_NOT_ALLOWED         405 "The resource does not know this method";
    NOT_ACCEPTABLE             406 "There is no representation that the client accepts";
    REQUEST_TIMEOUT            408 "The request did not arrive in time";
    VERSION_MISMATCH           412 "The resource has changed in the meantime";
    BODY_TOO_LARGE             413 "The body is too large";
    URI_TOO_LONG               414 "The address is too long";
    UNSUPPORTED_MEDIA_TYPE     415 "The body must be JSON in UTF-8";
    UNSUPPORTED_ENCODING       415 "The body must not be compressed";
    VALIDATION_FAILED          422 "The request breaks a rule";
    INVALID_PARAMETER          422 "A query parameter breaks a rule";
    IDEMPOTENCY_KEY_REUSED     422 "The Idempotency-Key belongs to another request";
    RATE_LIMITED               429 "Too many requests";
    HEADER_TOO_LARGE           431 "The header is too large";
    INTERNAL                   500 "The service failed";
    OVERLOADED                 503 "The service is overloaded";
    STORE_UNAVAILABLE          503 "The store is unavailable";
}

/// What a 503 or 429 says when nobody knows better: long enough to spread a crowd, short enough for a customer.
const RETRY_AFTER_DEFAULT_S: u32 = 1;

/// A refusal on its way to the caller. It never holds what was sent, nor anything internal.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    title: Cow<'static, str>,
    detail: Option<Cow<'static, str>>,
    request_id: Option<RequestId>,
    members: Vec<(&'static str, Box<RawValue>)>,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    form: Form,
}

/// Which of its two forms a response has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Details,
    Tickets,
}

impl Problem {
    /// A refusal of the protocol.
    pub(crate) fn of(kind: Kind) -> Self {
        let status = StatusCode::from_u16(kind.status).expect("the table holds valid statuses");
        let problem = Self::new(status, kind.code, kind.title);
        if matches!(kind.status, 429 | 503) { problem.retry_after(RETRY_AFTER_DEFAULT_S) } else { problem }
    }

    /// A refusal of the business.
    pub(crate) fn new(status: StatusCode, code: &'static str, title: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            status,
            code,
            title: title.into(),
            detail: None,
            request_id: None,
            members: Vec::new(),
            errors: Vec::new(),
            headers: Vec::new(),
            form: Form::Details,
        }))
    }

    /// What happened this time, for people.
    pub(crate) fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// A fact that the client needs, under a name of its own. Amounts keep their decimals.
    pub(crate) fn member(mut self, name: &'static str, value: &impl Serialize) -> Self {
        let standard = ["type", "title", "status", "detail", "code", "request_id", "errors"];
        debug_assert!(!standard.contains(&name), "{name} has its own method");
        // A value that cannot be written is a fault of ours; the refusal must reach its caller all the same.
        match serde_json::value::to_raw_value(value) {
            Ok(raw) => self.0.members.push((name, raw)),
            Err(error) => tracing::error!(name, %error, "a fact of a refusal could not be written"),
        }
        self
    }

    /// All broken fields.
    pub(crate) fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// A header of the response, such as `WWW-Authenticate`; an earlier one of that name is replaced.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.retain(|(other, _)| *other != name);
        self.0.headers.push((name, value));
        self
    }

    /// When to try again, in seconds from now.
    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        self.header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The request that is answered.
    pub(crate) fn request_id(mut self, id: &RequestId) -> Self {
        self.0.request_id = Some(id.clone());
        self
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// For programs.
    pub(crate) fn code(&self) -> &'static str {
        self.0.code
    }

    /// The broken fields.
    pub(crate) fn field_errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// Writes the request id into a response that a problem made without knowing it. Others pass unchanged.
    pub(crate) fn stamp(mut response: Response, id: &RequestId) -> Response {
        match response.extensions_mut().remove::<Self>() {
            Some(problem) => {
                // Others may have set headers since; they stay, but for the length of a body that is replaced.
                let (mut parts, _) = response.into_parts();
                parts.headers.remove(CONTENT_LENGTH);
                let (written, body) = problem.request_id(id).render().into_parts();
                parts.headers.extend(written.headers);
                Response::from_parts(parts, body)
            }
            None => response,
        }
    }

    /// The answer of the tickets door: `{"error": "lower_snake", "message": "..."}` as plain JSON.
    pub(crate) fn into_tickets_response(mut self) -> Response {
        self.0.form = Form::Tickets;
        self.respond()
    }

    /// Gives a response that is a problem the form of the tickets door. Others pass unchanged.
    pub(crate) fn in_tickets_form(mut response: Response) -> Response {
        match response.extensions_mut().remove::<Self>() {
            Some(problem) => problem.into_tickets_response(),
            None => response,
        }
    }

    fn respond(self) -> Response {
        let mut response = self.render();
        response.extensions_mut().insert(self);
        response
    }

    fn render(&self) -> Response {
        let (status, media_type, body) = match self.0.form {
            Form::Details => (self.0.status, "application/problem+json", serde_json::to_vec(&Details(self))),
            Form::Tickets => (self.tickets_status(), "application/json", serde_json::to_vec(&Tickets(self))),
        };
        let body = body.unwrap_or_else(|error| {
            tracing::error!(%error, "a refusal could not be written");
            Vec::new()
        });
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in &self.0.headers {
            headers.insert(name, value.clone());
        }
        response
    }

    /// The tickets door answers a wrong state with 400, where the others say 409.
    fn tickets_status(&self) -> StatusCode {
        if self.0.code == "INVALID_STATE" { StatusCode::BAD_REQUEST } else { self.0.status }
    }

    /// The words that the tickets door has for what the others name more generally.
    fn tickets_error(&self) -> Cow<'static, str> {
        match self.0.code {
            "VALIDATION_FAILED" | "INVALID_PARAMETER" => Cow::Borrowed("validation_error"),
            // Every path of that door names an order.
            "NOT_FOUND" => Cow::Borrowed("order_not_found"),
            code => Cow::Owned(code.to_ascii_lowercase()),
        }
    }

    fn tickets_message(&self) -> String {
        let mut message = self.0.detail.as_ref().unwrap_or(&self.0.title).to_string();
        for (index, error) in self.0.errors.iter().enumerate() {
            let separator = if index == 0 { ": " } else { "; " };
            write!(message, "{separator}{} {}", error.at.as_str(), error.message.trim_end_matches('.')).expect("a String takes any text");
        }
        message
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.respond()
    }
}

impl From<Vec<FieldError>> for Problem {
    fn from(errors: Vec<FieldError>) -> Self {
        let detail = match errors.len() {
            1 => Cow::Borrowed("One field is broken; see errors."),
            count => Cow::Owned(format!("{count} fields are broken; see errors.")),
        };
        Self::of(VALIDATION_FAILED).detail(detail).errors(errors)
    }
}

impl From<DocError> for Problem {
    fn from(error: DocError) -> Self {
        let kind = match error {
            DocError::Empty => BODY_REQUIRED,
            DocError::Malformed { .. } | DocError::NotAnObject => MALFORMED_JSON,
            DocError::Encoding { .. } => INVALID_ENCODING,
            DocError::Duplicate { .. } => DUPLICATE_FIELD,
            DocError::TooDeep { .. } => JSON_TOO_DEEP,
            DocError::TooManyValues => BODY_TOO_LARGE,
        };
        Self::of(kind).detail(error.to_string())
    }
}

/// RFC 9457.
struct Details<'p>(&'p Problem);

impl Serialize for Details<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let problem = &self.0.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &format_args!("urn:ordo:problem:{}", problem.code))?;
        map.serialize_entry("title", &problem.title)?;
        map.serialize_entry("status", &problem.status.as_u16())?;
        map.serialize_entry("detail", problem.detail.as_ref().unwrap_or(&problem.title))?;
        map.serialize_entry("code", problem.code)?;
        map.serialize_entry("request_id", &problem.request_id)?;
        for (name, value) in &problem.members {
            map.serialize_entry(name, value)?;
        }
        if !problem.errors.is_empty() {
            map.serialize_entry("errors", &problem.errors)?;
        }
        map.end()
    }
}

/// The form of the tickets door.
struct Tickets<'p>(&'p Problem);

impl Serialize for Tickets<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("error", &self.0.tickets_error())?;
        map.serialize_entry("message", &self.0.tickets_message())?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::{ALLOW, WWW_AUTHENTICATE};
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::input::At;
    use crate::output::amount::Amount;

    async fn body(response: Response) -> String {
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn id() -> RequestId {
        RequestId::parse("req-1").unwrap()
    }

    fn broken(pointer: &str) -> FieldError {
        FieldError { at: At::Pointer(pointer.into()), code: "REQUIRED", message: "Is required.".into() }
    }

    #[test]
    fn every_code_stands_once_in_the_table_and_is_upper_snake() {
        for (index, kind) in KINDS.iter().enumerate() {
            assert!(kind.code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{}", kind.code);
            assert!(KINDS[..index].iter().all(|other| other.code != kind.code && other.title != kind.title), "{}", kind.code);
            assert_eq!(Problem::of(*kind).status().as_u16(), kind.status);
            assert!((400..600).contains(&kind.status), "{}", kind.code);
        }
    }

    #[tokio::test]
    async fn a_problem_has_the_members_of_rfc_9457_and_ours() {
        #[derive(Serialize)]
        struct Line {
            sku_id: &'static str,
            old_price: Amount,
        }
        let lines = [Line { sku_id: "A", old_price: Amount { minor: 1_000, currency: domain::money::Currency::USD } }];
        let response = Problem::new(StatusCode::CONFLICT, "PRICE_CHANGED", "A price has changed")
            .detail("The price of one line has changed.")
            .member("lines", &lines)
            .request_id(&id())
            .into_response();
        assert_eq!(response.status(), 409);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        assert!(!response.headers().contains_key(RETRY_AFTER));
        assert_eq!(
            body(response).await,
            r#"{"type":"urn:ordo:problem:PRICE_CHANGED","title":"A price has changed","status":409,"detail":"The price of one line has changed.","code":"PRICE_CHANGED","request_id":"req-1","lines":[{"sku_id":"A","old_price":10.00}]}"#
        );
    }

    #[tokio::test]
    async fn broken_fields_are_listed() {
        let response = Problem::from(vec![broken("/items/0/qty")]).request_id(&id()).into_response();
        assert_eq!(response.status(), 422);
        let text = body(response).await;
        assert!(text.contains(r#""code":"VALIDATION_FAILED","#), "{text}");
        assert!(text.ends_with(r#""errors":[{"pointer":"/items/0/qty","code":"REQUIRED","message":"Is required."}]}"#), "{text}");
    }

    #[tokio::test]
    async fn the_request_id_is_written_afterwards() {
        let mut response = Problem::of(NOT_FOUND).into_response();
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        let stamped = Problem::stamp(response, &id());
        assert_eq!(stamped.headers()[ALLOW], "GET");
        assert_eq!(stamped.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(stamped.headers().get_all(CONTENT_TYPE).iter().count(), 1);
        assert_eq!(stamped.status(), 404);
        let text = body(stamped).await;
        assert!(text.contains(r#""request_id":"req-1""#), "{text}");
        let other = Problem::stamp("hello".into_response(), &id());
        assert_eq!(body(other).await, "hello");
    }

    #[test]
    fn the_stamped_body_does_not_keep_the_old_length() {
        let mut response = Problem::of(NOT_FOUND).into_response();
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(1));
        assert!(!Problem::stamp(response, &id()).headers().contains_key(CONTENT_LENGTH));
    }

    #[test]
    fn what_may_be_tried_again_says_when() {
        for (kind, expected) in
            [(OVERLOADED, Some("1")), (STORE_UNAVAILABLE, Some("1")), (RATE_LIMITED, Some("1")), (INTERNAL, None), (NOT_FOUND, None)]
        {
            let response = Problem::of(kind).into_response();
            let got = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap());
            assert_eq!(got, expected, "{}", kind.code);
        }
        let response = Problem::of(OVERLOADED).retry_after(30).into_response();
        assert_eq!(response.headers().get_all(RETRY_AFTER).iter().collect::<Vec<_>>(), ["30"]);
    }

    #[test]
    fn a_problem_keeps_its_headers() {
        let response = Problem::of(UNAUTHENTICATED).header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")).into_response();
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
        let response = Problem::of(METHOD_NOT_ALLOWED).header(ALLOW, HeaderValue::from_static("GET,HEAD")).into_response();
        assert_eq!(response.headers()[ALLOW], "GET,HEAD");
    }

    #[tokio::test]
    async fn the_tickets_door_has_its_own_words() {
        let new = |status, code| Problem::new(StatusCode::from_u16(status).unwrap(), code, "Said");
        for (problem, status, expected) in [
            (new(404, "ORDER_NOT_FOUND"), 404, r#"{"error":"order_not_found","message":"Said"}"#),
            (new(409, "INVALID_STATE"), 400, r#"{"error":"invalid_state","message":"Said"}"#),
            (new(402, "PAYMENT_FAILED"), 402, r#"{"error":"payment_failed","message":"Said"}"#),
            (new(409, "HOLD_IN_USE").detail("More."), 409, r#"{"error":"hold_in_use","message":"More."}"#),
            (Problem::of(NOT_FOUND), 404, r#"{"error":"order_not_found","message":"There is no such resource"}"#),
            (
                Problem::of(IDEMPOTENCY_KEY_REUSED),
                422,
                r#"{"error":"idempotency_key_reused","message":"The Idempotency-Key belongs to another request"}"#,
            ),
            (
                Problem::of(VALIDATION_FAILED).errors(vec![broken("/hold_id"), broken("/items")]),
                422,
                r#"{"error":"validation_error","message":"The request breaks a rule: /hold_id Is required; /items Is required"}"#,
            ),
        ] {
            let response = Problem::stamp(problem.into_tickets_response(), &id());
            assert_eq!(response.status().as_u16(), status, "{expected}");
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
            assert_eq!(body(response).await, expected);
        }
    }

    #[test]
    fn each_broken_document_has_its_code() {
        for (sent, status, code) in [
            (&b""[..], 400, "BODY_REQUIRED"),
            (b"{", 400, "MALFORMED_JSON"),
            (b"[]", 400, "MALFORMED_JSON"),
            (b"{\"a\":1,\"a\":2}", 400, "DUPLICATE_FIELD"),
            (b"\xff", 400, "INVALID_ENCODING"),
        ] {
            let problem = Problem::from(crate::input::document::parse(sent).unwrap_err());
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
        }
        for (error, status, code) in [(DocError::TooDeep { at: 7 }, 400, "JSON_TOO_DEEP"), (DocError::TooManyValues, 413, "BODY_TOO_LARGE")]
        {
            let problem = Problem::from(error);
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
        }
    }
}
