//! The facts of an order as a stream: those that are there and those to come.
//!
//! What is sent rests on the sequence alone, which has no gaps: the history after the last fact sent is read again whenever this instance has
//! written one, and twice a second, since another instance may have. A page is read once the one before was taken: a caller who reads slowly
//! costs one page, and holds nobody up.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use api_input::fields;
use api_input::rules::int;
use domain::Caller;
use domain::ids::OrderId;
use engine::port::{Page, RecordedEvent};
use engine::{Engine, Failure, StopSignal, Watched};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tonic::Status;

use crate::app::{Answered, Call};
use crate::document::Document;
use crate::order::{not_found, order_id};
use crate::order_v1::{OrderEvent, WatchRequest};
use crate::problem::Problem;
use crate::shape::event;

/// Facts that are read at once: what a slow reader makes this instance keep.
const PAGE: u32 = 100;
/// How often the history is looked at although this instance has written nothing.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What is sent to one who watches.
pub(crate) type Events = Pin<Box<dyn Stream<Item = Result<OrderEvent, Status>> + Send>>;

/// Follows an order until the caller leaves, his deadline passes, or the service stops.
pub(crate) async fn watch(call: Call, sent: WatchRequest) -> Result<Answered<Events>, Problem> {
    let doc = Document::default().text("order_id", sent.order_id).number("after_sequence", sent.after_sequence).end();
    let (order_id, after) = fields::read(&doc, |f| (order_id(f), f.optional("after_sequence", int(0..=i64::MAX)).unwrap_or(0)))?;
    let place = call.app.watchers.clone().try_acquire_owned().map_err(|_full| Problem::from(Failure::Overloaded))?;
    let watched = Watched::of(&call.app.engine, order_id);
    let page = Page { after: Some(after), limit: PAGE };
    let first = call.question(call.app.engine.queries().order_events(&call.caller, order_id, page)).await?;
    let reader = Reader {
        engine: call.app.engine.clone(),
        read: first.ok_or_else(|| not_found(order_id))?.into(),
        stopped: call.app.options.stopped.clone(),
        caller: call.caller,
        deadline: call.deadline,
        request_id: call.request_id,
        order_id,
        after,
        watched,
        is_over: false,
        _place: place,
    };
    let sent = unfold(reader, |mut reader| async move {
        let next = reader.next().await?;
        Some((next, reader))
    });
    Ok(Answered::from(Box::pin(sent) as Events))
}

/// Somebody who follows an order.
struct Reader {
    engine: Engine,
    caller: Caller,
    order_id: OrderId,
    request_id: std::sync::Arc<str>,
    deadline: Option<Instant>,
    /// The last fact that was sent.
    after: i64,
    /// Read, and not sent yet.
    read: VecDeque<RecordedEvent>,
    watched: Watched,
    stopped: StopSignal,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    /// The next fact, when it comes, or why none comes any more; after that nothing.
    async fn next(&mut self) -> Option<Result<OrderEvent, Status>> {
        if self.is_over {
            return None;
        }
        let next = self.fact().await;
        Some(match next {
            Ok(fact) => {
                self.after = fact.sequence;
                Ok(event(fact))
            }
            Err(problem) => {
                self.is_over = true;
                Err(problem.into_status(&self.request_id))
            }
        })
    }

    async fn fact(&mut self) -> Result<RecordedEvent, Problem> {
        loop {
            if self.stopped.is_given() {
                return Err(Problem::later("OVERLOADED", "The service is stopping. Go on at another instance, after the last sequence."));
            }
            if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Err(Problem::deadline());
            }
            if let Some(fact) = self.read.pop_front() {
                return Ok(fact);
            }
            // Listening begins before the look, so that no fact falls in between.
            let told = self.watched.next();
            let page = Page { after: Some(self.after), limit: PAGE };
            let found = self.engine.queries().order_events(&self.caller, self.order_id, page).await;
            let found = found.unwrap_or_else(|away| {
                // It was there: its store will be there again.
                tracing::debug!(%away, order_id = %self.order_id, "cannot look for the next fact");
                None
            });
            self.read = found.unwrap_or_default().into();
            if !self.read.is_empty() {
                continue;
            }
            let wake = Instant::now() + LOOK_EVERY;
            let wake = self.deadline.map_or(wake, |deadline| deadline.min(wake));
            let mut stopped = self.stopped.clone();
            tokio::select! {
                () = stopped.given() => {}
                () = told => {}
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }
}
