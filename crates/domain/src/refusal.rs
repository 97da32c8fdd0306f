//! Every "no" of the product. The message says what was asked and what holds; the code is public: add, never rename.

use crate::ids::{CartId, CartItemId, HoldId, OfferId, OrderId, PaymentId, ProductId, RefundId, SkuId};
use crate::money::{Currency, MoneyError};
use crate::order::{Action, Status};
use crate::stock::Operation;

/// A line whose price is no longer what the caller expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PriceChange {
    /// What is priced.
    pub sku_id: SkuId,
    /// What the caller expected, minor units.
    pub old_unit_price: i64,
    /// What counts now, minor units.
    pub new_unit_price: i64,
    /// The currency of both.
    pub currency: Currency,
}

/// A SKU of which there is too little.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shortage {
    /// The SKU.
    pub sku_id: SkuId,
    /// What all lines together ask for.
    pub requested: i64,
    /// What can still be promised.
    pub available: i64,
}

/// A line whose product does not tell which SKU is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnclearLine {
    /// The product.
    pub product_id: ProductId,
    /// The SKU that the caller named.
    pub named: Option<SkuId>,
    /// The SKUs that could be meant.
    pub choices: Vec<SkuId>,
}

/// Why an order is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OrderRefusal {
    /// There is none, or it is not the caller's.
    #[error("there is no order {0}")]
    NotFound(OrderId),
    /// The lifecycle does not allow it.
    #[error("an order that is {from} does not allow {action}", from = from.as_str(), action = action.as_str())]
    InvalidTransition {
        /// Where the order stands.
        from: Status,
        /// What was asked.
        action: Action,
    },
    /// It has left, or ended: nothing of it can be changed any more.
    #[error("an order that is {} cannot be changed", .0.as_str())]
    NotChangeable(Status),
    /// It is not in the version that the caller means, but in this one.
    #[error("the order is in version {0}")]
    VersionMismatch(i64),
    /// A line asks for more than the catalogue sells under that name.
    #[error("{} of the SKUs cannot be ordered: unknown or inactive", .0.len())]
    UnknownSku(Vec<SkuId>),
    /// A product has nothing to sell, or the SKU that is named is not one of its own.
    #[error("{} of the products cannot be ordered: nothing of them is for sale, or the SKU is not theirs", .0.len())]
    UnknownProduct(Vec<UnclearLine>),
    /// A product has several SKUs, and none is named.
    #[error("{} of the products have several SKUs; name one", .0.len())]
    AmbiguousProduct(Vec<UnclearLine>),
    /// A SKU has no price at this time.
    #[error("{} of the SKUs have no offer that counts now", .0.len())]
    NoCurrentOffer(Vec<SkuId>),
    /// A price is not what the caller expected.
    #[error("the price of {} lines has changed", .0.len())]
    PriceChanged(Vec<PriceChange>),
    /// Too little is left.
    #[error("{} of the SKUs are not available in the quantity asked for", .0.len())]
    OutOfStock(Vec<Shortage>),
    /// Prices in more than one currency, or not in the one asked for.
    #[error("the order is in {order}, but a line is priced in {line}")]
    CurrencyMismatch {
        /// The currency of the order.
        order: Currency,
        /// The currency of the line.
        line: Currency,
    },
    /// A customer named another one as the owner.
    #[error("a customer can order only for himself")]
    ForeignOwner,
    /// The caller's amount cannot be one of that currency.
    #[error("an amount cannot be used: {0}")]
    Amount(#[from] MoneyError),
}

/// Why a payment is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PaymentRefusal {
    /// There is none, or it is not the caller's.
    #[error("there is no payment {0}")]
    NotFound(PaymentId),
    /// The provider's answer is still awaited: what was asked must wait for it.
    #[error("payment {0} is under way; its outcome decides")]
    InProgress(PaymentId),
    /// The amount is not what is due.
    #[error("the amount is not what is due")]
    AmountMismatch {
        /// What is due, minor units.
        due: i64,
        /// What was stated, minor units.
        stated: i64,
        /// The currency of both.
        currency: Currency,
    },
    /// The currency is not the order's.
    #[error("the order is in {order}, the payment in {stated}")]
    CurrencyMismatch {
        /// The order's.
        order: Currency,
        /// The caller's.
        stated: Currency,
    },
    /// The caller's amount cannot be one of that currency.
    #[error("the amount cannot be used: {0}")]
    Amount(#[from] MoneyError),
    /// Nobody completes it by hand: its provider says how it ends.
    #[error("payment {0} is decided by its provider")]
    NotByHand(PaymentId),
}

/// Why a refund is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RefundRefusal {
    /// There is none, or it is not the caller's.
    #[error("there is no refund {0}")]
    NotFound(RefundId),
}

/// Why stock does not move.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StockRefusal {
    /// Too little is there, or promised to that reference.
    #[error("cannot {operation} {requested} of {sku_id}: {available} available", operation = operation.as_str())]
    Insufficient {
        /// The SKU.
        sku_id: SkuId,
        /// What was asked.
        operation: Operation,
        /// How many units.
        requested: i64,
        /// How many there are for it.
        available: i64,
    },
    /// The count would go beyond what can be counted.
    #[error("the stock of {0} would be too large")]
    TooLarge(SkuId),
}

/// Why the catalogue refuses.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CatalogRefusal {
    /// There is no such SKU.
    #[error("there is no SKU {0}")]
    SkuNotFound(SkuId),
    /// There is no such offer.
    #[error("there is no offer {0}")]
    OfferNotFound(OfferId),
    /// An ended offer stays ended.
    #[error("offer {0} has ended")]
    OfferEnded(OfferId),
    /// The window ends before it begins.
    #[error("valid_to must be later than valid_from")]
    WindowEmpty,
    /// The price cannot be one of that currency.
    #[error("the price cannot be used: {0}")]
    Price(#[from] MoneyError),
}

/// Why a cart refuses.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CartRefusal {
    /// There is none, or it is not the caller's.
    #[error("there is no cart {0}")]
    NotFound(CartId),
    /// There is no such line in the owner's cart.
    #[error("there is no cart item {0}")]
    ItemNotFound(CartItemId),
    /// It has ended; as the order, if it became one.
    #[error("cart {cart_id} is no longer active")]
    Closed {
        /// Which cart.
        cart_id: CartId,
        /// The order that it became.
        order_id: Option<OrderId>,
    },
    /// Nothing is in it.
    #[error("there is nothing in the cart")]
    Empty,
    /// It is not in the version that the caller means, but in this one.
    #[error("the cart is in version {0}")]
    VersionMismatch(i64),
    /// The catalogue does not sell it.
    #[error("SKU {0} cannot be bought: unknown or inactive")]
    UnknownSku(SkuId),
    /// It has no price at this time.
    #[error("SKU {0} has no offer that counts now")]
    NoCurrentOffer(SkuId),
    /// Prices in more than one currency.
    #[error("the cart is in {cart}, but {sku_id} is priced in {line}")]
    CurrencyMismatch {
        /// The SKU.
        sku_id: SkuId,
        /// The currency of the cart.
        cart: Currency,
        /// The currency of the SKU.
        line: Currency,
    },
    /// More pieces than a line may have.
    #[error("a line of a cart has at most {max} pieces")]
    TooMany {
        /// The SKU.
        sku_id: SkuId,
        /// What the line would have.
        requested: i64,
        /// What it may have.
        max: i64,
    },
    /// More lines than a cart may have.
    #[error("a cart has at most {0} lines")]
    Full(usize),
    /// A customer named another one's cart.
    #[error("a customer fills only his own cart")]
    ForeignOwner,
}

/// Why a checkout session refuses.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CheckoutRefusal {
    /// There is none, or it is not the caller's.
    #[error("there is no such checkout session")]
    NotFound,
    /// Its time has passed.
    #[error("the checkout session has expired")]
    Expired,
    /// It became this order: what is in it can no longer be changed.
    #[error("the checkout session is confirmed")]
    Confirmed(OrderId),
    /// Something must still be known, in the words of the fields.
    #[error("the checkout session is not complete: {} missing", .0.join(", "))]
    Incomplete(Vec<&'static str>),
    /// It is not in the version that the caller means, but in this one.
    #[error("the checkout session is in version {0}")]
    VersionMismatch(i64),
    /// A customer named another one.
    #[error("a customer checks out only for himself")]
    ForeignOwner,
}

/// Why a hold refuses.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HoldRefusal {
    /// There is none.
    #[error("there is no hold {0}")]
    NotFound(HoldId),
    /// A live order has it.
    #[error("hold {0} backs an order")]
    InUse(HoldId),
    /// Its time has passed, or it was given back.
    #[error("hold {0} is over: its time has passed, or it was given back")]
    Over(HoldId),
    /// The order would not sell what is held.
    #[error("the hold has {held} units{}, the order asks for {asked}", of_kind(.sku_id.as_ref()))]
    Mismatch {
        /// Of which SKU; `None`: of all.
        sku_id: Option<SkuId>,
        /// What is held.
        held: i64,
        /// What is asked for.
        asked: i64,
    },
    /// It is in another version than the caller means.
    #[error("the hold is in version {0}")]
    VersionMismatch(i64),
    /// The catalogue does not sell them.
    #[error("{} of the SKUs cannot be held: unknown or inactive", .0.len())]
    UnknownSku(Vec<SkuId>),
    /// Too little is left.
    #[error("{} of the SKUs are not available in the quantity asked for", .0.len())]
    OutOfStock(Vec<Shortage>),
}

/// For the message of a mismatch.
fn of_kind(sku_id: Option<&SkuId>) -> String {
    sku_id.map(|sku_id| format!(" of {sku_id}")).unwrap_or_default()
}

/// A "no", with its reason.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// About an order.
    #[error(transparent)]
    Order(#[from] OrderRefusal),
    /// About a payment.
    #[error(transparent)]
    Payment(#[from] PaymentRefusal),
    /// About a refund.
    #[error(transparent)]
    Refund(#[from] RefundRefusal),
    /// About a cart.
    #[error(transparent)]
    Cart(#[from] CartRefusal),
    /// About a checkout session.
    #[error(transparent)]
    Checkout(#[from] CheckoutRefusal),
    /// About a hold.
    #[error(transparent)]
    Hold(#[from] HoldRefusal),
    /// About stock.
    #[error(transparent)]
    Stock(#[from] StockRefusal),
    /// About the catalogue.
    #[error(transparent)]
    Catalog(#[from] CatalogRefusal),
    /// The key was used for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
}

/// What kind of "no" it is; doors turn it into their status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefusalKind {
    /// It is not there, or not the caller's.
    NotFound,
    /// It is not possible as things stand.
    Conflict,
    /// It has changed since the caller saw it.
    Changed,
    /// It is never possible as asked.
    Invalid,
    /// It is not the caller's to ask.
    Forbidden,
}

impl Refusal {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Order(refusal) => match refusal {
                OrderRefusal::NotFound(_) => "ORDER_NOT_FOUND",
                OrderRefusal::InvalidTransition { .. } => "INVALID_TRANSITION",
                OrderRefusal::NotChangeable(_) => "ORDER_NOT_CHANGEABLE",
                OrderRefusal::VersionMismatch(_) => "VERSION_MISMATCH",
                OrderRefusal::UnknownSku(_) => "UNKNOWN_SKU",
                OrderRefusal::UnknownProduct(_) => "UNKNOWN_PRODUCT",
                OrderRefusal::AmbiguousProduct(_) => "AMBIGUOUS_PRODUCT",
                OrderRefusal::NoCurrentOffer(_) => "NO_CURRENT_OFFER",
                OrderRefusal::PriceChanged(_) => "PRICE_CHANGED",
                OrderRefusal::OutOfStock(_) => "OUT_OF_STOCK",
                OrderRefusal::CurrencyMismatch { .. } => "CURRENCY_MISMATCH",
                OrderRefusal::ForeignOwner => "FORBIDDEN",
                OrderRefusal::Amount(error) => money_code(*error),
            },
            Self::Payment(refusal) => match refusal {
                PaymentRefusal::NotFound(_) => "PAYMENT_NOT_FOUND",
                PaymentRefusal::InProgress(_) => "PAYMENT_IN_PROGRESS",
                PaymentRefusal::AmountMismatch { .. } => "AMOUNT_MISMATCH",
                PaymentRefusal::CurrencyMismatch { .. } => "CURRENCY_MISMATCH",
                PaymentRefusal::Amount(error) => money_code(*error),
                PaymentRefusal::NotByHand(_) => "PAYMENT_NOT_BY_HAND",
            },
            Self::Refund(RefundRefusal::NotFound(_)) => "REFUND_NOT_FOUND",
            Self::Cart(refusal) => match refusal {
                CartRefusal::NotFound(_) => "CART_NOT_FOUND",
                CartRefusal::ItemNotFound(_) => "CART_ITEM_NOT_FOUND",
                CartRefusal::Closed { .. } => "CART_CLOSED",
                CartRefusal::Empty => "CART_EMPTY",
                CartRefusal::VersionMismatch(_) => "VERSION_MISMATCH",
                CartRefusal::UnknownSku(_) => "UNKNOWN_SKU",
                CartRefusal::NoCurrentOffer(_) => "NO_CURRENT_OFFER",
                CartRefusal::CurrencyMismatch { .. } => "CURRENCY_MISMATCH",
                CartRefusal::TooMany { .. } => "CART_LINE_LIMIT",
                CartRefusal::Full(_) => "CART_LIMIT",
                CartRefusal::ForeignOwner => "FORBIDDEN",
            },
            Self::Checkout(refusal) => match refusal {
                CheckoutRefusal::NotFound => "CHECKOUT_NOT_FOUND",
                CheckoutRefusal::Expired => "CHECKOUT_EXPIRED",
                CheckoutRefusal::Confirmed(_) => "CHECKOUT_CONFIRMED",
                CheckoutRefusal::Incomplete(_) => "CHECKOUT_INCOMPLETE",
                CheckoutRefusal::VersionMismatch(_) => "VERSION_MISMATCH",
                CheckoutRefusal::ForeignOwner => "FORBIDDEN",
            },
            Self::Hold(refusal) => match refusal {
                HoldRefusal::NotFound(_) => "HOLD_NOT_FOUND",
                HoldRefusal::InUse(_) => "HOLD_IN_USE",
                HoldRefusal::Over(_) => "HOLD_EXPIRED",
                HoldRefusal::Mismatch { .. } => "HOLD_MISMATCH",
                HoldRefusal::VersionMismatch(_) => "VERSION_MISMATCH",
                HoldRefusal::UnknownSku(_) => "UNKNOWN_SKU",
                HoldRefusal::OutOfStock(_) => "OUT_OF_STOCK",
            },
            Self::Stock(refusal) => match refusal {
                StockRefusal::Insufficient { .. } => "INSUFFICIENT_STOCK",
                StockRefusal::TooLarge(_) => "STOCK_TOO_LARGE",
            },
            Self::Catalog(refusal) => match refusal {
                CatalogRefusal::SkuNotFound(_) => "SKU_NOT_FOUND",
                CatalogRefusal::OfferNotFound(_) => "OFFER_NOT_FOUND",
                CatalogRefusal::OfferEnded(_) => "OFFER_ENDED",
                CatalogRefusal::WindowEmpty => "OFFER_WINDOW_EMPTY",
                CatalogRefusal::Price(error) => money_code(*error),
            },
            Self::KeyReused => "IDEMPOTENCY_KEY_REUSED",
        }
    }

    /// What kind of "no" it is.
    pub const fn kind(&self) -> RefusalKind {
        match self {
            Self::Order(refusal) => match refusal {
                OrderRefusal::NotFound(_) => RefusalKind::NotFound,
                OrderRefusal::InvalidTransition { .. }
                | OrderRefusal::NotChangeable(_)
                | OrderRefusal::PriceChanged(_)
                | OrderRefusal::OutOfStock(_) => RefusalKind::Conflict,
                OrderRefusal::VersionMismatch(_) => RefusalKind::Changed,
                OrderRefusal::ForeignOwner => RefusalKind::Forbidden,
                OrderRefusal::UnknownSku(_)
                | OrderRefusal::UnknownProduct(_)
                | OrderRefusal::AmbiguousProduct(_)
                | OrderRefusal::NoCurrentOffer(_)
                | OrderRefusal::CurrencyMismatch { .. }
                | OrderRefusal::Amount(_) => RefusalKind::Invalid,
            },
            Self::Payment(refusal) => match refusal {
                PaymentRefusal::NotFound(_) => RefusalKind::NotFound,
                PaymentRefusal::InProgress(_) | PaymentRefusal::NotByHand(_) => RefusalKind::Conflict,
                PaymentRefusal::AmountMismatch { .. } | PaymentRefusal::CurrencyMismatch { .. } | PaymentRefusal::Amount(_) => {
                    RefusalKind::Invalid
                }
            },
            Self::Refund(RefundRefusal::NotFound(_)) => RefusalKind::NotFound,
            Self::Cart(refusal) => match refusal {
                CartRefusal::NotFound(_) | CartRefusal::ItemNotFound(_) => RefusalKind::NotFound,
                CartRefusal::Closed { .. } => RefusalKind::Conflict,
                CartRefusal::VersionMismatch(_) => RefusalKind::Changed,
                CartRefusal::ForeignOwner => RefusalKind::Forbidden,
                CartRefusal::Empty
                | CartRefusal::UnknownSku(_)
                | CartRefusal::NoCurrentOffer(_)
                | CartRefusal::CurrencyMismatch { .. }
                | CartRefusal::TooMany { .. }
                | CartRefusal::Full(_) => RefusalKind::Invalid,
            },
            Self::Checkout(refusal) => match refusal {
                CheckoutRefusal::NotFound => RefusalKind::NotFound,
                CheckoutRefusal::Expired | CheckoutRefusal::Confirmed(_) => RefusalKind::Conflict,
                CheckoutRefusal::Incomplete(_) => RefusalKind::Invalid,
                CheckoutRefusal::VersionMismatch(_) => RefusalKind::Changed,
                CheckoutRefusal::ForeignOwner => RefusalKind::Forbidden,
            },
            Self::Hold(refusal) => match refusal {
                HoldRefusal::NotFound(_) => RefusalKind::NotFound,
                HoldRefusal::InUse(_) | HoldRefusal::Over(_) | HoldRefusal::OutOfStock(_) => RefusalKind::Conflict,
                HoldRefusal::Mismatch { .. } | HoldRefusal::UnknownSku(_) => RefusalKind::Invalid,
                HoldRefusal::VersionMismatch(_) => RefusalKind::Changed,
            },
            Self::Stock(refusal) => match refusal {
                StockRefusal::Insufficient { .. } => RefusalKind::Conflict,
                StockRefusal::TooLarge(_) => RefusalKind::Invalid,
            },
            Self::Catalog(refusal) => match refusal {
                CatalogRefusal::SkuNotFound(_) | CatalogRefusal::OfferNotFound(_) => RefusalKind::NotFound,
                CatalogRefusal::OfferEnded(_) => RefusalKind::Conflict,
                CatalogRefusal::WindowEmpty | CatalogRefusal::Price(_) => RefusalKind::Invalid,
            },
            Self::KeyReused => RefusalKind::Invalid,
        }
    }
}

const fn money_code(error: MoneyError) -> &'static str {
    match error {
        MoneyError::Overflow | MoneyError::NoWeights => "AMOUNT_OVERFLOW",
        MoneyError::Scale { .. } => "INVALID_AMOUNT_SCALE",
    }
}
