//! Records what became of a refund. Said twice or late, it has one outcome.

use std::sync::Arc;

use super::draft::{unchanged, unreadable};
use super::{Answer, Command, Context, Decision, Draft, OrderAnswer, Stop};
use crate::event::Fact;
use crate::ids::{RefundId, Uuid};
use crate::order::{self, Action};
use crate::payment::{self, News, Payment};
use crate::refund::{self, Refund, Status, next};
use crate::refusal::RefundRefusal;
use crate::tables::{Changes, Needs, View, Write};
use crate::task;

/// What was said of a refund.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RefundWord {
    /// The money went back.
    Done {
        /// The provider's name for the refund.
        provider_ref: Option<Arc<str>>,
    },
    /// It does not go back.
    Refused {
        /// In the provider's words.
        reason: Arc<str>,
    },
    /// Nothing, within the time given: nobody knows yet.
    Silent,
}

/// Records what was said of a refund.
#[derive(Clone, Debug)]
pub struct RecordRefund {
    /// Of which refund.
    pub refund_id: RefundId,
    /// What was said.
    pub said: RefundWord,
}

/// A refund, as of now.
#[derive(Clone, PartialEq, Debug)]
pub struct RefundAnswer(pub Arc<Refund>);

impl Answer for RefundAnswer {
    fn remember(&self) -> String {
        self.0.refund_id.to_string()
    }

    fn needs(stored: &str, _: &View, needs: &mut Needs) {
        needs.refunds.extend(stored.parse::<Uuid>().ok().map(RefundId));
    }

    fn recall(stored: &str, seen: &View) -> Result<Self, Stop> {
        let gap = || unreadable("Refunds", stored);
        let refund_id = stored.parse::<Uuid>().map_err(|_| gap())?.into();
        Ok(Self(seen.refunds.get(&refund_id)?.ok_or_else(gap)?.clone()))
    }
}

impl Command for RecordRefund {
    type Answer = RefundAnswer;
    const NAME: &'static str = "record_refund";

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        needs_of(self.refund_id, seen, needs);
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<RefundAnswer>, Stop> {
        let not_found = RefundRefusal::NotFound(self.refund_id);
        let refund = seen.refunds.get(&self.refund_id)?.ok_or_else(|| not_found.clone())?;
        let order = seen.orders.get(&refund.order_id)?.ok_or_else(|| not_found.clone())?;
        let now = OrderAnswer::seen(order, seen)?;
        if self.said == RefundWord::Silent {
            return Ok(silent(refund, cx));
        }
        let mut draft = Draft::change(&now, seen, cx);
        if !settle(&mut draft, refund, &self.said, seen, cx)? {
            return Ok(unchanged(RefundAnswer(refund.clone())));
        }
        let changes = draft.finish().changes;
        let refund = changes.refunds.get(&self.refund_id).map_or(refund, |write| &write.row).clone();
        Ok(Decision { changes, answer: RefundAnswer(refund) })
    }
}

/// The refund, its payment, its order and all that belongs to that.
pub(super) fn needs_of(refund_id: RefundId, seen: &View, needs: &mut Needs) {
    needs.refunds.insert(refund_id);
    if let Some(refund) = seen.refunds.peek(&refund_id) {
        needs.payments.insert(refund.payment_id);
        OrderAnswer::needs_of(refund.order_id, seen, needs);
    }
}

/// Not knowing is no fact about the order: the provider is asked again.
fn silent(refund: &Arc<Refund>, cx: &Context) -> Decision<RefundAnswer> {
    if refund.status != Status::Processing {
        return unchanged(RefundAnswer(refund.clone()));
    }
    let asked_again = Arc::new(Refund {
        next_check_at: Some(refund.ask_again_at(cx.now)),
        silences: refund.silences.saturating_add(1),
        version: refund.version.saturating_add(1),
        updated_at: cx.now,
        ..(**refund).clone()
    });
    let mut changes = Changes::default();
    changes.refunds.insert(refund.refund_id, Write { expected: refund.version, row: asked_again.clone() });
    Decision { changes, answer: RefundAnswer(asked_again) }
}

/// Ends the refund as was said; false: it had ended before.
pub(super) fn settle(draft: &mut Draft<'_>, refund: &Refund, said: &RefundWord, seen: &View, cx: &Context) -> Result<bool, Stop> {
    let action = if matches!(said, RefundWord::Done { .. }) { refund::Action::Succeed } else { refund::Action::Fail };
    let Some(status) = next(refund.status, action) else { return Ok(false) };
    let mut ended = Refund { status, next_check_at: None, version: refund.version.saturating_add(1), updated_at: cx.now, ..refund.clone() };
    match said {
        RefundWord::Done { provider_ref } => {
            ended.provider_ref.clone_from(provider_ref);
            ended.failure_reason = None;
            draft.write_refund(refund.version, ended);
            went_back(draft, refund, seen, cx)?;
        }
        RefundWord::Refused { reason } => {
            ended.failure_reason = Some(reason.clone());
            draft.write_refund(refund.version, ended);
            stays(draft, refund, reason)?;
        }
        RefundWord::Silent => {}
    }
    Ok(true)
}

/// The payment counts what went back; the order moves if it waited for that.
fn went_back(draft: &mut Draft<'_>, refund: &Refund, seen: &View, cx: &Context) -> Result<(), Stop> {
    let &Refund { refund_id, payment_id, amount, currency, .. } = refund;
    let payment = seen.payments.get(&payment_id)?.ok_or(RefundRefusal::NotFound(refund_id))?;
    let refunded = payment.refunded.saturating_add(amount);
    let in_full = refunded == payment.captured;
    let news = if in_full { News::RefundedInFull } else { News::RefundedInPart };
    let after = Payment {
        status: payment::next(payment.status, news).unwrap_or(payment.status),
        refunded,
        version: payment.version.saturating_add(1),
        updated_at: cx.now,
        ..(**payment).clone()
    };
    draft.write_payment(payment.version, after);
    if payment.is_surplus {
        draft.fact(Fact::LatePaymentRefunded { refund_id, payment_id, amount, currency });
        return Ok(());
    }
    if draft.order.status == order::Status::RefundPending {
        draft.act(Action::RefundSucceeded)?;
    }
    draft.fact(Fact::RefundSucceeded { refund_id, payment_id, amount, currency, in_full });
    Ok(())
}

/// The money is still here: the order goes back to where it was, and a person is called.
fn stays(draft: &mut Draft<'_>, refund: &Refund, reason: &Arc<str>) -> Result<(), Stop> {
    if draft.order.status == order::Status::RefundPending {
        draft.act(Action::RefundFailed)?;
    }
    draft.fact(Fact::RefundFailed { refund_id: refund.refund_id, reason: reason.clone() });
    let detail = format!("refund {} of payment {} failed: {reason}", refund.refund_id, refund.payment_id);
    draft.open_task(task::Kind::RefundFailed, detail.into());
    Ok(())
}
