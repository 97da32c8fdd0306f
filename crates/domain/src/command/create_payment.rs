//! Begins an attempt to be paid by itself: the caller states what is due, and may begin several beside one another.

use std::sync::Arc;

use super::draft::unreadable;
use super::request_payment::begin_attempt;
use super::{Answer, Command, Context, Decision, Draft, OrderAnswer, Stop};
use crate::ids::{OrderId, PaymentId, Uuid};
use crate::money::{Currency, Decimal};
use crate::order::{Order, PaymentMethod};
use crate::payment::Payment;
use crate::refusal::PaymentRefusal;
use crate::tables::{Needs, View};

/// The method where nobody names one: somebody completes the attempt.
const DEFAULT_METHOD: &str = "mock";

/// The methods that the stub answers by itself.
const STUB_METHODS: &str = "card_stub";

/// Begins an attempt for exactly what is due. Of several, the first money pays; what comes after it goes back.
#[derive(Clone, Debug)]
pub struct CreatePayment {
    /// For which order.
    pub order_id: OrderId,
    /// What the caller believes is due.
    pub amount: Decimal,
    /// In which currency; `None`: the order's.
    pub currency: Option<Currency>,
    /// How; `None`: as the order says.
    pub method: Option<PaymentMethod>,
}

/// A payment, as of now.
#[derive(Clone, PartialEq, Debug)]
pub struct PaymentAnswer(pub Arc<Payment>);

impl Answer for PaymentAnswer {
    fn remember(&self) -> String {
        self.0.payment_id.to_string()
    }

    fn needs(stored: &str, _: &View, needs: &mut Needs) {
        needs.payments.extend(stored.parse::<Uuid>().ok().map(PaymentId));
    }

    fn recall(stored: &str, seen: &View) -> Result<Self, Stop> {
        let gap = || unreadable("Payments", stored);
        let payment_id = stored.parse::<Uuid>().map_err(|_| gap())?.into();
        Ok(Self(seen.payments.get(&payment_id)?.ok_or_else(gap)?.clone()))
    }
}

impl Command for CreatePayment {
    type Answer = PaymentAnswer;
    const NAME: &'static str = "create_payment";

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        OrderAnswer::needs_of(self.order_id, seen, needs);
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<PaymentAnswer>, Stop> {
        let now = OrderAnswer::visible(self.order_id, seen, cx)?;
        let stated = stated(&now.order, self.amount, self.currency)?;
        let (due, currency) = (now.order.totals.total, now.order.currency);
        // Whether anything is due is asked first: an order that is paid refuses any amount.
        let mut draft = Draft::change(&now, seen, cx);
        let method = self.method.clone().or_else(|| draft.order.payment_method.clone()).unwrap_or_else(|| DEFAULT_METHOD.into());
        let asks_provider = !method.is_cod() && (!cx.settings.mock_payments || method.as_str().starts_with(STUB_METHODS));
        let payment = begin_attempt(&mut draft, cx, cx.id(), method, asks_provider)?;
        if stated != due {
            return Err(PaymentRefusal::AmountMismatch { due, stated, currency }.into());
        }
        Ok(Decision { changes: draft.finish().changes, answer: PaymentAnswer(Arc::new(payment)) })
    }
}

/// What the caller states, in minor units of the order's currency.
pub(super) fn stated(order: &Order, amount: Decimal, currency: Option<Currency>) -> Result<i64, PaymentRefusal> {
    match currency {
        Some(stated) if stated != order.currency => Err(PaymentRefusal::CurrencyMismatch { order: order.currency, stated }),
        _ => Ok(amount.to_minor(order.currency)?),
    }
}
