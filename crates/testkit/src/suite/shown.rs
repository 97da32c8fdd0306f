//! Answers in words that are the same whichever store they come from.

use domain::command::{BalanceAnswer, Expired, OfferAnswer, OrderAnswer, SkuAnswer, Taken};

use super::canonical;
use super::desk::{Made, Shown};

impl Shown for OrderAnswer {
    fn shown(&self) -> String {
        format!("{:?}", canonical::answer(self))
    }

    fn made(&self) -> Made {
        Made { order_id: Some(self.order.order_id), payment_id: self.payment.as_ref().map(|payment| payment.payment_id) }
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
