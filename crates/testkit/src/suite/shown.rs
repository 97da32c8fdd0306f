//! Answers in words that are the same whichever store they come from.

use domain::command::{
    Abandoned, BalanceAnswer, CartAnswer, CheckoutAnswer, ConfirmAnswer, Ended, EventAnswer, Expired, HoldAnswer, OfferAnswer, OrderAnswer,
    PaymentAnswer, RefundAnswer, SkuAnswer, Taken, TakenRefund,
};

use super::canonical;
use super::desk::{Made, Shown};

impl Shown for OrderAnswer {
    fn shown(&self) -> String {
        format!("{:?}", canonical::answer(self))
    }

    fn made(&self) -> Made {
        Made {
            order: Some(self.order.order_id),
            payment: self.payment.as_ref().map(|payment| payment.payment_id),
            refund: self.refunds.last().map(|refund| refund.refund_id),
            ..Made::default()
        }
    }
}

impl Shown for PaymentAnswer {
    fn shown(&self) -> String {
        format!("{self:?}")
    }

    fn made(&self) -> Made {
        Made { payment: Some(self.0.payment_id), ..Made::default() }
    }
}

impl Shown for RefundAnswer {
    fn shown(&self) -> String {
        format!("{self:?}")
    }
}

impl Shown for EventAnswer {
    fn shown(&self) -> String {
        format!("{self:?}")
    }
}

impl Shown for TakenRefund {
    fn shown(&self) -> String {
        format!("{self:?}")
    }
}

impl Shown for SkuAnswer {
    fn shown(&self) -> String {
        format!("{:?} is_new {}", canonical::sku(&self.sku), self.is_new)
    }
}

impl Shown for OfferAnswer {
    fn shown(&self) -> String {
        format!("{:?}", self.0)
    }
}

impl Shown for BalanceAnswer {
    fn shown(&self) -> String {
        format!("{self:?}")
    }
}

impl Shown for Expired {
    fn shown(&self) -> String {
        format!("{self:?}")
    }
}

impl Shown for Taken {
    fn shown(&self) -> String {
        format!("{self:?}")
    }
}

impl Shown for CartAnswer {
    fn shown(&self) -> String {
        format!("{self:?}")
    }

    fn made(&self) -> Made {
        Made { cart: self.cart.clone(), ..Made::default() }
    }
}

impl Shown for HoldAnswer {
    fn shown(&self) -> String {
        format!("{self:?}")
    }

    fn made(&self) -> Made {
        Made { hold: Some(self.0.clone()), ..Made::default() }
    }
}

impl Shown for Abandoned {
    fn shown(&self) -> String {
        format!("{self:?}")
    }
}

impl Shown for CheckoutAnswer {
    fn shown(&self) -> String {
        let offers = |price: &domain::refusal::PriceChange| format!("{price:?}");
        let changes: Vec<String> = self.preview.price_changes.iter().map(offers).collect();
        format!("{:?} {:?} {:?} {changes:?} {:?}", self.checkout, self.preview.totals, self.preview.missing, self.preview.reserved_until)
    }

    fn made(&self) -> Made {
        Made { cart: self.preview.cart.clone(), ..Made::default() }
    }
}

impl Shown for ConfirmAnswer {
    fn shown(&self) -> String {
        format!("{} is_again {}", self.answer.shown(), self.is_again)
    }

    fn made(&self) -> Made {
        self.answer.made()
    }
}

impl Shown for Ended {
    fn shown(&self) -> String {
        format!("{self:?}")
    }
}
