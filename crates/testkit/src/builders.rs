//! Commands and contexts that say only what a test cares about.

use std::sync::Arc;

use domain::Caller;
use domain::caller::Role;
use domain::catalog::{OfferStatus, SkuStatus};
use domain::command::{Command, Context, CreateOffer, ItemRequest, MoveStock, PlaceOrder, PlaceTickets, PutSku, Settings, TicketRequest};
use domain::ids::{HoldId, SkuId, Uuid};
use domain::key::ScopedKey;
use domain::money::{Currency, Decimal};
use domain::order::{AddressRef, Channel};
use domain::payment::{Payment, Status};
use domain::stock::{Operation, StockRef};
use engine::port::Clock;

/// A customer.
pub fn customer(id: &str) -> Caller {
    Caller { id: id.into(), role: Role::Customer }
}

/// What an administrator asks now.
pub fn context(clock: &dyn Clock) -> Context {
    context_of(clock, &Caller::local_admin())
}

/// What `caller` asks now.
pub fn context_of(clock: &dyn Clock, caller: &Caller) -> Context {
    let mint = clock.mint();
    Context {
        now: clock.now(),
        caller: caller.clone(),
        request_id: format!("req-{:016x}", mint.seed).into(),
        key: None,
        mint,
        settings: Arc::new(Settings::default()),
        only_if: None,
    }
}

/// The same, with an idempotency key for the command `C`.
#[must_use]
pub fn keyed<C: Command>(cx: Context, key: &str) -> Context {
    let key = Some(ScopedKey::new(&cx.caller.id, C::NAME, key));
    Context { key, ..cx }
}

/// Cents as a caller writes dollars.
pub fn cents(mantissa: i64) -> Decimal {
    Decimal { mantissa, scale: 2 }
}

/// A SKU that may be ordered.
pub fn sku(id: &str) -> PutSku {
    PutSku {
        sku_id: id.into(),
        product_id: format!("product of {id}").into(),
        name: format!("The {id}").into(),
        status: SkuStatus::Active,
        tax_class: "standard".into(),
        title: None,
        author: None,
    }
}

/// An offer that counts from now on, in cents.
pub fn offer(sku_id: &str, price: i64) -> CreateOffer {
    CreateOffer {
        sku_id: sku_id.into(),
        price: cents(price),
        currency: Currency::USD,
        priority: 0,
        valid_from: None,
        valid_to: None,
        status: OfferStatus::Active,
    }
}

/// A movement by hand. All movements have one reference, so that what is reserved can be released.
pub fn movement(sku_id: &str, operation: Operation, qty: i64) -> MoveStock {
    MoveStock { sku_id: sku_id.into(), operation, qty, reference: StockRef { kind: "delivery".into(), id: "PO-77".into() } }
}

/// Units put in.
pub fn restock(sku_id: &str, qty: i64) -> MoveStock {
    movement(sku_id, Operation::Restock, qty)
}

/// An order of nothing, at the canonical door.
pub fn place() -> Place {
    Place(PlaceOrder {
        channel: Channel::Canonical,
        user_id: None,
        customer_email: None,
        cart_id: None,
        external_id: None,
        currency: None,
        items: Vec::new(),
        shipping_address: AddressRef::default(),
        billing_address: AddressRef::default(),
        payment_method: None,
        notes: None,
        metadata: "{}".into(),
    })
}

/// An order in the making.
#[derive(Clone, Debug)]
pub struct Place(pub PlaceOrder);

impl Place {
    /// One line more.
    #[must_use]
    pub fn line(mut self, sku_id: &str, qty: i64) -> Self {
        self.0.items.push(ItemRequest { sku_id: SkuId::from(sku_id), qty, expected_unit_price: None, offer_id: None });
        self
    }

    /// What the caller believes that one of the last line costs, in cents.
    #[must_use]
    pub fn expecting(mut self, price: i64) -> Self {
        if let Some(item) = self.0.items.last_mut() {
            item.expected_unit_price = Some(cents(price));
        }
        self
    }

    /// For whom.
    #[must_use]
    pub fn by(mut self, user_id: &str) -> Self {
        self.0.user_id = Some(user_id.into());
        self
    }

    /// Through which door.
    #[must_use]
    pub fn through(mut self, channel: Channel) -> Self {
        self.0.channel = channel;
        self
    }

    /// How it is paid.
    #[must_use]
    pub fn paying(mut self, method: &str) -> Self {
        self.0.payment_method = Some(method.into());
        self
    }
}

/// An order for one kind of ticket, in cents.
pub fn tickets(hold: u128, qty: i64, unit_price: i64) -> PlaceTickets {
    PlaceTickets {
        customer_email: "ada@example.org".into(),
        hold_id: HoldId(Uuid::from_u128(hold)),
        items: vec![TicketRequest {
            session_id: Uuid::from_u128(0x5e55),
            ticket_type_id: Uuid::from_u128(0x71c3),
            qty,
            unit_price: cents(unit_price),
        }],
        payment_method: None,
    }
}

/// A payment that was written down and of which nothing else is known, in cents.
pub fn payment(clock: &dyn Clock, method: &str, amount: i64) -> Payment {
    let (mint, now) = (clock.mint(), clock.now());
    Payment {
        payment_id: mint.id(0).into(),
        order_id: mint.id(1).into(),
        provider: "stub".into(),
        provider_ref: None,
        status: Status::Initiated,
        amount,
        captured: 0,
        refunded: 0,
        is_surplus: false,
        currency: Currency::USD,
        method: method.into(),
        failure_reason: None,
        silences: 0,
        next_check_at: Some(now.plus_seconds(5)),
        version: 1,
        created_at: now,
        updated_at: now,
    }
}
