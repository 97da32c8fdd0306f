//! Payments: begun by themselves, read, completed by hand where no provider answers, collected on delivery.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use domain::Refusal;
use domain::command::{CollectPayment, CreatePayment, ProviderAnswer, RecordPayment};
use domain::ids::{OrderId, PaymentId};
use domain::payment::Payment;
use domain::refusal::PaymentRefusal;
use engine::Failure;
use serde::Serialize;
use uuid::Uuid;

use crate::access::Requester;
use crate::answer::{created, json, replayable};
use crate::app::{App, keyed};
use crate::input::rules::{choice, currency, identifier, money, uuid};
use crate::input::{document, fields};
use crate::output::amount::Amount;
use crate::output::time::UtcTime;
use crate::problem::{self, Problem};
use crate::refusals::problem_of;
use crate::request::{Body, IdempotencyKey, NoQuery, OptionalBody, PathId};

/// What the service alone decides.
const READ_ONLY: &[&str] = &["payment_id", "status", "provider", "captured_amount", "refunded_amount", "created_at"];

#[derive(Serialize)]
pub(super) struct PaymentShape<'a> {
    payment_id: Uuid,
    order_id: Uuid,
    status: &'static str,
    amount: Amount,
    captured_amount: Amount,
    refunded_amount: Amount,
    currency: &'static str,
    payment_method: &'a str,
    provider: &'a str,
    failure_reason: Option<&'a str>,
    created_at: UtcTime,
}

impl<'a> PaymentShape<'a> {
    pub(super) fn of(payment: &'a Payment) -> Self {
        let amount = |minor| Amount { minor, currency: payment.currency };
        Self {
            payment_id: payment.payment_id.0,
            order_id: payment.order_id.0,
            status: payment.status.as_str(),
            amount: amount(payment.amount),
            captured_amount: amount(payment.captured),
            refunded_amount: amount(payment.refunded),
            currency: payment.currency.code(),
            payment_method: payment.method.as_str(),
            provider: &payment.provider,
            failure_reason: payment.failure_reason.as_deref(),
            created_at: UtcTime(payment.created_at),
        }
    }
}

/// `POST /api/v1/payments`
pub(super) async fn create(
    State(app): State<App>,
    requester: Requester,
    uri: Uri,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let key = key.or_in(&doc)?;
    key.clone().required()?;
    let key = keyed(key, uri.path(), &doc);
    let read = fields::read(&doc, |f| {
        f.known("idempotency_key");
        f.read_only(READ_ONLY);
        CreatePayment {
            order_id: OrderId(f.required("order_id", uuid())),
            amount: f.required("amount", money()),
            currency: f.optional("currency", currency()),
            method: f.optional("payment_method", identifier()).map(|word| word.as_str().into()),
        }
    });
    let command = app.judge::<CreatePayment, _>(&requester.caller, key.as_ref().map(|key| &*key.0), read).await?;
    let done = app.submit(command, requester.ask(key)).await?;
    Ok(created(done.is_replay, &PaymentShape::of(&done.answer.0)))
}

/// `GET /api/v1/payments/{id}`
pub(super) async fn read(
    State(app): State<App>,
    requester: Requester,
    PathId(payment_id): PathId,
    _: NoQuery,
) -> Result<Response, Problem> {
    shown(&app, &requester, PaymentId(payment_id)).await
}

async fn shown(app: &App, requester: &Requester, payment_id: PaymentId) -> Result<Response, Problem> {
    let found = app.ask(app.engine.queries().payment(&requester.caller, payment_id)).await?;
    let payment = found.ok_or_else(|| problem_of(Failure::Refused(Refusal::Payment(PaymentRefusal::NotFound(payment_id)))))?;
    Ok(json(StatusCode::OK, &PaymentShape::of(&payment)))
}

/// `POST /api/v1/payments/{id}/mock/complete`: says, in place of a provider, how an attempt ended. There only while nobody is
/// asked for real money.
pub(super) async fn mock_complete(
    State(app): State<App>,
    requester: Requester,
    PathId(payment_id): PathId,
    body: Body,
) -> Result<Response, Problem> {
    if !app.engine.settings().mock_payments {
        return Err(Problem::of(problem::NOT_FOUND));
    }
    let payment_id = PaymentId(payment_id);
    let succeeds = fields::read(&document::parse(&body.0)?, |f| f.required("result", choice(&[("SUCCESS", true), ("FAIL", false)])))?;
    let said = if succeeds {
        ProviderAnswer::Captured { provider_ref: format!("mock_{payment_id}").into() }
    } else {
        ProviderAnswer::Declined { reason: "mock_failure".into() }
    };
    app.submit(RecordPayment { payment_id, said }, requester.ask(None)).await?;
    shown(&app, &requester, payment_id).await
}

/// `POST /api/v1/payments/{id}/collect`: the money was received by hand.
pub(super) async fn collect(
    State(app): State<App>,
    requester: Requester,
    uri: Uri,
    PathId(payment_id): PathId,
    key: IdempotencyKey,
    body: OptionalBody,
) -> Result<Response, Problem> {
    let doc = body.or_empty()?;
    fields::read(&doc, |_| ())?;
    let ask = requester.ask(keyed(key, uri.path(), &doc));
    let done = app.submit(CollectPayment { payment_id: PaymentId(payment_id) }, ask).await?;
    Ok(replayable(StatusCode::OK, done.is_replay, &PaymentShape::of(&done.answer.0)))
}
