//! Changes what is sold and for how much: SKUs and their offers.

use std::sync::Arc;

use super::draft::unreadable;
use super::{Answer, Command, Context, Decision, Stop};
use crate::catalog::{Offer, OfferStatus, Sku, SkuStatus};
use crate::ids::{OfferId, ProductId, SkuId, Uuid};
use crate::money::{Currency, Decimal};
use crate::refusal::CatalogRefusal;
use crate::tables::{Changes, Needs, View, Write};
use crate::time::Time;

/// Makes a SKU, or changes it.
#[derive(Clone, Debug)]
pub struct PutSku {
    /// Its name.
    pub sku_id: SkuId,
    /// Its product.
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
}

/// A SKU as it is now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SkuAnswer {
    /// The SKU.
    pub sku: Arc<Sku>,
    /// Whether the command made it.
    pub is_new: bool,
}

impl Answer for SkuAnswer {
    fn remember(&self) -> String {
        self.sku.sku_id.to_string()
    }

    fn needs(stored: &str, _: &View, needs: &mut Needs) {
        needs.skus.insert(stored.into());
    }

    fn recall(stored: &str, seen: &View) -> Result<Self, Stop> {
        let sku = seen.skus.get(&stored.into())?.ok_or_else(|| unreadable("Skus", stored))?;
        Ok(Self { sku: sku.clone(), is_new: false })
    }
}

impl Command for PutSku {
    type Answer = SkuAnswer;
    const NAME: &'static str = "put_sku";

    fn needs(&self, _: &View, _: &Context, needs: &mut Needs) {
        needs.skus.insert(self.sku_id.clone());
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<SkuAnswer>, Stop> {
        let known = seen.skus.get(&self.sku_id)?;
        let expected = known.map_or(0, |sku| sku.version);
        let sku = Arc::new(Sku {
            sku_id: self.sku_id.clone(),
            product_id: self.product_id.clone(),
            name: self.name.clone(),
            status: self.status,
            tax_class: self.tax_class.clone(),
            title: self.title.clone(),
            author: self.author.clone(),
            offers: known.map(|sku| sku.offers.clone()).unwrap_or_default(),
            version: expected.saturating_add(1),
            created_at: known.map_or(cx.now, |sku| sku.created_at),
            updated_at: cx.now,
        });
        Ok(Decision { changes: written(expected, &sku), answer: SkuAnswer { sku, is_new: expected == 0 } })
    }
}

/// Makes an offer.
#[derive(Clone, Debug)]
pub struct CreateOffer {
    /// For which SKU.
    pub sku_id: SkuId,
    /// What one costs, not negative.
    pub price: Decimal,
    /// The currency of `price`.
    pub currency: Currency,
    /// The highest counts.
    pub priority: i32,
    /// It counts from here; `None`: from now.
    pub valid_from: Option<Time>,
    /// It counts up to here.
    pub valid_to: Option<Time>,
    /// Whether it counts.
    pub status: OfferStatus,
}

/// An offer as it is now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OfferAnswer(pub Offer);

impl Answer for OfferAnswer {
    fn remember(&self) -> String {
        format!("{} {}", self.0.offer_id, self.0.sku_id)
    }

    fn needs(stored: &str, _: &View, needs: &mut Needs) {
        if let Some((_, sku_id)) = stored.split_once(' ') {
            needs.skus.insert(sku_id.into());
        }
    }

    fn recall(stored: &str, seen: &View) -> Result<Self, Stop> {
        let gap = || unreadable("Skus", stored);
        let (offer_id, sku_id) = stored.split_once(' ').ok_or_else(gap)?;
        let offer_id = OfferId(offer_id.parse::<Uuid>().map_err(|_| gap())?);
        let sku = seen.skus.get(&sku_id.into())?.ok_or_else(gap)?;
        Ok(sku.offers.iter().find(|offer| offer.offer_id == offer_id).cloned().map(Self).ok_or_else(gap)?)
    }
}

impl Command for CreateOffer {
    type Answer = OfferAnswer;
    const NAME: &'static str = "create_offer";

    fn needs(&self, _: &View, _: &Context, needs: &mut Needs) {
        needs.skus.insert(self.sku_id.clone());
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<OfferAnswer>, Stop> {
        let sku = seen.skus.get(&self.sku_id)?.ok_or_else(|| CatalogRefusal::SkuNotFound(self.sku_id.clone()))?;
        let offer = Offer {
            offer_id: cx.id(),
            sku_id: self.sku_id.clone(),
            price: self.price.to_minor(self.currency).map_err(CatalogRefusal::Price)?,
            currency: self.currency,
            priority: self.priority,
            valid_from: self.valid_from.unwrap_or(cx.now),
            valid_to: self.valid_to,
            status: self.status,
            created_at: cx.now,
            updated_at: cx.now,
        };
        with_offer(sku, offer, cx)
    }
}

/// Changes an offer; what is `None` stays.
#[derive(Clone, Debug)]
pub struct ChangeOffer {
    /// Which offer.
    pub offer_id: OfferId,
    /// Of which SKU; an offer never moves to another.
    pub sku_id: SkuId,
    /// What one costs, in the offer's currency.
    pub price: Option<Decimal>,
    /// The highest counts.
    pub priority: Option<i32>,
    /// It counts from here.
    pub valid_from: Option<Time>,
    /// It counts up to here; `Some(None)`: without end.
    pub valid_to: Option<Option<Time>>,
    /// Whether it counts.
    pub status: Option<OfferStatus>,
}

impl Command for ChangeOffer {
    type Answer = OfferAnswer;
    const NAME: &'static str = "change_offer";

    fn needs(&self, _: &View, _: &Context, needs: &mut Needs) {
        needs.skus.insert(self.sku_id.clone());
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<OfferAnswer>, Stop> {
        let not_found = || CatalogRefusal::OfferNotFound(self.offer_id);
        let sku = seen.skus.get(&self.sku_id)?.ok_or_else(not_found)?;
        let known = sku.offers.iter().find(|offer| offer.offer_id == self.offer_id).ok_or_else(not_found)?;
        if known.status == OfferStatus::Ended {
            return Err(CatalogRefusal::OfferEnded(self.offer_id).into());
        }
        let price = self.price.map(|price| price.to_minor(known.currency)).transpose().map_err(CatalogRefusal::Price)?;
        let offer = Offer {
            price: price.unwrap_or(known.price),
            priority: self.priority.unwrap_or(known.priority),
            valid_from: self.valid_from.unwrap_or(known.valid_from),
            valid_to: self.valid_to.unwrap_or(known.valid_to),
            status: self.status.unwrap_or(known.status),
            updated_at: cx.now,
            ..known.clone()
        };
        with_offer(sku, offer, cx)
    }
}

/// `sku` with `offer` in it, new or in place of the one with the same name.
fn with_offer(sku: &Sku, offer: Offer, cx: &Context) -> Result<Decision<OfferAnswer>, Stop> {
    if offer.valid_to.is_some_and(|end| end <= offer.valid_from) {
        return Err(CatalogRefusal::WindowEmpty.into());
    }
    let mut changed = Sku { version: sku.version.saturating_add(1), updated_at: cx.now, ..sku.clone() };
    match changed.offers.iter_mut().find(|known| known.offer_id == offer.offer_id) {
        Some(known) => *known = offer.clone(),
        None => changed.offers.push(offer.clone()),
    }
    Ok(Decision { changes: written(sku.version, &Arc::new(changed)), answer: OfferAnswer(offer) })
}

fn written(expected: i64, sku: &Arc<Sku>) -> Changes {
    let mut changes = Changes::default();
    changes.skus.insert(sku.sku_id.clone(), Write { expected, row: sku.clone() });
    changes
}
