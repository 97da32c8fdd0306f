//! The clerk: fills the shelves, counts them again, holds units back by hand, changes prices.

use std::sync::Arc;

use domain::Caller;
use domain::caller::Role;
use domain::catalog::SkuStatus;
use domain::command::{ChangeOffer, CreateOffer, MoveStock, PutSku};
use domain::ids::{OfferId, SkuId};
use domain::stock::{Operation, StockRef};
use testkit::builders::{cents, offer, sku};

use crate::ask::{Outcome, Want, insist};
use crate::dice::Dice;
use crate::history::{Kind, PriceSpan};
use crate::marks::Mark;
use crate::shopper::sku_name;
use crate::world::World;

/// The first price of everything, in cents.
const FIRST_PRICE: i64 = 1000;

/// The clerk.
pub struct Clerk {
    world: Arc<World>,
    dice: Dice,
    asked: u64,
    offers: Vec<OfferId>,
    price: i64,
}

impl Clerk {
    /// Who throws `dice`.
    pub fn new(world: Arc<World>, dice: Dice) -> Self {
        Self { world, dice, asked: 0, offers: Vec::new(), price: FIRST_PRICE }
    }

    fn want<C>(&mut self, command: C, kind: Kind, keyed: bool) -> Want<C> {
        self.asked += 1;
        let tag = format!("clerk.{}", self.asked);
        let key = keyed.then(|| format!("k-{tag}").into());
        Want { caller: Caller { id: "clerk".into(), role: Role::Admin }, key, body: self.dice.throw(), command, tag, kind }
    }

    /// Opens the shop.
    pub async fn open(&mut self) {
        let world = self.world.clone();
        for (index, units) in world.plan.skus.clone().into_iter().enumerate() {
            let name = sku_name(index);
            let put = self.want(sku(&name), Kind::Other, true).written(&world);
            insist(&world, &put, &mut self.dice).await;
            // Long valid, so that an instance whose clock is behind sees it too.
            let offered = CreateOffer { valid_from: Some(world.plan.start.plus_seconds(-3600)), ..offer(&name, FIRST_PRICE) };
            let offered = self.want(offered, Kind::Other, true).written(&world);
            if let Some(answer) = insist(&world, &offered, &mut self.dice).await.answer() {
                self.offers.push(answer.0.offer_id);
            }
            let first = PriceSpan { price: FIRST_PRICE, from: 0, to: u64::MAX };
            world.history().prices.insert(name.as_str().into(), vec![first]);
            self.move_stock(&name, Operation::Restock, units, "opening", true).await;
        }
    }

    /// Works beside the buyers.
    pub async fn run(mut self) {
        for round in 0..self.world.plan.errands * 2 {
            self.world.timers.sleep(self.dice.between(0, self.world.plan.think_ms)).await;
            let index = self.dice.index(self.world.plan.skus.len());
            let name = sku_name(index);
            let keyed = self.dice.below(2) == 0;
            let reference = format!("round-{round}");
            let qty = self.dice.between(1, 3);
            match self.dice.below(12) {
                0..=3 => self.change_price(index).await,
                4 => self.move_stock(&name, Operation::Restock, qty, &reference, keyed).await,
                5 => self.move_stock(&name, Operation::Adjust, qty, &reference, keyed).await,
                6 => self.move_stock(&name, Operation::Adjust, -qty, &reference, keyed).await,
                7..=9 => self.hold(&name, qty, &reference, keyed).await,
                10 => {
                    self.put(&name, SkuStatus::Active).await;
                }
                _ => self.close(&name).await,
            }
        }
    }

    async fn move_stock(&mut self, name: &str, operation: Operation, qty: i64, reference: &str, keyed: bool) {
        let (world, reference) = (self.world.clone(), Arc::<str>::from(format!("{reference} {name}")));
        let sku_id = SkuId::from(name);
        let kind = Kind::Move { sku_id: sku_id.clone(), operation, qty, reference: reference.clone() };
        let command = MoveStock { sku_id, operation, qty, reference: StockRef { kind: "clerk".into(), id: reference } };
        let request = self.want(command, kind, keyed).written(&world);
        match insist(&world, &request, &mut self.dice).await {
            Outcome::Done(_) => world.mark(Mark::MovedByHand),
            Outcome::Refused(_) => world.mark(Mark::MoveRefused),
            Outcome::GaveUp => {}
        }
    }

    /// Holds units back, gives some of them free, hands the others out.
    async fn hold(&mut self, name: &str, qty: i64, reference: &str, keyed: bool) {
        self.move_stock(name, Operation::Reserve, qty, reference, keyed).await;
        self.world.timers.sleep(self.dice.between(0, self.world.plan.think_ms)).await;
        let freed = self.dice.between(0, qty);
        if freed > 0 {
            self.move_stock(name, Operation::Release, freed, reference, keyed).await;
        }
        if qty > freed {
            // Sometimes one more than was held: never possible.
            let more = i64::from(self.dice.below(4) == 0);
            self.move_stock(name, Operation::Deduct, qty - freed + more, reference, keyed).await;
        }
    }

    /// Takes a SKU off sale for a while.
    async fn close(&mut self, name: &str) {
        let closed = self.put(name, SkuStatus::Inactive).await;
        let from = self.world.step();
        self.world.timers.sleep(self.dice.between(0, self.world.plan.think_ms)).await;
        if closed {
            let to = self.world.step();
            self.world.history().closed.entry(name.into()).or_default().push((from, to));
        }
        self.put(name, SkuStatus::Active).await;
    }

    async fn put(&mut self, name: &str, status: SkuStatus) -> bool {
        let world = self.world.clone();
        let request = self.want(PutSku { status, ..sku(name) }, Kind::Other, true).written(&world);
        matches!(insist(&world, &request, &mut self.dice).await, Outcome::Done(_))
    }

    /// Every price is new, so that an order shows when it was priced.
    async fn change_price(&mut self, index: usize) {
        let Some(offer_id) = self.offers.get(index).copied() else { return };
        let (world, sku_id) = (self.world.clone(), SkuId::from(sku_name(index)));
        self.price += 7;
        let price = self.price;
        let command = ChangeOffer {
            offer_id,
            sku_id: sku_id.clone(),
            price: Some(cents(price)),
            priority: None,
            valid_from: None,
            valid_to: None,
            status: None,
        };
        let request = self.want(command, Kind::Other, true).written(&world);
        let from = world.step();
        world.history().prices.entry(sku_id.clone()).or_default().push(PriceSpan { price, from, to: u64::MAX });
        let changed = matches!(insist(&world, &request, &mut self.dice).await, Outcome::Done(_));
        let step = world.step();
        if let Some(spans) = world.history().prices.get_mut(&sku_id) {
            if changed {
                // All but the last one are over.
                spans.iter_mut().rev().skip(1).for_each(|span| span.to = span.to.min(step));
            } else {
                spans.pop();
            }
        }
    }
}
