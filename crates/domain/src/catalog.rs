//! What can be sold, and for how much. A SKU and its offers change together, under the SKU's version.

use std::sync::Arc;

use crate::ids::{OfferId, ProductId, SkuId};
use crate::money::Currency;
use crate::time::Time;

/// Whether a SKU may be ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SkuStatus {
    /// It may.
    Active,
    /// It may not.
    Inactive,
}

impl SkuStatus {
    /// Every status.
    pub const ALL: &[Self] = &[Self::Active, Self::Inactive];

    /// The stored and published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
        }
    }
}

/// Whether an offer counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OfferStatus {
    /// It counts inside its window.
    Active,
    /// It does not count for now.
    Paused,
    /// It never counts again.
    Ended,
}

impl OfferStatus {
    /// Every status.
    pub const ALL: &[Self] = &[Self::Active, Self::Paused, Self::Ended];

    /// The stored and published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Paused => "PAUSED",
            Self::Ended => "ENDED",
        }
    }
}

/// A price of a SKU for a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// Its name.
    pub offer_id: OfferId,
    /// What it is a price of.
    pub sku_id: SkuId,
    /// Minor units of `currency`, not negative.
    pub price: i64,
    /// The currency of `price`.
    pub currency: Currency,
    /// The highest counts.
    pub priority: i32,
    /// It counts from here on.
    pub valid_from: Time,
    /// It counts up to here, this moment not included; `None`: without end.
    pub valid_to: Option<Time>,
    /// Whether it counts at all.
    pub status: OfferStatus,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

impl Offer {
    /// Whether it counts at `now`.
    pub fn counts_at(&self, now: Time) -> bool {
        self.status == OfferStatus::Active && self.valid_from <= now && self.valid_to.is_none_or(|end| now < end)
    }
}

/// A sellable unit with its offers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sku {
    /// Its name, given by its owner.
    pub sku_id: SkuId,
    /// What product it is a variant of.
    pub product_id: ProductId,
    /// What people call it.
    pub name: Arc<str>,
    /// Whether it may be ordered.
    pub status: SkuStatus,
    /// For tax rules.
    pub tax_class: Arc<str>,
    /// For books and the like.
    pub title: Option<Arc<str>>,
    /// For books and the like.
    pub author: Option<Arc<str>>,
    /// All offers ever made for it.
    pub offers: Vec<Offer>,
    /// Rises with every change of the SKU or one of its offers.
    pub version: i64,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

impl Sku {
    /// Whether it may be ordered.
    pub const fn is_for_sale(&self) -> bool {
        matches!(self.status, SkuStatus::Active)
    }

    /// The offer that counts at `now`: the highest priority, then the newest.
    pub fn current_offer(&self, now: Time) -> Option<&Offer> {
        self.offers.iter().filter(|offer| offer.counts_at(now)).max_by_key(|offer| (offer.priority, offer.created_at, offer.offer_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Uuid;

    fn offer(id: u128, priority: i32, valid_from: i64, valid_to: Option<i64>, status: OfferStatus) -> Offer {
        Offer {
            offer_id: OfferId(Uuid::from_u128(id)),
            sku_id: "a".into(),
            price: 100,
            currency: Currency::USD,
            priority,
            valid_from: Time(valid_from),
            valid_to: valid_to.map(Time),
            status,
            created_at: Time(i64::try_from(id).unwrap()),
            updated_at: Time(0),
        }
    }

    #[test]
    fn the_highest_priority_then_the_newest_offer_counts() {
        use OfferStatus::{Active, Ended, Paused};
        for (offers, expected) in [
            (vec![], None),
            (vec![offer(1, 0, 0, None, Active)], Some(1)),
            (vec![offer(1, 0, 0, None, Active), offer(2, 0, 0, None, Active)], Some(2)),
            (vec![offer(1, 5, 0, None, Active), offer(2, 0, 0, None, Active)], Some(1)),
            (vec![offer(1, 5, 11, None, Active), offer(2, 0, 0, None, Active)], Some(2)),
            (vec![offer(1, 5, 0, Some(10), Active), offer(2, 0, 0, Some(11), Active)], Some(2)),
            (vec![offer(1, 5, 0, None, Paused), offer(2, 5, 0, None, Ended)], None),
            (vec![offer(1, 0, 10, None, Active)], Some(1)),
        ] {
            let sku = Sku {
                sku_id: "a".into(),
                product_id: "p".into(),
                name: "A".into(),
                status: SkuStatus::Active,
                tax_class: "standard".into(),
                title: None,
                author: None,
                offers,
                version: 1,
                created_at: Time(0),
                updated_at: Time(0),
            };
            let current = sku.current_offer(Time(10)).map(|offer| offer.offer_id.0.as_u128());
            assert_eq!(current, expected, "{:?}", sku.offers);
        }
    }
}
