//! Orders are moved on by hand: packed, shipped, delivered, canceled. Whether they are paid is decided by money.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use domain::command::{CancelOrder, Command, DeliverOrder, OrderAnswer, PrepareOrder, ShipOrder};
use domain::ids::OrderId;
use domain::refusal::OrderRefusal;
use domain::{Caller, Refusal};
use engine::{Ask, Done, Failure};

use super::order::{details, find, told_afterwards};
use super::word::Word;
use crate::access::Requester;
use crate::answer::replayable;
use crate::app::{App, keyed};
use crate::input::document;
use crate::input::rules::{choice, identifier, multiline};
use crate::input::{FieldError, fields};
use crate::problem::{self, Problem};
use crate::refusals::problem_of;
use crate::request::{Body, IdempotencyKey, OptionalBody, PathId};

/// A status by hand, as asked for.
struct Change {
    to: Word,
    notes: Option<Arc<str>>,
    tracking_number: Option<Arc<str>>,
    carrier_code: Option<Arc<str>>,
}

/// `PUT /api/orders/{id}/status`
pub(super) async fn update(
    State(app): State<App>,
    requester: Requester,
    uri: Uri,
    PathId(order_id): PathId,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let key = keyed(key, uri.path(), &doc);
    let read = fields::read(&doc, |f| {
        let change = Change {
            to: f.required("status", choice(Word::ALL)),
            notes: f.optional("notes", multiline(1..=500)).map(Into::into),
            tracking_number: f.optional("tracking_number", identifier()).map(Into::into),
            carrier_code: f.optional("carrier_code", identifier()).map(Into::into),
        };
        for name in ["tracking_number", "carrier_code"] {
            if change.to != Word::Shipped && f.has(name) {
                f.refuse(name, "INVALID_VALUE", "Goes with the status SHIPPED only.");
            }
        }
        change
    });
    let change = judge(&app, &requester.caller, key.as_ref().map(|key| &*key.0), read).await?;
    let done = carry_out(&app, &requester.caller, OrderId(order_id), change, requester.ask(key)).await?;
    Ok(answer(&app, &requester.caller, &done).await)
}

/// `POST /api/orders/{id}/cancel`
pub(super) async fn cancel(
    State(app): State<App>,
    requester: Requester,
    uri: Uri,
    PathId(order_id): PathId,
    key: IdempotencyKey,
    body: OptionalBody,
) -> Result<Response, Problem> {
    let doc = body.or_empty()?;
    let key = keyed(key, uri.path(), &doc);
    let read = fields::read(&doc, |f| f.optional("reason", multiline(1..=500)).map(Into::into));
    let reason: Option<Arc<str>> = app.judge::<CancelOrder, _>(&requester.caller, key.as_ref().map(|key| &*key.0), read).await?;
    let command = CancelOrder { order_id: OrderId(order_id), notes: reason.clone(), reason };
    let work = app.engine.cancel(command, requester.ask(key), app.options.answer_within);
    let done = app.wait(work).await.map_err(refused)?;
    Ok(answer(&app, &requester.caller, &done).await)
}

/// What was read from the body, if it keeps the rules. A key is known by the verb that used it, and a broken body names none.
async fn judge(app: &App, caller: &Caller, key: Option<&str>, read: Result<Change, Vec<FieldError>>) -> Result<Change, Problem> {
    let (errors, key) = match (read, key) {
        (Ok(change), _) => return Ok(change),
        (Err(errors), None) => return Err(errors.into()),
        (Err(errors), Some(key)) => (errors, key),
    };
    let was_used = used::<PrepareOrder>(app, caller, key).await?
        || used::<ShipOrder>(app, caller, key).await?
        || used::<DeliverOrder>(app, caller, key).await?
        || used::<CancelOrder>(app, caller, key).await?;
    Err(if was_used { Problem::of(problem::IDEMPOTENCY_KEY_REUSED) } else { errors.into() })
}

async fn used<C: Command>(app: &App, caller: &Caller, key: &str) -> Result<bool, Problem> {
    app.engine.key_was_used::<C>(caller, key).await.map_err(problem_of)
}

async fn carry_out(app: &App, caller: &Caller, order_id: OrderId, change: Change, ask: Ask) -> Result<Done<OrderAnswer>, Problem> {
    let Change { to, notes, tracking_number, carrier_code } = change;
    let engine = &app.engine;
    let done = match to {
        Word::Processing => app.wait(engine.submit(PrepareOrder { order_id, notes }, ask)).await,
        Word::Shipped => app.wait(engine.submit(ShipOrder { order_id, carrier_code, tracking_number, notes }, ask)).await,
        Word::Delivered => app.wait(engine.submit(DeliverOrder { order_id, notes }, ask)).await,
        Word::Cancelled => {
            let command = CancelOrder { order_id, reason: notes.clone(), notes };
            app.wait(engine.cancel(command, ask, app.options.answer_within)).await
        }
        Word::Pending | Word::Confirmed | Word::Refunded => {
            let now = Word::of(&find(app, caller, order_id).await?.order);
            let detail = format!("Whether an order is {} is decided by its money, not by hand.", to.as_str());
            return Err(invalid(Some(now), detail));
        }
    };
    done.map_err(refused)
}

/// The order as it is now, with its history.
async fn answer(app: &App, caller: &Caller, done: &Done<OrderAnswer>) -> Response {
    let events = told_afterwards(app, caller, &done.answer).await;
    replayable(StatusCode::OK, done.is_replay, &details(&done.answer, events.as_deref(), caller))
}

/// What the lifecycle does not allow, in the words of this door.
fn refused(failure: Failure) -> Problem {
    let (from, action) = match failure {
        Failure::Refused(Refusal::Order(OrderRefusal::InvalidTransition { from, action })) => (Word::of_status(from), action.as_str()),
        other => return problem_of(other),
    };
    let detail = match from {
        Some(word) => format!("An order that is {} does not allow {action}.", word.as_str()),
        None => format!("An order whose money is on its way back does not allow {action}."),
    };
    invalid(from, detail)
}

fn invalid(now: Option<Word>, detail: String) -> Problem {
    Problem::new(StatusCode::CONFLICT, "INVALID_TRANSITION", "This is not possible as things stand")
        .detail(detail)
        .member("status_now", &now.map(Word::as_str))
}
