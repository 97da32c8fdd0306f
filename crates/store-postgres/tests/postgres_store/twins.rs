//! What goes wrong without the guards: the naive way beside ours, in the same interleaving. A naive way that stays right proves
//! nothing, so it must fail here.

use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::database::Database;

/// Two connections with an open transaction each, as two instances at the same moment.
async fn two(database: &Database) -> [Client; 2] {
    let both = [database.client().await, database.client().await];
    for client in &both {
        client.batch_execute("begin").await.expect("the database does as it is told");
    }
    both
}

async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.expect("the database does as it is told").get(0)
}

/// The second statement may have to wait for the first transaction, so it is sent before that one commits.
async fn both_write([one, other]: &[Client; 2], sql: &str) -> Result<u64, tokio_postgres::Error> {
    one.execute(sql, &[]).await.expect("the database does as it is told");
    let (second, ()) = tokio::join!(other.execute(sql, &[]), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        one.batch_execute("commit").await.expect("the database does as it is told");
    });
    if second.is_ok() {
        other.batch_execute("commit").await.expect("the database does as it is told");
    }
    second
}

/// R1, R2, R6: both look, both see nothing, both insert.
#[tokio::test]
async fn a_key_that_is_looked_for_and_inserted_is_used_twice_unless_it_is_unique() {
    let database = Database::fresh().await;
    let looker = database.client().await;
    looker.batch_execute("create table naive_key (like idempotency_key)").await.unwrap();
    for (table, rows) in [("naive_key", 2), ("idempotency_key", 1)] {
        let both = two(&database).await;
        for client in &both {
            assert_eq!(number(client, &format!("select count(*) from {table} where scoped_key = 'k'")).await, 0);
        }
        let insert = format!("insert into {table} values ('k', decode(repeat('00', 32), 'hex'), 'an order', now())");
        let second = both_write(&both, &insert).await;
        let refused = second.as_ref().is_err_and(|error| error.code() == Some(&SqlState::UNIQUE_VIOLATION));
        assert_eq!(refused, rows == 1, "{table}: {second:?}");
        assert_eq!(number(&looker, &format!("select count(*) from {table}")).await, rows, "{table}");
    }
}

/// R7: both look, both see the last unit, both take it.
#[tokio::test]
async fn a_unit_that_is_looked_for_and_taken_is_sold_twice_unless_the_balance_is_checked() {
    let database = Database::fresh().await;
    let looker = database.client().await;
    let shelf = "insert into inventory_balance values ('a', 1, 0, 1, now())";
    looker.batch_execute(&format!("{shelf}; create table naive_balance (like inventory_balance)")).await.unwrap();
    looker.batch_execute("insert into naive_balance select * from inventory_balance").await.unwrap();
    for (table, sold) in [("naive_balance", 2), ("inventory_balance", 1)] {
        let both = two(&database).await;
        for client in &both {
            assert_eq!(number(client, &format!("select on_hand - reserved from {table} where sku_id = 'a'")).await, 1);
        }
        let second = both_write(&both, &format!("update {table} set reserved = reserved + 1 where sku_id = 'a'")).await;
        let refused = second.as_ref().is_err_and(|error| error.code() == Some(&SqlState::CHECK_VIOLATION));
        assert_eq!(refused, sold == 1, "{table}: {second:?}");
        assert_eq!(number(&looker, &format!("select reserved from {table}")).await, sold, "{table}: of one unit");
    }
}

/// R8: the same two rows in two orders. Ours are taken in the order of their names: see `races.rs`.
#[tokio::test]
async fn rows_that_are_locked_in_any_order_are_waited_for_in_a_circle() {
    let database = Database::fresh().await;
    let looker = database.client().await;
    let shelves = "insert into inventory_balance values ('a', 9, 0, 1, now()), ('b', 9, 0, 1, now())";
    looker.batch_execute(shelves).await.unwrap();
    let take = |sku: &str| format!("update inventory_balance set reserved = reserved + 1 where sku_id = '{sku}'");
    for (orders, falls) in [([["a", "b"], ["b", "a"]], true), ([["a", "b"], ["a", "b"]], false)] {
        let [one, other] = two(&database).await;
        let begun = one.execute(&take(orders[0][0]), &[]).await.unwrap();
        let way = async |client: &Client, skus: &[&str]| {
            for sku in skus {
                client.execute(&take(sku), &[]).await?;
            }
            client.batch_execute("commit").await
        };
        let rest = async {
            // The other one holds its first row by now, or waits for ours.
            tokio::time::sleep(Duration::from_millis(50)).await;
            way(&one, &orders[0][1..]).await
        };
        let (first, second) = tokio::join!(rest, way(&other, &orders[1]));
        let circle =
            [&first, &second].iter().any(|end| end.as_ref().is_err_and(|error| error.code() == Some(&SqlState::T_R_DEADLOCK_DETECTED)));
        assert_eq!((begun, circle), (1, falls), "{orders:?}: {first:?} {second:?}");
    }
}

/// R9, R10, R13: both see an order that waits for its payment; one confirms it, the other cancels it.
#[tokio::test]
async fn a_status_that_is_looked_at_and_set_has_two_winners_unless_its_version_is_asked_for() {
    let database = Database::fresh().await;
    let looker = database.client().await;
    let order = "insert into orders (order_id, order_number, channel, status, payment_status, stock_state, subtotal, total_amount, version)
        values (gen_random_uuid(), $1, 'canonical', 'PAYMENT_PENDING', 'pending', 'reserved', 100, 100, 1)";
    for (name, guard, second_changes) in [("ORD-2100-00001", "", 1), ("ORD-2100-00002", "and version = 1", 0)] {
        looker.execute(order, &[&name]).await.unwrap();
        let [confirms, cancels] = two(&database).await;
        let look = format!("select count(*) from orders where order_number = '{name}' and status = 'PAYMENT_PENDING'");
        for client in [&confirms, &cancels] {
            assert_eq!(number(client, &look).await, 1);
        }
        let set =
            |status: &str| format!("update orders set status = '{status}', version = version + 1 where order_number = '{name}' {guard}");
        assert_eq!(confirms.execute(&set("PAID"), &[]).await.unwrap(), 1);
        let cancel = set("CANCELED");
        let (second, ()) = tokio::join!(cancels.execute(&cancel, &[]), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            confirms.batch_execute("commit").await.unwrap();
        });
        cancels.batch_execute("commit").await.unwrap();
        assert_eq!(second.unwrap(), second_changes, "{guard:?}");
        let status: String = looker.query_one("select status from orders where order_number = $1", &[&name]).await.unwrap().get(0);
        assert_eq!(status, if second_changes == 1 { "CANCELED" } else { "PAID" }, "paid and canceled at once, or not");
    }
}
