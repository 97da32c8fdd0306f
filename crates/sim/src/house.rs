//! What follows a purchase: attempts side by side, money that others tell of, packing and shipping, money given back by hand.

use std::sync::Arc;

use domain::Caller;
use domain::Refusal;
use domain::caller::Role;
use domain::command::{
    CollectPayment, Command, CreatePayment, DeliverOrder, EventAnswer, HearEvent, OrderAnswer, OrderNews, PaymentAnswer, PrepareOrder,
    ShipOrder,
};
use domain::ids::{OrderId, PaymentId};
use domain::order::Status;
use domain::payment::Payment;
use domain::refund::{Refund, Status as RefundStatus};
use domain::refusal::PaymentRefusal;
use futures_util::future::join;
use testkit::builders::cents;

use crate::ask::{Observed, Outcome, Request, Want, insist};
use crate::dice::Dice;
use crate::history::{EventWish, Kind, Tells};
use crate::marks::Mark;
use crate::world::World;

/// Who tells of events: two services that do not know of each other.
const TELLERS: [&str; 2] = ["psp", "bus"];

/// One who does what follows a purchase.
pub struct House {
    world: Arc<World>,
    name: String,
    dice: Dice,
    asked: u64,
}

/// What is told once, by whoever tells it.
struct Told {
    event_id: String,
    body: u64,
    command: HearEvent,
    kind: Kind,
}

impl House {
    /// For one order, which `name` names.
    pub fn new(world: Arc<World>, name: String, dice: Dice) -> Self {
        Self { world, name, dice, asked: 0 }
    }

    fn tag(&mut self, what: &str) -> String {
        self.asked += 1;
        format!("{}.{what}.{}", self.name, self.asked)
    }

    /// Asks as one of the house, half of the time with a key.
    async fn ask<C>(&mut self, what: &str, command: C) -> Outcome<C::Answer>
    where
        C: Command + Clone + Sync,
        C::Answer: Observed + Sync,
    {
        let tag = self.tag(what);
        let key = (self.dice.below(2) == 0).then(|| format!("k-{tag}").into());
        let caller = Caller { id: "house".into(), role: Role::Admin };
        let request = Want { caller, key, body: self.dice.throw(), command, tag, kind: Kind::Other }.written(&self.world);
        insist(&self.world.clone(), &request, &mut self.dice).await
    }

    /// The order as it is now; `None`: the store is away.
    pub async fn look(&self, order_id: OrderId) -> Option<OrderAnswer> {
        let instance = self.world.instance(0)?;
        let found = instance.unless_dead(instance.engine.queries().order(&Caller::local_admin(), order_id)).await?;
        let answer = found.ok().flatten()?;
        if let Some(contradiction) = self.world.history().saw(&answer) {
            self.world.violation(contradiction);
        }
        Some(answer)
    }

    /// Begins two attempts at once: whichever brings money first pays, the other's goes back.
    pub async fn attempt_side_by_side(&mut self, order_id: OrderId, total: i64, caller: &Caller) {
        self.world.history().sides.insert(order_id);
        let stated = if self.dice.below(6) == 0 { total + 1 } else { total };
        let method =
            |dice: &mut Dice| dice.pick(&["card_stub", "card_stub", "card_stub", "card_stub_decline", "card_stub_timeout", "mock"]);
        let (first, second) = (method(&mut self.dice), method(&mut self.dice));
        let one = self.attempt(order_id, stated, first, caller);
        let other = self.attempt(order_id, total, second, caller);
        let world = self.world.clone();
        let mut dice = Dice::new(self.dice.throw(), 11);
        let (one, other) = join(insist(&world, &one, &mut self.dice), insist(&world, &other, &mut dice)).await;
        if stated != total && matches!(one, Outcome::Refused(Refusal::Payment(PaymentRefusal::AmountMismatch { .. }))) {
            world.mark(Mark::WrongAmount);
        }
        let (one, other) = (one.answer(), other.answer());
        if stated != total && one.is_some() {
            world.violation(format!("an attempt for {stated} of {total} was begun for order {order_id}"));
        }
        if [&one, &other].iter().all(|answer| answer.as_ref().is_some_and(|answer| answer.0.next_check_at.is_some())) {
            world.mark(Mark::SideBySide);
        }
        for PaymentAnswer(payment) in [one, other].into_iter().flatten() {
            if payment.method.as_str() == "mock" && self.dice.below(2) == 0 {
                self.collect(payment.payment_id).await;
            }
        }
    }

    fn attempt(&mut self, order_id: OrderId, stated: i64, method: &str, caller: &Caller) -> Request<CreatePayment> {
        let tag = self.tag("attempt");
        let command = CreatePayment { order_id, amount: cents(stated), currency: None, method: Some(method.into()) };
        let key = Some(format!("k-{tag}").into());
        Want { caller: caller.clone(), key, body: self.dice.throw(), command, tag, kind: Kind::Other }.written(&self.world)
    }

    /// Records that the money of an attempt was received by hand.
    pub async fn collect(&mut self, payment_id: PaymentId) {
        self.world.history().collected.insert(payment_id);
        if let Outcome::Done(_) = self.ask("collect", CollectPayment { payment_id }).await {
            self.world.mark(Mark::Collected);
        }
    }

    /// Others tell of the order's money: what is due or not, once or under several names.
    pub async fn tell_of_money(&mut self, order_id: OrderId, total: i64) {
        self.world.history().sides.insert(order_id);
        for _ in 0..self.dice.count(1, 2) {
            if self.dice.below(5) == 0 {
                self.tell_of_no_money(order_id).await;
                continue;
            }
            let is_due = self.dice.below(5) > 0;
            let reference: Option<Arc<str>> = match self.dice.below(4) {
                0 => None,
                1 => Some(format!("{order_id}/other").into()),
                _ => Some(format!("{order_id}/money").into()),
            };
            let amount = cents(if is_due { total } else { total + 1 });
            let news = OrderNews::PaymentConfirmed { amount, currency: None, reference: reference.clone() };
            match self.tell("money", order_id, news, Tells::Money { is_due, reference }).await {
                Some(EventAnswer::Applied) => {
                    self.world.mark(Mark::EventApplied);
                    if self.look(order_id).await.is_some_and(|answer| answer.order.status == Status::Canceled) {
                        self.world.mark(Mark::EventTooLate);
                    }
                }
                Some(EventAnswer::AmountMismatch) => self.world.mark(Mark::EventMismatch),
                Some(EventAnswer::Nothing) => self.world.mark(Mark::EventKnown),
                None => {}
            }
            self.world.timers.sleep(self.dice.between(0, self.world.plan.think_ms)).await;
        }
    }

    async fn tell_of_no_money(&mut self, order_id: OrderId) {
        let news = OrderNews::PaymentFailed { reason: "no_funds".into() };
        if self.tell("no-money", order_id, news, Tells::NoMoney).await == Some(EventAnswer::Applied) {
            self.world.mark(Mark::EventFailed);
        }
    }

    /// One event under a name of its own.
    async fn tell(&mut self, what: &str, order_id: OrderId, news: OrderNews, tells: Tells) -> Option<EventAnswer> {
        let event_id = self.tag(what);
        let kind = Kind::Event(EventWish { order_id, tells });
        let told = Told { event_id, body: self.dice.throw(), command: HearEvent { order_id, news }, kind };
        tell_twice(&self.world.clone(), told, &mut self.dice).await
    }

    /// Packs, ships and delivers, by hand or as a carrier tells it; each sometimes twice at once.
    pub async fn fulfil(&mut self, order_id: OrderId) {
        if self.dice.below(3) > 0 {
            let prepare = PrepareOrder { order_id, notes: None };
            if self.dice.below(3) == 0 {
                let mut other = Self::new(self.world.clone(), format!("{}+", self.name), Dice::new(self.dice.throw(), 12));
                join(self.ask("prepare", prepare.clone()), other.ask("prepare", prepare)).await;
            } else {
                self.ask("prepare", prepare).await;
            }
        }
        self.world.timers.sleep(self.dice.between(0, self.world.plan.think_ms)).await;
        if self.dice.below(6) == 0 {
            return;
        }
        let number: Arc<str> = format!("track-{order_id}").into();
        if self.dice.below(2) == 0 {
            let news = OrderNews::Shipped { carrier_code: Some("dhl".into()), tracking_number: Some(number) };
            if self.tell("shipped", order_id, news, Tells::Other).await == Some(EventAnswer::Applied) {
                self.world.mark(Mark::ShippedByEvent);
            }
        } else {
            self.ask("ship", ShipOrder { order_id, carrier_code: None, tracking_number: Some(number), notes: None }).await;
        }
        if self.dice.below(3) == 0 {
            return;
        }
        if self.dice.below(2) == 0 {
            self.tell("delivered", order_id, OrderNews::Delivered, Tells::Other).await;
        } else {
            self.ask("deliver", DeliverOrder { order_id, notes: None }).await;
        }
        if self.look(order_id).await.is_some_and(|answer| answer.order.status == Status::Delivered) {
            self.world.mark(Mark::Delivered);
        }
    }

    /// Gives back by hand what no provider gives back, as far as the order shows it.
    pub async fn pay_back(&mut self, order_id: OrderId) {
        let Some(answer) = self.look(order_id).await else { return };
        for refund in answer.refunds.iter().filter(|refund| is_by_hand(refund)) {
            pay_back(&self.world.clone(), refund, &mut self.dice).await;
        }
    }
}

/// Whether the cashier has to give it back.
pub fn is_by_hand(refund: &Refund) -> bool {
    refund.status == RefundStatus::Processing && refund.next_check_at.is_none()
}

/// The cashier gives a refund back: in one of four cases only in a second try.
pub async fn pay_back(world: &Arc<World>, refund: &Refund, dice: &mut Dice) {
    let (refund_id, order_id) = (refund.refund_id, refund.order_id);
    // The same try has the same name and says the same, whoever tells of it.
    let tell = |word: &str, news: OrderNews| Told {
        event_id: format!("{refund_id}-{word}"),
        body: 1,
        command: HearEvent { order_id, news },
        kind: Kind::Event(EventWish { order_id, tells: Tells::Other }),
    };
    let fails = refund_id.0.as_u128().is_multiple_of(4);
    if fails {
        let news = OrderNews::RefundFailed { refund_id, reason: "account_closed".into() };
        tell_twice(world, tell("failed", news), dice).await;
    }
    world.history().by_hand.insert(refund_id, refund.amount);
    if tell_twice(world, tell("done", OrderNews::RefundSucceeded { refund_id }), dice).await == Some(EventAnswer::Applied) {
        world.mark(if fails { Mark::FailedByHand } else { Mark::WentBackByHand });
    }
}

/// Both tellers tell the same event, most of the time at once.
async fn tell_twice(world: &Arc<World>, told: Told, dice: &mut Dice) -> Option<EventAnswer> {
    let [one, other] = TELLERS.map(|teller| {
        let caller = Caller { id: teller.into(), role: Role::Service };
        let tag = format!("{} by {teller}", told.event_id);
        let key = Some(told.event_id.as_str().into());
        Want { caller, key, body: told.body, command: told.command.clone(), tag, kind: told.kind.clone() }.written(world)
    });
    let mut second = Dice::new(dice.throw(), 13);
    let (one, other) = if dice.below(3) > 0 {
        join(insist(world, &one, dice), insist(world, &other, &mut second)).await
    } else {
        let one = insist(world, &one, dice).await;
        world.timers.sleep(dice.between(0, 5000)).await;
        (one, insist(world, &other, &mut second).await)
    };
    match (one.answer(), other.answer()) {
        (Some(one), Some(other)) => {
            if one == EventAnswer::Applied {
                world.mark(Mark::EventTwice);
            }
            if one != other {
                world.violation(format!("event {} was answered {one:?} and {other:?}", told.event_id));
            }
            Some(one)
        }
        (one, other) => one.or(other),
    }
}

/// Whether money paid on delivery can be collected.
pub fn is_collectable(payment: &Payment) -> bool {
    payment.status.is_open() && payment.next_check_at.is_none()
}
