//! Orders for tickets: placed, confirmed by paying, canceled, read.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use domain::Refusal;
use domain::command::{CancelOrder, PlaceTickets, RequestPayment, TicketRequest};
use domain::ids::{HoldId, OrderId};
use domain::order::{Action, PaymentMethod};
use domain::payment;
use domain::refusal::OrderRefusal;
use engine::Failure;

use super::shape::{Canceled, Confirmed, Details, Placed, word};
use crate::access::Requester;
use crate::answer::{created, json, replayable};
use crate::app::{App, keyed};
use crate::canonical::order::not_found;
use crate::input::document;
use crate::input::fields;
use crate::input::rules::{email, identifier, money, quantity, uuid};
use crate::problem::{self, Problem};
use crate::refusals::problem_of;
use crate::request::{Body, IdempotencyKey, NoQuery, OptionalBody, PathId};

/// Lines of one order.
const LINES_MAX: usize = 500;

/// `POST /orders`
pub(super) async fn place(
    State(app): State<App>,
    requester: Requester,
    uri: Uri,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    key.clone().required()?;
    let key = keyed(key, uri.path(), &doc);
    let read = fields::read(&doc, |f| {
        f.read_only(&["status", "total_amount", "order_id", "id"]);
        PlaceTickets {
            customer_email: f.required("customer_email", email()).into(),
            hold_id: HoldId(f.required("hold_id", uuid())),
            payment_method: f.optional("payment_method", identifier()).map(|word| word.as_str().into()),
            items: f.required_list("items", 1..=LINES_MAX, |f| TicketRequest {
                session_id: f.required("session_id", uuid()),
                ticket_type_id: f.required("ticket_type_id", uuid()),
                qty: f.required("quantity", quantity()),
                unit_price: f.required("unit_price", money()),
            }),
        }
    });
    let command = app.judge::<PlaceTickets, _>(&requester.caller, key.as_ref().map(|key| &*key.0), read).await?;
    let done = app.wait(app.engine.submit(command, requester.ask(key))).await.map_err(refused)?;
    Ok(created(done.is_replay, &Placed::of(&done.answer.order, done.is_replay)))
}

/// `GET /orders/{id}`
pub(super) async fn read(State(app): State<App>, requester: Requester, PathId(order_id): PathId, _: NoQuery) -> Result<Response, Problem> {
    let found = app.ask(app.engine.queries().order(&requester.caller, OrderId(order_id))).await?;
    let answer = found.ok_or_else(|| not_found(OrderId(order_id)))?;
    Ok(json(StatusCode::OK, &Details::of(&answer)))
}

/// `POST /orders/{id}/confirm`: asks for the money. 200 paid, 402 refused, 202 while nobody knows.
pub(super) async fn confirm(
    State(app): State<App>,
    requester: Requester,
    uri: Uri,
    PathId(order_id): PathId,
    key: IdempotencyKey,
    body: OptionalBody,
) -> Result<Response, Problem> {
    let doc = body.or_empty()?;
    let method: Option<PaymentMethod> =
        fields::read(&doc, |f| f.optional("payment_method", identifier()).map(|word| word.as_str().into()))?;
    let command = RequestPayment { order_id: OrderId(order_id), method };
    let ask = requester.ask(keyed(key, uri.path(), &doc));
    let done = app.wait(app.engine.pay(command, ask, app.options.answer_within)).await.map_err(refused)?;
    let status = match done.answer.payment.as_ref().map(|payment| payment.status) {
        Some(payment::Status::Failed | payment::Status::Canceled) => {
            return Err(
                Problem::new(StatusCode::PAYMENT_REQUIRED, "PAYMENT_FAILED", "The payment was refused").detail("Payment was declined")
            );
        }
        Some(status) if status.is_open() => StatusCode::ACCEPTED,
        _ => StatusCode::OK,
    };
    Ok(replayable(status, done.is_replay, &Confirmed::of(&done.answer)))
}

/// `POST /orders/{id}/cancel`
pub(super) async fn cancel(
    State(app): State<App>,
    requester: Requester,
    uri: Uri,
    PathId(order_id): PathId,
    key: IdempotencyKey,
    body: OptionalBody,
) -> Result<Response, Problem> {
    let doc = body.or_empty()?;
    fields::read(&doc, |_| ())?;
    let ask = requester.ask(keyed(key, uri.path(), &doc));
    let command = CancelOrder { order_id: OrderId(order_id), reason: None, notes: None };
    let work = app.engine.cancel(command, ask, app.options.answer_within);
    let done = app.wait(work).await.map_err(refused)?;
    Ok(replayable(StatusCode::OK, done.is_replay, &Canceled::of(&done.answer.order)))
}

/// What this door says of an order in the wrong state, and of amounts that its one currency does not have.
fn refused(failure: Failure) -> Problem {
    let (from, action) = match failure {
        Failure::Refused(Refusal::Order(OrderRefusal::InvalidTransition { from, action })) => (from, action),
        Failure::Refused(Refusal::Order(OrderRefusal::Amount(error))) => {
            return Problem::of(problem::VALIDATION_FAILED).detail(format!("unit_price: {error}"));
        }
        other => return problem_of(other),
    };
    let word = word(from);
    let detail = match action {
        Action::Cancel => format!("Cannot cancel {word} order"),
        _ => format!("Order is already {word}"),
    };
    Problem::new(StatusCode::BAD_REQUEST, "INVALID_STATE", "The order does not allow this").detail(detail)
}
