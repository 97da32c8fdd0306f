//! A catalogue of 92 bad inputs, each at every door that it fits: refused with the right words, kept nowhere, told to
//! nobody, felt by nobody.
//!
//! A new door is one entry in `doors.rs`. A line of the catalogue that has no row stands in `lines.rs` with its reason.

mod bodies;
mod doors;
mod fields;
mod heads;
mod lines;
mod odd;
mod row;
mod slow;
mod states;
mod wire;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;

use self::doors::{CANARY, DOORS, Needs};
use self::row::{Call, Row};
use self::wire::{Witness, judge, send};
use crate::support::{Database, Http, Server, Setup, audit_is_clean, goods, priced_goods, until};

on_each_database![no_bad_input_is_taken_kept_told_back_or_felt_by_others];

/// Who is refused is told at once.
const AT_ONCE: Duration = Duration::from_secs(1);

/// How often somebody else's connection is looked at.
const ROWS_PER_LOOK: usize = 16;

/// What the process may keep of all that was sent. A body is at most 1 MiB, its tree at most 65,536 values of 32 bytes; the
/// rows come one after the other, so two such bodies and what the allocator keeps for the next ones.
const RESIDENT_MORE_KIB: u64 = 32 * 1024;

/// A shop in which every kind of refusal has its cause.
struct Shop {
    order: String,
    ticket: String,
    other_ticket: String,
    paid: String,
    canceled: String,
    offer: String,
    ended: String,
    payable: String,
    payment: String,
    cash: String,
    eventful: String,
    shippable: String,
    cancelable: String,
    line: String,
    cart: String,
    closed_cart: String,
    checkout: String,
    done: String,
}

impl Shop {
    async fn open(http: &Http) -> Self {
        goods(http, "TEA", 1000).await;
        goods(http, "FEW", 3).await;
        priced_goods(http, "YEN", ("500", "JPY"), 5).await;
        priced_goods(http, "DEAR", ("10000000000000.00", "USD"), 1_000_000).await;
        priced_goods(http, "OFF", ("1.00", "USD"), 5).await;
        for (sku_id, status, answer) in [("OFF", "INACTIVE", 200), ("FREE", "ACTIVE", 201)] {
            let sku = json!({ "product_id": "p", "name": "n", "status": status });
            http.put(format!("/api/v1/skus/{sku_id}")).json(&sku).send().await.expect(answer);
        }
        let ended = json!({ "sku_id": "FREE", "price": "1.00", "currency": "USD", "status": "ENDED" });
        let ended = http.post("/api/v1/offers").json(&ended).send().await.expect(201).string("offer_id");
        let offer = http.get("/api/v1/skus/TEA/current-offer").send().await.expect(200).string("offer_id");
        let place = async |path: &'static str, key: &str, body: String| {
            let reply = http.post(path).key(key).body("application/json", body).send().await;
            reply.expect(201).string("order_id")
        };
        let order = place("/api/v1/orders", states::USED, states::used_body("/api/v1/orders").to_owned()).await;
        let hold = |number: u8| {
            let id = format!("\"67e55044-10b1-426f-9247-bb680e5fe{number:03}\"");
            fields::with(states::used_body("/orders"), "/hold_id", Some(&id))
        };
        let ticket = place("/orders", "a", hold(1)).await;
        let other_ticket = place("/orders", "b", hold(2)).await;
        let paid = place("/orders", "c", hold(3)).await;
        http.post(format!("/orders/{paid}/confirm")).send().await.expect(200);
        let canceled = place("/orders", states::USED, states::used_body("/orders").to_owned()).await;
        http.post(format!("/orders/{canceled}/cancel")).send().await.expect(200);
        let cheap = |key: &'static str| place("/api/v1/orders", key, r#"{"items":[{"sku_id":"TEA","qty":1}]}"#.to_owned());
        let (payable, eventful) = (cheap("d").await, cheap("e").await);
        let pay = async |key: &str, body: String| {
            let reply = http.post("/api/v1/payments").key(key).body("application/json", body).send().await;
            reply.expect(201).string("payment_id")
        };
        let payment = pay(states::USED, states::used_body("/api/v1/payments").replace("{payable}", &payable)).await;
        let on_delivery = json!({ "order_id": cheap("f").await, "amount": "10.00", "payment_method": "cod" });
        let cash = pay("f", on_delivery.to_string()).await;
        let (shippable, cancelable) = (cheap("g").await, cheap("h").await);
        http.post(format!("/orders/{shippable}/confirm")).send().await.expect(200);
        let put = async |session: &str| {
            let body = json!({ "session_id": session, "sku_id": "TEA", "qty": 1 });
            http.post("/api/v1/cart/items").json(&body).send().await.expect(201).json()
        };
        let (filled, closed) = (put("filled").await, put("closed").await);
        let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
        let (line, cart, closed_cart) = (text(&filled["items"][0]["cart_item_id"]), text(&filled["cart_id"]), text(&closed["cart_id"]));
        place("/api/v1/orders", "i", json!({ "cart_id": closed_cart }).to_string()).await;
        for (session, change) in
            [("done", json!({ "shipping_address_id": "s", "payment_method": "cod" })), ("a-session-of-no-state", json!({}))]
        {
            put(session).await;
            http.post("/checkout/start").json(&json!({ "session_id": session, "customer_id": "c" })).send().await.expect(201);
            let mut change = change;
            change["session_id"] = json!(session);
            http.put("/checkout/state").json(&change).send().await.expect(200);
        }
        http.post("/checkout/confirm").json(&json!({ "session_id": "done" })).send().await.expect(201);
        Self {
            order,
            ticket,
            other_ticket,
            paid,
            canceled,
            offer,
            ended,
            payable,
            payment,
            cash,
            eventful,
            shippable,
            cancelable,
            line,
            cart,
            closed_cart,
            checkout: "a-session-of-no-state".to_owned(),
            done: "done".to_owned(),
        }
    }

    /// A path with the ids of this shop.
    fn at(&self, path: &str) -> String {
        let ids = [
            ("{order}", &self.order),
            ("{ticket}", &self.ticket),
            ("{other_ticket}", &self.other_ticket),
            ("{paid}", &self.paid),
            ("{canceled}", &self.canceled),
            ("{offer}", &self.offer),
            ("{ended}", &self.ended),
            ("{payable}", &self.payable),
            ("{payment}", &self.payment),
            ("{cash}", &self.cash),
            ("{eventful}", &self.eventful),
            ("{shippable}", &self.shippable),
            ("{cancelable}", &self.cancelable),
            ("{line}", &self.line),
            ("{cart}", &self.cart),
            ("{closed_cart}", &self.closed_cart),
            ("{checkout}", &self.checkout),
            ("{done}", &self.done),
        ];
        ids.iter().fold(path.to_owned(), |path, (name, id)| if path.contains(name) { path.replace(name, id) } else { path })
    }
}

/// Every row of the catalogue.
fn rows(at: impl Fn(&str) -> String) -> Vec<Row> {
    let mut rows = Vec::new();
    for door in DOORS {
        let path = at(door.path);
        let call = |body: &[u8]| {
            // What is no text names nothing of the shop.
            let body = std::str::from_utf8(body).map_or_else(|_| body.to_vec(), |body| at(body).into_bytes());
            let call = Call::new(door.method, &path).json(body);
            if door.needs == Needs::Nothing { call } else { call.key("never") }
        };
        // These words are read by the route of `restock`, which reads the body before the word matters.
        if !["/reserve", "/release", "/deduct"].iter().any(|word| door.path.ends_with(word)) {
            rows.extend(bodies::rows(door, call));
        }
        rows.extend(fields::rows(door, call));
    }
    rows.extend(heads::rows(&at));
    rows.extend(states::rows(&at));
    rows
}

#[test]
fn every_line_of_the_catalogue_is_tried_played_elsewhere_or_has_its_reason() {
    let tried: BTreeSet<u8> = rows(str::to_owned).iter().map(|row| row.number).collect();
    let elsewhere: BTreeSet<u8> = lines::ELSEWHERE.iter().map(|(number, _)| *number).collect();
    let later: BTreeSet<u8> = lines::LATER.iter().map(|(number, _)| *number).collect();
    assert_eq!(later.intersection(&tried).collect::<Vec<_>>(), Vec::<&u8>::new(), "tried already");
    let all: BTreeSet<u8> = tried.iter().chain(&elsewhere).chain(&later).copied().collect();
    assert_eq!(all, (1..=92).collect::<BTreeSet<u8>>());
    let reasons = lines::ELSEWHERE.iter().chain(lines::LATER);
    assert!(reasons.into_iter().all(|(_, reason)| !reason.is_empty()));
}

async fn no_bad_input_is_taken_kept_told_back_or_felt_by_others(database: &Database) {
    let server = Setup::on(database).set("ORDO_LOG__LEVEL", "trace").start().await;
    let shop = Shop::open(&server.http).await;
    let rows = rows(|path| shop.at(path));
    let mut witness = Witness::at(server.http.address()).await;
    let kept_before = database.contents();
    let resident_before = server.resident_kib();
    let mut wrong = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        if let Err(why) = try_row(&server, row).await {
            wrong.push(format!("{}: {why}", row.what));
        }
        // A connection that has died stays dead: it need not be asked after every row.
        if index.is_multiple_of(ROWS_PER_LOOK) {
            witness.asks().await;
        }
    }
    witness.asks().await;
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    let kept = database.contents();
    for (table, before) in &kept_before {
        assert_eq!(&kept[table], before, "{table} has changed");
    }
    assert_eq!(kept.len(), kept_before.len());
    // The allocator gives back what it has spare, but in its own time: under the rows it rises and falls by as much again.
    let back_to_base = async || {
        server.http.get("/livez").send().await.expect(200);
        let more = server.resident_kib().saturating_sub(resident_before);
        (more < RESIDENT_MORE_KIB).then_some(more)
    };
    let more = until("the memory of the bad inputs is given back", Duration::from_secs(10), back_to_base).await;
    eprintln!("{} rows; {more} KiB more resident than {resident_before} KiB", rows.len());
    is_silent_about_callers(&server);
    audit_is_clean(database).await;
}

/// Sends the row; a machine that is busy with something else may have a second look at the time.
async fn try_row(server: &Server, row: &Row) -> Result<(), String> {
    let mut took = Duration::MAX;
    for _ in 0..2 {
        let began = Instant::now();
        let reply = send(server.http.address(), &row.send).await.map_err(|error| error.to_string())?;
        took = began.elapsed();
        judge(row, reply.as_ref())?;
        if took < AT_ONCE {
            return Ok(());
        }
    }
    Err(format!("answered after {took:?}"))
}

/// Its log is whole lines of JSON, and nothing in them is what a caller brought along.
fn is_silent_about_callers(server: &Server) {
    // What is wrong with the configuration is told in plain words before there is a log.
    for line in server.log_lines().iter().skip_while(|line| !line.starts_with('{')) {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "no line of JSON: {line}");
        assert!(!line.to_ascii_lowercase().contains(CANARY), "a caller's words are logged: {line}");
    }
}
