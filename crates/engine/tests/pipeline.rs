//! The pipeline under faults: what one command does wrong, and what the store does, never reaches another command.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::catalog::{OfferStatus, SkuStatus};
use domain::command::{
    CancelOrder, ChangeOrder, Command, Context, CreateOffer, Decision, ItemRequest, MoveStock, PlaceOrder, PutSku, Settings, SkuAnswer,
    Stop,
};
use domain::key::Fingerprint;
use domain::money::{Currency, Decimal};
use domain::order::{AddressRef, Channel, Status};
use domain::refusal::OrderRefusal;
use domain::stock::{Balance, Operation, StockRef};
use domain::{Caller, Needs, Refusal, View};
use engine::port::Store;
use engine::{Ask, Engine, Failure, Options, Pause, Writer};
use testkit::{Fault, Faults, MemoryStore, Point, StepClock};
use tokio::sync::Semaphore;

/// Time passes at once.
struct NoPause;

#[async_trait]
impl Pause for NoPause {
    async fn pause(&self, _: u64) {
        tokio::task::yield_now().await;
    }
}

/// Strikes once for each row, in this order; nothing reaches the disk while nobody lets it.
struct Script(Mutex<VecDeque<(Point, Fault)>>, Semaphore);

impl Default for Script {
    fn default() -> Self {
        Self(Mutex::default(), Semaphore::new(Semaphore::MAX_PERMITS))
    }
}

impl Script {
    fn hold_the_disk(&self) {
        self.1.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// For so many waits.
    fn let_the_disk_go(&self, waits: usize) {
        self.1.add_permits(waits);
    }

    fn then(&self, point: Point, fault: Fault) {
        self.0.lock().expect("nobody panics while holding it").push_back((point, fault));
    }
}

#[async_trait]
impl Faults for Script {
    async fn pause(&self, at: Point) {
        if at == Point::Durable {
            self.1.acquire().await.expect("nobody closes it").forget();
        }
    }

    fn strike(&self, at: Point) -> Option<Fault> {
        self.0.lock().expect("nobody panics while holding it").pop_front_if(|(point, _)| *point == at).map(|(_, fault)| fault)
    }
}

struct House {
    engine: Engine,
    writers: Vec<Writer>,
    store: MemoryStore,
    faults: Arc<Script>,
    clock: Arc<StepClock>,
}

fn house(options: Options) -> House {
    let faults = Arc::new(Script::default());
    let clock = Arc::new(StepClock::default());
    let store = MemoryStore::new().with_faults(faults.clone()).with_clock(clock.clone());
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    let (engine, writers) = Engine::new(shared, clock.clone(), Arc::new(NoPause), Settings::default(), options);
    House { engine, writers, store, faults, clock }
}

fn one_writer() -> House {
    house(Options { writers: 1, ..Options::default() })
}

impl House {
    /// Lets the writers work until the queue is empty, then ends them.
    async fn work(&mut self) {
        self.engine.close();
        for writer in self.writers.drain(..) {
            writer.run().await;
        }
    }

    fn run(&mut self) {
        for writer in self.writers.drain(..) {
            tokio::spawn(writer.run());
        }
    }

    async fn one_waits(&self) {
        while self.engine.waiting() == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// How many SKUs and keys the store keeps.
    fn kept(&self) -> (usize, usize) {
        self.store.look(|memory| (memory.skus.len(), memory.keys.len()))
    }
}

fn ask() -> Ask {
    Ask::of(Caller::local_admin(), "test".into())
}

fn keyed(key: &str, said: u8) -> Ask {
    Ask { key: Some((key.into(), Fingerprint([said; 32]))), ..ask() }
}

fn put(sku_id: &str) -> PutSku {
    PutSku {
        sku_id: sku_id.into(),
        product_id: "p".into(),
        name: "A".into(),
        status: SkuStatus::Active,
        tax_class: "standard".into(),
        title: None,
        author: None,
    }
}

fn restock(sku_id: &str, qty: i64) -> MoveStock {
    let reference = StockRef { kind: "test".into(), id: "1".into() };
    MoveStock { sku_id: sku_id.into(), operation: Operation::Restock, qty, reference }
}

fn offer(sku_id: &str, cents: i64) -> CreateOffer {
    CreateOffer {
        sku_id: sku_id.into(),
        price: Decimal { mantissa: cents, scale: 2 },
        currency: Currency::USD,
        priority: 0,
        valid_from: None,
        valid_to: None,
        status: OfferStatus::Active,
    }
}

fn order(quantities: &[i64]) -> PlaceOrder {
    let item = |qty: &i64| ItemRequest { sku_id: "a".into(), qty: *qty, expected_unit_price: None, offer_id: None };
    PlaceOrder {
        channel: Channel::Canonical,
        user_id: None,
        customer_email: None,
        cart_id: None,
        external_id: None,
        currency: None,
        items: quantities.iter().map(item).collect(),
        shipping_address: AddressRef::default(),
        billing_address: AddressRef::default(),
        payment_method: None,
        notes: None,
        metadata: "{}".into(),
    }
}

/// A command that panics while it decides.
struct Panics;

impl Command for Panics {
    type Answer = SkuAnswer;
    const NAME: &'static str = "panics";

    fn needs(&self, _: &View, _: &Context, _: &mut Needs) {}

    fn decide(&self, _: &View, _: &Context) -> Result<Decision<SkuAnswer>, Stop> {
        panic!("on purpose");
    }
}

/// A command that looks at what it never asked for.
struct Forgets;

impl Command for Forgets {
    type Answer = SkuAnswer;
    const NAME: &'static str = "forgets";

    fn needs(&self, _: &View, _: &Context, _: &mut Needs) {}

    fn decide(&self, seen: &View, _: &Context) -> Result<Decision<SkuAnswer>, Stop> {
        seen.skus.get(&"never loaded".into())?;
        unreachable!("the gap stops it");
    }
}

#[tokio::test]
async fn a_panic_or_a_forgotten_need_fails_only_its_own_command() {
    let mut house = house(Options::default());
    let engine = house.engine.clone();
    let (first, panics, forgets, last, ()) = tokio::join!(
        engine.submit(put("a"), ask()),
        engine.submit(Panics, ask()),
        engine.submit(Forgets, ask()),
        engine.submit(put("b"), ask()),
        house.work(),
    );
    assert!(first.unwrap().answer.is_new && last.unwrap().answer.is_new);
    assert!(matches!(panics, Err(Failure::Bug(_))), "{panics:?}");
    assert!(matches!(forgets, Err(Failure::Bug(ref reason)) if reason.contains("never loaded")), "{forgets:?}");
    assert_eq!(house.kept().0, 2);
}

#[tokio::test]
async fn a_save_whose_end_was_not_seen_is_answered_with_the_truth() {
    for (point, fault) in [
        (Point::Saved, Fault::Unknown), // it was saved
        (Point::Save, Fault::Unknown),  // it was not
        (Point::Save, Fault::Lost),     // somebody else was first
    ] {
        let mut house = one_writer();
        house.faults.then(point, fault);
        let engine = house.engine.clone();
        let (made, ()) = tokio::join!(engine.submit(put("a"), keyed("k", 1)), house.work());
        assert!(made.unwrap().answer.is_new, "{point:?} {fault:?}");
        assert_eq!(house.kept(), (1, 1), "{point:?} {fault:?}");
    }
}

#[tokio::test]
async fn a_save_that_nobody_can_settle_is_unsure_and_done_once_with_its_key() {
    let mut house = one_writer();
    house.faults.then(Point::Saved, Fault::Unknown);
    for _ in 0..5 {
        house.faults.then(Point::Settle, Fault::Unavailable);
    }
    house.run();
    let first = house.engine.submit(put("a"), keyed("k", 1)).await;
    assert!(matches!(first, Err(Failure::Unsure)), "{first:?}");
    let again = house.engine.submit(put("a"), keyed("k", 1)).await.unwrap();
    assert!(again.is_replay);
    assert_eq!(again.answer.sku.version, 1);
}

#[tokio::test]
async fn a_store_that_is_away_fails_the_batch_and_leaves_nothing() {
    let mut house = one_writer();
    house.faults.then(Point::Load, Fault::Unavailable);
    house.faults.then(Point::Save, Fault::Unavailable);
    house.run();
    for _ in 0..2 {
        let failed = house.engine.submit(put("a"), keyed("k", 1)).await;
        assert!(matches!(failed, Err(Failure::Unavailable(_))), "{failed:?}");
        assert_eq!(house.kept(), (0, 0));
    }
    assert!(!house.engine.submit(put("a"), keyed("k", 1)).await.unwrap().is_replay);
}

#[tokio::test]
async fn one_key_has_one_effect_in_a_batch_and_another_request_with_it_is_refused() {
    let mut house = house(Options::default());
    let engine = house.engine.clone();
    let (first, again, other, ()) = tokio::join!(
        engine.submit(put("a"), keyed("k", 1)),
        engine.submit(put("a"), keyed("k", 1)),
        engine.submit(put("b"), keyed("k", 2)),
        house.work(),
    );
    assert!(!first.unwrap().is_replay);
    let again = again.unwrap();
    assert!(again.is_replay);
    assert_eq!(again.answer.sku.version, 1);
    assert_eq!(other, Err(Failure::Refused(Refusal::KeyReused)));
}

#[tokio::test]
async fn a_refusal_does_not_burn_its_key() {
    let mut house = house(Options::default());
    house.run();
    let unknown = house.engine.submit(restock("a", 1), keyed("k", 1)).await;
    assert!(matches!(unknown, Err(Failure::Refused(Refusal::Catalog(_)))), "{unknown:?}");
    house.engine.submit(put("a"), ask()).await.unwrap();
    let done = house.engine.submit(restock("a", 1), keyed("k", 1)).await.unwrap();
    assert!(!done.is_replay);
    assert_eq!(done.answer.balance.on_hand, 1);
}

#[tokio::test]
async fn a_full_queue_and_a_stopping_engine_refuse_at_once() {
    let mut house = house(Options { queue_max: 1, ..Options::default() });
    let engine = house.engine.clone();
    let waits = tokio::spawn({
        let engine = engine.clone();
        async move { engine.submit(put("a"), ask()).await }
    });
    house.one_waits().await;
    assert_eq!(engine.submit(put("b"), ask()).await, Err(Failure::Overloaded));
    house.work().await;
    assert!(waits.await.unwrap().is_ok());
    assert_eq!(engine.submit(put("b"), ask()).await, Err(Failure::Stopping));
}

#[tokio::test]
async fn a_command_that_waited_for_too_long_is_not_begun() {
    let mut house = house(Options { patience_ms: 1000, ..Options::default() });
    let engine = house.engine.clone();
    let clock = house.clock.clone();
    let (late, ()) = tokio::join!(engine.submit(put("a"), ask()), async {
        clock.advance_ms(1001);
        house.work().await;
    });
    assert_eq!(late, Err(Failure::Overloaded));
    assert_eq!(house.kept(), (0, 0));
}

#[tokio::test]
async fn a_caller_who_leaves_cancels_nothing() {
    let mut house = house(Options::default());
    let engine = house.engine.clone();
    let waits = tokio::spawn(async move { engine.submit(put("a"), keyed("k", 1)).await });
    house.one_waits().await;
    waits.abort();
    house.work().await;
    assert_eq!(house.kept(), (1, 1));
}

#[tokio::test]
async fn the_same_sku_on_two_lines_is_summed_before_it_is_checked() {
    let mut house = house(Options::default());
    house.run();
    let engine = &house.engine;
    engine.submit(put("a"), ask()).await.unwrap();
    engine.submit(offer("a", 1999), ask()).await.unwrap();
    engine.submit(restock("a", 1000), ask()).await.unwrap();
    let refused = engine.submit(order(&[600, 600]), keyed("k", 1)).await;
    assert!(matches!(refused, Err(Failure::Refused(ref refusal)) if refusal.code() == "OUT_OF_STOCK"), "{refused:?}");
    let placed = engine.submit(order(&[600, 400]), keyed("k", 1)).await.unwrap();
    assert_eq!(placed.answer.order.totals.total, 1_999_000);
    let available: Vec<i64> = house.store.look(|memory| memory.stock.values().map(Balance::available).collect());
    assert_eq!(available, [0]);
}

/// Lets everybody who can go on do so.
async fn all_rest() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn nobody_is_answered_before_the_disk_has_what_the_answer_rests_on() {
    let mut house = one_writer();
    house.run();
    house.engine.submit(put("a"), keyed("k", 1)).await.unwrap();
    house.faults.hold_the_disk();
    let [new, again, refused] = [(put("b"), keyed("l", 1)), (put("a"), keyed("k", 1)), (put("a"), keyed("k", 2))].map(|(command, ask)| {
        let engine = house.engine.clone();
        tokio::spawn(async move { engine.submit(command, ask).await })
    });
    let answers = [new, again, refused];
    for waits in 0..3 {
        all_rest().await;
        if answers.iter().all(tokio::task::JoinHandle::is_finished) {
            // They were one batch, or two.
            assert!(waits > 0, "they were answered without the disk");
            break;
        }
        assert!(answers.iter().any(|answer| !answer.is_finished()));
        house.faults.let_the_disk_go(1);
    }
    let [new, again, refused] = answers;
    assert!(!new.await.unwrap().unwrap().is_replay);
    assert!(again.await.unwrap().unwrap().is_replay);
    assert_eq!(refused.await.unwrap(), Err(Failure::Refused(Refusal::KeyReused)));
}

#[tokio::test]
async fn while_one_writer_waits_for_the_disk_the_next_one_saves() {
    let mut house = house(Options { turns: 1, ..Options::default() });
    house.run();
    house.faults.hold_the_disk();
    let mut answers = Vec::new();
    for (sku_id, kept) in [("a", 1), ("b", 2)] {
        let engine = house.engine.clone();
        answers.push(tokio::spawn(async move { engine.submit(put(sku_id), ask()).await }));
        all_rest().await;
        assert_eq!(house.kept().0, kept);
    }
    assert!(answers.iter().all(|answer| !answer.is_finished()));
    // Both wait: what comes now stays in the queue.
    let engine = house.engine.clone();
    answers.push(tokio::spawn(async move { engine.submit(put("c"), ask()).await }));
    all_rest().await;
    assert_eq!((house.kept().0, house.engine.waiting()), (2, 1));
    house.faults.let_the_disk_go(3);
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_save_that_the_disk_did_not_take_is_unsure_and_a_refusal_that_may_rest_on_one_is_no_answer() {
    let mut house = one_writer();
    house.run();
    house.faults.then(Point::Durable, Fault::Unavailable);
    let first = house.engine.submit(put("a"), keyed("k", 1)).await;
    assert_eq!(first, Err(Failure::Unsure));
    house.faults.then(Point::Durable, Fault::Unavailable);
    let refused = house.engine.submit(put("b"), keyed("k", 2)).await;
    assert!(matches!(refused, Err(Failure::Unavailable(_))), "{refused:?}");
    assert!(house.engine.submit(put("a"), keyed("k", 1)).await.unwrap().is_replay);
}

#[tokio::test]
async fn what_is_only_asked_for_is_decided_like_the_rest_and_leaves_no_trace() {
    let mut house = one_writer();
    let engine = house.engine.clone();
    let dry = |ask: Ask| Ask { dry_run: true, ..ask };
    // One batch, in this order: nobody sees what was only asked for, everybody what was done before him.
    let (_, _, _, before, real, after, replayed, other, ()) = tokio::join!(
        engine.submit(put("a"), ask()),
        engine.submit(offer("a", 500), ask()),
        engine.submit(restock("a", 1), ask()),
        engine.submit(order(&[1]), dry(keyed("k", 1))),
        engine.submit(order(&[1]), keyed("k", 1)),
        engine.submit(order(&[1]), dry(keyed("l", 1))),
        engine.submit(order(&[1]), dry(keyed("k", 1))),
        engine.submit(order(&[1]), dry(keyed("k", 2))),
        house.work(),
    );
    let (before, real, replayed) = (before.unwrap(), real.unwrap(), replayed.unwrap());
    assert!(!before.is_replay && !real.is_replay && replayed.is_replay);
    assert_eq!(before.answer.order.totals, real.answer.order.totals);
    assert_eq!((before.answer.order.number.serial, real.answer.order.number.serial), (0, 1), "asking draws no number");
    assert_eq!(replayed.answer.order, real.answer.order);
    assert!(matches!(after, Err(Failure::Refused(Refusal::Order(OrderRefusal::OutOfStock(_))))), "{after:?}");
    assert_eq!(other, Err(Failure::Refused(Refusal::KeyReused)));
    let (orders, facts, keys, reserved) = house.store.look(|memory| {
        let reserved = memory.stock.get(&"a".into()).map(|balance| balance.reserved);
        (memory.orders.len(), memory.facts.len(), memory.keys.len(), reserved)
    });
    assert_eq!((orders, facts, keys, reserved), (1, 2, 1, Some(1)));
}

#[tokio::test]
async fn a_condition_is_judged_against_what_the_batch_has_decided() {
    let mut house = one_writer();
    let engine = house.engine.clone();
    house.run();
    engine.submit(put("a"), ask()).await.unwrap();
    engine.submit(offer("a", 500), ask()).await.unwrap();
    engine.submit(restock("a", 9), ask()).await.unwrap();
    let placed = engine.submit(order(&[1]), ask()).await.unwrap().answer.order;
    let cancel = || CancelOrder { order_id: placed.order_id, reason: None, notes: None };
    let change = |notes: &'static str| ChangeOrder {
        order_id: placed.order_id,
        shipping_address_id: None,
        shipping_address: None,
        billing_address_id: None,
        billing_address: None,
        notes: Some(Some(notes.into())),
        metadata: None,
        is_same_json: |one, other| one == other,
    };
    let only_if = |versions: &[i64]| Ask { only_if: Some(versions.into()), ..ask() };
    // All of one version, in one batch: the first wins, and the others hear of its version.
    let (first, second, third, last) = tokio::join!(
        engine.submit(change("x"), only_if(&[placed.version])),
        engine.submit(cancel(), only_if(&[placed.version])),
        engine.submit(change("y"), only_if(&[])),
        engine.submit(cancel(), only_if(&[7, placed.version + 1])),
    );
    assert_eq!(first.unwrap().answer.order.version, placed.version + 1);
    let mismatch = || Failure::Refused(Refusal::Order(OrderRefusal::VersionMismatch(placed.version + 1)));
    assert_eq!((second.err(), third.err()), (Some(mismatch()), Some(mismatch())));
    assert_eq!(last.unwrap().answer.order.status, Status::Canceled);
    // What it says already is no change, whatever its status; anything else is refused.
    let same = engine.submit(change("x"), ask()).await.unwrap().answer.order;
    let refused = engine.submit(change("z"), ask()).await;
    assert_eq!(refused.err(), Some(Failure::Refused(Refusal::Order(OrderRefusal::NotChangeable(Status::Canceled)))));
    let facts = house.store.look(|memory| memory.facts.len());
    assert_eq!(usize::try_from(same.version), Ok(facts));
}
