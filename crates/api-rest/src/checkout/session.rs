//! Checkout sessions: begun, filled, shown, confirmed.

use api_input::asked::{self, Start};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::command::{ConfirmCheckout, StartCheckout};
use domain::payment;
use domain::refusal::CheckoutRefusal;
use engine::{Failure, guest};

use super::shape::{Confirmed, SessionShape};
use crate::access::Requester;
use crate::answer::{json, replayable};
use crate::app::{App, Call};
use crate::input::document;
use crate::problem::Problem;
use crate::refusals::problem_of;
use crate::request::{Body, Guest, NoQuery, PathName};
use crate::terms::tag;

/// `POST /checkout/start`
pub(super) async fn start(call: Call, _: NoQuery, body: Body) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let Start { session_id, customer_id, cart_id } = call.read::<StartCheckout, _>(&doc, asked::start_checkout).await?;
    let customer_id = customer_id.or_else(|| call.requester.caller.only_own().map(Into::into));
    let cart = match cart_id {
        // A cart never goes to another owner.
        Some(cart_id) => Some((cart_id, call.app.ask(call.app.engine.queries().owner_of_cart(cart_id)).await?)),
        None => None,
    };
    let (token, kept) = guest::new_token();
    let done = call.submit(StartCheckout { session_id, customer_id, cart, guest_token: Some(kept) }, &doc).await?;
    let token = Some(&*token).filter(|_| done.answer.checkout.guest_token == Some(kept) && !call.terms.dry_run);
    let shape = SessionShape::of(&done.answer, call.app.engine.now(), token);
    let status = if done.is_replay || call.terms.dry_run { StatusCode::OK } else { StatusCode::CREATED };
    Ok(call.terms.answered(replayable(status, done.is_replay, &shape), done.answer.checkout.version, done.is_replay))
}

/// `PUT /checkout/state`: what is absent stays, `null` clears.
pub(super) async fn update(call: Call, Guest(guest_token): Guest, _: NoQuery, body: Body) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let done = call.carry_out(&doc, |f| asked::update_checkout(f, &doc, guest_token)).await?;
    let shape = SessionShape::of(&done.answer, call.app.engine.now(), None);
    Ok(call.terms.answered(replayable(StatusCode::OK, done.is_replay, &shape), done.answer.checkout.version, done.is_replay))
}

/// `GET /checkout/{session_id}`
pub(super) async fn read(
    State(app): State<App>,
    requester: Requester,
    Guest(guest_token): Guest,
    PathName(session_id): PathName,
    _: NoQuery,
) -> Result<Response, Problem> {
    let found = app.ask(app.engine.checkout(&session_id.into())).await?;
    let found = found.filter(|found| found.checkout.belongs_to(&requester.caller, guest_token));
    let answer = found.ok_or_else(|| problem_of(Failure::Refused(CheckoutRefusal::NotFound.into())))?;
    let mut response = json(StatusCode::OK, &SessionShape::of(&answer, app.engine.now(), None));
    tag(&mut response, answer.checkout.version);
    Ok(response)
}

/// `POST /checkout/confirm`: 201 with the order, again 200; 402 declined, and again another attempt.
pub(super) async fn confirm(call: Call, Guest(guest_token): Guest, _: NoQuery, body: Body) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let command = call.read::<ConfirmCheckout, _>(&doc, |f| asked::confirm_checkout(f, guest_token)).await?;
    let work = call.app.engine.confirm(command, call.ask(&doc), call.app.options.answer_within);
    let done = call.app.wait(work).await.map_err(problem_of)?;
    let (answer, is_again) = (&done.answer.answer, done.answer.is_again);
    if let Some(payment::Status::Failed | payment::Status::Canceled) = answer.payment.as_ref().map(|payment| payment.status)
        && answer.order.status.awaits_payment()
    {
        return Err(Problem::new(StatusCode::PAYMENT_REQUIRED, "PAYMENT_FAILED", "The payment was refused")
            .detail("The payment was declined. The order waits; confirm again to try anew, with another payment_method if you like.")
            .member("order_id", &answer.order.order_id.0)
            .member("order_number", &answer.order.number.to_string()));
    }
    let status = if is_again || done.is_replay || call.terms.dry_run { StatusCode::OK } else { StatusCode::CREATED };
    Ok(replayable(status, done.is_replay, &Confirmed::of(answer)))
}
