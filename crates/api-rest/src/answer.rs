//! Answers that are no refusal: a status and JSON, never kept by a cache.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use crate::problem::{self, Problem};

const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// `body` as JSON.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => {
            let headers =
                [(CONTENT_TYPE, HeaderValue::from_static("application/json")), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
            (status, headers, bytes).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            Problem::of(problem::INTERNAL).into_response()
        }
    }
}

/// What a command made: 201, or 200 for the same key again.
pub(crate) fn created(is_replay: bool, body: &impl Serialize) -> Response {
    replayable(if is_replay { StatusCode::OK } else { StatusCode::CREATED }, is_replay, body)
}

/// What a command did: `status`, and whether the same key had done it before.
pub(crate) fn replayable(status: StatusCode, is_replay: bool, body: &impl Serialize) -> Response {
    let mut response = json(status, body);
    if is_replay {
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
