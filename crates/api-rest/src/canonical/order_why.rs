//! `GET /api/v1/orders/{id}/why`: what an order waits for, in plain words.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::command::OrderAnswer;
use domain::ids::OrderId;
use domain::order::{Action, Channel, WaitsFor, why};
use engine::past::standing_since;
use serde::Serialize;
use uuid::Uuid;

use super::order::not_found;
use crate::access::Requester;
use crate::answer::json;
use crate::app::App;
use crate::output::time::UtcTime;
use crate::problem::Problem;
use crate::request::{NoQuery, PathId};

#[derive(Serialize)]
struct WhyShape {
    order_id: Uuid,
    status: &'static str,
    waiting_for: &'static str,
    since: Option<UtcTime>,
    until: Option<UtcTime>,
    explanation: String,
    moves: Vec<MoveShape>,
}

#[derive(Serialize)]
struct MoveShape {
    action: &'static str,
    call: String,
}

/// What it waits for, since when, until when, and what would move it.
pub(super) async fn read(State(app): State<App>, requester: Requester, PathId(order_id): PathId, _: NoQuery) -> Result<Response, Problem> {
    let (queries, order_id) = (app.engine.queries(), OrderId(order_id));
    let answer = app.ask(queries.order(&requester.caller, order_id)).await?.ok_or_else(|| not_found(order_id))?;
    let since = app.ask(standing_since(queries, &requester.caller, order_id)).await?;
    let told = why(&answer, &requester.caller);
    let mut moves: Vec<MoveShape> =
        told.moves.iter().filter_map(|action| Some(MoveShape { action: action.as_str(), call: call(*action, &answer)? })).collect();
    if let (WaitsFor::PaymentCompletion | WaitsFor::Collection, Some(payment)) = (told.waits_for, &answer.payment) {
        moves.push(MoveShape { action: "collect", call: format!("POST /api/v1/payments/{}/collect", payment.payment_id) });
    }
    let shape = WhyShape {
        order_id: order_id.0,
        status: answer.order.status.as_str(),
        waiting_for: told.waits_for.as_str(),
        since: since.map(UtcTime),
        until: told.until.map(UtcTime),
        explanation: told.explanation,
        moves,
    };
    Ok(json(StatusCode::OK, &shape))
}

/// The call that asks for `action`; `None`: there is none yet.
fn call(action: Action, answer: &OrderAnswer) -> Option<String> {
    let order_id = answer.order.order_id;
    let is_ticket = answer.order.channel == Channel::Tickets;
    let event = |event_type: &str| Some(format!("POST /internal/orders/{order_id}/events {{\"event_type\": \"{event_type}\"}}"));
    match action {
        Action::RequestPayment if is_ticket => Some(format!("POST /orders/{order_id}/confirm")),
        Action::RequestPayment if answer.order.channel == Channel::Checkout => Some("POST /checkout/confirm".to_owned()),
        Action::RequestPayment => Some("POST /api/v1/payments".to_owned()),
        Action::Cancel if is_ticket => Some(format!("POST /orders/{order_id}/cancel")),
        Action::Cancel | Action::CancelPaid => Some(format!("POST /api/v1/orders/{order_id}/cancel")),
        Action::Prepare => Some(format!("PUT /api/orders/{order_id}/status {{\"status\": \"PROCESSING\"}}")),
        Action::Ship => event("shipment.shipped"),
        Action::Deliver => event("shipment.delivered"),
        Action::RequestRefund | Action::Pay | Action::FailPayment | Action::Expire | Action::RefundSucceeded | Action::RefundFailed => None,
    }
}
