//! The process ends at every step of a confirm, one after the other: what is there afterwards is nothing or the whole, and the next try completes it.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Database, Http, Setup, all_orders, audit_is_clean, event_types, goods, stock, until};

on_each_database![a_confirm_that_ends_at_any_step_is_nothing_or_the_whole, so_is_one_whose_goods_are_held];

/// Where the process ends: at the steps of a command's way, and of a payment's.
const STEPS: [&str; 12] = [
    "Taken",
    "Loaded",
    "Saving",
    "Saving+100us",
    "Saving+300us",
    "Saving+1000us",
    "Saving+3000us",
    "Saved",
    "Durable",
    "Answered",
    "Asking",
    "Told",
];
/// More than a step comes.
const TIMES_MAX: u32 = 10;
const UNITS: i64 = 1000;
const SETTLED_WITHIN: Duration = Duration::from_secs(20);
const PAID: [&str; 5] = ["ORDER_CREATED", "INVENTORY_RESERVED", "PAYMENT_REQUESTED", "PAYMENT_SUCCEEDED", "INVENTORY_DEDUCTED"];

/// Steps count while this file is there.
struct Armed(PathBuf);

impl Armed {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("ordo-armed-{}-{:016x}", std::process::id(), rand::random::<u64>())))
    }

    fn arm(&self) {
        std::fs::write(&self.0, "").expect("there is room for temporary files");
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

async fn ready(http: &Http, session: &str) {
    let line = json!({ "session_id": session, "sku_id": "TEA", "qty": 2 });
    http.post("/api/v1/cart/items").json(&line).send().await.expect(201);
    http.post("/checkout/start").json(&json!({ "session_id": session })).send().await.expect(201);
    let state = json!({
        "session_id": session, "shipping_address_id": "home", "payment_method": "card_stub", "customer_email": "ada@mail.example",
    });
    http.put("/checkout/state").json(&state).send().await.expect(200);
}

fn confirm(http: &Http, session: &str) -> crate::support::Request {
    http.post("/checkout/confirm").json(&json!({ "session_id": session }))
}

async fn read(http: &Http, path: String) -> Value {
    http.get(path).send().await.expect(200).json()
}

/// What nobody has ordered or holds; the same before and after a payment.
async fn left(http: &Http) -> i64 {
    let (on_hand, reserved) = stock(http, "TEA").await;
    on_hand - reserved
}

/// What a start after the end finds: the whole order of the session, or nothing of it.
async fn nothing_or_the_whole(http: &Http, session: &str, orders: i64, held: i64) -> Option<String> {
    let session_now = read(http, format!("/checkout/{session}")).await;
    let cart = read(http, format!("/api/v1/cart?session_id={session}")).await;
    let all = all_orders(http, "").await;
    let count = i64::try_from(all.len()).expect("few");
    if session_now["order_id"] == Value::Null {
        assert_eq!((&session_now["status"], &cart["is_active"]), (&json!("active"), &json!(true)));
        assert_eq!((count, left(http).await), (orders, UNITS - 2 * orders - held), "nothing");
        return None;
    }
    assert_eq!((&session_now["status"], &cart["is_active"]), (&json!("confirmed"), &json!(false)));
    assert_eq!((count, left(http).await), (orders + 1, UNITS - 2 * orders - 2), "the whole");
    let order_id = all[0]["order_id"].as_str().expect("an id").to_owned();
    assert_eq!(session_now["order_id"], order_id);
    let facts = event_types(http, &order_id).await;
    assert!(facts == PAID[..3] || facts == PAID, "{facts:?}");
    Some(order_id)
}

/// Confirms a session while the process ends when `step` comes for that time; whether it did, and whether an order was left behind.
async fn end_at(setup: impl Fn() -> Setup, (step, time): (&str, u32), orders: i64, held: i64) -> Option<bool> {
    let armed = Armed::new();
    let with_plan = setup().set("ORDO_TEST_CRASH_AT", format!("{step}:{time}"));
    let mut server = with_plan.set("ORDO_TEST_CRASH_WHILE", armed.0.to_string_lossy()).start().await;
    let http = server.http.clone();
    let session = format!("{step}-{time}").replace('+', "-");
    ready(&http, &session).await;
    // The last step of the call before may come after its answer.
    tokio::time::sleep(Duration::from_millis(20)).await;
    armed.arm();
    let told = confirm(&http, &session).try_send().await.ok();
    if let Some(told) = &told {
        assert_eq!(told.status, 201, "{}", told.text());
        // A step may come after the answer.
        tokio::time::sleep(Duration::from_millis(300)).await;
        if !server.has_ended() {
            return None;
        }
    }
    drop(armed);
    assert_eq!(server.ended().await, None, "it did not end in order");

    // A payment that was interrupted is asked about again after five seconds: that is waited for once, in the end.
    let server = setup().set("ORDO_PAYMENTS__ANSWER_WITHIN_MS", "200").start().await;
    let http = &server.http;
    let found = nothing_or_the_whole(http, &session, orders, held).await;
    if let Some(told) = told {
        assert_eq!(found, Some(told.string("order_id")), "what was answered is there");
    }
    let again = confirm(http, &session).send().await.expect(if found.is_some() { 200 } else { 201 });
    assert!(found.as_ref().is_none_or(|order_id| *order_id == again.string("order_id")));
    assert_eq!(left(http).await, UNITS - 2 * orders - 2, "completed");
    Some(found.is_some())
}

/// Confirms sessions one after the other, and ends the process at every step, the first time it comes, the second …
async fn end_at_every_step(database: &Database, reserve_at: &'static str) {
    let setup = || Setup::on(database).set("ORDO_CHECKOUT__RESERVE_AT", reserve_at);
    goods(&setup().start().await.http, "TEA", UNITS).await;
    let (mut nothing, mut whole, mut orders) = (0, 0, 0);
    for step in STEPS {
        for time in 1.. {
            assert!(time < TIMES_MAX, "{step} comes again and again");
            let ended = end_at(setup, (step, time), orders, if reserve_at == "start" { 2 } else { 0 }).await;
            orders += 1;
            match ended {
                Some(true) => whole += 1,
                Some(false) => nothing += 1,
                None if time > 1 || step.contains('+') => break,
                None => panic!("{step} never came"),
            }
        }
    }
    eprintln!("nothing {nothing} times, the whole {whole} times");
    assert!(nothing >= 3 && whole >= 8, "nothing {nothing} times, the whole {whole} times");
    let server = setup().start().await;
    let all = until("every payment has ended", SETTLED_WITHIN, async || {
        let all = all_orders(&server.http, "").await;
        all.iter().all(|order| order["payment_status"] == "paid").then_some(all)
    });
    let all = all.await;
    assert_eq!((i64::try_from(all.len()).expect("few"), stock(&server.http, "TEA").await), (orders, (UNITS - 2 * orders, 0)));
    for order in all {
        assert_eq!(event_types(&server.http, order["order_id"].as_str().expect("an id")).await, PAID, "one order, one payment");
    }
    audit_is_clean(database).await;
}

async fn a_confirm_that_ends_at_any_step_is_nothing_or_the_whole(database: &Database) {
    end_at_every_step(database, "confirm").await;
}

async fn so_is_one_whose_goods_are_held(database: &Database) {
    end_at_every_step(database, "start").await;
}
