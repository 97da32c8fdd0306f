//! What the product can do: one verb, one file. A command says what it must see, then decides.

mod abandon_cart;
mod booking;
mod cancel_order;
mod change_cart;
mod change_catalog;
mod change_order;
mod checkout_hold;
mod collect_payment;
mod confirm_checkout;
mod create_payment;
mod draft;
mod end_checkout;
mod end_hold;
mod expire_order;
mod fulfil_order;
mod hear_event;
mod merge_carts;
mod move_stock;
mod place_cart;
mod place_hold;
mod place_order;
mod place_products;
mod place_tickets;
mod record_payment;
mod record_refund;
mod request_payment;
mod start_checkout;
mod take_payment;
mod take_refund;
mod update_checkout;

use std::sync::Arc;

pub use abandon_cart::{AbandonCart, Abandoned};
pub use cancel_order::CancelOrder;
pub use change_cart::{CartAnswer, CartChange, ChangeCart};
pub use change_catalog::{ChangeOffer, CreateOffer, OfferAnswer, PutSku, SkuAnswer};
pub use change_order::{CHANGEABLE, ChangeOrder};
pub use collect_payment::CollectPayment;
pub use confirm_checkout::{ConfirmAnswer, ConfirmCheckout};
pub use create_payment::{CreatePayment, PaymentAnswer};
pub use draft::Draft;
pub use end_checkout::{EndCheckout, Ended};
pub use end_hold::{ExpireHold, ReleaseHold};
pub use expire_order::{ExpireOrder, Expired};
pub use fulfil_order::{DeliverOrder, PrepareOrder, ShipOrder};
pub use hear_event::{EventAnswer, HearEvent, OrderNews};
pub use merge_carts::MergeCarts;
pub use move_stock::{BalanceAnswer, MoveStock};
pub use place_cart::PlaceCart;
pub use place_hold::{HoldAnswer, HoldItem, PlaceHold};
pub use place_order::{ItemRequest, PlaceOrder};
pub use place_products::{PlaceProducts, ProductRequest};
pub use place_tickets::{PlaceTickets, TicketRequest};
pub use record_payment::{ProviderAnswer, RecordPayment};
pub use record_refund::{RecordRefund, RefundAnswer, RefundWord};
pub use request_payment::RequestPayment;
pub use start_checkout::{CheckoutAnswer, StartCheckout};
pub use take_payment::{TakePayment, Taken};
pub use take_refund::{TakeRefund, TakenRefund};
pub use update_checkout::{CheckoutChange, UpdateCheckout};

use crate::caller::Caller;
use crate::cart::CartRules;
use crate::checkout::CheckoutRules;
use crate::ids::{Mint, Uuid};
use crate::money::Currency;
use crate::order::Order;
use crate::payment::Payment;
use crate::refund::Refund;
use crate::refusal::{OrderRefusal, Refusal};
use crate::tables::{Changes, Gap, Needs, View};
use crate::time::Time;

/// How long the instance that wrote an intent has the provider for itself.
///
/// After it, any instance may ask: the intent's own key makes a second call harmless.
const FIRST_CHECK_SECONDS: i64 = 5;

/// One thing the product can do. Pure: no clock, no randomness, no I/O.
pub trait Command: Send + 'static {
    /// What the caller gets.
    type Answer: Answer;
    /// For spans, metrics and the scope of idempotency keys.
    const NAME: &'static str;

    /// Whose idempotency keys they are. Events are the same event whoever brings them.
    fn key_owner(caller: &Caller) -> &str {
        &caller.id
    }

    /// What must be loaded; asked again with what was loaded, until it adds nothing.
    fn needs(&self, seen: &View, cx: &Context, needs: &mut Needs);

    /// Decides against what was loaded.
    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<Self::Answer>, Stop>;
}

/// What a command answers, and how the same answer is given to the same key again.
pub trait Answer: Clone + Send + Sized + 'static {
    /// What is stored with the key.
    fn remember(&self) -> String;

    /// What must be loaded to give the answer again.
    fn needs(_stored: &str, _seen: &View, _needs: &mut Needs) {}

    /// Gives the answer again: an order as it is now. What has been forgotten since is refused.
    fn recall(stored: &str, seen: &View) -> Result<Self, Stop>;

    /// The order that the answer is about, for the log.
    fn order(&self) -> Option<&Order> {
        None
    }
}

/// What was decided: what to save, and what to answer once it is saved.
#[derive(Debug)]
#[must_use]
pub struct Decision<A> {
    /// To be saved.
    pub changes: Changes,
    /// To be answered.
    pub answer: A,
}

/// Why nothing was decided.
#[derive(Clone, PartialEq, Debug)]
pub enum Stop {
    /// The answer is no.
    Refused(Refusal),
    /// A row is missing that `needs` did not name.
    Gap(Gap),
}

impl<R: Into<Refusal>> From<R> for Stop {
    fn from(refusal: R) -> Self {
        Self::Refused(refusal.into())
    }
}

impl From<Gap> for Stop {
    fn from(gap: Gap) -> Self {
        Self::Gap(gap)
    }
}

/// What a price difference does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PricePolicy {
    /// The order is refused.
    Reject,
    /// The order goes on at the new price.
    Accept,
}

/// What a failed payment does to an order of the canonical door.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailurePolicy {
    /// Another attempt may follow.
    Retry,
    /// The order is canceled.
    Cancel,
}

/// What the operator chose.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Where a request names no currency.
    pub currency: Currency,
    /// How long an order may stay unpaid.
    pub payment_window_seconds: i64,
    /// What a price difference does.
    pub price_policy: PricePolicy,
    /// What a failed payment does.
    pub payment_failure: FailurePolicy,
    /// Who is asked for money.
    pub payment_provider: Arc<str>,
    /// What a cart may hold, and how long it is kept.
    pub cart: CartRules,
    /// How long a checkout session lives.
    pub checkout: CheckoutRules,
    /// Attempts that are made by themselves wait for somebody to complete them, unless their method is one that the stub answers.
    pub mock_payments: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            currency: Currency::USD,
            payment_window_seconds: 1800,
            price_policy: PricePolicy::Reject,
            payment_failure: FailurePolicy::Retry,
            payment_provider: "stub".into(),
            cart: CartRules::default(),
            checkout: CheckoutRules::default(),
            mock_payments: true,
        }
    }
}

/// Who asks, when, and under which names. Fixed when the command is submitted: deciding it again changes nothing.
#[derive(Clone, Debug)]
pub struct Context {
    /// When the command was submitted.
    pub now: Time,
    /// Who asks.
    pub caller: Caller,
    /// The request it came with.
    pub request_id: Arc<str>,
    /// The idempotency key it came with, scoped.
    pub key: Option<crate::key::ScopedKey>,
    /// Names for what the command makes.
    pub mint: Mint,
    /// What the operator chose.
    pub settings: Arc<Settings>,
    /// The versions in which the caller wants the order changed; `None`: any.
    pub only_if: Option<Arc<[i64]>>,
}

impl Context {
    /// The name of the one thing that a command makes.
    pub fn id<T: From<Uuid>>(&self) -> T {
        self.mint.id(0).into()
    }
}

/// An order with its latest payment and its refunds, as of now.
#[derive(Clone, PartialEq, Debug)]
pub struct OrderAnswer {
    /// The order.
    pub order: Arc<Order>,
    /// Its latest attempt to be paid.
    pub payment: Option<Arc<Payment>>,
    /// Its refunds, the oldest first.
    pub refunds: Vec<Arc<Refund>>,
    /// Lines that were placed at another price than expected, where the operator accepts that; not given again on replay.
    pub price_changes: Vec<crate::refusal::PriceChange>,
}

impl OrderAnswer {
    /// The order as it is now.
    pub fn now(order: Arc<Order>, payment: Option<Arc<Payment>>, refunds: Vec<Arc<Refund>>) -> Self {
        Self { order, payment, refunds, price_changes: Vec::new() }
    }

    fn needs_of(order_id: crate::ids::OrderId, seen: &View, needs: &mut Needs) {
        needs.orders.insert(order_id);
        if let Some(order) = seen.orders.peek(&order_id) {
            needs.payments.extend(order.payment_id);
            needs.refunds.extend(&order.refunds);
        }
    }

    /// `order` with what belongs to it.
    fn seen(order: &Arc<Order>, seen: &View) -> Result<Self, Gap> {
        let payment = match order.payment_id {
            Some(payment_id) => seen.payments.get(&payment_id)?.cloned(),
            None => None,
        };
        let mut refunds = Vec::with_capacity(order.refunds.len());
        for refund_id in &order.refunds {
            refunds.extend(seen.refunds.get(refund_id)?.cloned());
        }
        Ok(Self::now(order.clone(), payment, refunds))
    }

    /// An order that the caller may see, in a version that he means; all of it must have been loaded.
    fn visible(order_id: crate::ids::OrderId, seen: &View, cx: &Context) -> Result<Self, Stop> {
        let order = seen.orders.get(&order_id)?.filter(|order| cx.caller.sees(order.user_id.as_ref()));
        let order = order.ok_or(OrderRefusal::NotFound(order_id))?;
        match &cx.only_if {
            Some(versions) if !versions.contains(&order.version) => Err(OrderRefusal::VersionMismatch(order.version).into()),
            _ => Ok(Self::seen(order, seen)?),
        }
    }
}

impl Answer for OrderAnswer {
    fn remember(&self) -> String {
        self.order.order_id.to_string()
    }

    fn needs(stored: &str, seen: &View, needs: &mut Needs) {
        if let Ok(id) = stored.parse::<Uuid>() {
            Self::needs_of(id.into(), seen, needs);
        }
    }

    fn recall(stored: &str, seen: &View) -> Result<Self, Stop> {
        let gap = || Gap { table: "Orders", key: stored.to_owned() };
        let order_id = stored.parse::<Uuid>().map_err(|_| gap())?.into();
        Ok(Self::seen(seen.orders.get(&order_id)?.ok_or_else(gap)?, seen)?)
    }

    fn order(&self) -> Option<&Order> {
        Some(&self.order)
    }
}
