//! The engine with a provider that keeps books of its own: whatever is random, late, silent, doubled or cut off, in the end both
//! books say the same to the cent. Engines are cut off in the middle of everything and built anew, as a crash does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::caller::Role;
use domain::command::{
    CancelOrder, CollectPayment, Command, CreatePayment, DeliverOrder, EventAnswer, HearEvent, OrderAnswer, OrderNews, PlaceOrder,
    PrepareOrder, ProviderAnswer, RefundWord, RequestPayment, Settings, ShipOrder,
};
use domain::ids::{Mint, OrderId, Uuid};
use domain::key::Fingerprint;
use domain::order::{Channel, Order, Status};
use domain::payment::{EXTERNAL, Payment};
use domain::time::Time;
use domain::{Caller, Refusal};
use engine::port::{Clock, OrderFilter, Page, PaymentProvider, ProviderCall, RefundCall, Schema, Store, SystemClock};
use engine::worker::{run_payments, run_sweeper};
use engine::{Ask, Done, Engine, Failure, Options, RealPause, Stopper};
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;
use testkit::ScriptedProvider;
use testkit::builders::{cents, offer, place, restock, sku};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::support::{Database, Dice, Length, until};

on_each_database![
    the_providers_books_and_ours_say_the_same_after_random_commands_and_crashes,
    money_that_comes_after_the_end_of_an_order_is_recorded_and_goes_back,
    a_cancel_waits_for_the_money_that_may_come_and_then_one_of_them_wins,
    money_that_two_events_tell_of_after_the_end_of_an_order_goes_back_once,
    money_that_was_collected_by_hand_goes_back_by_hand,
];

const CLIENTS: usize = 16;
const SKUS: [&str; 3] = ["sku-a", "sku-b", "sku-last"];
const OPENING: [i64; 3] = [1_000_000, 1_000_000, 100];
const PRICE: i64 = 1000;
/// An engine is cut off after so many tries, however fast the machine is.
const TRIES_A_CRASH: usize = 500;
/// In percent of all tries: fewer with an answer say nothing about the promise.
const ANSWERED_MIN: usize = 60;
const WITHIN: Duration = Duration::from_mins(1);

/// The real clock, which can be put forward.
#[derive(Debug, Default)]
struct Shifted {
    ahead_ms: AtomicI64,
}

impl Clock for Shifted {
    fn now(&self) -> Time {
        Time(SystemClock.now().0 + self.ahead_ms.load(Ordering::Relaxed))
    }

    fn mint(&self) -> Mint {
        Mint { time: self.now(), ..SystemClock.mint() }
    }
}

/// A provider whose line is bad: some calls do not reach it, some answers do not come back.
struct BadLine {
    provider: ScriptedProvider,
    calls: AtomicUsize,
    is_bad: AtomicBool,
}

impl BadLine {
    /// Whether this call is lost on its way there, or its answer on the way back.
    async fn luck(&self) -> (bool, bool) {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(u64::try_from(call * 7 % 40).expect("small"))).await;
        let is_bad = self.is_bad.load(Ordering::Relaxed);
        (is_bad && call % 11 == 3, is_bad && call % 7 == 2)
    }
}

#[async_trait::async_trait]
impl PaymentProvider for BadLine {
    fn name(&self) -> &'static str {
        "stub"
    }

    async fn capture(&self, call: ProviderCall) -> ProviderAnswer {
        let (there, back) = self.luck().await;
        if there {
            return ProviderAnswer::Silent;
        }
        let said = self.provider.capture(call).await;
        if back { ProviderAnswer::Silent } else { said }
    }

    async fn refund(&self, call: RefundCall) -> RefundWord {
        let (there, back) = self.luck().await;
        if there {
            return RefundWord::Silent;
        }
        let said = self.provider.refund(call).await;
        if back { RefundWord::Silent } else { said }
    }
}

/// One instance, without a process of its own.
struct Instance {
    engine: Engine,
    tasks: JoinSet<()>,
    dies: watch::Sender<bool>,
    _stopper: Stopper,
}

impl Instance {
    /// Ends everything where it stands: saves are cut off, callers are not answered.
    async fn crash(mut self) {
        self.dies.send_replace(true);
        self.tasks.shutdown().await;
    }
}

struct Shop {
    database: String,
    clock: Arc<Shifted>,
    line: Arc<BadLine>,
    settings: Settings,
    instances: Mutex<Vec<(Engine, watch::Receiver<bool>)>>,
}

impl Shop {
    async fn open(database: &Database, settings: Settings) -> Arc<Self> {
        let line = BadLine { provider: ScriptedProvider::default(), calls: AtomicUsize::new(0), is_bad: AtomicBool::new(true) };
        let database = database.url();
        let (clock, line) = (Arc::new(Shifted::default()), Arc::new(line));
        let shop = Arc::new(Self { database, clock, line, settings, instances: Mutex::default() });
        match shop.database.strip_prefix("sqlite:") {
            Some(file) => drop(SqliteStore::open(std::path::Path::new(file)).expect("it opens").migrate().await.expect("it is empty")),
            None => drop(PostgresStore::connect(&shop.database).expect("a URL").migrate().await.expect("it is empty")),
        }
        shop
    }

    fn store(&self) -> Arc<dyn Store> {
        match self.database.strip_prefix("sqlite:") {
            Some(file) => Arc::new(SqliteStore::open(std::path::Path::new(file)).expect("the file can be opened")),
            None => Arc::new(PostgresStore::connect(&self.database).expect("a URL")),
        }
    }

    /// A file has one instance.
    fn instances_max(&self) -> usize {
        if self.database.starts_with("sqlite:") { 1 } else { 2 }
    }

    fn start(&self, place: usize) -> Instance {
        let options = Options { writers: self.instances_max(), ..Options::default() };
        let (engine, writers) = Engine::new(self.store(), self.clock.clone(), Arc::new(RealPause), self.settings.clone(), options);
        let (stopper, stop) = Stopper::new();
        let mut tasks = JoinSet::new();
        for writer in writers {
            tasks.spawn(writer.run());
        }
        tasks.spawn(run_payments(engine.clone(), self.line.clone(), stop.clone()));
        tasks.spawn(run_sweeper(engine.clone(), stop));
        let (dies, dead) = watch::channel(false);
        let mut instances = self.instances.lock().unwrap_or_else(PoisonError::into_inner);
        instances.truncate(self.instances_max());
        match instances.get_mut(place) {
            Some(known) => *known = (engine.clone(), dead),
            None => instances.push((engine.clone(), dead)),
        }
        Instance { engine, tasks, dies, _stopper: stopper }
    }

    fn instance(&self, number: usize) -> (Engine, watch::Receiver<bool>) {
        let instances = self.instances.lock().unwrap_or_else(PoisonError::into_inner);
        instances[number % instances.len()].clone()
    }
}

/// One who asks until he is answered.
struct Client {
    shop: Arc<Shop>,
    name: String,
    dice: Dice,
    asked: usize,
    tries: Arc<AtomicUsize>,
    answered: Arc<AtomicUsize>,
}

impl Client {
    fn of(shop: &Arc<Shop>, number: u64, tries: &Arc<AtomicUsize>, answered: &Arc<AtomicUsize>) -> Self {
        let (shop, tries, answered) = (shop.clone(), tries.clone(), answered.clone());
        Self { shop, name: format!("c{number}"), dice: Dice::new(number), asked: 0, tries, answered }
    }

    async fn ask<C: Command + Clone>(&mut self, command: C) -> Result<Done<C::Answer>, Refusal> {
        self.asked += 1;
        let key = format!("{}-{}", self.name, self.asked);
        let at = self.dice.below(8);
        self.ask_at(at, &key, command).await
    }

    /// With the same key, at one instance after the other.
    async fn ask_at<C: Command + Clone>(&self, at: usize, key: &str, command: C) -> Result<Done<C::Answer>, Refusal> {
        for attempt in 0..2000 {
            let (engine, mut dead) = self.shop.instance(at + attempt);
            self.tries.fetch_add(1, Ordering::Relaxed);
            let print = Fingerprint(std::array::from_fn(|index| key.as_bytes().get(index).copied().unwrap_or(0)));
            let ask = Ask { key: Some((key.into(), print)), ..Ask::of(Caller::local_admin(), key.into()) };
            let answer = tokio::select! {
                answer = engine.submit(command.clone(), ask) => answer,
                _ = dead.wait_for(|dead| *dead) => Err(Failure::Unsure),
            };
            match answer {
                Ok(done) => {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    return Ok(done);
                }
                Err(Failure::Refused(refusal)) => {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    return Err(refusal);
                }
                Err(Failure::Bug(reason)) => panic!("{key}: internal error: {reason}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        panic!("{key} was never answered")
    }

    async fn shop(mut self, length: Length) -> Vec<Order> {
        let mut placed = Vec::new();
        for _ in 0..length.orders / CLIENTS {
            if length.is_over() {
                break;
            }
            let command = self.cart();
            if let Ok(done) = self.ask(command).await {
                let order = (*done.answer.order).clone();
                self.follow(&order).await;
                placed.push(order);
            }
        }
        placed
    }

    fn cart(&mut self) -> PlaceOrder {
        let mut order = place();
        for _ in 0..=self.dice.below(2) {
            order = order.line(SKUS[self.dice.below(3)], 1 + i64::from(self.dice.below(2) == 0));
        }
        let channel = self.dice.pick(&[Channel::Canonical, Channel::Checkout, Channel::Storefront, Channel::Storefront]);
        let order = order.through(channel);
        if self.dice.below(6) == 0 { order.paying("cod").0 } else { order.0 }
    }

    async fn follow(&mut self, order: &Order) {
        let (order_id, total) = (order.order_id, order.totals.total);
        for _ in 0..=self.dice.below(4) {
            match self.dice.below(12) {
                0..=3 => {
                    let method = self.method();
                    drop(self.ask(RequestPayment { order_id, method: Some(method.into()) }).await);
                }
                4 => {
                    for _ in 0..2 {
                        let method = self.method();
                        let attempt = CreatePayment { order_id, amount: cents(total), currency: None, method: Some(method.into()) };
                        drop(self.ask(attempt).await);
                    }
                }
                5..=6 => drop(self.ask(CancelOrder { order_id, reason: None, notes: None }).await),
                7 => self.tell(order_id, total).await,
                8 => drop(self.ask(PrepareOrder { order_id, notes: None }).await),
                9 => drop(self.ask(ShipOrder { order_id, carrier_code: None, tracking_number: None, notes: None }).await),
                10 => drop(self.ask(DeliverOrder { order_id, notes: None }).await),
                _ => tokio::time::sleep(Duration::from_millis(30)).await,
            }
        }
    }

    fn method(&mut self) -> &'static str {
        self.dice.pick(&["card_stub", "card_stub", "card_stub", "card_stub_decline", "card_stub_timeout"])
    }

    /// The same event from two tellers at two instances at once; now and then with a wrong amount.
    async fn tell(&mut self, order_id: OrderId, total: i64) {
        self.asked += 1;
        let event = format!("{}-event-{}", self.name, self.asked);
        let amount = cents(total + i64::from(self.dice.below(5) == 0));
        let reference = Some(format!("psp-{order_id}").into());
        let news = OrderNews::PaymentConfirmed { amount, currency: None, reference };
        let command = HearEvent { order_id, news };
        let (one, other) = tokio::join!(self.ask_at(0, &event, command.clone()), self.ask_at(1, &event, command));
        let answers = (one.map(|done| done.answer), other.map(|done| done.answer));
        if let (Ok(one), Ok(other)) = &answers {
            assert_eq!(one, other, "{event} has two outcomes");
        }
    }
}

async fn fill_the_shelves(client: &mut Client) {
    for (name, units) in SKUS.iter().zip(OPENING) {
        client.ask(sku(name)).await.expect("it is new");
        let offered = offer(name, PRICE);
        client.ask(domain::command::CreateOffer { valid_from: Some(Time(0)), ..offered }).await.expect("it is priced");
        client.ask(restock(name, units)).await.expect("it is filled");
    }
}

async fn the_providers_books_and_ours_say_the_same_after_random_commands_and_crashes(database: &Database) {
    let shop = Shop::open(database, Settings { payment_window_seconds: 5, ..Settings::default() }).await;
    let mut instances: Vec<Instance> = (0..shop.instances_max()).map(|place| shop.start(place)).collect();
    let (tries, answered) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
    let mut clerk = Client::of(&shop, 1000, &tries, &answered);
    fill_the_shelves(&mut clerk).await;
    let mut clients = JoinSet::new();
    let length = Length::given();
    for number in 0..CLIENTS {
        clients.spawn(Client::of(&shop, u64::try_from(number).expect("few"), &tries, &answered).shop(length));
    }
    let (mut placed, mut crashes) = (Vec::new(), 0);
    let mut look = tokio::time::interval(Duration::from_millis(10));
    while !clients.is_empty() {
        tokio::select! {
            Some(orders) = clients.join_next() => placed.extend(orders.expect("a client was told what nobody may be told")),
            _ = look.tick() => {
                if tries.load(Ordering::Relaxed) < TRIES_A_CRASH * (crashes + 1) {
                    continue;
                }
                let place = crashes % instances.len();
                instances.remove(place).crash().await;
                instances.insert(place, shop.start(place));
                crashes += 1;
            }
        }
    }
    let (tries, answered) = (tries.load(Ordering::Relaxed), answered.load(Ordering::Relaxed));
    eprintln!("{tries} tries, {answered} answered, {crashes} crashes");
    length.was_enough(placed.len());
    assert!(crashes > 0 && answered * 100 >= tries * ANSWERED_MIN, "invalid: {answered} of {tries} answered, {crashes} crashes");
    come_to_rest(&shop, &mut clerk).await;
    judge(&shop, &placed).await;
}

/// The line is good again, who was silent speaks, time goes on until nothing is open, and the cashier gives back what is his to give.
async fn come_to_rest(shop: &Arc<Shop>, clerk: &mut Client) {
    shop.line.is_bad.store(false, Ordering::Relaxed);
    let provider = &shop.line.provider;
    until("nothing is open", WITHIN, async || {
        for (number, (payment_id, entry)) in provider.books().into_iter().enumerate() {
            if entry.said == ProviderAnswer::Silent {
                let declined = ProviderAnswer::Declined { reason: "card_declined".into() };
                let captured = ProviderAnswer::Captured { provider_ref: format!("stub_{payment_id}").into() };
                provider.make_up_its_mind(payment_id, if number % 2 == 0 { captured } else { declined });
            }
        }
        shop.clock.ahead_ms.fetch_add(4_000_000, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let (engine, _) = shop.instance(0);
        let (queries, end) = (engine.queries(), Time(i64::MAX / 2000));
        let open = (queries.payments_to_ask(end, 1).await, queries.refunds_to_ask(end, 1).await, queries.orders_to_expire(end, 1).await);
        matches!(open, (Ok(payments), Ok(refunds), Ok(orders)) if payments.is_empty() && refunds.is_empty() && orders.is_empty())
            .then_some(())
    })
    .await;
    for answer in every_order(shop).await {
        for refund in answer.refunds.iter().filter(|refund| refund.status == domain::refund::Status::Processing) {
            let news = OrderNews::RefundSucceeded { refund_id: refund.refund_id };
            clerk.ask(HearEvent { order_id: answer.order.order_id, news }).await.expect("it is given by hand");
        }
        let collects = answer.payment.as_ref().filter(|payment| payment.method.is_cod() && payment.status.is_open());
        if let Some(payment) = collects.filter(|_| matches!(answer.order.status, Status::Shipped | Status::Delivered)) {
            clerk.ask(CollectPayment { payment_id: payment.payment_id }).await.expect("it was paid at the door");
        }
    }
}

async fn every_order(shop: &Shop) -> Vec<OrderAnswer> {
    let (engine, _) = shop.instance(0);
    let (mut all, mut after): (Vec<OrderAnswer>, Option<(Time, Uuid)>) = (Vec::new(), None);
    let caller = Caller { id: "judge".into(), role: Role::Admin };
    loop {
        let page = engine.queries().orders(&caller, &OrderFilter::default(), Page { after, limit: 200 }).await.expect("it answers");
        let Some(last) = page.last() else { return all };
        after = Some((last.order.created_at, last.order.order_id.0));
        all.extend(page);
    }
}

async fn judge(shop: &Shop, placed: &[Order]) {
    let kept: BTreeMap<OrderId, OrderAnswer> = every_order(shop).await.into_iter().map(|answer| (answer.order.order_id, answer)).collect();
    let answered: BTreeSet<OrderId> = placed.iter().map(|order| order.order_id).collect();
    assert_eq!((answered.len(), kept.len()), (placed.len(), placed.len()), "one order a key, and every answered order is there");
    let mut shelves = SKUS.map(|name| (name, 0_i64, 0_i64));
    for order in placed {
        let now = &kept.get(&order.order_id).expect("it was answered, but is not there").order;
        assert_eq!(now.totals, order.totals);
        let waits = matches!(now.status, Status::Created | Status::PaymentPending);
        let cod = now.payment_method.as_ref().is_some_and(domain::order::PaymentMethod::is_cod);
        assert!(!waits || cod, "it waits for nothing: {now:?}");
        for line in now.lines.iter().filter(|_| now.status != Status::Canceled) {
            for (name, deducted, reserved) in &mut shelves {
                if line.sku_id().is_some_and(|sku_id| sku_id.as_str() == *name) {
                    *(if waits { &mut *reserved } else { &mut *deducted }) += line.qty;
                }
            }
        }
    }
    let (engine, _) = shop.instance(0);
    for ((name, deducted, reserved), opening) in shelves.into_iter().zip(OPENING) {
        let balance = engine.queries().balance(&name.into()).await.expect("it answers").expect("it is there");
        assert_eq!((balance.on_hand, balance.reserved), (opening - deducted, reserved), "{name}");
    }
    books_agree(shop, &kept).await;
    assert_eq!(engine.queries().audit(10).await.expect("it answers"), []);
}

/// To the cent, refunds included, in both directions.
async fn books_agree(shop: &Shop, kept: &BTreeMap<OrderId, OrderAnswer>) {
    let (engine, _) = shop.instance(0);
    let books = shop.line.provider.books();
    let (mut taken, mut given) = (0, 0);
    for (payment_id, entry) in &books {
        let ours =
            engine.queries().payment(&Caller::local_admin(), *payment_id).await.expect("it answers").expect("it was written down first");
        let charged = if entry.is_charged() { entry.amount } else { 0 };
        let went_back: i64 = entry.refunds.values().sum();
        assert_eq!((ours.captured, ours.refunded, ours.order_id), (charged, went_back, entry.order_id), "{entry:?} {ours:?}");
        let order = &kept[&entry.order_id].order;
        let covers_nothing = ours.is_surplus || order.status == Status::Canceled;
        assert_eq!(went_back, if covers_nothing { charged } else { 0 }, "{entry:?} {ours:?} {:?}", order.status);
        (taken, given) = (taken + charged, given + went_back);
    }
    for answer in kept.values() {
        let ours = |payment: &&Arc<Payment>| payment.captured > 0 && &*payment.provider != EXTERNAL && !payment.method.is_cod();
        if let Some(payment) = answer.payment.as_ref().filter(ours) {
            assert!(books.contains_key(&payment.payment_id), "the provider knows nothing of {payment:?}");
        }
    }
    eprintln!("{} payments at the provider: {taken} taken, {given} given back", books.len());
    assert!(taken > 0 && given > 0, "invalid: no money moved, or none went back");
}

/// One instance on a good line, and an order that waits for a provider who is silent.
async fn a_silent_attempt(database: &Database) -> (Arc<Shop>, Instance, Client, Order) {
    let shop = Shop::open(database, Settings::default()).await;
    shop.line.is_bad.store(false, Ordering::Relaxed);
    let instance = shop.start(0);
    let mut client = Client::of(&shop, 1, &Arc::default(), &Arc::default());
    fill_the_shelves(&mut client).await;
    let order = client.ask(place().line(SKUS[0], 2).0).await.expect("it is there").answer.order;
    client.ask(RequestPayment { order_id: order.order_id, method: Some("card_stub_timeout".into()) }).await.expect("it is asked for");
    until("the provider was asked", WITHIN, async || (!shop.line.provider.books().is_empty()).then_some(())).await;
    (shop, instance, client, (*order).clone())
}

async fn now(instance: &Instance, order_id: OrderId) -> OrderAnswer {
    instance.engine.queries().order(&Caller::local_admin(), order_id).await.expect("it answers").expect("it is there")
}

async fn settled(shop: &Shop, instance: &Instance, order_id: OrderId) -> OrderAnswer {
    until("the payment is known and the money where it belongs", WITHIN, async || {
        shop.clock.ahead_ms.fetch_add(700_000, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let now = now(instance, order_id).await;
        let open = now.refunds.iter().any(|refund| refund.next_check_at.is_some());
        (!open && !now.payment.as_ref().is_some_and(|payment| payment.awaits_provider())).then_some(now)
    })
    .await
}

/// R12, R13: declined and given up, then the provider charges after all. Nothing is revived; all goes back, and the history tells.
async fn money_that_comes_after_the_end_of_an_order_is_recorded_and_goes_back(database: &Database) {
    let (shop, instance, mut client, order) = a_silent_attempt(database).await;
    let order_id = order.order_id;
    let payment_id = *shop.line.provider.books().keys().next().expect("it was asked");
    shop.line.provider.make_up_its_mind(payment_id, ProviderAnswer::Declined { reason: "card_declined".into() });
    settled(&shop, &instance, order_id).await;
    client.ask(CancelOrder { order_id, reason: None, notes: None }).await.expect("nothing is under way any more");
    let captured = ProviderAnswer::Captured { provider_ref: format!("stub_{payment_id}").into() };
    shop.line.provider.make_up_its_mind(payment_id, captured.clone());
    // The provider tells it twice.
    for _ in 0..2 {
        client.ask(domain::command::RecordPayment { payment_id, said: captured.clone() }).await.expect("it is recorded");
    }
    let end = settled(&shop, &instance, order_id).await;
    assert_eq!(end.order.status, Status::Canceled, "a dead order was revived");
    assert_eq!(
        end.refunds.iter().map(|refund| (refund.amount, refund.status)).collect::<Vec<_>>(),
        [(2 * PRICE, domain::refund::Status::Refunded)]
    );
    let page = Page { after: None, limit: 50 };
    let history =
        instance.engine.queries().order_events(&Caller::local_admin(), order_id, page).await.expect("it answers").expect("it is there");
    let words: Vec<String> = history.iter().map(|event| event.event_type.clone()).collect();
    let tail: Vec<&str> = words.iter().rev().take(3).map(String::as_str).rev().collect();
    assert_eq!(tail, ["LATE_PAYMENT_RECEIVED", "REFUND_REQUESTED", "LATE_PAYMENT_REFUNDED"], "{words:?}");
    let kept = BTreeMap::from([(order_id, end)]);
    books_agree(&shop, &kept).await;
    let balance = instance.engine.queries().balance(&SKUS[0].into()).await.expect("it answers").expect("it is there");
    assert_eq!((balance.on_hand, balance.reserved), (OPENING[0], 0));
    assert_eq!(instance.engine.queries().audit(10).await.expect("it answers"), []);
}

/// R14, R13: while nobody knows, a cancel is refused; the provider's word then decides.
async fn a_cancel_waits_for_the_money_that_may_come_and_then_one_of_them_wins(database: &Database) {
    let (shop, instance, mut client, order) = a_silent_attempt(database).await;
    let order_id = order.order_id;
    let cancel = CancelOrder { order_id, reason: None, notes: None };
    let refused = client.ask(cancel.clone()).await.map(drop).expect_err("nobody knows whether the money was taken");
    assert_eq!(refused.code(), "PAYMENT_IN_PROGRESS");
    let payment_id = *shop.line.provider.books().keys().next().expect("it was asked");
    shop.line.provider.make_up_its_mind(payment_id, ProviderAnswer::Captured { provider_ref: format!("stub_{payment_id}").into() });
    let paid = settled(&shop, &instance, order_id).await;
    assert_eq!(paid.order.status, Status::Paid);
    let refused = client.ask(cancel).await.map(drop).expect_err("the money was first");
    assert_eq!(refused.code(), "INVALID_TRANSITION");
    // Where the door allows it, a paid order is canceled with its money on its way back, once, however many ask.
    let storefront = client.ask(place().line(SKUS[1], 1).through(Channel::Storefront).0).await.expect("it is there").answer.order.order_id;
    client.ask(RequestPayment { order_id: storefront, method: None }).await.expect("it is asked for");
    assert_eq!(settled(&shop, &instance, storefront).await.order.status, Status::Paid);
    let cancel = CancelOrder { order_id: storefront, reason: None, notes: None };
    let keys: Vec<String> = (0..10).map(|number| format!("cancel-{number}")).collect();
    for ended in futures_util::future::join_all(keys.iter().map(|key| client.ask_at(0, key, cancel.clone()))).await {
        assert_eq!(ended.expect("again: the same").answer.order.status, Status::Canceled);
    }
    let end = settled(&shop, &instance, storefront).await;
    assert_eq!(end.refunds.len(), 1);
    let balance = instance.engine.queries().balance(&SKUS[1].into()).await.expect("it answers").expect("it is there");
    assert_eq!((balance.on_hand, balance.reserved), (OPENING[1], 0));
    books_agree(&shop, &BTreeMap::from([(order_id, paid), (storefront, end)])).await;
    assert_eq!(instance.engine.queries().audit(10).await.expect("it answers"), []);
}

/// One instance on a good line, and an order of the storefront.
async fn an_order(database: &Database) -> (Arc<Shop>, Instance, Client, OrderId) {
    let shop = Shop::open(database, Settings::default()).await;
    shop.line.is_bad.store(false, Ordering::Relaxed);
    let instance = shop.start(0);
    let mut client = Client::of(&shop, 1, &Arc::default(), &Arc::default());
    fill_the_shelves(&mut client).await;
    let order = place().line(SKUS[0], 1).through(Channel::Storefront).0;
    let order_id = client.ask(order).await.expect("it is there").answer.order.order_id;
    (shop, instance, client, order_id)
}

async fn money_that_two_events_tell_of_after_the_end_of_an_order_goes_back_once(database: &Database) {
    let (_shop, instance, mut client, order_id) = an_order(database).await;
    client.ask(CancelOrder { order_id, reason: None, notes: None }).await.expect("nobody has paid");
    let news = |reference: &str| OrderNews::PaymentConfirmed { amount: cents(PRICE), currency: None, reference: Some(reference.into()) };
    for (reference, expected) in [("a", EventAnswer::Applied), ("a", EventAnswer::Nothing), ("b", EventAnswer::Applied)] {
        let heard = client.ask(HearEvent { order_id, news: news(reference) }).await.expect("it is heard").answer;
        assert_eq!(heard, expected, "{reference}");
    }
    let refunds: Vec<_> = now(&instance, order_id).await.refunds;
    assert_eq!(refunds.len(), 2, "one refund for each money, not for each event: {refunds:?}");
    assert_eq!(instance.engine.queries().audit(10).await.expect("it answers"), []);
}

async fn money_that_was_collected_by_hand_goes_back_by_hand(database: &Database) {
    let (shop, instance, mut client, order_id) = an_order(database).await;
    let attempt = CreatePayment { order_id, amount: cents(PRICE), currency: None, method: Some("mock".into()) };
    let payment_id = client.ask(attempt).await.expect("it is due").answer.0.payment_id;
    client.ask(CollectPayment { payment_id }).await.expect("it was received");
    client.ask(CancelOrder { order_id, reason: None, notes: None }).await.expect("the storefront allows it");
    let end = now(&instance, order_id).await;
    assert_eq!((end.order.status, end.refunds.len()), (Status::Canceled, 1));
    assert_eq!(end.refunds[0].next_check_at, None, "a provider is asked for money that it never took");
    let refund_id = end.refunds[0].refund_id;
    client.ask(HearEvent { order_id, news: OrderNews::RefundSucceeded { refund_id } }).await.expect("it is given");
    assert_eq!(now(&instance, order_id).await.refunds[0].status, domain::refund::Status::Refunded);
    assert!(shop.line.provider.books().is_empty());
    assert_eq!(instance.engine.queries().audit(10).await.expect("it answers"), []);
}
