//! What the engine refuses, as problems: the one place that turns a kind of "no" into a status.

use axum::http::StatusCode;
use domain::Refusal;
use domain::ids::SkuId;
use domain::refusal::{
    CartRefusal, CatalogRefusal, CheckoutRefusal, OrderRefusal, PaymentRefusal, PriceChange, RefundRefusal, RefusalKind, Shortage,
    StockRefusal, UnclearLine,
};
use engine::Failure;
use serde::Serialize;

use crate::output::amount::Amount;
use crate::problem::{self, Problem};

/// Why a command has no answer, for the caller. What only concerns the operator stays in the log.
pub(crate) fn problem_of(failure: Failure) -> Problem {
    match failure {
        Failure::Refused(refusal) => refused(&refusal),
        Failure::Overloaded => Problem::of(problem::OVERLOADED).detail("Too many requests are waiting. Nothing was done; try again."),
        Failure::Stopping => Problem::of(problem::OVERLOADED).detail("The service is stopping. Nothing was done; try again."),
        Failure::Unavailable(_) => {
            Problem::of(problem::STORE_UNAVAILABLE).detail("The store cannot be used now. Nothing was done; try again.")
        }
        Failure::Unsure => Problem::of(problem::STORE_UNAVAILABLE)
            .detail("It is not known whether this was carried out. Repeat it with the same Idempotency-Key."),
        Failure::Bug(_) => Problem::of(problem::INTERNAL),
    }
}

const fn status_of(kind: RefusalKind) -> (StatusCode, &'static str) {
    match kind {
        RefusalKind::NotFound => (StatusCode::NOT_FOUND, "There is no such resource"),
        RefusalKind::Conflict => (StatusCode::CONFLICT, "This is not possible as things stand"),
        RefusalKind::Changed => (StatusCode::PRECONDITION_FAILED, problem::VERSION_MISMATCH.title),
        RefusalKind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "The request breaks a rule"),
        RefusalKind::Forbidden => (StatusCode::FORBIDDEN, "The credentials do not allow this"),
    }
}

#[derive(Serialize)]
struct ChangedLine<'a> {
    sku_id: &'a str,
    old_unit_price: Amount,
    new_unit_price: Amount,
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

/// Lines whose price differs, as they stand in problems and answers.
pub(crate) fn price_changes(changes: &[PriceChange]) -> impl Serialize {
    let line = |change: &PriceChange| {
        serde_json::value::to_raw_value(&ChangedLine {
            sku_id: change.sku_id.as_str(),
            old_unit_price: Amount { minor: change.old_unit_price, currency: change.currency },
            new_unit_price: Amount { minor: change.new_unit_price, currency: change.currency },
            currency: change.currency.code(),
        })
        .ok()
    };
    changes.iter().filter_map(line).collect::<Vec<_>>()
}

fn refused(refusal: &Refusal) -> Problem {
    let (status, title) = status_of(refusal.kind());
    let problem = Problem::new(status, refusal.code(), title).detail(refusal.to_string());
    match refusal {
        Refusal::Order(refusal) => order(problem, refusal),
        Refusal::Cart(refusal) => cart(problem, refusal),
        Refusal::Checkout(CheckoutRefusal::Incomplete(missing)) => problem.member("missing", missing),
        Refusal::Checkout(CheckoutRefusal::VersionMismatch(version)) => problem.member("version", version),
        Refusal::Checkout(CheckoutRefusal::Confirmed(order_id)) => problem.member("order_id", &order_id.0),
        Refusal::Payment(PaymentRefusal::InProgress(payment_id)) => problem.member("payment_id", &payment_id.0).retry_after(1),
        Refusal::Stock(StockRefusal::Insufficient { sku_id, requested, available, .. }) => {
            problem.member("lines", &[ShortLine { sku_id: sku_id.as_str(), requested: *requested, available: *available }])
        }
        Refusal::Payment(PaymentRefusal::AmountMismatch { due, stated, currency }) => problem
            .member("due_amount", &Amount { minor: *due, currency: *currency })
            .member("stated_amount", &Amount { minor: *stated, currency: *currency })
            .member("currency", &currency.code()),
        Refusal::Payment(PaymentRefusal::CurrencyMismatch { order, stated }) => {
            problem.member("order_currency", &order.code()).member("stated_currency", &stated.code())
        }
        // The name is the caller's, and nothing that is ours.
        Refusal::Catalog(CatalogRefusal::SkuNotFound(_)) => problem.detail("There is no such SKU."),
        Refusal::Payment(PaymentRefusal::NotFound(_) | PaymentRefusal::Amount(_) | PaymentRefusal::NotByHand(_))
        | Refusal::Refund(RefundRefusal::NotFound(_))
        | Refusal::Checkout(CheckoutRefusal::NotFound | CheckoutRefusal::Expired | CheckoutRefusal::ForeignOwner)
        | Refusal::Stock(StockRefusal::TooLarge(_))
        | Refusal::Catalog(
            CatalogRefusal::OfferNotFound(_) | CatalogRefusal::OfferEnded(_) | CatalogRefusal::WindowEmpty | CatalogRefusal::Price(_),
        )
        | Refusal::KeyReused => problem,
    }
}

fn order(problem: Problem, refusal: &OrderRefusal) -> Problem {
    match refusal {
        OrderRefusal::PriceChanged(changes) => problem.member("lines", &price_changes(changes)),
        OrderRefusal::OutOfStock(short) => {
            let lines: Vec<_> = short.iter().map(ShortLine::of).collect();
            problem.member("lines", &lines)
        }
        OrderRefusal::UnknownSku(skus) | OrderRefusal::NoCurrentOffer(skus) => {
            let lines: Vec<_> = skus.iter().map(|sku_id| NamedLine { sku_id: sku_id.as_str() }).collect();
            problem.member("lines", &lines)
        }
        OrderRefusal::UnknownProduct(unclear) | OrderRefusal::AmbiguousProduct(unclear) => {
            let lines: Vec<_> = unclear.iter().map(ProductLine::of).collect();
            problem.member("lines", &lines)
        }
        OrderRefusal::InvalidTransition { from, action } => problem.member("status_now", &from.as_str()).member("action", &action.as_str()),
        OrderRefusal::NotChangeable(status) => problem.member("status_now", &status.as_str()),
        OrderRefusal::VersionMismatch(version) => problem.member("version", version),
        OrderRefusal::CurrencyMismatch { order, line } => {
            problem.member("order_currency", &order.code()).member("line_currency", &line.code())
        }
        OrderRefusal::NotFound(_) | OrderRefusal::ForeignOwner | OrderRefusal::Amount(_) => problem,
    }
}

fn cart(problem: Problem, refusal: &CartRefusal) -> Problem {
    match refusal {
        CartRefusal::Closed { order_id, .. } => problem.member("order_id", &order_id.map(|id| id.0)),
        CartRefusal::VersionMismatch(version) => problem.member("version", version),
        // The names are the caller's, and nothing that is ours.
        CartRefusal::UnknownSku(sku_id) => {
            problem.detail("The SKU cannot be bought: unknown or inactive.").member("lines", &[NamedLine { sku_id: sku_id.as_str() }])
        }
        CartRefusal::NoCurrentOffer(sku_id) => {
            problem.detail("The SKU has no offer that counts now.").member("lines", &[NamedLine { sku_id: sku_id.as_str() }])
        }
        CartRefusal::CurrencyMismatch { cart, line, .. } => problem
            .detail(format!("The cart is in {cart}, but the SKU is priced in {line}."))
            .member("cart_currency", &cart.code())
            .member("line_currency", &line.code()),
        CartRefusal::TooMany { requested, max, .. } => problem.member("requested", requested).member("max", max),
        CartRefusal::Full(max) => problem.member("max", max),
        CartRefusal::NotFound(_) | CartRefusal::ItemNotFound(_) | CartRefusal::Empty | CartRefusal::ForeignOwner => problem,
    }
}
