//! Records what the provider said of a payment. Said twice, late or out of order, it has one outcome.

use std::sync::Arc;

use super::cancel_order::give_up;
use super::draft::unchanged;
use super::{Command, Context, Decision, Draft, FailurePolicy, OrderAnswer, Stop};
use crate::event::Fact;
use crate::ids::PaymentId;
use crate::order::{Action, Channel};
use crate::payment::{News, Payment, Status, next};
use crate::refusal::PaymentRefusal;
use crate::stock::Operation;
use crate::tables::{Changes, Gap, Needs, View, Write};

/// What the provider said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProviderAnswer {
    /// The money is ours, in full.
    Captured {
        /// The provider's name for the payment.
        provider_ref: Arc<str>,
    },
    /// There will be no money from this attempt.
    Declined {
        /// In the provider's words.
        reason: Arc<str>,
    },
    /// Nothing, within the time given: nobody knows yet.
    Silent,
}

/// Records what the provider said.
#[derive(Clone, Debug)]
pub struct RecordPayment {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// What it said.
    pub said: ProviderAnswer,
}

impl RecordPayment {
    fn news(&self) -> News {
        match self.said {
            ProviderAnswer::Captured { .. } => News::Captured,
            ProviderAnswer::Declined { .. } => News::Failed,
            ProviderAnswer::Silent => News::Nothing,
        }
    }

    /// The payment after the news.
    fn told(&self, payment: &Payment, status: Status, cx: &Context) -> Payment {
        let mut told = payment.clone();
        told.status = status;
        told.version = payment.version.saturating_add(1);
        told.updated_at = cx.now;
        told.next_check_at = None;
        match &self.said {
            ProviderAnswer::Captured { provider_ref } => {
                told.provider_ref = Some(provider_ref.clone());
                told.captured = payment.amount;
                told.failure_reason = None;
            }
            ProviderAnswer::Declined { reason } => told.failure_reason = Some(reason.clone()),
            ProviderAnswer::Silent => {
                told.next_check_at = Some(payment.ask_again_at(cx.now));
                told.silences = payment.silences.saturating_add(1);
            }
        }
        told
    }
}

impl Command for RecordPayment {
    type Answer = OrderAnswer;
    const NAME: &'static str = "record_payment";

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        needs.payments.insert(self.payment_id);
        if let Some(payment) = seen.payments.peek(&self.payment_id) {
            OrderAnswer::needs_of(payment.order_id, seen, needs);
            needs.stock_of(seen.orders.peek(&payment.order_id), seen);
        }
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<OrderAnswer>, Stop> {
        let payment = seen.payments.get(&self.payment_id)?.ok_or(PaymentRefusal::NotFound(self.payment_id))?;
        let order = seen.orders.get(&payment.order_id)?.ok_or(PaymentRefusal::NotFound(self.payment_id))?;
        let now = OrderAnswer::seen(order, seen)?;
        let Some(status) = next(payment.status, self.news()) else {
            return Ok(unchanged(OrderAnswer { payment: Some(payment.clone()), ..now }));
        };
        let told = self.told(payment, status, cx);
        if self.said == ProviderAnswer::Silent {
            // Not knowing is no fact about the order.
            let mut changes = Changes::default();
            let row = Arc::new(told);
            changes.payments.insert(row.payment_id, Write { expected: payment.version, row: row.clone() });
            return Ok(Decision { changes, answer: OrderAnswer { payment: Some(row), ..now } });
        }
        let mut draft = Draft::change(&now, seen, cx);
        match &self.said {
            ProviderAnswer::Captured { .. } => captured(&mut draft, payment.version, told)?,
            ProviderAnswer::Declined { reason } => declined(&mut draft, payment.version, told, reason, cx)?,
            ProviderAnswer::Silent => {}
        }
        Ok(draft.finish())
    }
}

/// Money that came pays the order if it waits for any, whichever attempt it is of; else it is surplus and goes back.
pub(super) fn captured(draft: &mut Draft<'_>, expected: i64, payment: Payment) -> Result<(), Gap> {
    let Payment { payment_id, amount, currency, .. } = payment;
    let is_paid = draft.payment.as_ref().is_some_and(|shown| shown.came());
    if is_paid || draft.act(Action::Pay).is_err() {
        let surplus = Payment { is_surplus: true, ..payment };
        draft.write_payment(expected, surplus.clone());
        draft.fact(Fact::LatePaymentReceived { payment_id, amount, currency });
        draft.give_back(&surplus, amount, "late_payment".into());
        return Ok(());
    }
    draft.pay_by(expected, payment);
    draft.order.expires_at = None;
    draft.fact(Fact::PaymentSucceeded { payment_id, amount, currency });
    draft.move_stock(Operation::Deduct, Fact::InventoryDeducted)
}

/// A refusal decides about the order only while it waits for this very attempt. The provider's word is recorded in any case.
pub(super) fn declined(draft: &mut Draft<'_>, expected: i64, payment: Payment, reason: &Arc<str>, cx: &Context) -> Result<(), Stop> {
    let payment_id = payment.payment_id;
    let decides = draft.order.payment_id == Some(payment_id) && draft.order.status.awaits_payment();
    draft.write_payment(expected, payment);
    if decides {
        draft.act(Action::FailPayment)?;
    }
    draft.fact(Fact::PaymentFailed { payment_id, reason: reason.clone() });
    let cancels = match draft.order.channel {
        Channel::Tickets => false,
        Channel::Storefront => true,
        Channel::Canonical | Channel::Checkout => cx.settings.payment_failure == FailurePolicy::Cancel,
    };
    if decides && cancels {
        draft.act(Action::Cancel)?;
        give_up(draft, cx, "payment_failed".into())?;
    }
    Ok(())
}
