//! Thousands of random orders from sixteen clients while instances are killed with -9 every few seconds and started again. Each
//! client writes down, outside of the service, what it was told; in the end all of that must be so, and nothing else.
//!
//! `ORDO_LIVE_ORDERS` says how many orders. A run in which too little got through is invalid, not good.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{
    Database, Dice, Http, Length, Reply, Request, Server, Setup, all_orders, audit_is_clean, cart, goods, place, stock, until,
};

on_sqlite_only![whatever_was_answered_holds_though_the_service_is_killed_again_and_again];
on_postgres_only![whatever_two_instances_answered_holds_though_they_are_killed_in_turn];

const CLIENTS: usize = 16;
const SKUS: [&str; 4] = ["TEA", "MILK", "SALT", "LAST"];
/// Of all but the last, more than anybody wants.
const OPENING: i64 = 1_000_000;
const OPENING_LAST: i64 = 200;
/// In percent of all calls: fewer with an answer say nothing about the promise.
const ANSWERED_MIN: usize = 60;
const WINDOW_SECONDS: &str = "4";

/// Where the instances are at the moment; `None`: it was killed and is not ready again.
type Instances = Arc<Mutex<Vec<Option<Http>>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one client was told of one order.
#[derive(Debug)]
struct Told {
    order_id: String,
    total: String,
    /// Of goods; tickets have none.
    units: Vec<(usize, i64)>,
    paid: bool,
    canceled: bool,
    shipped: bool,
}

/// What all clients were told.
#[derive(Debug, Default)]
struct Notes {
    orders: Mutex<BTreeMap<String, Told>>,
    calls: AtomicUsize,
    answered: AtomicUsize,
}

struct Client {
    number: usize,
    instances: Instances,
    notes: Arc<Notes>,
    dice: Dice,
}

impl Client {
    /// One that was alive a moment ago. Nobody calls where he knows that nobody is.
    async fn http(&mut self) -> Http {
        loop {
            let living: Vec<Http> = lock(&self.instances).iter().flatten().cloned().collect();
            if !living.is_empty() {
                return living[self.dice.below(living.len())].clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Once; `None`: nobody knows, or later.
    async fn once(&self, request: Request) -> Option<Reply> {
        self.notes.calls.fetch_add(1, Ordering::Relaxed);
        let reply = request.try_send().await.ok()?;
        assert!(reply.status < 500 || reply.status == 503, "{}: {}", reply.status, reply.text());
        if reply.status == 503 {
            return None;
        }
        self.notes.answered.fetch_add(1, Ordering::Relaxed);
        Some(reply)
    }

    /// Until it is answered.
    async fn insist(&mut self, request: impl Fn(&Http) -> Request) -> Reply {
        loop {
            let http = self.http().await;
            if let Some(reply) = self.once(request(&http)).await {
                return reply;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn run(mut self, length: Length) {
        for number in 0..length.orders / CLIENTS {
            if length.is_over() {
                return;
            }
            let key = format!("c{}-{number}", self.number);
            let placed = if self.dice.below(4) == 0 { self.tickets(&key).await } else { self.goods(&key).await };
            if let Some(told) = placed {
                let told = self.follow(&key, told).await;
                lock(&self.notes.orders).insert(key, told);
            }
        }
    }

    async fn goods(&mut self, key: &str) -> Option<Told> {
        let lines: Vec<(usize, i64)> =
            (0..=self.dice.below(2)).map(|line| ((line + self.dice.below(3)) % 4, 1 + i64::from(self.dice.below(2) == 0))).collect();
        let mut body = cart(&lines.iter().map(|(sku, qty)| (SKUS[*sku], *qty)).collect::<Vec<_>>());
        if self.dice.below(8) == 0 {
            body["payment_method"] = json!("cod");
        }
        if self.dice.below(10) == 0 {
            self.place_badly(key, &body).await;
        }
        let reply = self.insist(|http| place(http, key, &body)).await;
        match reply.status {
            200 | 201 => Some(told(&reply, lines)),
            409 => {
                assert_eq!(reply.string("code"), "OUT_OF_STOCK", "{}", reply.text());
                None
            }
            other => panic!("{key}: {other}: {}", reply.text()),
        }
    }

    /// A bad key, a bad body: refused, and nothing of it stays.
    async fn place_badly(&mut self, key: &str, body: &Value) {
        let none = self.insist(|http| http.post("/api/v1/orders").json(body)).await;
        assert_eq!((none.status, none.string("code").as_str()), (400, "IDEMPOTENCY_KEY_REQUIRED"));
        let bad = self.insist(|http| place(http, key, &json!({ "items": [{ "sku_id": "TEA", "qty": 0 }] }))).await;
        assert_eq!(bad.status, 422, "{}", bad.text());
    }

    async fn tickets(&mut self, key: &str) -> Option<Told> {
        let (hold, session) = (self.dice.uuid(), self.dice.uuid());
        let item = json!({ "session_id": session, "ticket_type_id": session, "quantity": 1 + self.dice.below(3), "unit_price": 19.99 });
        let body = json!({ "customer_email": "ana@example.com", "hold_id": hold, "items": [item] });
        let reply = self.insist(|http| http.post("/orders").key(key).json(&body)).await;
        assert!(matches!(reply.status, 200 | 201), "{key}: {}: {}", reply.status, reply.text());
        Some(told(&reply, Vec::new()))
    }

    /// Pays, cancels, reads, lists, asks again.
    async fn follow(&mut self, key: &str, mut told: Told) -> Told {
        for _ in 0..=self.dice.below(3) {
            match self.dice.below(12) {
                0..=3 => self.confirm(&mut told).await,
                4 => self.cancel(&mut told).await,
                5 => {
                    let read = self.insist(|http| http.get(format!("/api/v1/orders/{}", told.order_id))).await.expect(200);
                    assert_eq!(read.raw("/total_amount"), told.total, "{key}");
                }
                6 => {
                    self.insist(|http| http.get("/api/v1/orders?limit=5")).await.expect(200);
                }
                7..=8 => self.tell_of_money(&told).await,
                9 => self.ship(key, &mut told).await,
                10 => self.attempt(&told).await,
                // Another order under a key that was used; at the tickets door it would be another key.
                _ if !told.units.is_empty() => {
                    let other = self.insist(|http| place(http, key, &cart(&[("TEA", 7)]))).await;
                    assert_eq!((other.status, other.string("code").as_str()), (422, "IDEMPOTENCY_KEY_REUSED"), "{key}");
                }
                _ => {}
            }
        }
        told
    }

    async fn confirm(&mut self, told: &mut Told) {
        let method = self.dice.pick(&["card_stub", "card_stub", "card_stub", "card_stub_decline", "card_stub_timeout"]);
        let body = json!({ "payment_method": method });
        let path = format!("/orders/{}/confirm", told.order_id);
        let reply = self.insist(|http| http.post(&*path).json(&body)).await;
        match reply.status {
            200 => told.paid = true,
            202 | 400 | 402 => {}
            other => panic!("{path}: {other}: {}", reply.text()),
        }
    }

    /// An event from outside, told twice under one id: with what is due, or with another amount.
    async fn tell_of_money(&mut self, told: &Told) {
        let (event_id, is_due) = (self.dice.uuid(), self.dice.below(4) > 0);
        let amount = if is_due { told.total.as_str() } else { "0.01" };
        let body = json!({ "event_type": "payment.confirmed", "event_id": event_id, "payload": { "amount": amount } });
        let path = format!("/internal/orders/{}/events", told.order_id);
        let first = self.insist(|http| http.post(&*path).json(&body)).await;
        let again = self.insist(|http| http.post(&*path).json(&body)).await;
        assert_eq!((first.status, first.json()["applied"].clone()), (again.status, again.json()["applied"].clone()), "{}", again.text());
        assert!(first.status == 200 || (first.status == 409 && !is_due), "{path}: {}: {}", first.status, first.text());
    }

    async fn ship(&mut self, key: &str, told: &mut Told) {
        let body = json!({ "event_type": "shipment.shipped", "event_id": format!("{key} left"), "payload": { "tracking_number": key } });
        let path = format!("/internal/orders/{}/events", told.order_id);
        let reply = self.insist(|http| http.post(&*path).json(&body)).await;
        match reply.status {
            200 => told.shipped = true,
            409 => {}
            other => panic!("{path}: {other}: {}", reply.text()),
        }
    }

    /// An attempt beside whatever is under way.
    async fn attempt(&mut self, told: &Told) {
        let body = json!({ "order_id": told.order_id, "amount": told.total, "payment_method": "card_stub" });
        let key = self.dice.uuid();
        let reply = self.insist(|http| http.post("/api/v1/payments").key(&key).json(&body)).await;
        assert!(matches!(reply.status, 200 | 201 | 409), "{}: {}", reply.status, reply.text());
    }

    async fn cancel(&mut self, told: &mut Told) {
        let path = format!("/api/v1/orders/{}/cancel", told.order_id);
        let reply = self.insist(|http| http.post(&*path).json(&json!({ "reason": "changed my mind" }))).await;
        match reply.status {
            200 => told.canceled = true,
            409 => {}
            other => panic!("{path}: {other}: {}", reply.text()),
        }
    }
}

fn told(reply: &Reply, units: Vec<(usize, i64)>) -> Told {
    let (order_id, total) = (reply.string("order_id"), reply.raw("/total_amount").to_owned());
    Told { order_id, total, units, paid: false, canceled: false, shipped: false }
}

async fn run(setup: Setup, database: &Database, count: usize) {
    let mut servers = Vec::new();
    for _ in 0..count {
        servers.push(setup.clone().start().await);
    }
    let http = servers[0].http.clone();
    for sku in SKUS {
        goods(&http, sku, if sku == "LAST" { OPENING_LAST } else { OPENING }).await;
    }
    let instances: Instances = Arc::new(Mutex::new(servers.iter().map(|server| Some(server.http.clone())).collect()));
    let notes = Arc::new(Notes::default());
    let mut clients = JoinSet::new();
    let length = Length::given();
    for number in 0..CLIENTS {
        let (instances, notes) = (instances.clone(), notes.clone());
        let dice = Dice::new(u64::try_from(number).expect("few"));
        clients.spawn(Client { number, instances, notes, dice }.run(length));
    }
    let over = Arc::new(AtomicBool::new(false));
    let chaos = tokio::spawn(kill_in_turn(servers, instances.clone(), over.clone()));
    while let Some(ended) = clients.join_next().await {
        ended.expect("a client was told what nobody may be told");
    }
    over.store(true, Ordering::Relaxed);
    let (servers, kills) = chaos.await.expect("every start succeeds");
    judge(&notes, length, &servers[0].http, database, kills).await;
}

/// kill -9 and a start, every few seconds; those that run in the end.
async fn kill_in_turn(mut servers: Vec<Server>, instances: Instances, over: Arc<AtomicBool>) -> (Vec<Server>, usize) {
    let mut dice = Dice::new(99);
    let mut kills = 0;
    while !over.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(1500 + u64::try_from(dice.below(2500)).expect("small"))).await;
        let place = kills % servers.len();
        let setup = servers.remove(place).kill().await;
        lock(&instances)[place] = None;
        kills += 1;
        let server = setup.start().await;
        lock(&instances)[place] = Some(server.http.clone());
        servers.insert(place, server);
    }
    (servers, kills)
}

/// Whether an order may go on waiting: for cash, or for the word of a provider that says nothing.
fn waits_legally(order: &Value) -> bool {
    let method = order["payment_method"].as_str().unwrap_or_default();
    method == "cod"
        || (method == "card_stub_timeout"
            && order["payment"]["status"].as_str().is_some_and(|word| word == "UNKNOWN" || word == "INITIATED"))
}

async fn judge(notes: &Notes, length: Length, http: &Http, database: &Database, kills: usize) {
    let (calls, answered) = (notes.calls.load(Ordering::Relaxed), notes.answered.load(Ordering::Relaxed));
    eprintln!("{calls} calls, {answered} answered, {kills} kills");
    assert!(kills > 0 && answered * 100 >= calls * ANSWERED_MIN, "invalid: {answered} of {calls} calls were answered, {kills} kills");
    let waits = |order: &Value| matches!(order["status"].as_str(), Some("CREATED" | "PAYMENT_PENDING")) && !waits_legally(order);
    until("every order has ended or waits with a reason", Duration::from_secs(40), async || {
        let open = all_orders(http, "&status=CREATED,PAYMENT_PENDING").await;
        (!open.iter().any(waits)).then_some(())
    })
    .await;
    let kept: BTreeMap<String, Value> =
        all_orders(http, "").await.into_iter().map(|order| (order["order_id"].as_str().expect("an id").to_owned(), order)).collect();
    let orders = std::mem::take(&mut *lock(&notes.orders));
    length.was_enough(orders.len());
    assert_eq!(kept.len(), orders.len(), "one order a key, and every answered order is there");
    let (mut deducted, mut reserved) = ([0; 4], [0; 4]);
    for (key, told) in &orders {
        let order = kept.get(&told.order_id).unwrap_or_else(|| panic!("{key} was answered and is not there: {told:?}"));
        let status = order["status"].as_str().expect("a word");
        assert!(!(told.paid && told.canceled), "{key} was told both: {order}");
        assert!(!told.paid || matches!(status, "PAID" | "SHIPPED"), "{key} was told that it is paid: {order}");
        assert_eq!(told.shipped, status == "SHIPPED", "{key}: {order}");
        assert!(!told.canceled || status == "CANCELED", "{key} was told that it is canceled: {order}");
        let total: Value = serde_json::from_str(&told.total).expect("it was read from an answer");
        assert_eq!(order["total_amount"], total, "{key}");
        let shelf = match status {
            "PAID" | "SHIPPED" => &mut deducted,
            "CREATED" | "PAYMENT_PENDING" => &mut reserved,
            "CANCELED" => continue,
            other => panic!("{key} is {other}"),
        };
        for (sku, qty) in &told.units {
            shelf[*sku] += qty;
        }
    }
    for (index, sku) in SKUS.iter().enumerate() {
        let opening = if *sku == "LAST" { OPENING_LAST } else { OPENING };
        assert_eq!(stock(http, sku).await, (opening - deducted[index], reserved[index]), "{sku}: opening stock less what was paid");
    }
    audit_is_clean(database).await;
}

fn setup(database: &Database) -> Setup {
    Setup::on(database).set("ORDO_ORDERS__PAYMENT_WINDOW_SECONDS", WINDOW_SECONDS).set("ORDO_PAYMENTS__ANSWER_WITHIN_MS", "100")
}

async fn whatever_was_answered_holds_though_the_service_is_killed_again_and_again(database: &Database) {
    run(setup(database), database, 1).await;
}

async fn whatever_two_instances_answered_holds_though_they_are_killed_in_turn(database: &Database) {
    run(setup(database), database, 2).await;
}
