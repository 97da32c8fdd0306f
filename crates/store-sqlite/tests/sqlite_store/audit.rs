//! Every invariant is seen broken: a lie is planted behind the store's back, and found.

use domain::command::{CancelOrder, PlaceOrder, ProviderAnswer, RecordPayment, RequestPayment};
use domain::order::Channel;
use domain::stock::Operation;
use engine::port::{Queries as _, SystemClock};
use rusqlite::Connection;
use store_sqlite::SqliteStore;
use testkit::builders::{context, keyed, movement, offer, place, restock, sku, tickets};

use crate::support::{Desk, Folder, store};

/// A shop with an order in every state that can be reached: placed, being paid, paid, given up.
async fn shop(folder: &Folder) -> SqliteStore {
    let store = store(&folder.file()).await;
    let mut desk = Desk::of(&store).await;
    let cx = || context(&SystemClock);
    for sku_id in ["a", "b"] {
        desk.run(&sku(sku_id), &cx()).await;
        desk.run(&offer(sku_id, 1999), &cx()).await;
        desk.run(&restock(sku_id, 100), &cx()).await;
    }
    desk.run(&movement("a", Operation::Reserve, 3), &cx()).await;
    let mut orders = Vec::new();
    for key in ["waits", "is asked", "is paid", "is given up"] {
        let command = place().line("a", 1).line("b", 2).line("a", 1).through(Channel::Canonical).by("ada").0;
        orders.push(desk.run(&command, &keyed::<PlaceOrder>(cx(), key)).await.order.order_id);
    }
    desk.run(&tickets(1, 2, 500), &cx()).await;
    desk.run(&RequestPayment { order_id: orders[1], method: None }, &cx()).await;
    let asked = desk.run(&RequestPayment { order_id: orders[2], method: None }, &cx()).await;
    let payment_id = asked.payment.expect("it was asked for").payment_id;
    let said = ProviderAnswer::Captured { provider_ref: "ref".into() };
    desk.run(&RecordPayment { payment_id, said }, &cx()).await;
    desk.run(&CancelOrder { order_id: orders[3], reason: None, notes: None }, &cx()).await;
    store
}

/// Plants `lie` in a true shop: exactly the `expected` invariants are found broken.
async fn check(expected: &[&str], lie: &str) {
    let folder = Folder::fresh();
    let store = shop(&folder).await;
    assert_eq!(store.audit(10).await.expect("the store answers"), [], "before the lie");
    let db = Connection::open(folder.file()).expect("the file is ours");
    db.execute_batch("pragma ignore_check_constraints = on; pragma foreign_keys = off").expect("settings");
    db.execute_batch(lie).expect("a lie is plain SQL");
    assert!(db.changes() > 0, "no lie: {lie}");
    let found = store.audit(10).await.expect("the store answers");
    let mut names: Vec<_> = found.iter().map(|violation| violation.invariant).collect();
    names.dedup();
    assert_eq!(names, expected, "{lie}: {found:#?}");
    assert!(found.iter().all(|violation| !violation.row.is_empty()));
}

macro_rules! lies {
    ($($name:ident: $expected:expr, $lie:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            check(&$expected, $lie).await;
        }
    )*};
}

lies! {
    more_is_reserved_than_there_is: ["stock-range", "stock-ledger"],
        "update inventory_balance set on_hand = 3 where sku_id = 'a'";
    a_reservation_is_forgotten: ["stock-reserved"],
        "delete from reservation";
    the_reserved_count_of_an_order_is_lost: ["stock-reserved", "stock-ledger"],
        "update inventory_balance set reserved = reserved - 1 where sku_id = 'b'";
    units_appear_from_nowhere: ["stock-ledger"],
        "update inventory_balance set on_hand = on_hand + 1 where sku_id = 'b'";
    a_movement_is_lost: ["stock-ledger"],
        "delete from inventory_ledger where operation = 'RESTOCK' and sku_id = 'b'";
    what_was_paid_for_never_left: ["stock-ledger", "stock-ended-once"],
        "delete from inventory_ledger where operation = 'DEDUCT' and sku_id = 'b'";
    what_was_given_up_left_as_well: ["stock-ledger", "stock-ended-once"],
        "insert into inventory_ledger
         select replace(ledger_key, 'RELEASE', 'DEDUCT'), sku_id, 'DEDUCT', qty, -qty, -qty, ref_type, ref_id, created_at
         from inventory_ledger where operation = 'RELEASE' and sku_id = 'b'";
    by_hand_more_is_released_than_was_reserved: ["stock-ledger", "stock-ended-once"],
        "insert into inventory_ledger
         select 'again', sku_id, 'RELEASE', qty + 1, 0, -qty - 1, ref_type, ref_id, created_at
         from inventory_ledger where operation = 'RESERVE' and ref_type = 'delivery'";
    a_total_is_not_the_sum: ["order-sum"],
        "update orders set total_amount = total_amount + 1 where status = 'CREATED'";
    a_line_is_lost: ["stock-reserved", "stock-ended-once", "order-lines"],
        "delete from order_item where sku_id = 'b' and order_id in (select order_id from orders where status = 'CREATED')";
    an_order_has_no_lines: ["order-lines"],
        "delete from order_item where session_id is not null";
    a_fact_is_lost: ["facts-gapless", "facts-status"],
        "delete from order_event where event_type = 'INVENTORY_DEDUCTED';
         update order_event set to_status = 'CREATED' where event_type = 'PAYMENT_SUCCEEDED'";
    an_order_has_no_history: ["facts-gapless", "facts-status", "outbox-complete"],
        "delete from order_event where order_id in (select order_id from orders where channel = 'tickets')";
    a_status_was_moved_by_hand: ["facts-status"],
        "update orders set status = 'CREATED' where status = 'PAYMENT_PENDING'";
    a_history_has_a_break: ["facts-chain"],
        "update order_event set from_status = 'PAID' where event_type = 'PAYMENT_REQUESTED' and from_status = 'CREATED'";
    a_history_begins_in_the_middle: ["facts-chain", "outbox-complete"],
        "update order_event set event_type = 'INVENTORY_RESERVED' where event_type = 'ORDER_CREATED'";
    too_little_was_captured: ["payment-covers"],
        "update payment set captured = captured - 1 where status = 'CAPTURED'";
    another_currency_was_captured: ["payment-covers"],
        "update payment set currency = 'JPY' where status = 'CAPTURED'";
    an_order_that_waits_has_been_paid: ["payment-covers"],
        "update payment set status = 'CAPTURED', captured = amount where status = 'INITIATED'";
    a_key_leads_to_another_order: ["key-order"],
        "insert into idempotency_key (scoped_key, fingerprint, answer, created_at)
         select idempotency_key, zeroblob(32), '0193a5b2-7c1e-7000-8000-000000000001', 1 from orders where idempotency_key like '%is paid'";
    a_key_is_gone: ["key-order"],
        "update orders set key_fingerprint = null where idempotency_key like '%is paid'";
    a_message_was_never_written: ["outbox-complete"],
        "delete from outbox where event_type = 'order.confirmed'";
    a_message_was_written_twice: ["outbox-complete"],
        "insert into outbox (id, event_type, aggregate_id, sequence, payload, created_at)
         select zeroblob(16), event_type, aggregate_id, sequence, payload, created_at from outbox where event_type = 'order.confirmed'";
    an_order_waits_for_ever: ["deadline"],
        "update orders set expires_at = (unixepoch() - 61) * 1000 where status = 'CREATED' and channel = 'canonical'";
}

#[tokio::test]
async fn an_order_may_wait_for_its_provider_and_for_the_sweeper() {
    let folder = Folder::fresh();
    let store = shop(&folder).await;
    let db = Connection::open(folder.file()).unwrap();
    db.execute("update orders set expires_at = 1000 where status = 'PAYMENT_PENDING'", []).unwrap();
    db.execute("update orders set expires_at = (unixepoch() - 30) * 1000 where status = 'CREATED'", []).unwrap();
    assert_eq!(store.audit(10).await.unwrap(), []);
}
