//! A checkout session: how a cart is to become an order. Until it is confirmed there is no order, and nothing is promised.

use std::sync::Arc;

use crate::caller::Caller;
use crate::cart::{Cart, CartOwner};
use crate::hold::{self, Hold};
use crate::ids::{HoldId, OrderId, SessionId, SkuId, UserId};
use crate::money::{self, Currency, MoneyError};
use crate::order::{AddressRef, PaymentMethod, Totals};
use crate::refusal::PriceChange;
use crate::tables::{Gap, View};
use crate::time::Time;

/// SKUs of this tax class are not shipped.
pub const DIGITAL: &str = "digital";

/// Where a session stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It goes on.
    Active,
    /// It became an order.
    Confirmed,
    /// Its time passed, and nobody knows whose it was.
    Expired,
    /// Its time passed after the customer, or his e-mail address, was known.
    Abandoned,
}

impl Status {
    /// Every status.
    pub const ALL: &[Self] = &[Self::Active, Self::Confirmed, Self::Expired, Self::Abandoned];

    /// The stored and published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Confirmed => "confirmed",
            Self::Expired => "expired",
            Self::Abandoned => "abandoned",
        }
    }
}

/// What a guest proves himself with: the SHA-256 of his token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GuestToken(pub [u8; 32]);

/// A checkout session: of each session id the latest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkout {
    /// Its name, given by the storefront.
    pub session_id: SessionId,
    /// Where it stands.
    pub status: Status,
    /// Who buys; `None`: a guest.
    pub customer_id: Option<UserId>,
    /// Where to write to.
    pub customer_email: Option<Arc<str>>,
    /// Whose cart it takes.
    pub owner: CartOwner,
    /// Where the goods go.
    pub shipping_address: AddressRef,
    /// Where the bill goes; empty: where the goods go.
    pub billing_address: AddressRef,
    /// How the goods go.
    pub shipping_method: Option<Arc<str>>,
    /// How it is paid.
    pub payment_method: Option<PaymentMethod>,
    /// What the customer hopes to save with.
    pub promotion_codes: Vec<Arc<str>>,
    /// The customer's words.
    pub notes: Option<Arc<str>>,
    /// Of a guest.
    pub guest_token: Option<GuestToken>,
    /// What holds its goods, where they are reserved while it goes on.
    pub hold_id: Option<HoldId>,
    /// What it became.
    pub order_id: Option<OrderId>,
    /// Untouched until here, an active one ends, and one that has ended is forgotten.
    pub expires_at: Time,
    /// Rises with every change, also from one session of a name to the next.
    pub version: i64,
    /// When it was begun.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// How long a session lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CheckoutRules {
    /// How long an idle session lives.
    pub ttl_seconds: i64,
    /// How long one that has ended is kept.
    pub kept_seconds: i64,
    /// How long an idle session holds its goods; `None`: they are reserved when it is confirmed.
    pub reserve_seconds: Option<i64>,
}

impl Default for CheckoutRules {
    fn default() -> Self {
        Self { ttl_seconds: 3600, kept_seconds: 30 * 86_400, reserve_seconds: None }
    }
}

impl Checkout {
    /// Where it stands at `now`: what has run out has ended, whether or not somebody has noted it.
    pub fn status_at(&self, now: Time) -> Status {
        match self.status {
            Status::Active if self.expires_at > now => Status::Active,
            Status::Active if self.customer_id.is_some() || self.customer_email.is_some() => Status::Abandoned,
            Status::Active => Status::Expired,
            ended => ended,
        }
    }

    /// Whether the caller may touch it: a customer his own, or a guest's that he knows; who brings a guest's token, that guest's.
    pub fn belongs_to(&self, caller: &Caller, token: Option<GuestToken>) -> bool {
        let is_own = self.customer_id.is_none() || caller.sees(self.customer_id.as_ref());
        is_own && token.is_none_or(|token| self.guest_token.is_none_or(|known| known == token))
    }

    /// The same in its next version: alive for another while, or over. The moment never goes back: machines disagree about the time.
    #[must_use]
    pub fn changed(self, status: Status, rules: &CheckoutRules, now: Time) -> Self {
        let updated_at = self.updated_at.max(now);
        let seconds = if status == Status::Active { rules.ttl_seconds } else { rules.kept_seconds };
        Self { status, expires_at: updated_at.plus_seconds(seconds), version: self.version.saturating_add(1), updated_at, ..self }
    }
}

/// What a session would become now. It commits nothing, and promises nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Preview {
    /// What would be ordered.
    pub cart: Option<Arc<Cart>>,
    /// What it would cost; `None`: there is nothing in the cart, or not all of it can be priced now.
    pub totals: Option<(Totals, Currency)>,
    /// Lines whose price is no longer what the cart shows.
    pub price_changes: Vec<PriceChange>,
    /// What must still be known before it can be confirmed.
    pub missing: Vec<&'static str>,
    /// Until when its goods are held, if they are.
    pub reserved_until: Option<Time>,
}

impl Preview {
    /// What must be seen for it.
    pub fn needs(checkout: &Checkout, seen: &View, needs: &mut crate::tables::Needs) {
        needs.carts.insert(checkout.owner.clone());
        needs.holds.extend(checkout.hold_id);
        if let Some(cart) = seen.carts.peek(&checkout.owner) {
            needs.skus.extend(cart.lines.iter().map(|line| line.sku_id.clone()));
        }
    }

    /// Of `checkout` at `now`, with the prices of now.
    pub fn of(checkout: &Checkout, seen: &View, now: Time) -> Result<Self, Gap> {
        Self::with(held(checkout, seen)?.map(|hold| &**hold), checkout, seen, now)
    }

    /// The same, while `hold` holds its goods.
    pub fn with(hold: Option<&Hold>, checkout: &Checkout, seen: &View, now: Time) -> Result<Self, Gap> {
        let cart = seen.carts.get(&checkout.owner)?.filter(|cart| cart.is_active() && !cart.lines.is_empty());
        let mut preview = Self { cart: cart.cloned(), ..Self::default() };
        if let Some(cart) = cart {
            preview.price(cart, seen, now)?;
        }
        preview.missing = missing(checkout, cart, seen)?;
        preview.reserved_until = hold.and_then(|hold| hold.expires_at).filter(|end| *end > now);
        Ok(preview)
    }

    fn price(&mut self, cart: &Cart, seen: &View, now: Time) -> Result<(), Gap> {
        let Some(currency) = cart.currency else { return Ok(()) };
        let mut lines = Vec::with_capacity(cart.lines.len());
        for line in &cart.lines {
            let sku = seen.skus.get(&line.sku_id)?.filter(|sku| sku.is_for_sale());
            let Some(offer) = sku.and_then(|sku| sku.current_offer(now)).filter(|offer| offer.currency == currency) else { return Ok(()) };
            if offer.price != line.unit_price {
                let (sku_id, old_unit_price, new_unit_price) = (line.sku_id.clone(), line.unit_price, offer.price);
                self.price_changes.push(PriceChange { sku_id, old_unit_price, new_unit_price, currency });
            }
            lines.push(money::times(offer.price, line.qty));
        }
        let subtotal = lines.into_iter().collect::<Result<Vec<_>, MoneyError>>().and_then(money::sum);
        self.totals = subtotal.ok().map(|subtotal| (Totals { subtotal, discount: 0, tax: 0, shipping: 0, total: subtotal }, currency));
        Ok(())
    }
}

/// What holds the session's goods, until it is noted that it does no longer.
pub fn held<'v>(checkout: &Checkout, seen: &'v View) -> Result<Option<&'v Arc<Hold>>, Gap> {
    let Some(hold_id) = checkout.hold_id else { return Ok(None) };
    Ok(seen.holds.get(&hold_id)?.filter(|hold| hold.status == hold::Status::Active && hold.order_id.is_none()))
}

/// What must still be known, in the words of the fields.
fn missing(checkout: &Checkout, cart: Option<&Arc<Cart>>, seen: &View) -> Result<Vec<&'static str>, Gap> {
    let mut is_shipped = false;
    for line in cart.into_iter().flat_map(|cart| &cart.lines) {
        is_shipped |= is_shipped_sku(&line.sku_id, seen)?;
    }
    let known = [
        ("items", cart.is_some()),
        ("shipping_address", !is_shipped || checkout.shipping_address != AddressRef::default()),
        ("payment_method", checkout.payment_method.is_some()),
        ("customer_email", checkout.customer_id.is_some() || checkout.customer_email.is_some()),
    ];
    Ok(known.into_iter().filter(|(_, is_known)| !is_known).map(|(name, _)| name).collect())
}

/// Whether somebody must carry it somewhere.
fn is_shipped_sku(sku_id: &SkuId, seen: &View) -> Result<bool, Gap> {
    Ok(seen.skus.get(sku_id)?.is_none_or(|sku| &*sku.tax_class != DIGITAL))
}
