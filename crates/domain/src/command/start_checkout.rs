//! Begins a checkout session, or goes on with one. Nothing is ordered; its goods are held only where the operator wants that.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Answer, Command, Context, Decision, Stop, checkout_hold};
use crate::cart::CartOwner;
use crate::checkout::{Checkout, GuestToken, Preview, Status};
use crate::ids::{CartId, SessionId, UserId};
use crate::order::AddressRef;
use crate::refusal::{CartRefusal, CheckoutRefusal};
use crate::tables::{Changes, Needs, View, Write};

/// Begins a session for a cart: a named one, else the customer's, else the session's own.
///
/// A session that goes on keeps what it knows; one that has ended is followed by a new one under the same name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StartCheckout {
    /// Its name.
    pub session_id: SessionId,
    /// Who buys; `None`: a guest.
    pub customer_id: Option<UserId>,
    /// Which cart, and whose that is; nobody's: it is not there.
    pub cart: Option<(CartId, Option<CartOwner>)>,
    /// What the guest will prove himself with.
    pub guest_token: Option<GuestToken>,
}

/// A session as it is now, with what would become of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckoutAnswer {
    /// The session.
    pub checkout: Arc<Checkout>,
    /// What would become of it.
    pub preview: Preview,
}

impl CheckoutAnswer {
    pub(super) fn needs_of(session_id: &SessionId, seen: &View, needs: &mut Needs) {
        needs.checkouts.insert(session_id.clone());
        if let Some(checkout) = seen.checkouts.peek(session_id) {
            Preview::needs(checkout, seen, needs);
        }
    }
}

impl Answer for CheckoutAnswer {
    fn remember(&self) -> String {
        self.checkout.session_id.to_string()
    }

    fn needs(stored: &str, seen: &View, needs: &mut Needs) {
        Self::needs_of(&stored.into(), seen, needs);
    }

    fn recall(stored: &str, seen: &View) -> Result<Self, Stop> {
        // Some time after its end a session is forgotten.
        let checkout = seen.checkouts.get(&stored.into())?.ok_or(CheckoutRefusal::NotFound)?;
        Ok(Self { checkout: checkout.clone(), preview: Preview::of(checkout, seen, checkout.updated_at)? })
    }
}

impl Command for StartCheckout {
    type Answer = CheckoutAnswer;
    const NAME: &'static str = "start_checkout";

    fn needs(&self, seen: &View, cx: &Context, needs: &mut Needs) {
        CheckoutAnswer::needs_of(&self.session_id, seen, needs);
        for owner in self.owners() {
            if let Some(cart) = seen.carts.peek(&owner) {
                needs.skus.extend(cart.lines.iter().map(|line| line.sku_id.clone()));
            }
            needs.carts.insert(owner);
        }
        if let Some(known) = seen.checkouts.peek(&self.session_id) {
            checkout_hold::needs(known, seen, cx, needs);
        }
        if cx.settings.checkout.reserve_seconds.is_some() {
            for cart in self.owners().iter().filter_map(|owner| seen.carts.peek(owner)) {
                needs.stock.extend(cart.lines.iter().map(|line| line.sku_id.clone()));
            }
        }
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<CheckoutAnswer>, Stop> {
        let known = seen.checkouts.get(&self.session_id)?;
        if known.is_some_and(|known| known.status_at(cx.now) == Status::Active && !known.belongs_to(&cx.caller, None)) {
            return Err(CheckoutRefusal::NotFound.into());
        }
        in_version(known, cx)?;
        let customer_id = self.customer(cx)?;
        let owner = self.owner(seen, cx)?;
        let checkout = match known.filter(|known| known.status_at(cx.now) == Status::Active) {
            Some(known) => Checkout { customer_id: customer_id.or_else(|| known.customer_id.clone()), owner, ..(**known).clone() },
            None => Checkout {
                session_id: self.session_id.clone(),
                status: Status::Active,
                customer_id,
                customer_email: None,
                owner,
                shipping_address: AddressRef::default(),
                billing_address: AddressRef::default(),
                shipping_method: None,
                payment_method: None,
                promotion_codes: Vec::new(),
                notes: None,
                guest_token: None,
                // What the session before it still holds goes over to this one.
                hold_id: known.and_then(|known| known.hold_id),
                order_id: None,
                expires_at: cx.now,
                version: known.map_or(0, |known| known.version),
                created_at: cx.now,
                updated_at: cx.now,
            },
        };
        let guest_token = self.guest_token.filter(|_| checkout.customer_id.is_none());
        let mut checkout = Checkout { guest_token, ..checkout }.changed(Status::Active, &cx.settings.checkout, cx.now);
        let changes = checkout_hold::begin(&mut checkout, seen, cx)?;
        decided(checkout, changes, seen, cx)
    }
}

impl StartCheckout {
    /// Whose carts may be meant.
    fn owners(&self) -> Vec<CartOwner> {
        match &self.cart {
            Some((_, owner)) => owner.iter().cloned().collect(),
            None => {
                self.customer_id.clone().map(CartOwner::User).into_iter().chain([CartOwner::Session(self.session_id.clone())]).collect()
            }
        }
    }

    /// Who buys: a customer for himself.
    fn customer(&self, cx: &Context) -> Result<Option<UserId>, CheckoutRefusal> {
        match (cx.caller.only_own(), &self.customer_id) {
            (Some(own), Some(named)) if named.as_str() != own => Err(CheckoutRefusal::ForeignOwner),
            (_, named) => Ok(named.clone()),
        }
    }

    /// Whose cart it is to be.
    fn owner(&self, seen: &View, cx: &Context) -> Result<CartOwner, Stop> {
        let owners = self.owners();
        if let Some((cart_id, _)) = &self.cart {
            let not_found = CartRefusal::NotFound(*cart_id);
            let owner = owners.into_iter().next().ok_or_else(|| not_found.clone())?;
            let is_theirs = cx.caller.only_own().is_none_or(|own| owner.user_id().is_none_or(|user_id| user_id.as_str() == own));
            let cart = seen.carts.get(&owner)?.filter(|cart| is_theirs && cart.cart_id == *cart_id).ok_or(not_found)?;
            return match cart.ended {
                Some(end) => Err(CartRefusal::Closed { cart_id: *cart_id, order_id: end.order_id() }.into()),
                None => Ok(owner),
            };
        }
        for owner in &owners {
            if seen.carts.get(owner)?.is_some_and(|cart| cart.is_active() && !cart.lines.is_empty()) {
                return Ok(owner.clone());
            }
        }
        Ok(owners.into_iter().next().unwrap_or_else(|| CartOwner::Session(self.session_id.clone())))
    }
}

/// The session, if the caller may touch it and means it as it is.
pub(super) fn visible<'v>(
    session_id: &SessionId,
    token: Option<GuestToken>,
    seen: &'v View,
    cx: &Context,
) -> Result<&'v Arc<Checkout>, Stop> {
    let known = seen.checkouts.get(session_id)?.filter(|known| known.belongs_to(&cx.caller, token));
    let known = known.ok_or(CheckoutRefusal::NotFound)?;
    in_version(Some(known), cx)?;
    Ok(known)
}

fn in_version(known: Option<&Arc<Checkout>>, cx: &Context) -> Result<(), CheckoutRefusal> {
    let version = known.map_or(0, |known| known.version);
    match &cx.only_if {
        Some(versions) if !versions.contains(&version) => Err(CheckoutRefusal::VersionMismatch(version)),
        _ => Ok(()),
    }
}

/// The session that is written beside `changes`, with its preview.
pub(super) fn decided(checkout: Checkout, mut changes: Changes, seen: &View, cx: &Context) -> Result<Decision<CheckoutAnswer>, Stop> {
    let checkout = Arc::new(checkout);
    let preview = match checkout.hold_id.and_then(|hold_id| changes.holds.get(&hold_id)) {
        Some(written) => Preview::with(Some(&written.row), &checkout, seen, cx.now)?,
        None => Preview::of(&checkout, seen, cx.now)?,
    };
    changes.checkouts = written(&checkout);
    Ok(Decision { changes, answer: CheckoutAnswer { checkout, preview } })
}

/// A session in its next version.
pub(super) fn written(checkout: &Arc<Checkout>) -> BTreeMap<SessionId, Write<Arc<Checkout>>> {
    let expected = checkout.version.saturating_sub(1);
    BTreeMap::from([(checkout.session_id.clone(), Write { expected, row: checkout.clone() })])
}
