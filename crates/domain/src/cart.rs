//! A cart: what somebody means to buy, at the prices that he saw. It promises nothing: neither prices nor stock.
//!
//! An owner has one cart at a time. When it has ended, what he adds next begins another one under a name of its own.

use std::fmt;

use crate::ids::{CartId, CartItemId, OfferId, OrderId, SessionId, SkuId, UserId};
use crate::money::Currency;
use crate::refusal::CartRefusal;
use crate::time::Time;

/// Whose cart it is: the key of a cart. Sorted as the stores sort the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CartOwner {
    /// Whoever knows the session: a guest.
    Session(SessionId),
    /// A customer.
    User(UserId),
}

impl CartOwner {
    const USER: &'static str = "user:";
    const SESSION: &'static str = "session:";

    /// Reads the form that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let user = text.strip_prefix(Self::USER).map(|id| Self::User(id.into()));
        user.or_else(|| text.strip_prefix(Self::SESSION).map(|id| Self::Session(id.into())))
    }

    /// The customer, if it is one.
    pub const fn user_id(&self) -> Option<&UserId> {
        match self {
            Self::User(user_id) => Some(user_id),
            Self::Session(_) => None,
        }
    }

    /// The session, if it is one.
    pub const fn session_id(&self) -> Option<&SessionId> {
        match self {
            Self::User(_) => None,
            Self::Session(session_id) => Some(session_id),
        }
    }
}

impl fmt::Display for CartOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "{}{id}", Self::USER),
            Self::Session(id) => write!(f, "{}{id}", Self::SESSION),
        }
    }
}

/// How a cart ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CartEnd {
    /// It became this order.
    Ordered(OrderId),
    /// Its guest logged in: what was in it went into the customer's cart.
    Merged,
    /// Nobody touched it for long.
    Abandoned,
}

impl CartEnd {
    /// The stored and published words.
    pub const WORDS: [&'static str; 3] = ["ordered", "merged", "abandoned"];

    /// The stored and published word.
    pub const fn as_str(self) -> &'static str {
        let [ordered, merged, abandoned] = Self::WORDS;
        match self {
            Self::Ordered(_) => ordered,
            Self::Merged => merged,
            Self::Abandoned => abandoned,
        }
    }

    /// The order that it became.
    pub const fn order_id(self) -> Option<OrderId> {
        match self {
            Self::Ordered(order_id) => Some(order_id),
            Self::Merged | Self::Abandoned => None,
        }
    }

    /// Reads what [`as_str`](Self::as_str) and [`order_id`](Self::order_id) give.
    pub fn parse(word: &str, order_id: Option<OrderId>) -> Option<Self> {
        match (word, order_id) {
            ("ordered", Some(order_id)) => Some(Self::Ordered(order_id)),
            ("merged", None) => Some(Self::Merged),
            ("abandoned", None) => Some(Self::Abandoned),
            _ => None,
        }
    }
}

/// A line of a cart: one for each SKU.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CartLine {
    /// Its name.
    pub cart_item_id: CartItemId,
    /// What.
    pub sku_id: SkuId,
    /// How many, from 1.
    pub qty: i64,
    /// What one cost when the line last changed, minor units of the cart's currency.
    pub unit_price: i64,
    /// The offer that said so.
    pub offer_id: OfferId,
    /// When it was read.
    pub captured_at: Time,
}

/// What somebody means to buy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cart {
    /// Whose.
    pub owner: CartOwner,
    /// Its name; the owner's next cart has another.
    pub cart_id: CartId,
    /// How it ended; `None`: it is the one that its owner fills.
    pub ended: Option<CartEnd>,
    /// The one currency of its prices; `None` while it is empty.
    pub currency: Option<Currency>,
    /// What is in it, the oldest line first.
    pub lines: Vec<CartLine>,
    /// Untouched until here, an active cart is abandoned, and one that has ended is forgotten.
    pub expires_at: Time,
    /// Rises with every change, also from one cart of the owner to the next.
    pub version: i64,
    /// When it was begun.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

impl Cart {
    /// Whether its owner still fills it.
    pub const fn is_active(&self) -> bool {
        self.ended.is_none()
    }

    /// The line with this name.
    pub fn line(&self, cart_item_id: CartItemId) -> Result<&CartLine, CartRefusal> {
        self.lines.iter().find(|line| line.cart_item_id == cart_item_id).ok_or(CartRefusal::ItemNotFound(cart_item_id))
    }

    /// Puts `line`, priced in `currency`, in the place of the one of its SKU, or behind the others.
    pub fn put(&mut self, line: CartLine, currency: Currency, rules: &CartRules) -> Result<(), CartRefusal> {
        if line.qty > rules.qty_max {
            return Err(CartRefusal::TooMany { sku_id: line.sku_id, requested: line.qty, max: rules.qty_max });
        }
        let known = self.lines.iter().position(|known| known.sku_id == line.sku_id);
        let others = self.lines.len().saturating_sub(usize::from(known.is_some()));
        if let Some(cart) = self.currency.filter(|cart| *cart != currency && others > 0) {
            return Err(CartRefusal::CurrencyMismatch { sku_id: line.sku_id, cart, line: currency });
        }
        if others >= rules.lines_max {
            return Err(CartRefusal::Full(rules.lines_max));
        }
        self.currency = Some(currency);
        if let Some(known) = known.and_then(|at| self.lines.get_mut(at)) {
            *known = line;
        } else {
            // By name, as the stores give them; names rise with time.
            self.lines.push(line);
            self.lines.sort_by_key(|line| line.cart_item_id);
        }
        Ok(())
    }

    /// A new one; `version` is that of the owner's cart before it, 0 if it is his first.
    pub const fn begun(owner: CartOwner, cart_id: CartId, version: i64, now: Time) -> Self {
        Self { owner, cart_id, ended: None, currency: None, lines: Vec::new(), expires_at: now, version, created_at: now, updated_at: now }
    }

    /// The same in its next version, ended or not. The moment never goes back: machines disagree about the time.
    #[must_use]
    pub fn changed(self, ended: Option<CartEnd>, rules: &CartRules, now: Time) -> Self {
        let updated_at = self.updated_at.max(now);
        Self {
            ended,
            currency: self.currency.filter(|_| !self.lines.is_empty()),
            expires_at: rules.expires_at(updated_at, ended),
            version: self.version.saturating_add(1),
            updated_at,
            ..self
        }
    }
}

/// What a cart may hold, and how long it is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CartRules {
    /// The most pieces in a line.
    pub qty_max: i64,
    /// The most lines.
    pub lines_max: usize,
    /// How long nobody must touch a cart for it to count as abandoned.
    pub abandoned_after_seconds: i64,
    /// How long a cart that has ended is kept.
    pub kept_seconds: i64,
}

const DAY_SECONDS: i64 = 86_400;

impl Default for CartRules {
    fn default() -> Self {
        Self { qty_max: 20, lines_max: 200, abandoned_after_seconds: 30 * DAY_SECONDS, kept_seconds: 30 * DAY_SECONDS }
    }
}

impl CartRules {
    /// When a cart that changes `now` expires: to the hour, so that of many changes few move it.
    pub fn expires_at(&self, now: Time, ended: Option<CartEnd>) -> Time {
        const HOUR_MS: i64 = 3_600_000;
        let Time(due) = now.plus_seconds(if ended.is_some() { self.kept_seconds } else { self.abandoned_after_seconds });
        Time(due.saturating_sub(1).div_euclid(HOUR_MS).saturating_add(1).saturating_mul(HOUR_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Uuid;

    #[test]
    fn an_owner_is_read_as_he_is_written() {
        for owner in [CartOwner::User("ada".into()), CartOwner::Session("user:ada".into()), CartOwner::User("session:".into())] {
            assert_eq!(CartOwner::parse(&owner.to_string()), Some(owner));
        }
        assert_eq!(CartOwner::parse("ada"), None);
        let mut owners = [CartOwner::User("a".into()), CartOwner::Session("b".into()), CartOwner::User("B".into())];
        owners.sort();
        assert!(owners.map(|owner| owner.to_string()).is_sorted());
    }

    #[test]
    fn a_cart_expires_at_the_next_full_hour_after_its_time() {
        let rules = CartRules { abandoned_after_seconds: 60, kept_seconds: 7200, ..CartRules::default() };
        for (now, expires) in [(0, 3_600_000), (3_540_000, 3_600_000), (3_540_001, 7_200_000)] {
            assert_eq!(rules.expires_at(Time(now), None), Time(expires), "{now}");
        }
        assert_eq!(rules.expires_at(Time(0), Some(CartEnd::Merged)), Time(7_200_000));
    }

    #[test]
    fn only_an_ordered_cart_has_an_order() {
        let order_id = OrderId(Uuid::from_u128(7));
        for end in [CartEnd::Ordered(order_id), CartEnd::Merged, CartEnd::Abandoned] {
            assert!(CartEnd::WORDS.contains(&end.as_str()));
            assert_eq!(CartEnd::parse(end.as_str(), end.order_id()), Some(end));
            let other = end.order_id().is_none().then_some(order_id);
            assert_eq!(CartEnd::parse(end.as_str(), other), None);
        }
    }
}
