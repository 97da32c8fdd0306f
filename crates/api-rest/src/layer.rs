//! Around every call: its id, its caller, its measure, and one form for every refusal.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ACCEPT, ALLOW, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use domain::Caller;

use crate::app::App;
use crate::problem::{self, Problem};
use crate::request::{RequestId, X_REQUEST_ID, ending};
use crate::tickets;

/// Longer than any address of ours.
const URI_BYTES_MAX: usize = 8 * 1024;
/// All fields of a head together; cookies and tokens of any client of ours are far smaller.
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// Gives the request its id and its caller, measures it, and writes the id into whatever is answered.
pub(crate) async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = RequestId::accept(request.headers(), &app.request_ids);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    request.extensions_mut().insert(id.clone());
    // While `auth = off`, everybody who reaches the loopback listener is the administrator.
    request.extensions_mut().insert(Caller::local_admin());
    let is_tickets = tickets::has(request.uri().path());
    let response = match refused(&request) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    };
    // What is refused before, or instead of, a handler has the form of its door too.
    let response = if is_tickets { Problem::in_tickets_form(response) } else { response };
    let mut response = Problem::stamp(response, &id);
    response.headers_mut().insert(X_REQUEST_ID, id.header_value());
    let route = route.as_ref().map_or("none", MatchedPath::as_str).to_owned();
    let labels = [("route", route), ("method", method.to_string()), ("status", response.status().as_u16().to_string())];
    metrics::histogram!("http_request_seconds", &labels).record(began.elapsed());
    response
}

/// What no route needs to look at.
fn refused(request: &Request) -> Option<Problem> {
    let bytes: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > HEADER_BYTES_MAX {
        return Some(
            ending(problem::HEADER_TOO_LARGE).detail(format!("All header fields together have at most {HEADER_BYTES_MAX} bytes.")),
        );
    }
    if !names_one_host(request.version(), request.headers()) {
        return Some(ending(problem::BAD_REQUEST_FRAMING).detail("The request must name its host once."));
    }
    if matches!(*request.method(), Method::TRACE | Method::CONNECT) && request.extensions().get::<MatchedPath>().is_none() {
        // Nothing here knows these two, whatever they are sent to.
        return Some(Problem::of(problem::METHOD_NOT_ALLOWED).header(ALLOW, HeaderValue::from_static("")));
    }
    if request.uri().path_and_query().is_some_and(|path| path.as_str().len() > URI_BYTES_MAX) {
        return Some(Problem::of(problem::URI_TOO_LONG));
    }
    (!accepts_json(request.headers()) && request.uri().path() != crate::system::METRICS).then(|| Problem::of(problem::NOT_ACCEPTABLE))
}

/// RFC 9112, 3.2: two readers of a request without one host, or with two, may take it for two requests.
fn names_one_host(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let is_host =
        |host: &HeaderValue| host.is_empty() || Authority::try_from(host.as_bytes()).is_ok_and(|host| !host.as_str().contains('@'));
    match (hosts.next(), hosts.next()) {
        (None, _) => version < Version::HTTP_11,
        (Some(host), None) => is_host(host),
        (Some(_), Some(_)) => false,
    }
}

/// Whether the client takes JSON; without the header it takes anything.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut sent = headers.get_all(ACCEPT).iter().peekable();
    sent.peek().is_none()
        || sent.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
            let refused = parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
            !refused
                && (matches!(media_type.as_str(), "*/*" | "application/*" | "application/json" | "text/event-stream")
                    || media_type.ends_with("+json"))
        })
}

/// Any address that is no route.
pub(crate) async fn no_such_route() -> Problem {
    Problem::of(problem::NOT_FOUND)
}

/// A route that does not know the method; `Allow` tells which it knows.
pub(crate) async fn no_such_method() -> Problem {
    Problem::of(problem::METHOD_NOT_ALLOWED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_one_host() {
        for (version, hosts, expected) in [
            (Version::HTTP_11, &["shop.example"][..], true),
            (Version::HTTP_11, &["127.0.0.1:8080"], true),
            (Version::HTTP_11, &["[::1]:8080"], true),
            (Version::HTTP_11, &[""], true),
            (Version::HTTP_11, &[], false),
            (Version::HTTP_10, &[], true),
            (Version::HTTP_11, &["a.example", "a.example"], false),
            (Version::HTTP_10, &["a.example", "b.example"], false),
            (Version::HTTP_11, &["a b"], false),
            (Version::HTTP_11, &["a.example/x"], false),
            (Version::HTTP_11, &["user@a.example"], false),
        ] {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_static(host));
            }
            assert_eq!(names_one_host(version, &headers), expected, "{version:?} {hosts:?}");
        }
    }

    #[test]
    fn a_client_that_takes_no_json_is_told_so() {
        for (accept, expected) in [
            (None, true),
            (Some("*/*"), true),
            (Some("application/json"), true),
            (Some("text/html, application/*;q=0.8"), true),
            (Some("application/problem+json"), true),
            (Some("text/html"), false),
            (Some("application/json;q=0"), false),
            (Some("image/png, text/plain"), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(ACCEPT, HeaderValue::from_static(accept));
            }
            assert_eq!(accepts_json(&headers), expected, "{accept:?}");
        }
    }
}
