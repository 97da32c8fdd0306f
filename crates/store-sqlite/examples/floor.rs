//! The yardstick: one transaction an order, by hand, on the same schema and settings, one after the other.
//!
//! `cargo run --release -p store-sqlite --example floor -- --seconds 5` prints one line of JSON.
#![expect(clippy::print_stdout, reason = "the measure is its output")]

#[path = "../tests/sqlite_store/support.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod support;

use std::time::{Duration, Instant};

use domain::ids::{Mint, Uuid};
use engine::port::{Clock as _, Mark, SystemClock};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension as _, Result, params};
use support::{Batch, Desk, Folder, store};
use testkit::builders::{context, offer, restock, sku};

const SKUS: u32 = 1000;
const ADDRESS: &str = r#"{"name":"Ada Lovelace","line1":"12 St James's Square","city":"London","postal_code":"SW1Y 4JH","country":"GB"}"#;

fn seconds() -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--seconds");
    arguments.nth(1).map_or(5, |text| text.parse().expect("--seconds wants a whole number"))
}

/// A catalogue with stock for all.
async fn fill(folder: &Folder) {
    let mut desk = Desk::of(&store(&folder.file()).await).await;
    let mut batch = Batch::default();
    for n in 0..SKUS {
        let id = sku_id(n);
        desk.decide(&sku(&id), &context(&SystemClock), &mut batch).await;
        desk.decide(&offer(&id, 1999), &context(&SystemClock), &mut batch).await;
        desk.decide(&restock(&id, 1_000_000_000), &context(&SystemClock), &mut batch).await;
    }
    desk.session.save(&batch.changes, Mark(SystemClock.mint().id(0))).await.expect("the disk has room");
}

fn sku_id(n: u32) -> String {
    format!("SKU-{:05}", n % SKUS)
}

fn connect(folder: &Folder) -> Result<Connection> {
    let db = Connection::open(folder.file())?;
    db.execute_batch("pragma synchronous = full; pragma foreign_keys = on; pragma cache_size = -32768; pragma wal_autocheckpoint = 4000")?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

/// A line to be sold.
struct Line {
    sku_id: String,
    qty: i64,
    offer_id: [u8; 16],
    price: i64,
    product_id: String,
    name: String,
}

/// What happens to be cheapest for one transaction: each statement once, prepared, by its key.
fn place(db: &Connection, serial: i64) -> Result<()> {
    let mint = SystemClock.mint();
    let (now, order_id) = (mint.time.0, mint.id(0));
    let key = format!("local\u{1f}place_order\u{1f}{:032x}", rand::random::<u128>());
    db.prepare_cached("begin immediate")?.execute([])?;
    let known = db.prepare_cached("select key_fingerprint from orders where idempotency_key = ?")?.exists([&key])?;
    assert!(!known, "keys are random");
    let mut lines = Vec::new();
    for qty in [1_i64, 2] {
        let sku_id = sku_id(rand::random());
        let (offer_id, price, product_id, name) = db
            .prepare_cached(
                "select offer_id, price, product_id, name from offer join sku using (sku_id)
                 where sku_id = ?1 and offer.status = 'ACTIVE' and valid_from <= ?2 and (valid_to is null or valid_to > ?2)",
            )?
            .query_row(params![sku_id, now], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        let available: i64 = db
            .prepare_cached("select on_hand - reserved from inventory_balance where sku_id = ?")?
            .query_row([&sku_id], |row| row.get(0))
            .optional()?
            .unwrap_or(0);
        assert!(available >= qty, "there is stock for all");
        lines.push(Line { sku_id, qty, offer_id, price, product_id, name });
    }
    reserve(db, &lines, order_id, now)?;
    insert_order(db, &lines, order_id, now, &key, serial)?;
    insert_history(db, mint, &lines, serial)?;
    db.prepare_cached("commit")?.execute([]).map(drop)
}

fn reserve(db: &Connection, lines: &[Line], order_id: Uuid, now: i64) -> Result<()> {
    for line in lines {
        let changed = db
            .prepare_cached(
                "update inventory_balance set reserved = reserved + ?1, version = version + 1, updated_at = ?2
                 where sku_id = ?3 and on_hand - reserved >= ?1",
            )?
            .execute(params![line.qty, now, line.sku_id])?;
        assert_eq!(changed, 1, "there is stock for all");
        // A second line of the same SKU is a second movement.
        let ledger_key = format!("{order_id}/RESERVE/{}/{}", line.sku_id, line.qty);
        db.prepare_cached(
            "insert into inventory_ledger
                 (ledger_key, sku_id, operation, qty, on_hand_delta, reserved_delta, ref_type, ref_id, created_at)
             values (?, ?, 'RESERVE', ?, 0, ?, 'order', ?, ?)",
        )?
        .execute(params![ledger_key, line.sku_id, line.qty, line.qty, order_id.to_string(), now])?;
    }
    Ok(())
}

fn insert_order(db: &Connection, lines: &[Line], order_id: Uuid, now: i64, key: &str, serial: i64) -> Result<()> {
    let total: i64 = lines.iter().map(|line| line.qty * line.price).sum();
    db.prepare_cached(
        "insert into orders (order_id, order_number, channel, user_id, customer_email, idempotency_key, key_fingerprint, status, payment_status,
             payment_method, stock_state, currency, subtotal, total_amount, shipping_address, expires_at, version, created_at, updated_at)
         values (?1, ?2, 'canonical', 'user-42', 'ada@example.com', ?3, ?8, 'CREATED', 'pending', 'card_stub', 'reserved', 'USD', ?4, ?4, ?5,
             ?6, 2, ?7, ?7)",
    )?
    .execute(params![order_id.as_bytes(), format!("ORD-2026-{serial:05}"), key, total, ADDRESS, now + 1_800_000, now, [7_u8; 32]])?;
    for (line_no, line) in (1_i64..).zip(lines) {
        let offer_id = Uuid::from_bytes(line.offer_id);
        let snapshot = format!(r#"{{"offer_id":"{offer_id}","unit_price":19.99,"captured_at":"2026-11-20T10:24:09.000Z"}}"#);
        db.prepare_cached(
            "insert into order_item (order_item_id, order_id, line_no, sku_id, product_id, product_name, qty, unit_price,
                 item_total_amount, price_snapshot_json, created_at)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            SystemClock.mint().id(1).as_bytes(),
            order_id.as_bytes(),
            line_no,
            line.sku_id,
            line.product_id,
            line.name,
            line.qty,
            line.price,
            line.qty * line.price,
            snapshot,
            now
        ])?;
    }
    Ok(())
}

fn insert_history(db: &Connection, mint: Mint, lines: &[Line], serial: i64) -> Result<()> {
    let (now, order_id) = (mint.time.0, mint.id(0));
    let total: i64 = lines.iter().map(|line| line.qty * line.price).sum();
    for (sequence, event_type, from) in [(1, "ORDER_CREATED", None), (2, "INVENTORY_RESERVED", Some("CREATED"))] {
        db.prepare_cached(
            "insert into order_event
                 (order_event_id, order_id, sequence, event_type, from_status, to_status, payload_json, changed_by, request_id, created_at)
             values (?, ?, ?, ?, ?, 'CREATED', ?, 'local', ?, ?)",
        )?
        .execute(params![
            mint.id(10 + sequence).as_bytes(),
            order_id.as_bytes(),
            sequence,
            event_type,
            from,
            format!(r#"{{"total_amount":{total},"currency":"USD","items":2}}"#),
            mint.id(20).to_string(),
            now
        ])?;
    }
    let items: Vec<String> = lines
        .iter()
        .map(|line| {
            format!(
                r#"{{"sku_id":"{}","product_id":"{}","name":"{}","quantity":{},"unit_price":19.99,"item_total_amount":{}}}"#,
                line.sku_id,
                line.product_id,
                line.name,
                line.qty,
                line.price * line.qty
            )
        })
        .collect();
    let created = format!(
        r#"{{"order_id":"{order_id}","order_number":"ORD-2026-{serial:05}","channel":"canonical","status":"CREATED","payment_status":"pending","user_id":"user-42","customer_email":"ada@example.com","currency":"USD","total_amount":{total},"items":[{}],"created_at":"2026-11-20T10:24:09.000Z"}}"#,
        items.join(",")
    );
    let changed = format!(r#"{{"order_id":"{order_id}","order_number":"ORD-2026-{serial:05}","from_status":null,"to_status":"CREATED"}}"#);
    for (n, event_type, payload) in [(30, "order.created", &created), (31, "order.status_changed", &changed)] {
        db.prepare_cached("insert into outbox (id, event_type, aggregate_id, sequence, payload, created_at) values (?, ?, ?, 1, ?, ?)")?
            .execute(params![mint.id(n).as_bytes(), event_type, order_id.as_bytes(), payload, now])?;
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let seconds = seconds();
    let folder = Folder::fresh();
    fill(&folder).await;
    let db = connect(&folder).expect("the file was just made");
    let mut times = Vec::new();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(seconds) {
        let at = Instant::now();
        place(&db, i64::try_from(times.len()).expect("a few seconds") + 1).expect("the disk has room");
        times.push(at.elapsed());
    }
    let all = began.elapsed().as_secs_f64();
    times.sort();
    let ms = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    let orders = f64::from(u32::try_from(times.len()).expect("a few seconds"));
    println!(r#"{{"orders_per_second": {:.1}, "p50_ms": {:.3}, "p99_ms": {:.3}}}"#, orders / all, ms(50), ms(99));
}
