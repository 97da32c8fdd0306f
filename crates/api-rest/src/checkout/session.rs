//! Checkout sessions: begun, filled, shown, confirmed.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::command::{CheckoutChange, ConfirmCheckout, StartCheckout, UpdateCheckout};
use domain::ids::{CartId, SessionId, UserId};
use domain::payment;
use domain::refusal::CheckoutRefusal;
use engine::{Failure, guest};

use super::shape::{Confirmed, SessionShape};
use crate::access::Requester;
use crate::answer::{json, replayable};
use crate::app::{App, Call};
use crate::input::address::{changed, changed_address};
use crate::input::document;
use crate::input::rules::{email, identifier, multiline, text, uuid};
use crate::problem::Problem;
use crate::refusals::problem_of;
use crate::request::{Body, Guest, NoQuery, PathName};
use crate::terms::tag;

/// Codes that one order could be made cheaper with.
const CODES_MAX: usize = 20;

/// `POST /checkout/start`
pub(super) async fn start(call: Call, _: NoQuery, body: Body) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let (session_id, customer_id, cart_id) = call
        .read::<StartCheckout, _>(&doc, |f| {
            let session_id = f.required("session_id", identifier());
            let customer_id = f.optional("customer_id", identifier()).map(UserId::from);
            (SessionId::from(session_id), customer_id, f.optional("cart_id", uuid()).map(CartId))
        })
        .await?;
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
    let done = call.carry_out(&doc, |f| {
        f.read_only(&["status", "totals", "total_amount", "order_id", "customer_id", "cart_id", "items"]);
        UpdateCheckout {
            session_id: f.required("session_id", identifier()).into(),
            guest_token,
            change: CheckoutChange {
                shipping_address_id: changed(f.patch("shipping_address_id", identifier())),
                shipping_address: changed_address(f, &doc, "shipping_address"),
                billing_address_id: changed(f.patch("billing_address_id", identifier())),
                billing_address: changed_address(f, &doc, "billing_address"),
                shipping_method: changed(f.patch("shipping_method", identifier())),
                payment_method: changed::<String, String>(f.patch("payment_method", identifier()))
                    .map(|method| method.map(|word| word.as_str().into())),
                promotion_codes: f
                    .optional_values("promotion_codes", 0..=CODES_MAX, text(1..=100))
                    .map(|codes| codes.into_iter().map(Into::into).collect()),
                notes: changed(f.patch("notes", multiline(0..=2000))),
                customer_email: changed(f.patch("customer_email", email())),
            },
        }
    });
    let done = done.await?;
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
    let read = call
        .read::<ConfirmCheckout, _>(&doc, |f| ConfirmCheckout { session_id: f.required("session_id", identifier()).into(), guest_token });
    let command = read.await?;
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
