//! Holds units of stock for a while, for an order to come.

use std::sync::Arc;

use super::draft::unreadable;
use super::{Answer, Command, Context, Decision, Stop, booking};
use crate::hold::{Hold, HoldLine, Status};
use crate::ids::{HoldId, SkuId};
use crate::refusal::HoldRefusal;
use crate::tables::{Changes, Needs, View};

/// Units of one SKU.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HoldItem {
    /// Which SKU.
    pub sku_id: SkuId,
    /// How many, from 1.
    pub qty: i64,
}

/// Holds units: all of them, or none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlaceHold {
    /// At least one; those of one SKU are added up.
    pub items: Vec<HoldItem>,
    /// For how long.
    pub ttl_seconds: i64,
}

/// A hold as it is now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HoldAnswer(pub Arc<Hold>);

impl Answer for HoldAnswer {
    fn remember(&self) -> String {
        self.0.hold_id.to_string()
    }

    fn needs(stored: &str, _: &View, needs: &mut Needs) {
        needs.holds.extend(stored.parse().ok().map(HoldId));
    }

    fn recall(stored: &str, seen: &View) -> Result<Self, Stop> {
        let hold_id = stored.parse().map(HoldId).map_err(|_| unreadable("Holds", stored))?;
        // Some time after its end a hold is forgotten.
        Ok(Self(seen.holds.get(&hold_id)?.ok_or(HoldRefusal::NotFound(hold_id))?.clone()))
    }
}

impl Command for PlaceHold {
    type Answer = HoldAnswer;
    const NAME: &'static str = "place_hold";

    fn needs(&self, _: &View, _: &Context, needs: &mut Needs) {
        for item in &self.items {
            needs.skus.insert(item.sku_id.clone());
            needs.stock.insert(item.sku_id.clone());
        }
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<HoldAnswer>, Stop> {
        let quantities = booking::sums(self.items.iter().map(|item| (&item.sku_id, item.qty)));
        let mut unknown = Vec::new();
        for sku_id in quantities.keys() {
            if !seen.skus.get(sku_id)?.is_some_and(|sku| sku.is_for_sale()) {
                unknown.push(sku_id.clone());
            }
        }
        if !unknown.is_empty() {
            return Err(HoldRefusal::UnknownSku(unknown).into());
        }
        let hold = Hold {
            hold_id: cx.id(),
            status: Status::Active,
            items: quantities.iter().map(|(sku_id, qty)| HoldLine { sku_id: sku_id.clone(), qty: *qty }).collect(),
            order_id: None,
            expires_at: Some(cx.now.plus_seconds(self.ttl_seconds)),
            version: 0,
            created_at: cx.now,
            updated_at: cx.now,
        };
        let mut changes = Changes::default();
        let short = booking::reserve(&mut changes, seen, &hold.stock_ref(), &quantities, cx.now)?;
        if !short.is_empty() {
            return Err(HoldRefusal::OutOfStock(short).into());
        }
        booking::write(&mut changes, hold, cx.now);
        Ok(decided(changes))
    }
}

/// The one hold that is written.
pub(super) fn decided(changes: Changes) -> Decision<HoldAnswer> {
    let hold = changes.holds.values().next().expect("it was written").row.clone();
    Decision { changes, answer: HoldAnswer(hold) }
}
