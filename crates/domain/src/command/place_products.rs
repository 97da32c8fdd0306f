//! Places an order from products: a line names what is bought by its product, and where that has several SKUs, by one of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Command, Context, Decision, ItemRequest, OrderAnswer, PlaceOrder, Stop};
use crate::ids::{ProductId, SkuId};
use crate::refusal::{OrderRefusal, UnclearLine};
use crate::tables::{Needs, View};

/// One line as asked for.
#[derive(Clone, Debug)]
pub struct ProductRequest {
    /// What.
    pub product_id: ProductId,
    /// Which of its SKUs; `None`: the only one that may be ordered.
    pub named: Option<SkuId>,
    /// How many, 1 to 1,000,000.
    pub qty: i64,
}

/// Places an order from products.
///
/// It is [`PlaceOrder`] in another form: the same keys, the same outcomes.
#[derive(Clone, Debug)]
pub struct PlaceProducts {
    /// The order without its items.
    pub order: PlaceOrder,
    /// At least one.
    pub lines: Vec<ProductRequest>,
    /// The SKUs that may be meant, as the catalogue had them before. What they are now is looked at again.
    pub candidates: BTreeSet<SkuId>,
}

impl Command for PlaceProducts {
    type Answer = OrderAnswer;
    const NAME: &'static str = PlaceOrder::NAME;

    fn needs(&self, seen: &View, cx: &Context, needs: &mut Needs) {
        self.order.needs(seen, cx, needs);
        needs.skus.extend(self.candidates.iter().cloned());
        needs.stock.extend(self.candidates.iter().cloned());
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<OrderAnswer>, Stop> {
        PlaceOrder { items: self.items(seen)?, ..self.order.clone() }.decide(seen, cx)
    }
}

impl PlaceProducts {
    /// Every line with the one SKU that it means.
    fn items(&self, seen: &View) -> Result<Vec<ItemRequest>, Stop> {
        let for_sale = self.for_sale(seen)?;
        let mut items = Vec::with_capacity(self.lines.len());
        let (mut unknown, mut ambiguous) = (Vec::new(), Vec::new());
        for line in &self.lines {
            let choices = for_sale.get(&line.product_id).map_or(&[][..], Vec::as_slice);
            let unclear = || UnclearLine { product_id: line.product_id.clone(), named: line.named.clone(), choices: choices.to_vec() };
            let meant = match (&line.named, choices) {
                (Some(named), _) => self.is_of(named, &line.product_id, seen)?.then_some(named),
                (None, [only]) => Some(only),
                (None, _) => None,
            };
            match meant {
                Some(sku_id) => {
                    items.push(ItemRequest { sku_id: sku_id.clone(), qty: line.qty, expected_unit_price: None, offer_id: None });
                }
                None if line.named.is_none() && !choices.is_empty() => ambiguous.push(unclear()),
                None => unknown.push(unclear()),
            }
        }
        if !unknown.is_empty() {
            return Err(OrderRefusal::UnknownProduct(unknown).into());
        }
        if !ambiguous.is_empty() {
            return Err(OrderRefusal::AmbiguousProduct(ambiguous).into());
        }
        Ok(items)
    }

    /// The candidates that may be ordered, by their products.
    fn for_sale(&self, seen: &View) -> Result<BTreeMap<ProductId, Vec<SkuId>>, Stop> {
        let mut for_sale = BTreeMap::<ProductId, Vec<SkuId>>::new();
        for sku_id in &self.candidates {
            if let Some(sku) = seen.skus.get(sku_id)?.filter(|sku| sku.is_for_sale()) {
                for_sale.entry(sku.product_id.clone()).or_default().push(sku_id.clone());
            }
        }
        Ok(for_sale)
    }

    /// Whether the SKU is one of the product's. Whether it may be ordered is told when the order is placed.
    fn is_of(&self, sku_id: &SkuId, product_id: &ProductId, seen: &View) -> Result<bool, Stop> {
        Ok(self.candidates.contains(sku_id) && seen.skus.get(sku_id)?.is_some_and(|sku| sku.product_id == *product_id))
    }
}
