//! A buyer: orders scarce things, pays, cancels, changes his mind, asks twice, looks where he must not.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::caller::Role;
use domain::command::{CancelOrder, PlaceOrder, PlaceTickets, RequestPayment, TicketRequest};
use domain::ids::{HoldId, OrderId, SkuId, Uuid};
use domain::order::{Channel, PaymentMethod, Status};
use domain::refusal::{OrderRefusal, PaymentRefusal};
use domain::stock::StockState;
use domain::{Caller, Refusal};
use futures_util::future::join;
use testkit::builders::{cents, place};

use crate::ask::{Outcome, Request, Want, insist};
use crate::dice::Dice;
use crate::history::{Kind, OrderWish};
use crate::house::{House, is_collectable};
use crate::marks::Mark;
use crate::meddle;
use crate::world::World;

/// How often somebody looks how a payment stands, and how often a cancel is tried.
const LOOKS: u32 = 8;

/// A buyer.
pub struct Shopper {
    pub(crate) world: Arc<World>,
    number: usize,
    caller: Caller,
    pub(crate) dice: Dice,
    asked: u64,
}

/// The name of a SKU.
pub fn sku_name(index: usize) -> String {
    format!("sku-{index}")
}

impl Shopper {
    /// Number `number`, who throws `dice`.
    pub fn new(world: Arc<World>, number: usize, dice: Dice) -> Self {
        let caller = Caller { id: format!("c{number}").into(), role: Role::Customer };
        Self { world, number, caller, dice, asked: 0 }
    }

    /// Does all his errands.
    pub async fn run(mut self) {
        for _ in 0..self.world.plan.errands {
            self.world.timers.sleep(self.dice.between(0, self.world.plan.think_ms)).await;
            if self.world.plan.rush {
                self.buy_in_a_rush().await;
                continue;
            }
            match self.dice.below(20) {
                0..=1 => self.tickets().await,
                2..=4 => self.same_key_two_bodies().await,
                5..=8 => self.check_out().await,
                _ => self.shop().await,
            }
        }
    }

    pub(crate) fn tag(&mut self) -> String {
        self.asked += 1;
        format!("c{}.{}", self.number, self.asked)
    }

    /// A key; every buyer counts his own, so that two of them use the same.
    fn key(&mut self) -> Option<Arc<str>> {
        (self.world.plan.rush || self.dice.below(10) > 0).then(|| format!("k-{}", self.asked).into())
    }

    /// An order of a few lines.
    fn cart(&mut self) -> (PlaceOrder, OrderWish) {
        let name = self.tag();
        let lines = if self.world.plan.rush { 1 } else { self.dice.count(1, 3) };
        let mut building = place();
        let mut units = BTreeMap::<SkuId, i64>::new();
        let mut believed = vec![None; lines];
        for believed in &mut believed {
            let sku = sku_name(self.dice.index(self.world.plan.skus.len()));
            let qty = if self.world.plan.rush { 1 } else { self.dice.between(1, 3) };
            *units.entry(sku.as_str().into()).or_default() += qty;
            building = building.line(&sku, qty);
            if self.dice.below(3) == 0 {
                let price = self.believed_price(&sku.as_str().into());
                building = building.expecting(price);
                *believed = Some(price);
            }
        }
        let mut command = building.0;
        command.external_id = Some(name.as_str().into());
        command.channel = self.dice.pick(&[Channel::Canonical, Channel::Canonical, Channel::Checkout, Channel::Storefront]);
        command.payment_method = if self.world.plan.rush { None } else { self.method() };
        if command.payment_method.as_ref().is_some_and(PaymentMethod::is_cod) {
            self.world.mark(Mark::Cod);
        }
        if units.len() < lines {
            self.world.mark(Mark::SameSkuTwice);
        }
        (command, OrderWish { units, held: BTreeMap::new(), believed, owner: Some(self.caller.id.clone()), name })
    }

    pub(crate) fn method(&mut self) -> Option<PaymentMethod> {
        let word = self.dice.pick(&["", "", "card_stub", "card_stub", "card_stub_decline", "card_stub_timeout", "cod"]);
        (!word.is_empty()).then(|| word.into())
    }

    /// The price as it is, or was.
    fn believed_price(&mut self, sku_id: &SkuId) -> i64 {
        let known = self.world.history().prices.get(sku_id).cloned().unwrap_or_default();
        let back = usize::from(self.dice.below(3) == 0);
        let index = known.len().saturating_sub(1 + back);
        known.get(index).map_or(0, |span| span.price)
    }

    fn request(&mut self, command: PlaceOrder, wish: OrderWish, key: Option<Arc<str>>) -> Request<PlaceOrder> {
        let body = self.dice.throw();
        let tag = wish.name.clone();
        Want { caller: self.caller.clone(), key, body, command, tag, kind: Kind::Order(wish) }.written(&self.world)
    }

    async fn place(&mut self, request: &Request<PlaceOrder>) -> Option<OrderId> {
        let world = self.world.clone();
        match insist(&world, request, &mut self.dice).await {
            Outcome::Done(done) => {
                if !done.answer.price_changes.is_empty() {
                    world.mark(Mark::PriceAccepted);
                }
                Some(done.answer.order.order_id)
            }
            Outcome::Refused(refusal) => {
                note_refusal(&world, &refusal);
                None
            }
            Outcome::GaveUp => None,
        }
    }

    /// Orders one unit and pays until it is paid.
    async fn buy_in_a_rush(&mut self) {
        let (command, wish) = self.cart();
        let key = self.key();
        let request = self.request(command, wish, key);
        if let Some(order_id) = self.place(&request).await {
            self.pay(order_id, Some("card_stub".into())).await;
        }
    }

    async fn shop(&mut self) {
        let (command, wish) = self.cart();
        let key = self.key();
        let request = self.request(command, wish, key);
        let Some(order_id) = self.place(&request).await else { return };
        self.meddle(order_id).await;
        match self.dice.below(24) {
            0..=3 => self.pay_until_paid(order_id).await,
            10..=11 => self.pay_twice_at_once(order_id).await,
            4..=5 => self.cancel(order_id).await,
            6..=7 | 12..=13 => self.pay_and_cancel_at_once(order_id).await,
            8 if request.key.is_some() => {
                // An old key, long after: the same order, as it is now.
                self.world.timers.sleep(self.dice.between(0, 20_000)).await;
                self.place(&request).await;
            }
            14..=16 => self.pay_from_several_sides(order_id).await,
            17..=19 => self.have_it_told(order_id).await,
            20..=21 => self.pay_and_regret(order_id).await,
            _ => {}
        }
        if self.dice.below(2) == 0 {
            self.follow(order_id).await;
        }
    }

    async fn meddle(&mut self, order_id: OrderId) {
        match self.dice.below(6) {
            0 => meddle::look(&self.world, &self.caller, order_id).await,
            1 => meddle::cancel(&self.world, order_id, &mut self.dice).await,
            2 => meddle::expire(&self.world, order_id).await,
            _ => {}
        }
    }

    fn house(&mut self) -> House {
        let name = self.tag();
        House::new(self.world.clone(), name, Dice::new(self.dice.throw(), 14))
    }

    /// Two attempts side by side, and sometimes a cancel between them.
    async fn pay_from_several_sides(&mut self, order_id: OrderId) {
        let Some(total) = self.total(order_id) else { return };
        let (mut house, caller) = (self.house(), self.caller.clone());
        if self.dice.below(4) == 0 {
            join(house.attempt_side_by_side(order_id, total, &caller), self.cancel(order_id)).await;
        } else {
            house.attempt_side_by_side(order_id, total, &caller).await;
        }
        self.wait(order_id).await;
    }

    /// Another service takes the money and tells of it, while the buyer cancels or pays here too.
    async fn have_it_told(&mut self, order_id: OrderId) {
        let Some(total) = self.total(order_id) else { return };
        let mut house = self.house();
        match self.dice.below(4) {
            0 => {
                join(house.tell_of_money(order_id, total), self.cancel(order_id)).await;
            }
            1 => {
                join(house.tell_of_money(order_id, total), self.pay(order_id, Some("card_stub".into()))).await;
            }
            _ => house.tell_of_money(order_id, total).await,
        }
    }

    /// Cancels what is paid: at the storefront the money goes back, elsewhere it is too late.
    async fn pay_and_regret(&mut self, order_id: OrderId) {
        self.pay_until_paid(order_id).await;
        if self.dice.below(2) == 0 {
            let mut house = self.house();
            join(house.fulfil(order_id), self.cancel(order_id)).await;
        } else {
            self.cancel(order_id).await;
        }
    }

    /// What the house does with the order, however it stands.
    async fn follow(&mut self, order_id: OrderId) {
        let mut house = self.house();
        if self.dice.below(3) > 0 {
            house.fulfil(order_id).await;
        }
        let payment = house.look(order_id).await.and_then(|answer| answer.payment);
        if let Some(payment) = payment.filter(|payment| is_collectable(payment) && payment.method.is_cod()) {
            house.collect(payment.payment_id).await;
        }
        house.pay_back(order_id).await;
    }

    /// What the order costs, as it was answered.
    fn total(&self, order_id: OrderId) -> Option<i64> {
        self.world.history().orders.get(&order_id).map(|sighting| sighting.total)
    }

    /// The same key for two different orders, at once or one after the other: at most one of them is placed.
    async fn same_key_two_bodies(&mut self) {
        let ((one, first), (other, second)) = (self.cart(), self.cart());
        let key = Some(Arc::from(format!("k-{}", self.asked)));
        let one = self.request(one, first, key.clone());
        let other = self.request(other, second, key);
        let world = self.world.clone();
        let mut dice = Dice::new(self.dice.throw(), 3);
        if self.dice.below(2) == 0 {
            let (one, other) = join(insist(&world, &one, &mut self.dice), insist(&world, &other, &mut dice)).await;
            for outcome in [one, other] {
                if let Outcome::Refused(refusal) = outcome {
                    note_refusal(&world, &refusal);
                }
            }
        } else {
            self.place(&one).await;
            self.place(&other).await;
        }
    }

    async fn tickets(&mut self) {
        // Of a foreign inventory, or held here.
        let own = if self.dice.below(2) == 0 { self.hold().await } else { None };
        let name = self.tag();
        let foreign = (u128::try_from(self.number).unwrap_or(0) << 64) | u128::from(self.asked);
        let lines = if own.is_some() { 1 } else { self.dice.count(1, 2) };
        let (hold_id, held) = own.unwrap_or_else(|| (HoldId(Uuid::from_u128(foreign)), BTreeMap::new()));
        let qty = held.values().sum::<i64>().max(1);
        let item = |index: usize| TicketRequest {
            session_id: Uuid::from_u128(0x5e55),
            ticket_type_id: Uuid::from_u128(u128::try_from(index).unwrap_or(0)),
            qty,
            unit_price: cents(2500),
        };
        let command = PlaceTickets {
            customer_email: format!("{}@example.org", self.caller.id).into(),
            hold_id,
            items: (0..lines).map(item).collect(),
            payment_method: None,
        };
        let wish = OrderWish { units: BTreeMap::new(), held, believed: vec![None; lines], owner: None, name: command.hold_id.to_string() };
        // Tickets are sold by another service of the house.
        let caller = Caller { id: "gateway".into(), role: Role::Service };
        let (key, body) = (Some(format!("k-{name}").into()), self.dice.throw());
        let request = Want { caller: caller.clone(), key, body, command, tag: name, kind: Kind::Order(wish) }.written(&self.world);
        let world = self.world.clone();
        let Some(answer) = insist(&world, &request, &mut self.dice).await.answer() else { return };
        world.mark(if answer.order.stock == StockState::Foreign { Mark::Tickets } else { Mark::HeldTickets });
        let customer = std::mem::replace(&mut self.caller, caller);
        match self.dice.below(3) {
            0 => self.pay_until_paid(answer.order.order_id).await,
            1 => self.pay_and_cancel_at_once(answer.order.order_id).await,
            _ => {}
        }
        self.caller = customer;
    }

    /// Asks to be charged, and waits a little; the order as it then stands.
    async fn pay(&mut self, order_id: OrderId, method: Option<PaymentMethod>) -> Option<Status> {
        let request = self.pay_request(order_id, method);
        let world = self.world.clone();
        insist(&world, &request, &mut self.dice).await.answer()?;
        self.wait(order_id).await
    }

    fn pay_request(&mut self, order_id: OrderId, method: Option<PaymentMethod>) -> Request<RequestPayment> {
        let tag = self.tag();
        let (key, body) = (Some(format!("k-{}", self.asked).into()), self.dice.throw());
        let command = RequestPayment { order_id, method };
        Want { caller: self.caller.clone(), key, body, command, tag, kind: Kind::Other }.written(&self.world)
    }

    async fn pay_until_paid(&mut self, order_id: OrderId) {
        let mut method = self.method();
        for attempt in 0..3 {
            match self.pay(order_id, method.take()).await {
                Some(Status::Paid) => {
                    if attempt > 0 {
                        self.world.mark(Mark::SecondAttempt);
                    }
                    return;
                }
                Some(Status::Created | Status::PaymentPending) => method = Some("card_stub".into()),
                _ => return,
            }
        }
    }

    /// Two questions with two keys: one attempt.
    async fn pay_twice_at_once(&mut self, order_id: OrderId) {
        let method = self.method();
        let one = self.pay_request(order_id, method.clone());
        let other = self.pay_request(order_id, method);
        let world = self.world.clone();
        let mut dice = Dice::new(self.dice.throw(), 10);
        join(insist(&world, &one, &mut self.dice), insist(&world, &other, &mut dice)).await;
        self.wait(order_id).await;
    }

    /// Waits until the provider has spoken, but not for ever; the status then.
    async fn wait(&mut self, order_id: OrderId) -> Option<Status> {
        for _ in 0..LOOKS {
            let found = match self.world.instance(self.number) {
                Some(instance) => instance.unless_dead(instance.engine.queries().order(&self.caller, order_id)).await,
                None => None,
            };
            if let Some(Ok(found)) = found {
                let Some(answer) = found else {
                    self.world.violation(format!("{}'s own order {order_id} is not found", self.caller.id));
                    return None;
                };
                if let Some(contradiction) = self.world.history().saw(&answer) {
                    self.world.violation(contradiction);
                }
                if !answer.payment.as_ref().is_some_and(|payment| payment.awaits_provider()) {
                    return Some(answer.order.status);
                }
            }
            self.world.timers.sleep(self.dice.between(50, 1500)).await;
        }
        None
    }

    fn cancel_request(&mut self, order_id: OrderId) -> Request<CancelOrder> {
        let tag = self.tag();
        let support = Caller { id: "support".into(), role: Role::Support };
        let caller = if self.dice.below(4) == 0 { support } else { self.caller.clone() };
        let key = (self.dice.below(2) == 0).then(|| format!("k-{tag}").into());
        let command = CancelOrder { order_id, reason: None, notes: None };
        Want { caller, key, body: self.dice.throw(), command, tag, kind: Kind::Other }.written(&self.world)
    }

    async fn cancel(&mut self, order_id: OrderId) {
        let request = self.cancel_request(order_id);
        cancel_patiently(&self.world.clone(), &request, &mut self.dice).await;
    }

    async fn pay_and_cancel_at_once(&mut self, order_id: OrderId) {
        let cancel = self.cancel_request(order_id);
        let world = self.world.clone();
        let mut dice = Dice::new(self.dice.throw(), 4);
        let method = self.method();
        join(self.pay(order_id, method), cancel_patiently(&world, &cancel, &mut dice)).await;
    }
}
/// Cancels; while a payment is under way, waits for its outcome.
async fn cancel_patiently(world: &Arc<World>, request: &Request<CancelOrder>, dice: &mut Dice) {
    let mut waited = false;
    for _ in 0..LOOKS {
        match insist(world, request, dice).await {
            Outcome::Done(done) => {
                if done.answer.order.status != Status::Canceled {
                    world.violation(format!("{} was answered, but the order is {:?}", request.tag, done.answer.order.status));
                }
                world.mark(if done.answer.refunds.is_empty() { Mark::Canceled } else { Mark::CanceledAfterPayment });
                return;
            }
            Outcome::Refused(Refusal::Payment(PaymentRefusal::InProgress(_))) => {
                if !std::mem::replace(&mut waited, true) {
                    world.mark(Mark::CancelWaited);
                }
                world.timers.sleep(dice.between(100, 2000)).await;
            }
            Outcome::Refused(Refusal::Order(OrderRefusal::InvalidTransition { from: Status::Paid, .. })) => {
                world.mark(Mark::CancelTooLate);
                return;
            }
            Outcome::Refused(_) | Outcome::GaveUp => return,
        }
    }
}

pub(crate) fn note_refusal(world: &World, refusal: &Refusal) {
    match refusal {
        Refusal::KeyReused => world.mark(Mark::KeyReused),
        Refusal::Order(OrderRefusal::PriceChanged(_)) => world.mark(Mark::PriceChanged),
        Refusal::Order(OrderRefusal::OutOfStock(short)) => {
            world.mark(Mark::OutOfStock);
            if short.is_empty() || short.iter().any(|shortage| shortage.available >= shortage.requested) {
                world.violation(format!("refused as out of stock, but there was enough: {short:?}"));
            }
        }
        _ => {}
    }
}
