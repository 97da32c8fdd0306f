//! Checkout sessions: begun, filled, shown, confirmed.

use api_input::asked::{self, Start};
use api_input::fields;
use domain::command::{ConfirmCheckout, StartCheckout, UpdateCheckout};
use domain::payment;
use domain::refusal::CheckoutRefusal;
use engine::guest;
use tonic::{Code, Request, Response, Status};

use crate::app::{Answered, App, BUYERS, Call, EVERYBODY};
use crate::checkout_v1 as v1;
use crate::checkout_v1::checkout_service_server::CheckoutService;
use crate::document::Document;
use crate::problem::Problem;
use crate::session_shape::session;

#[tonic::async_trait]
impl CheckoutService for App {
    async fn start_checkout(&self, request: Request<v1::StartCheckoutRequest>) -> Result<Response<v1::CheckoutSession>, Status> {
        self.answer(BUYERS, request, start).await
    }

    async fn update_checkout_state(
        &self,
        request: Request<v1::UpdateCheckoutStateRequest>,
    ) -> Result<Response<v1::CheckoutSession>, Status> {
        self.answer(BUYERS, request, update).await
    }

    async fn get_checkout(&self, request: Request<v1::GetCheckoutRequest>) -> Result<Response<v1::CheckoutSession>, Status> {
        self.answer(EVERYBODY, request, get).await
    }

    async fn confirm_checkout(
        &self,
        request: Request<v1::ConfirmCheckoutRequest>,
    ) -> Result<Response<v1::ConfirmCheckoutResponse>, Status> {
        self.answer(BUYERS, request, confirm).await
    }
}

async fn start(call: Call, sent: v1::StartCheckoutRequest) -> Result<Answered<v1::CheckoutSession>, Problem> {
    let doc =
        Document::default().text("session_id", sent.session_id).text("customer_id", sent.customer_id).text("cart_id", sent.cart_id).end();
    let Start { session_id, customer_id, cart_id } = call.read::<StartCheckout, _>(&doc, asked::start_checkout).await?;
    let customer_id = customer_id.or_else(|| call.caller.only_own().map(Into::into));
    let cart = match cart_id {
        // A cart never goes to another owner.
        Some(cart_id) => Some((cart_id, call.question(call.app.engine.queries().owner_of_cart(cart_id)).await?)),
        None => None,
    };
    let (token, kept) = guest::new_token();
    let command = StartCheckout { session_id, customer_id, cart, guest_token: Some(kept) };
    let done = call.submit(command, "/checkout/start", &doc).await?;
    let token = Some(token).filter(|_| done.answer.checkout.guest_token == Some(kept));
    Ok(Answered::of(session(&done.answer, call.app.engine.now(), token), done.is_replay))
}

async fn update(call: Call, sent: v1::UpdateCheckoutStateRequest) -> Result<Answered<v1::CheckoutSession>, Problem> {
    let doc = Document::default()
        .text("session_id", sent.session_id)
        .text("shipping_address_id", sent.shipping_address_id)
        .address("shipping_address", sent.shipping_address)
        .text("billing_address_id", sent.billing_address_id)
        .address("billing_address", sent.billing_address)
        .text("shipping_method", sent.shipping_method)
        .text("payment_method", sent.payment_method)
        .texts("promotion_codes", sent.promotion_codes)
        .text("notes", sent.notes)
        .text("customer_email", sent.customer_email)
        .cleared(sent.clear, &["promotion_codes"])?
        .end();
    let command = call.read::<UpdateCheckout, _>(&doc, |f| asked::update_checkout(f, &doc, call.guest_token)).await?;
    let done = call.submit(command, "/checkout/state", &doc).await?;
    Ok(Answered::of(session(&done.answer, call.app.engine.now(), None), done.is_replay))
}

async fn get(call: Call, sent: v1::GetCheckoutRequest) -> Result<Answered<v1::CheckoutSession>, Problem> {
    let session_id = fields::read(&Document::default().text("session_id", sent.session_id).end(), asked::session)?;
    let found = call.question(call.app.engine.checkout(&session_id)).await?;
    let found = found.filter(|found| found.checkout.belongs_to(&call.caller, call.guest_token));
    let answer = found.ok_or_else(|| Problem::from(&CheckoutRefusal::NotFound.into()))?;
    Ok(session(&answer, call.app.engine.now(), None).into())
}

/// Answers with the order; declined: with what is needed to try anew.
async fn confirm(call: Call, sent: v1::ConfirmCheckoutRequest) -> Result<Answered<v1::ConfirmCheckoutResponse>, Problem> {
    let doc = Document::default().text("session_id", sent.session_id).end();
    let command = call.read::<ConfirmCheckout, _>(&doc, |f| asked::confirm_checkout(f, call.guest_token)).await?;
    let ask = call.ask("/checkout/confirm", &doc);
    let done = call.wait(call.app.engine.confirm(command, ask, call.app.options.answer_within)).await?;
    let (answer, is_again) = (&done.answer.answer, done.answer.is_again);
    let (order_id, order_number) = (answer.order.order_id.0.to_string(), answer.order.number.to_string());
    if let Some(payment::Status::Failed | payment::Status::Canceled) = answer.payment.as_ref().map(|payment| payment.status)
        && answer.order.status.awaits_payment()
    {
        let detail = "The payment was declined. The order waits; confirm again to try anew, with another payment_method if you like.";
        return Err(Problem::new(Code::FailedPrecondition, "PAYMENT_FAILED", detail)
            .fact("order_id", &order_id)
            .fact("order_number", &order_number));
    }
    let message = v1::ConfirmCheckoutResponse {
        order_id,
        order_number,
        status: answer.order.status.as_str().into(),
        payment_status: answer.order.payment_standing.as_str().into(),
        is_again,
    };
    Ok(Answered::of(message, done.is_replay))
}
