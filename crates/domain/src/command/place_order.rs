//! Places an order from given items: prices are read again, stock is promised, all or nothing.

use std::sync::Arc;

use super::draft::blank_order;
use super::{Command, Context, Decision, Draft, OrderAnswer, PricePolicy, Stop};
use crate::catalog::{Offer, Sku};
use crate::event::Fact;
use crate::hold::Hold;
use crate::ids::{CartId, OfferId, OrderItemId, SkuId, UserId};
use crate::money::{self, Currency, Decimal};
use crate::order::{AddressRef, Channel, Line, LineSubject, Order, PaymentMethod, PriceSnapshot};
use crate::refusal::{OrderRefusal, PriceChange};
use crate::stock::StockState;
use crate::tables::{Needs, View};

/// One line as asked for.
#[derive(Clone, Debug)]
pub struct ItemRequest {
    /// What.
    pub sku_id: SkuId,
    /// How many, 1 to 1,000,000.
    pub qty: i64,
    /// What the caller believes one costs.
    pub expected_unit_price: Option<Decimal>,
    /// The offer that the caller saw: its price is what he expects.
    pub offer_id: Option<OfferId>,
}

/// Places an order.
#[derive(Clone, Debug)]
pub struct PlaceOrder {
    /// Through which door.
    pub channel: Channel,
    /// For whom.
    pub user_id: Option<UserId>,
    /// Where to write to.
    pub customer_email: Option<Arc<str>>,
    /// The cart it comes from.
    pub cart_id: Option<CartId>,
    /// The caller's own name for it.
    pub external_id: Option<Arc<str>>,
    /// The currency; `None`: that of the offers.
    pub currency: Option<Currency>,
    /// At least one.
    pub items: Vec<ItemRequest>,
    /// Where the goods go.
    pub shipping_address: AddressRef,
    /// Where the bill goes.
    pub billing_address: AddressRef,
    /// How it is paid.
    pub payment_method: Option<PaymentMethod>,
    /// The customer's words.
    pub notes: Option<Arc<str>>,
    /// A JSON object as text.
    pub metadata: Arc<str>,
}

/// A line with the SKU and the offer that counts for it.
struct Quoted<'a> {
    request: &'a ItemRequest,
    sku: &'a Sku,
    offer: &'a Offer,
}

impl Command for PlaceOrder {
    type Answer = OrderAnswer;
    const NAME: &'static str = "place_order";

    fn needs(&self, _: &View, cx: &Context, needs: &mut Needs) {
        needs.numbers.insert(cx.id(), cx.now.year());
        for item in &self.items {
            needs.skus.insert(item.sku_id.clone());
            needs.stock.insert(item.sku_id.clone());
        }
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<OrderAnswer>, Stop> {
        let (draft, changes) = self.draft(None, seen, cx)?;
        let mut decision = draft.finish();
        decision.answer.price_changes = changes;
        Ok(decision)
    }
}

impl PlaceOrder {
    /// The order, placed, with the lines whose price is not what was expected, where the operator accepts that.
    ///
    /// What `held` holds for it becomes its own.
    pub(super) fn draft<'a>(&self, held: Option<&Hold>, seen: &'a View, cx: &'a Context) -> Result<(Draft<'a>, Vec<PriceChange>), Stop> {
        let quoted = self.quote(seen, cx)?;
        let currency = self.one_currency(&quoted, cx)?;
        let changes = price_changes(&quoted)?;
        if !changes.is_empty() && cx.settings.price_policy == PricePolicy::Reject {
            return Err(OrderRefusal::PriceChanged(changes).into());
        }
        let mut draft = Draft::place(self.order(seen, cx, currency)?, seen, cx);
        for line in &quoted {
            let line = frozen(line, draft.next_id(), cx)?;
            draft.order.lines.push(line);
        }
        if let Some(hold) = held {
            draft.take_over(hold);
        }
        draft.reserve()?;
        draft.created()?;
        draft.fact(Fact::InventoryReserved);
        draft.pay_nothing()?;
        Ok((draft, changes))
    }

    /// Every line with the offer that counts for it now.
    fn quote<'a>(&'a self, seen: &'a View, cx: &Context) -> Result<Vec<Quoted<'a>>, Stop> {
        let mut quoted = Vec::with_capacity(self.items.len());
        let (mut unknown, mut unpriced) = (Vec::new(), Vec::new());
        for request in &self.items {
            match seen.skus.get(&request.sku_id)? {
                Some(sku) if sku.is_for_sale() => match sku.current_offer(cx.now) {
                    Some(offer) => quoted.push(Quoted { request, sku, offer }),
                    None => unpriced.push(request.sku_id.clone()),
                },
                _ => unknown.push(request.sku_id.clone()),
            }
        }
        if !unknown.is_empty() {
            return Err(OrderRefusal::UnknownSku(unknown).into());
        }
        if !unpriced.is_empty() {
            return Err(OrderRefusal::NoCurrentOffer(unpriced).into());
        }
        Ok(quoted)
    }

    fn one_currency(&self, quoted: &[Quoted<'_>], cx: &Context) -> Result<Currency, OrderRefusal> {
        let order = self.currency.or_else(|| quoted.first().map(|line| line.offer.currency)).unwrap_or(cx.settings.currency);
        match quoted.iter().find(|line| line.offer.currency != order) {
            Some(line) => Err(OrderRefusal::CurrencyMismatch { order, line: line.offer.currency }),
            None => Ok(order),
        }
    }

    /// For whom: a customer orders for himself.
    fn owner(&self, cx: &Context) -> Result<Option<UserId>, OrderRefusal> {
        match (cx.caller.only_own(), &self.user_id) {
            (None, named) => Ok(named.clone()),
            (Some(own), Some(named)) if named.as_str() != own => Err(OrderRefusal::ForeignOwner),
            (Some(own), _) => Ok(Some(own.into())),
        }
    }

    /// The order without its lines.
    fn order(&self, seen: &View, cx: &Context, currency: Currency) -> Result<Order, Stop> {
        let cod = self.payment_method.as_ref().is_some_and(PaymentMethod::is_cod);
        let blank = blank_order(self.channel, seen, cx)?;
        Ok(Order {
            user_id: self.owner(cx)?,
            customer_email: self.customer_email.clone(),
            cart_id: self.cart_id,
            external_id: self.external_id.clone(),
            payment_method: self.payment_method.clone(),
            stock: StockState::Reserved,
            currency,
            shipping_address: self.shipping_address.clone(),
            billing_address: self.billing_address.clone(),
            notes: self.notes.clone(),
            metadata: self.metadata.clone(),
            expires_at: blank.expires_at.filter(|_| !cod),
            ..blank
        })
    }
}

/// The lines whose price is not what the caller expected: by his price, or by the offer he saw.
fn price_changes(quoted: &[Quoted<'_>]) -> Result<Vec<PriceChange>, OrderRefusal> {
    let mut changes = Vec::new();
    for Quoted { request, sku, offer } in quoted {
        let by_price = request.expected_unit_price.map(|price| price.to_minor(offer.currency)).transpose()?;
        let by_offer = request.offer_id.and_then(|id| sku.offers.iter().find(|offer| offer.offer_id == id)).map(|seen| seen.price);
        if let Some(old_unit_price) = by_price.or(by_offer)
            && old_unit_price != offer.price
        {
            changes.push(PriceChange { sku_id: sku.sku_id.clone(), old_unit_price, new_unit_price: offer.price, currency: offer.currency });
        }
    }
    Ok(changes)
}

/// The line as it will stand for ever.
fn frozen(quoted: &Quoted<'_>, order_item_id: OrderItemId, cx: &Context) -> Result<Line, OrderRefusal> {
    let Quoted { request, sku, offer } = quoted;
    Ok(Line {
        order_item_id,
        subject: LineSubject::Sku {
            sku_id: sku.sku_id.clone(),
            product_id: sku.product_id.clone(),
            name: sku.name.clone(),
            snapshot: PriceSnapshot {
                offer_id: offer.offer_id,
                unit_price: offer.price,
                captured_at: cx.now,
                title: sku.title.clone(),
                author: sku.author.clone(),
            },
        },
        qty: request.qty,
        unit_price: offer.price,
        total: money::times(offer.price, request.qty)?,
        shipped_qty: 0,
        refunded_qty: 0,
    })
}
