//! What every request brings apart from its fields: its id, its body as bytes, its idempotency key, the ids in its path.

use std::time::Duration;

use api_input::head::{self, RequestIds};
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use domain::checkout::GuestToken;
use engine::guest;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::Serialize;
use uuid::Uuid;

use crate::input::document::{self, Doc};
use crate::input::query;
use crate::input::rules::{self, Rule as _};
use crate::problem::{self, Kind, Problem};

/// The largest body, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A body that has not come by then does not come. The largest one needs 100 kB/s, less than any network between services.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// The header that carries the request id both ways.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header that makes a call safe to repeat.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How a request is named in answers, logs and events: 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// The id if it is one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        head::is_request_id(text).then(|| Self(text.to_owned()))
    }

    /// The id that the caller sent, if he sent a good one, else one that `maker` makes.
    pub(crate) fn accept(headers: &HeaderMap, maker: &RequestIds) -> Self {
        let mut sent = headers.get_all(X_REQUEST_ID).iter();
        let one = sent.next().filter(|_| sent.next().is_none());
        one.and_then(|value| Self::parse(value.to_str().ok()?)).unwrap_or_else(|| Self(maker.make()))
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of the header that returns it.
    pub(crate) fn header_value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("visible ASCII is a header value")
    }
}

/// The id that the outermost layer gave the request.
impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        // Only a router without that layer has none.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::of(problem::INTERNAL))
    }
}

/// The bytes of a JSON body: at most [`BODY_BYTES_MAX`], neither compressed nor in another charset.
#[derive(Debug, Clone)]
pub(crate) struct Body(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        check_length(request.headers())?;
        check_encoding(request.headers())?;
        check_media_type(request.headers())?;
        collect(request).await.map(Self)
    }
}

/// The same for calls that need no body: `None` when there is none, whatever its content type.
#[derive(Debug, Clone)]
pub(crate) struct OptionalBody(pub(crate) Option<Bytes>);

impl OptionalBody {
    /// What was sent, else an object without fields.
    pub(crate) fn or_empty(self) -> Result<Doc, Problem> {
        Ok(self.0.map_or(Ok(Doc::Object(Vec::new())), |bytes| document::parse(&bytes))?)
    }
}

impl<S: Send + Sync> FromRequest<S> for OptionalBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        check_length(request.headers())?;
        check_encoding(request.headers())?;
        let media_type = check_media_type(request.headers());
        let bytes = collect(request).await?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        media_type?;
        Ok(Self(Some(bytes)))
    }
}

/// A body too large by its own account is refused before a byte of it is read.
fn check_length(headers: &HeaderMap) -> Result<(), Problem> {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length > BODY_BYTES_MAX as u64 => Err(too_large()),
        _ => Ok(()),
    }
}

fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    let is_plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
        return Ok(());
    }
    Err(Problem::of(problem::UNSUPPORTED_ENCODING))
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let mut sent = headers.get_all(CONTENT_TYPE).iter();
    let one = sent.next().filter(|_| sent.next().is_none());
    let Some(media_type) = one.and_then(|value| value.to_str().ok()).filter(|media_type| is_json(media_type)) else {
        return Err(Problem::of(problem::UNSUPPORTED_MEDIA_TYPE).detail("The body must have the content type application/json."));
    };
    if is_in_utf_8(media_type) {
        return Ok(());
    }
    Err(Problem::of(problem::INVALID_ENCODING).detail("The body must be in the charset UTF-8."))
}

/// `application/json` or any `…+json`.
fn is_json(media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    essence == "application/json"
        || essence.split_once('/').is_some_and(|(kind, subtype)| {
            let name = subtype.strip_suffix("+json").unwrap_or_default();
            !kind.is_empty() && !name.is_empty() && !essence.contains([' ', '\t', ','])
        })
}

/// Of the parameters only the charset matters.
fn is_in_utf_8(media_type: &str) -> bool {
    let parameters = media_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset")).all(|(_, value)| {
        let value = value.trim().trim_matches('"');
        value.eq_ignore_ascii_case("utf-8")
    })
}

async fn collect(request: Request) -> Result<Bytes, Problem> {
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect();
    match tokio::time::timeout(BODY_WITHIN, body).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(ending(problem::MALFORMED_JSON).detail("The body ended early.")),
        Err(_) => Err(ending(problem::REQUEST_TIMEOUT).detail(format!("The body must arrive within {} seconds.", BODY_WITHIN.as_secs()))),
    }
}

fn too_large() -> Problem {
    ending(problem::BODY_TOO_LARGE).detail(format!("The body must have at most {BODY_BYTES_MAX} bytes."))
}

/// A refusal after which what is left of the request is not read: the connection ends with the answer.
pub(crate) fn ending(kind: Kind) -> Problem {
    Problem::of(kind).header(CONNECTION, HeaderValue::from_static("close"))
}

/// The `Idempotency-Key` header: plain, or quoted as the IETF draft has it. Both forms of a key are the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(Option<String>);

impl IdempotencyKey {
    /// The key where one must be given.
    pub(crate) fn required(self) -> Result<String, Problem> {
        self.0.ok_or_else(|| Problem::of(problem::IDEMPOTENCY_KEY_REQUIRED))
    }

    /// The key where none need be given.
    pub(crate) fn optional(self) -> Option<String> {
        self.0
    }

    /// The key from the header or, at the doors that have it there, from the body's `idempotency_key`; both must agree.
    /// To be asked before the rules of the body, which count that field as `known`.
    pub(crate) fn or_in(self, body: &Doc) -> Result<Self, Problem> {
        let in_body = match body.get("idempotency_key") {
            None | Some(Doc::Null) => return Ok(self),
            Some(Doc::String(text)) if head::is_key(text) => text,
            Some(_) => return Err(invalid_key()),
        };
        match &self.0 {
            Some(in_header) if in_header != in_body => Err(Problem::of(problem::IDEMPOTENCY_KEY_MISMATCH)),
            _ => Ok(Self(Some(in_body.clone()))),
        }
    }

    fn from_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut sent = headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = sent.next() else { return Ok(Self(None)) };
        if sent.next().is_some() {
            return Err(invalid_key());
        }
        let key = value.to_str().ok().and_then(head::key);
        key.map(|key| Self(Some(key))).ok_or_else(invalid_key)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::from_headers(&parts.headers)
    }
}

fn invalid_key() -> Problem {
    Problem::of(problem::IDEMPOTENCY_KEY_INVALID).detail("The key must be 1 to 255 visible ASCII characters, given once.")
}

/// The one id in the path, when it is ours. What is no UUID names nothing: 404, as for an id that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PathId(pub(crate) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = Path::<String>::from_request_parts(parts, state).await;
        path_id(&id.map_err(|_| not_found())?.0).map(Self)
    }
}

/// The header that a guest proves himself with.
pub(crate) const X_GUEST_TOKEN: HeaderName = HeaderName::from_static("x-guest-token");

/// What a guest proves himself with, if he does. What is no token proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Guest(pub(crate) Option<GuestToken>);

impl<S: Send + Sync> FromRequestParts<S> for Guest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let sent = parts.headers.get(X_GUEST_TOKEN).map(|value| String::from_utf8_lossy(value.as_bytes()));
        Ok(Self(sent.map(|token| guest::kept_of(&token))))
    }
}

/// The one id in the path, when the caller made it, such as a SKU. What cannot be one names nothing: 404.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathName(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        path_name(&name.map_err(|_| not_found())?.0).map(Self)
    }
}

/// The two names in the path. What cannot be one names nothing: 404.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathNames(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathNames {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let names = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((one, other)) = names.map_err(|_| not_found())?;
        Ok(Self(path_name(&one)?, path_name(&other)?))
    }
}

/// A query of no parameters: at a door that has none, each one is unknown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        query::read(parts.uri.query(), |_| Self)
    }
}

/// A decoded path segment as an id of ours.
pub(crate) fn path_id(segment: &str) -> Result<Uuid, Problem> {
    rules::uuid().read_text(segment).map_err(|_| not_found())
}

/// A decoded path segment as an id of the caller.
pub(crate) fn path_name(segment: &str) -> Result<String, Problem> {
    rules::identifier().read_text(segment).map_err(|_| not_found())
}

fn not_found() -> Problem {
    Problem::of(problem::NOT_FOUND)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::Router;
    use axum::body::Body as HttpBody;
    use axum::http::StatusCode;
    use axum::routing::get;
    use futures_util::stream;
    use tower::ServiceExt as _;

    use super::*;

    fn headers(rows: &[(&'static str, &[u8])]) -> HeaderMap {
        let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).unwrap();
        rows.iter().map(|(name, bytes)| (HeaderName::from_static(name), value(bytes))).collect()
    }

    fn request(rows: &[(&'static str, &[u8])], body: HttpBody) -> Request {
        let mut request = Request::new(body);
        for (name, bytes) in rows {
            request.headers_mut().append(HeaderName::from_static(name), HeaderValue::from_bytes(bytes).unwrap());
        }
        request
    }

    const JSON: (&str, &[u8]) = ("content-type", b"application/json");

    #[test]
    fn a_good_request_id_is_kept_and_another_replaced() {
        let maker = RequestIds::new(0xabcd);
        let longest = "x".repeat(128);
        for good in ["r", "req-1", "018f4e9a-0000-7000-8000-000000000000", "a,b\"c", &longest] {
            let got = RequestId::accept(&headers(&[("x-request-id", good.as_bytes())]), &maker);
            assert_eq!(got.as_str(), good);
            assert_eq!(got.header_value(), good);
        }
        let too_long = "x".repeat(129);
        for bad in ["", "a b", "a\tb", "é", &too_long] {
            let got = RequestId::accept(&headers(&[("x-request-id", bad.as_bytes())]), &maker);
            assert!(got.as_str().starts_with("000000000000abcd-"), "{bad}");
            assert_eq!(RequestId::parse(got.as_str()), Some(got));
        }
        let mut two = headers(&[("x-request-id", b"a")]);
        two.append("x-request-id", HeaderValue::from_static("b"));
        assert!(RequestId::accept(&two, &maker).as_str().starts_with("000000000000abcd-"));
        let none = HeaderMap::new();
        assert_ne!(RequestId::accept(&none, &maker), RequestId::accept(&none, &maker));
    }

    #[tokio::test]
    async fn only_json_in_utf_8_is_a_body() {
        let (media, encoding) = ("UNSUPPORTED_MEDIA_TYPE", "INVALID_ENCODING");
        for (media_type, expected) in [
            ("application/json", Ok(())),
            ("Application/JSON", Ok(())),
            ("application/json; charset=utf-8", Ok(())),
            ("application/json;charset=\"UTF-8\"", Ok(())),
            ("application/json ; Charset = utf-8 ; v=1", Ok(())),
            ("application/merge-patch+json", Ok(())),
            ("application/cloudevents+json; charset=utf-8", Ok(())),
            ("application/json; charset=iso-8859-1", Err(encoding)),
            ("application/json; charset=utf-16", Err(encoding)),
            ("application/json; charset=", Err(encoding)),
            ("application/json, text/plain", Err(media)),
            ("application/jsonp", Err(media)),
            ("application/+json", Err(media)),
            ("/x+json", Err(media)),
            ("json", Err(media)),
            ("text/json", Err(media)),
            ("text/plain", Err(media)),
            ("application/xml", Err(media)),
            ("application/x-www-form-urlencoded", Err(media)),
            ("multipart/form-data; boundary=json", Err(media)),
            ("text/plain; x=application/json", Err(media)),
            ("", Err(media)),
        ] {
            let request = request(&[("content-type", media_type.as_bytes())], HttpBody::from("{}"));
            let got = Body::from_request(request, &()).await.map(|body| body.0).map_err(|problem| problem.code());
            assert_eq!(got, expected.map(|()| Bytes::from("{}")), "{media_type}");
        }
    }

    #[tokio::test]
    async fn each_wrong_body_has_its_code() {
        let at_limit = vec![b' '; BODY_BYTES_MAX];
        for (rows, body, expected) in [
            (&[][..], "{}".into(), Err("UNSUPPORTED_MEDIA_TYPE")),
            (&[JSON, JSON], "{}".into(), Err("UNSUPPORTED_MEDIA_TYPE")),
            (&[JSON, ("content-encoding", b"identity")], "{}".into(), Ok(2)),
            (&[JSON, ("content-encoding", b"gzip")], "{}".into(), Err("UNSUPPORTED_ENCODING")),
            (&[JSON, ("content-encoding", b"identity, gzip")], "{}".into(), Err("UNSUPPORTED_ENCODING")),
            (&[JSON, ("content-encoding", b"identity"), ("content-encoding", b"br")], "{}".into(), Err("UNSUPPORTED_ENCODING")),
            (&[JSON, ("content-length", b"1048577")], "".into(), Err("BODY_TOO_LARGE")),
            (&[JSON, ("content-length", b"99999999999999")], "".into(), Err("BODY_TOO_LARGE")),
            (&[("content-length", b"1048577")], "".into(), Err("BODY_TOO_LARGE")),
            (&[JSON], HttpBody::from(at_limit.clone()), Ok(BODY_BYTES_MAX)),
            (&[JSON], HttpBody::from([&at_limit[..], b" "].concat()), Err("BODY_TOO_LARGE")),
            (&[JSON], HttpBody::empty(), Ok(0)),
        ] {
            let got = Body::from_request(request(rows, body), &()).await;
            assert_eq!(got.map(|body| body.0.len()).map_err(|problem| problem.code()), expected, "{rows:?}");
        }
    }

    #[tokio::test]
    async fn a_growing_body_is_read_to_the_limit_and_no_further() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering};
        let read = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&read);
        let chunk = Bytes::from(vec![b' '; 65_536]);
        let endless = stream::iter(std::iter::repeat_with(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(chunk.clone())
        }));
        let got = Body::from_request(request(&[JSON], HttpBody::from_stream(endless)), &()).await;
        assert_eq!(got.unwrap_err().code(), "BODY_TOO_LARGE");
        assert_eq!(read.load(Ordering::Relaxed), BODY_BYTES_MAX / 65_536 + 1);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_malformed() {
        let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("reset"))]);
        let got = Body::from_request(request(&[JSON], HttpBody::from_stream(broken)), &()).await;
        assert_eq!(got.unwrap_err().code(), "MALFORMED_JSON");
    }

    #[tokio::test]
    async fn an_optional_body_may_be_absent_but_not_wrong() {
        for (rows, body, expected) in [
            (&[][..], "", Ok(None)),
            (&[JSON], "", Ok(None)),
            (&[("content-type", &b"text/plain"[..])], "", Ok(None)),
            (&[JSON], "{}", Ok(Some(2))),
            (&[], "{}", Err("UNSUPPORTED_MEDIA_TYPE")),
            (&[("content-encoding", b"gzip")], "", Err("UNSUPPORTED_ENCODING")),
        ] {
            let got = OptionalBody::from_request(request(rows, body.into()), &()).await;
            let got = got.map(|body| body.0.map(|bytes| bytes.len())).map_err(|problem| problem.code());
            assert_eq!(got, expected, "{rows:?} {body}");
        }
    }

    #[test]
    fn a_key_is_plain_or_quoted_and_the_same() {
        let longest = "k".repeat(255);
        let longest_quoted = format!("\"{longest}\"");
        for (sent, expected) in [
            ("k", "k"),
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            ("\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            ("\"a\\\"b\\\\c\"", "a\"b\\c"),
            ("a\"b", "a\"b"),
            ("a,b;c", "a,b;c"),
            (&longest, &longest),
            (&longest_quoted, &longest),
        ] {
            let got = IdempotencyKey::from_headers(&headers(&[("idempotency-key", sent.as_bytes())]));
            assert_eq!(got.unwrap().required().unwrap(), expected, "{sent}");
        }
    }

    #[test]
    fn each_wrong_key_has_its_code() {
        let too_long = "k".repeat(256);
        for sent in ["", "\"\"", "\"", "\"a", "\"a\"b", "\"a\";x=1", "\"a\\b\"", "\"a b\"", "a b", "é", &too_long] {
            let got = IdempotencyKey::from_headers(&headers(&[("idempotency-key", sent.as_bytes())]));
            assert_eq!(got.unwrap_err().code(), "IDEMPOTENCY_KEY_INVALID", "{sent}");
        }
        let mut two = headers(&[("idempotency-key", b"a")]);
        two.append("idempotency-key", HeaderValue::from_static("a"));
        assert_eq!(IdempotencyKey::from_headers(&two).unwrap_err().code(), "IDEMPOTENCY_KEY_INVALID");
        let none = IdempotencyKey::from_headers(&HeaderMap::new()).unwrap();
        assert_eq!(none.clone().optional(), None);
        assert_eq!(none.required().unwrap_err().code(), "IDEMPOTENCY_KEY_REQUIRED");
    }

    #[test]
    fn keys_in_header_and_body_must_agree() {
        for (header, body, expected) in [
            (Some("a"), "{}", Ok(Some("a"))),
            (Some("a"), r#"{"idempotency_key":null}"#, Ok(Some("a"))),
            (Some("a"), r#"{"idempotency_key":"a"}"#, Ok(Some("a"))),
            (None, r#"{"idempotency_key":"a"}"#, Ok(Some("a"))),
            (None, "{}", Ok(None)),
            (Some("a"), r#"{"idempotency_key":"b"}"#, Err("IDEMPOTENCY_KEY_MISMATCH")),
            (None, r#"{"idempotency_key":""}"#, Err("IDEMPOTENCY_KEY_INVALID")),
            (None, r#"{"idempotency_key":"a b"}"#, Err("IDEMPOTENCY_KEY_INVALID")),
            (None, r#"{"idempotency_key":"\u0000"}"#, Err("IDEMPOTENCY_KEY_INVALID")),
            (Some("1"), r#"{"idempotency_key":1}"#, Err("IDEMPOTENCY_KEY_INVALID")),
        ] {
            let doc = crate::input::document::parse(body.as_bytes()).unwrap();
            let got = IdempotencyKey(header.map(str::to_owned)).or_in(&doc);
            let got = got.map(IdempotencyKey::optional).map_err(|problem| problem.code());
            assert_eq!(got, expected.map(|key| key.map(str::to_owned)), "{header:?} {body}");
        }
    }

    #[tokio::test]
    async fn a_path_that_names_nothing_is_not_found() {
        let router: Router = Router::new()
            .route("/orders/{id}", get(|id: PathId| async move { id.0.to_string() }))
            .route("/skus/{sku}", get(|sku: PathName| async move { sku.0 }))
            .route("/skus/{sku}/{operation}", get(|names: PathNames| async move { names.0 }));
        let long = "a".repeat(5_000);
        let long_id = format!("/orders/{long}");
        let long_sku = format!("/skus/{long}");
        for (path, status) in [
            ("/orders/67e55044-10b1-426f-9247-bb680e5fe0c8", 200),
            ("/orders/67E55044-10B1-426F-9247-BB680E5FE0C8", 200),
            ("/orders/67e5504410b1426f9247bb680e5fe0c8", 404),
            ("/orders/42", 404),
            ("/orders/%2e%2e%2f", 404),
            ("/orders/..", 404),
            ("/orders/%00", 404),
            ("/orders/%ff", 404),
            (&long_id, 404),
            ("/skus/SKU-1", 200),
            ("/skus/a%20b", 200),
            ("/skus/%20", 404),
            ("/skus/a%00", 404),
            ("/skus/%ff", 404),
            (&long_sku, 404),
            ("/skus/a/b", 200),
            ("/skus/%ff/b", 404),
            ("/skus/a/%ff", 404),
            ("/skus/a%00/b", 404),
            ("/skus/a/%20", 404),
        ] {
            let request = Request::builder().uri(path).body(HttpBody::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::from_u16(status).unwrap(), "{}", &path[..path.len().min(60)]);
        }
    }
}
