//! `GET /api/v1/orders/{id}/stream`: the facts of an order as server-sent events, those that are there and those to come.
//!
//! What is sent rests on the sequence alone, which has no gaps: the history after the last fact sent is read again whenever this instance has
//! written one, and every second, since another instance may have.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, State};
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use domain::Caller;
use domain::ids::OrderId;
use engine::port::{Page, RecordedEvent};
use engine::{Failure, StopSignal, Watched};
use futures_util::stream::unfold;
use tokio::sync::OwnedSemaphorePermit;

use super::order::not_found;
use super::order_shape::EventShape;
use crate::access::Requester;
use crate::app::App;
use crate::problem::{self, Problem};
use crate::refusals::problem_of;
use crate::request::{NoQuery, PathId};

/// Facts that are read and sent at once: what a slow reader makes this instance keep.
const PAGE: u32 = 100;
/// How often the history is looked at although this instance has written nothing.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often something is sent, so that nobody in between takes the connection for dead.
const BEAT_EVERY: Duration = Duration::from_secs(15);
/// When a reader whose connection has ended shall come again, in milliseconds.
const RETRY_MS: u32 = 1000;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The last fact that the reader has: a sequence, from 0.
pub(super) struct LastEventId(i64);

impl<S: Send + Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut sent = parts.headers.get_all(LAST_EVENT_ID).iter();
        let Some(value) = sent.next() else { return Ok(Self(0)) };
        let sequence = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let sequence = sequence.and_then(|text| text.parse().ok()).filter(|_| sent.next().is_none());
        sequence.map(Self).ok_or_else(|| Problem::of(problem::LAST_EVENT_ID_INVALID))
    }
}

/// Follows an order until the reader leaves or the service stops.
pub(super) async fn follow(
    State(app): State<App>,
    requester: Requester,
    PathId(order_id): PathId,
    LastEventId(after): LastEventId,
    _: NoQuery,
) -> Result<Response, Problem> {
    let order_id = OrderId(order_id);
    let place = app.streams.clone().try_acquire_owned().map_err(|_full| problem_of(Failure::Overloaded))?;
    let watched = Watched::of(&app.engine, order_id);
    let page = Page { after: Some(after), limit: PAGE };
    let first = app.ask(app.engine.queries().order_events(&requester.caller, order_id, page)).await?;
    let first = first.ok_or_else(|| not_found(order_id))?;
    let stopped = app.options.stopped.clone();
    let reader = Reader { app, caller: requester.caller, order_id, after, watched, stopped, _place: place };
    let begin = Some(format!("retry: {RETRY_MS}\n\n"));
    let sent = unfold((reader, begin, Some(first)), |(mut reader, begin, first)| async move {
        let mut text = begin.unwrap_or_default();
        match first {
            Some(first) => reader.tell(&first, &mut text),
            None => reader.next(&mut text).await?,
        }
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), (reader, None, None)))
    });
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(sent)).into_response())
}

/// Somebody who follows an order.
struct Reader {
    app: App,
    caller: Caller,
    order_id: OrderId,
    /// The last fact that was sent.
    after: i64,
    watched: Watched,
    stopped: StopSignal,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    /// Writes what comes next, when it comes; `None`: the service stops.
    async fn next(&mut self, text: &mut String) -> Option<()> {
        let beat = tokio::time::Instant::now() + BEAT_EVERY;
        loop {
            if self.stopped.is_given() {
                return None;
            }
            // Listening begins before the look, so that no fact falls in between.
            let told = self.watched.next();
            let page = Page { after: Some(self.after), limit: PAGE };
            let found = self.app.engine.queries().order_events(&self.caller, self.order_id, page).await.unwrap_or_else(|away| {
                // It was there: its store will be there again.
                tracing::debug!(%away, order_id = %self.order_id, "cannot look for the next fact");
                None
            });
            if let Some(facts) = found.filter(|facts| !facts.is_empty()) {
                drop(told);
                self.tell(&facts, text);
                return Some(());
            }
            let mut stopped = self.stopped.clone();
            tokio::select! {
                () = stopped.given() => return None,
                () = told => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = tokio::time::sleep_until(beat) => {
                    text.push_str(":\n\n");
                    return Some(());
                }
            }
        }
    }

    /// Writes facts.
    fn tell(&mut self, facts: &[RecordedEvent], text: &mut String) {
        for fact in facts {
            // JSON on one line: serde_json writes no line breaks, and stored payloads have none of their own.
            let data = serde_json::to_string(&EventShape::of(fact)).unwrap_or_default().replace(['\n', '\r'], " ");
            write!(text, "id: {}\nevent: {}\ndata: {data}\n\n", fact.sequence, fact.event_type).expect("a String takes any text");
            self.after = fact.sequence;
        }
    }
}
