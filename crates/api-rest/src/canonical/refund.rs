//! Refunds: money on its way back.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::Refusal;
use domain::ids::RefundId;
use domain::refund::Refund;
use domain::refusal::RefundRefusal;
use engine::Failure;
use serde::Serialize;
use uuid::Uuid;

use crate::access::Requester;
use crate::answer::json;
use crate::app::App;
use crate::output::amount::Amount;
use crate::output::time::UtcTime;
use crate::problem::Problem;
use crate::refusals::problem_of;
use crate::request::{NoQuery, PathId};

#[derive(Serialize)]
pub(super) struct RefundShape<'a> {
    refund_id: Uuid,
    order_id: Uuid,
    payment_id: Uuid,
    status: &'static str,
    amount: Amount,
    currency: &'static str,
    /// Refunds are of amounts so far, not of lines.
    items: [(); 0],
    reason: &'a str,
    failure_reason: Option<&'a str>,
    created_at: UtcTime,
    updated_at: UtcTime,
}

impl<'a> RefundShape<'a> {
    pub(super) fn of(refund: &'a Refund) -> Self {
        Self {
            refund_id: refund.refund_id.0,
            order_id: refund.order_id.0,
            payment_id: refund.payment_id.0,
            status: refund.status.as_str(),
            amount: Amount { minor: refund.amount, currency: refund.currency },
            currency: refund.currency.code(),
            items: [],
            reason: &refund.reason,
            failure_reason: refund.failure_reason.as_deref(),
            created_at: UtcTime(refund.created_at),
            updated_at: UtcTime(refund.updated_at),
        }
    }
}

/// `GET /api/v1/refunds/{id}`
pub(super) async fn read(State(app): State<App>, requester: Requester, PathId(refund_id): PathId, _: NoQuery) -> Result<Response, Problem> {
    let refund_id = RefundId(refund_id);
    let found = app.ask(app.engine.queries().refund(&requester.caller, refund_id)).await?;
    let refund = found.ok_or_else(|| problem_of(Failure::Refused(Refusal::Refund(RefundRefusal::NotFound(refund_id)))))?;
    Ok(json(StatusCode::OK, &RefundShape::of(&refund)))
}
