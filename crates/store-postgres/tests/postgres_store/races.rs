//! Two sessions that want the same rows.

use std::pin::pin;

use domain::stock::Operation;
use domain::{Changes, Needs, View};
use engine::port::{Queries as _, SaveError};
use futures_util::poll;
use testkit::StepClock;
use testkit::builders::{context, restock, sku};

use crate::database::{Database, act, decide, first_stock, mark, moved};

/// Each save of one session takes the stock in the other order than the other's: a hundred SKUs at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_with_crossed_stock_do_not_wait_for_each_other_in_a_circle() {
    const SKUS: usize = 100;
    const SAVES: usize = 60;
    let database = Database::fresh().await;
    let mut session = database.session().await;
    let mut stock = Changes::default();
    // Stored in an order that is not that of the keys.
    for n in (0..SKUS).map(|n| n * 37 % SKUS) {
        session.save(&first_stock(&format!("sku-{n:03}"), 1_000_000), mark()).await.unwrap();
        stock.absorb(&moved("", &format!("sku-{n:03}"), Operation::Reserve, 1));
    }
    stock.ledger.clear();
    let writers = (0..3).map(|_| {
        let (stock, store) = (stock.stock.clone(), database.store());
        tokio::spawn(async move {
            let mut session = engine::port::Store::session(&store).await.unwrap();
            for _ in 0..SAVES {
                let changes = Changes { stock: stock.clone(), ..Changes::default() };
                session.save(&changes, mark()).await.expect("nobody loses on a counter");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(database.client().await.query_one(deadlocks, &[]).await.unwrap().get::<_, i64>(0), 0);
    let mut seen = View::default();
    let mut needs = Needs::default();
    needs.stock.insert("sku-050".into());
    session.load(&needs, &mut seen).await.unwrap();
    assert_eq!(seen.stock.peek(&"sku-050".into()).unwrap().reserved, i64::try_from(3 * SAVES).unwrap());
}

#[tokio::test]
async fn a_lost_race_names_what_was_lost() {
    let database = Database::fresh().await;
    let mut session = database.session().await;
    session.save(&first_stock("a", 5), mark()).await.unwrap();
    for (changes, name) in [
        (first_stock("a", 5), "inventory_ledger_pkey"),
        (moved("m", "a", Operation::Adjust, -6), "inventory_balance_covers_reserved"),
        (moved("m", "a", Operation::Release, 1), "inventory_balance_reserved_check"),
        (moved("m", "a", Operation::Reserve, 6), "inventory_balance_covers_reserved"),
        (moved("m", "nowhere", Operation::Reserve, 1), "inventory_balance_version"),
    ] {
        match session.save(&changes, mark()).await {
            Err(SaveError::Lost(what)) => assert_eq!(&*what, name),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(database.store().audit(10).await.unwrap(), []);
}

/// A lock that nobody gives back does not hold a writer for ever.
#[tokio::test]
async fn a_save_does_not_wait_for_ever() {
    let database = Database::fresh().await;
    database.session().await.save(&first_stock("a", 5), mark()).await.unwrap();
    let holder = database.client().await;
    holder.batch_execute("begin; update inventory_balance set version = version").await.unwrap();
    for (options, is_lost) in [
        (store_postgres::Options { lock_ms: 20, ..Default::default() }, true),
        (store_postgres::Options { statement_ms: 20, lock_ms: 0, ..Default::default() }, false),
    ] {
        let store = store_postgres::PostgresStore::connect_with(&database.url(), options).unwrap();
        let mut session = engine::port::Store::session(&store).await.unwrap();
        match session.save(&moved("m", "a", Operation::Restock, 1), mark()).await {
            Err(SaveError::Lost(_)) => assert!(is_lost),
            Err(SaveError::Unavailable(_)) => assert!(!is_lost),
            other => panic!("{other:?}"),
        }
    }
    holder.batch_execute("rollback").await.unwrap();
    assert_eq!(database.store().balance(&"a".into()).await.unwrap().unwrap().on_hand, 5);
}

/// A sequence is made by whoever is first in a year, and several may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_year_begins_once() {
    let database = Database::fresh().await;
    for year in 2040..2050 {
        let draws = (0..4_u128).map(|writer| {
            let store = database.store();
            tokio::spawn(async move {
                let mut session = engine::port::Store::session(&store).await.unwrap();
                let mut needs = Needs::default();
                needs.numbers.extend((0..3).map(|n| (domain::ids::OrderId(domain::ids::Uuid::from_u128(writer * 10 + n)), year)));
                let mut seen = View::default();
                session.load(&needs, &mut seen).await.unwrap();
                seen.numbers.into_values().map(|number| number.serial).collect::<Vec<_>>()
            })
        });
        let mut serials = Vec::new();
        for draw in draws.collect::<Vec<_>>() {
            serials.extend(draw.await.unwrap());
        }
        serials.sort_unstable();
        assert_eq!(serials, (1..=12).collect::<Vec<_>>(), "{year}");
    }
}

/// Both have seen version 1; the other's change is under way when the session's arrives, and committed while it waits.
#[tokio::test]
async fn who_waited_for_another_loses_by_version_but_adds_to_a_counter() {
    let database = Database::fresh().await;
    let mut session = database.session().await;
    let clock = StepClock::default();
    act(&mut session, &sku("a"), &context(&clock)).await;
    act(&mut session, &restock("a", 10), &context(&clock)).await;
    let rename = decide(&mut session, &sku("a"), &context(&clock)).await;
    for (theirs, changes, expected) in [
        ("update sku set version = version + 1, name = 'theirs'", rename, Some("sku_version")),
        (
            "update inventory_balance set reserved = reserved + 3, version = version + 1",
            Changes { ledger: Vec::new(), ..moved("m", "a", Operation::Reserve, 4) },
            None,
        ),
        (
            "update inventory_balance set reserved = reserved + 3, version = version + 1",
            Changes { ledger: Vec::new(), ..moved("m", "a", Operation::Reserve, 4) },
            Some("inventory_balance_covers_reserved"),
        ),
    ] {
        let other = database.client().await;
        other.batch_execute("begin").await.unwrap();
        other.batch_execute(theirs).await.unwrap();
        let mut saving = pin!(session.save(&changes, mark()));
        let waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        let mut waiting = pin!(database.until(waits));
        while poll!(waiting.as_mut()).is_pending() {
            assert!(poll!(saving.as_mut()).is_pending(), "{theirs}: saved without waiting");
            tokio::task::yield_now().await;
        }
        other.batch_execute("commit").await.unwrap();
        let lost = match saving.await {
            Ok(()) => None,
            Err(SaveError::Lost(what)) => Some(what),
            Err(other) => panic!("{theirs}: {other:?}"),
        };
        assert_eq!(lost.as_deref(), expected, "{theirs}");
    }
    let balance = database.store().balance(&"a".into()).await.unwrap().unwrap();
    assert_eq!((balance.on_hand, balance.reserved, balance.version), (10, 10, 4));
}
