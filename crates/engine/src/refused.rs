//! What a refusal tells beside its code: a sentence, and the facts that a client needs. The doors only give it their form.

use domain::Refusal;
use domain::ids::SkuId;
use domain::money::Currency;
use domain::refusal::{
    CartRefusal, CatalogRefusal, CheckoutRefusal, HoldRefusal, OrderRefusal, PaymentRefusal, PriceChange, RefundRefusal, Shortage,
    StockRefusal, UnclearLine,
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::wire::amount;

/// What a refusal tells.
#[derive(Debug)]
pub struct Told {
    /// What happened this time, for people. Never an echo of what was sent.
    pub detail: String,
    /// Facts under their names, each as JSON. Amounts keep their decimals.
    pub facts: Vec<(&'static str, Box<RawValue>)>,
    /// When it may be asked again, in seconds.
    pub retry_after_s: Option<u32>,
}

impl Told {
    fn fact(mut self, name: &'static str, value: &impl Serialize) -> Self {
        // A value that cannot be written is a fault of ours; the refusal must reach its caller all the same.
        match to_raw_value(value) {
            Ok(raw) => self.facts.push((name, raw)),
            Err(error) => tracing::error!(name, %error, "a fact of a refusal could not be written"),
        }
        self
    }

    fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }
}

#[derive(Serialize)]
struct ChangedLine<'a> {
    sku_id: &'a str,
    old_unit_price: Box<RawValue>,
    new_unit_price: Box<RawValue>,
    currency: &'static str,
}

#[derive(Serialize)]
struct ShortLine<'a> {
    sku_id: &'a str,
    requested: i64,
    available: i64,
}

impl<'a> ShortLine<'a> {
    fn of(short: &'a Shortage) -> Self {
        Self { sku_id: short.sku_id.as_str(), requested: short.requested, available: short.available }
    }
}

#[derive(Serialize)]
struct NamedLine<'a> {
    sku_id: &'a str,
}

#[derive(Serialize)]
struct ProductLine<'a> {
    product_id: &'a str,
    product_sku: Option<&'a str>,
    choices: Vec<&'a str>,
}

impl<'a> ProductLine<'a> {
    fn of(line: &'a UnclearLine) -> Self {
        Self {
            product_id: line.product_id.as_str(),
            product_sku: line.named.as_ref().map(SkuId::as_str),
            choices: line.choices.iter().map(SkuId::as_str).collect(),
        }
    }
}

/// Lines whose price differs, as they stand in refusals and answers.
pub fn price_changes(changes: &[PriceChange]) -> impl Serialize {
    let line = |change: &PriceChange| {
        to_raw_value(&ChangedLine {
            sku_id: change.sku_id.as_str(),
            old_unit_price: amount(change.old_unit_price, change.currency),
            new_unit_price: amount(change.new_unit_price, change.currency),
            currency: change.currency.code(),
        })
        .ok()
    };
    changes.iter().filter_map(line).collect::<Vec<_>>()
}

/// What this refusal tells.
pub fn told(refusal: &Refusal) -> Told {
    let told = Told { detail: refusal.to_string(), facts: Vec::new(), retry_after_s: None };
    let money = |minor: i64, currency: Currency| amount(minor, currency);
    match refusal {
        Refusal::Order(refusal) => order(told, refusal),
        Refusal::Cart(refusal) => cart(told, refusal),
        Refusal::Checkout(CheckoutRefusal::Incomplete(missing)) => told.fact("missing", missing),
        Refusal::Checkout(CheckoutRefusal::VersionMismatch(version)) => told.fact("version", version),
        Refusal::Checkout(CheckoutRefusal::Confirmed(order_id)) => told.fact("order_id", &order_id.0.to_string()),
        Refusal::Payment(PaymentRefusal::InProgress(payment_id)) => {
            Told { retry_after_s: Some(1), ..told.fact("payment_id", &payment_id.0.to_string()) }
        }
        Refusal::Stock(StockRefusal::Insufficient { sku_id, requested, available, .. }) => {
            told.fact("lines", &[ShortLine { sku_id: sku_id.as_str(), requested: *requested, available: *available }])
        }
        Refusal::Payment(PaymentRefusal::AmountMismatch { due, stated, currency }) => told
            .fact("due_amount", &money(*due, *currency))
            .fact("stated_amount", &money(*stated, *currency))
            .fact("currency", &currency.code()),
        Refusal::Payment(PaymentRefusal::CurrencyMismatch { order, stated }) => {
            told.fact("order_currency", &order.code()).fact("stated_currency", &stated.code())
        }
        Refusal::Hold(refusal) => hold(told, refusal),
        // The name is the caller's, and nothing that is ours.
        Refusal::Catalog(CatalogRefusal::SkuNotFound(_)) => told.detail("There is no such SKU."),
        Refusal::Payment(PaymentRefusal::NotFound(_) | PaymentRefusal::Amount(_) | PaymentRefusal::NotByHand(_))
        | Refusal::Refund(RefundRefusal::NotFound(_))
        | Refusal::Checkout(CheckoutRefusal::NotFound | CheckoutRefusal::Expired | CheckoutRefusal::ForeignOwner)
        | Refusal::Stock(StockRefusal::TooLarge(_))
        | Refusal::Catalog(
            CatalogRefusal::OfferNotFound(_) | CatalogRefusal::OfferEnded(_) | CatalogRefusal::WindowEmpty | CatalogRefusal::Price(_),
        )
        | Refusal::KeyReused => told,
    }
}

fn hold(told: Told, refusal: &HoldRefusal) -> Told {
    match refusal {
        HoldRefusal::Mismatch { sku_id, held, asked } => {
            told.fact("sku_id", &sku_id.as_ref().map(SkuId::as_str)).fact("held", held).fact("requested", asked)
        }
        HoldRefusal::UnknownSku(skus) => {
            let lines: Vec<_> = skus.iter().map(|sku_id| NamedLine { sku_id: sku_id.as_str() }).collect();
            told.fact("lines", &lines)
        }
        HoldRefusal::OutOfStock(short) => {
            let lines: Vec<_> = short.iter().map(ShortLine::of).collect();
            told.fact("lines", &lines)
        }
        HoldRefusal::VersionMismatch(version) => told.fact("version", version),
        HoldRefusal::NotFound(_) | HoldRefusal::InUse(_) | HoldRefusal::Over(_) => told,
    }
}

fn order(told: Told, refusal: &OrderRefusal) -> Told {
    match refusal {
        OrderRefusal::PriceChanged(changes) => told.fact("lines", &price_changes(changes)),
        OrderRefusal::OutOfStock(short) => {
            let lines: Vec<_> = short.iter().map(ShortLine::of).collect();
            told.fact("lines", &lines)
        }
        OrderRefusal::UnknownSku(skus) | OrderRefusal::NoCurrentOffer(skus) => {
            let lines: Vec<_> = skus.iter().map(|sku_id| NamedLine { sku_id: sku_id.as_str() }).collect();
            told.fact("lines", &lines)
        }
        OrderRefusal::UnknownProduct(unclear) | OrderRefusal::AmbiguousProduct(unclear) => {
            let lines: Vec<_> = unclear.iter().map(ProductLine::of).collect();
            told.fact("lines", &lines)
        }
        OrderRefusal::InvalidTransition { from, action } => told.fact("status_now", &from.as_str()).fact("action", &action.as_str()),
        OrderRefusal::NotChangeable(status) => told.fact("status_now", &status.as_str()),
        OrderRefusal::VersionMismatch(version) => told.fact("version", version),
        OrderRefusal::CurrencyMismatch { order, line } => told.fact("order_currency", &order.code()).fact("line_currency", &line.code()),
        OrderRefusal::NotFound(_) | OrderRefusal::ForeignOwner | OrderRefusal::Amount(_) => told,
    }
}

fn cart(told: Told, refusal: &CartRefusal) -> Told {
    match refusal {
        CartRefusal::Closed { order_id, .. } => told.fact("order_id", &order_id.map(|id| id.0.to_string())),
        CartRefusal::VersionMismatch(version) => told.fact("version", version),
        // The names are the caller's, and nothing that is ours.
        CartRefusal::UnknownSku(sku_id) => {
            told.detail("The SKU cannot be bought: unknown or inactive.").fact("lines", &[NamedLine { sku_id: sku_id.as_str() }])
        }
        CartRefusal::NoCurrentOffer(sku_id) => {
            told.detail("The SKU has no offer that counts now.").fact("lines", &[NamedLine { sku_id: sku_id.as_str() }])
        }
        CartRefusal::CurrencyMismatch { cart, line, .. } => told
            .detail(format!("The cart is in {cart}, but the SKU is priced in {line}."))
            .fact("cart_currency", &cart.code())
            .fact("line_currency", &line.code()),
        CartRefusal::TooMany { requested, max, .. } => told.fact("requested", requested).fact("max", max),
        CartRefusal::Full(max) => told.fact("max", max),
        CartRefusal::NotFound(_) | CartRefusal::ItemNotFound(_) | CartRefusal::Empty | CartRefusal::ForeignOwner => told,
    }
}
