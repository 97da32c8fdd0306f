//! Cut connections: a settlement tells the truth, and a session finds its way back.

use std::pin::pin;
use std::sync::Arc;

use domain::ids::{OrderId, Uuid};
use domain::stock::Operation;
use domain::{Needs, View};
use engine::port::{Mark, Queries as _, SaveError, Session, Settled, Store as _};
use futures_util::poll;
use store_postgres::PostgresStore;

use crate::database::{Database, first_stock, mark, moved};
use crate::proxy::{Cut, Proxy};

async fn on_hand(database: &Database) -> i64 {
    on_hand_by(&database.client().await).await
}

async fn on_hand_by(client: &tokio_postgres::Client) -> i64 {
    client.query_one("select sum(on_hand)::bigint from inventory_balance", &[]).await.expect("it is SQL").get(0)
}

/// Ends every connection under this name while the test's own runtime stands still: nobody has noticed yet.
fn end_all(database: &Database, application: &str) {
    let ended = std::thread::scope(|scope| {
        let ending = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let ended = "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity \
                             where datname = current_database() and application_name = $1";
                database.client().await.query_one(ended, &[&application]).await.expect("a superuser may end them").get::<_, i64>(0)
            })
        });
        ending.join().expect("it does not panic")
    });
    assert!(ended > 0, "there was no {application}");
}

/// Bytes of one save of this test, each way, with some to spare: a cut beyond them is a save without a cut.
const BYTES_TO_SERVER: usize = 900;
const BYTES_FROM_SERVER: usize = 260;

/// Every few bytes of a save the wire is cut, each way. Whatever the store then says must be what is stored.
#[tokio::test]
async fn wherever_the_wire_is_cut_the_mark_tells_whether_the_save_happened() {
    let database = Database::fresh().await;
    let proxy = Proxy::before(database.address()).await;
    let store = PostgresStore::connect(&database.url_at(proxy.port)).unwrap();
    cut_everywhere(&database, &proxy, &store, (BYTES_TO_SERVER, 1)).await;
}

/// Saves, each with a cut of the wire `proxy` at another place; `rarer` leaves out some.
pub(crate) async fn cut_everywhere(database: &Database, proxy: &Proxy, store: &PostgresStore, (bytes_to_server, rarer): (usize, usize)) {
    let mut session = store.session().await.expect("it needs no connection");
    session.save(&first_stock("a", 1), mark()).await.expect("it saves");
    let mut expected = 1;
    let client = database.client().await;
    let (mut saved, mut settled_saved, mut settled_not, mut certain) = (0, 0, 0, 0);
    let cuts =
        (0..bytes_to_server).step_by(7 * rarer).map(Cut::ToServer).chain((0..BYTES_FROM_SERVER).step_by(3 * rarer).map(Cut::FromServer));
    for (n, cut) in cuts.enumerate() {
        // A connection is there; the cut falls into the save.
        while session.load(&Needs::default(), &mut View::default()).await.is_err() {}
        proxy.cut(cut);
        let mark = mark();
        match session.save(&moved(&format!("m{n}"), "a", Operation::Restock, 1), mark).await {
            Ok(()) => {
                saved += 1;
                expected += 1;
            }
            Err(SaveError::Unknown(_)) => match settle(&mut session, mark).await {
                Settled::Saved => {
                    settled_saved += 1;
                    expected += 1;
                }
                Settled::NotSaved => settled_not += 1,
            },
            Err(SaveError::Unavailable(_)) => certain += 1,
            Err(other) => panic!("{cut:?}: {other:?}"),
        }
        assert_eq!(on_hand_by(&client).await, expected, "{cut:?}");
    }
    let counts = format!("{saved} answered, {settled_saved} settled as saved, {settled_not} as not, {certain} certainly not");
    eprintln!("{counts}");
    assert!(saved > 0 && settled_saved > 20 / rarer && settled_not > 20 / rarer, "the cuts do not cover a save: {counts}");
    assert_eq!(database.store().audit(10).await.expect("it answers"), []);
}

/// A cut that was armed for the save may hit the settlement: asking again must not change the answer.
async fn settle(session: &mut Box<dyn Session>, mark: Mark) -> Settled {
    for _ in 0..3 {
        if let Ok(settled) = session.settle(mark).await {
            return settled;
        }
    }
    panic!("never settled");
}

#[tokio::test]
async fn a_settlement_that_is_cut_does_not_pass_for_the_save() {
    let database = Database::fresh().await;
    let proxy = Proxy::before(database.address()).await;
    let store = PostgresStore::connect(&database.url_at(proxy.port)).unwrap();
    let mut session = store.session().await.unwrap();
    let mut cut_off = 0;
    for at in (0..2400).step_by(60) {
        let mark = mark();
        proxy.cut(Cut::FromServer(at));
        cut_off += i32::from(session.settle(mark).await.is_err());
        assert_eq!(settle(&mut session, mark).await, Settled::NotSaved, "cut after {at} bytes");
    }
    assert!(cut_off > 5, "the cuts do not hit the settlement: {cut_off}");
}

/// The transaction that holds the mark is still under way: the settlement waits for its end, either way.
#[tokio::test]
async fn a_settlement_waits_for_a_save_that_is_still_under_way() {
    let database = Database::fresh().await;
    for (end, expected) in [("commit", Settled::Saved), ("rollback", Settled::NotSaved)] {
        let mark = mark();
        let zombie = database.client().await;
        zombie.batch_execute("begin").await.unwrap();
        zombie.execute("insert into commit_mark (mark) values ($1)", &[&mark.0]).await.unwrap();
        let mut session = database.session().await;
        let mut settling = pin!(session.settle(mark));
        let waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' \
                     and application_name = 'ordo-writer')";
        let mut waiting = pin!(database.until(waits));
        loop {
            assert!(poll!(settling.as_mut()).is_pending(), "settled before the save had ended");
            if poll!(waiting.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        zombie.batch_execute(end).await.unwrap();
        assert_eq!(settling.await.unwrap(), expected, "{end}");
    }
}

#[tokio::test]
async fn a_session_whose_connection_was_ended_loads_on_a_new_one() {
    let database = Database::fresh().await;
    let mut session = database.session().await;
    let mut needs = Needs::default();
    needs.stock.insert("a".into());
    session.save(&first_stock("a", 5), mark()).await.unwrap();
    end_all(&database, "ordo-writer");
    let mut seen = View::default();
    session.load(&needs, &mut seen).await.unwrap();
    assert_eq!(seen.stock.peek(&"a".into()).map(|balance| balance.on_hand), Some(5));
    end_all(&database, "ordo-writer");
    // Whether anything of it arrived, nobody knows; the settlement does.
    let mark = mark();
    let expected = match session.save(&moved("m", "a", Operation::Restock, 1), mark).await {
        Err(SaveError::Unknown(_)) => match session.settle(mark).await.unwrap() {
            Settled::Saved => 6,
            Settled::NotSaved => 5,
        },
        Err(SaveError::Unavailable(_)) => 5,
        Ok(()) => 6,
        Err(other) => panic!("{other:?}"),
    };
    assert_eq!(on_hand(&database).await, expected);
    session.save(&moved("m2", "a", Operation::Restock, 1), self::mark()).await.unwrap();
}

/// As after a restart of the server: every connection of the pool is gone, and none of them was told.
#[tokio::test]
async fn reads_go_on_after_the_server_has_ended_all_connections() {
    let database = Database::fresh().await;
    let store = database.store();
    for _ in 0..3 {
        let reads = (0..8).map(|_| store.outbox());
        futures_util::future::try_join_all(reads).await.unwrap();
        end_all(&database, "ordo-reader");
        store.ready().await.unwrap();
        assert!(store.order(&domain::Caller::local_admin(), OrderId(Uuid::nil())).await.unwrap().is_none());
    }
}

/// A caller that leaves in the middle of a read leaves no transaction open on a connection of the pool.
#[tokio::test]
async fn a_read_that_is_given_up_leaves_a_clean_connection() {
    let database = Database::fresh().await;
    let store = PostgresStore::connect_with(&database.url(), store_postgres::Options { readers_max: 1, ..Default::default() }).unwrap();
    let admin = domain::Caller::local_admin();
    store.ready().await.unwrap();
    for polls in 1..40 {
        let page = engine::port::Page { after: None, limit: 10 };
        let filter = engine::port::OrderFilter::default();
        let mut read = pin!(store.orders(&admin, &filter, page));
        for _ in 0..polls {
            if poll!(read.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    // A transaction that was left open would still see the world as it was.
    let mut session = store.session().await.unwrap();
    session.save(&first_stock("a", 5), mark()).await.unwrap();
    assert_eq!(store.balance(&"a".into()).await.unwrap().map(|balance| balance.on_hand), Some(5));
    let open = "select count(*) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'";
    assert_eq!(database.client().await.query_one(open, &[]).await.unwrap().get::<_, i64>(0), 0);
}

/// What cannot be written at all must not let the rest of its batch be committed.
#[tokio::test]
async fn a_value_without_a_form_stops_the_whole_save() {
    let database = Database::fresh().await;
    let mut session = database.session().await;
    let mut changes = first_stock("a", 5);
    changes.ledger[0].created_at = domain::time::Time(i64::MAX);
    for _ in 0..2 {
        let saved = session.save(&changes, mark()).await;
        assert!(matches!(saved, Err(SaveError::Rejected(_))), "{saved:?}");
    }
    changes.ledger[0].created_at = domain::time::Time(0);
    // What the server refuses: no text of it holds a zero.
    let mut zero = changes.ledger.clone();
    zero[0].key = "a\0b".into();
    let saved = session.save(&domain::Changes { ledger: zero, ..Default::default() }, mark()).await;
    assert!(matches!(&saved, Err(SaveError::Rejected(why)) if why.contains("22021")), "{saved:?}");
    session.save(&changes, mark()).await.unwrap();
    assert_eq!(on_hand(&database).await, 5);
}

/// Should BEGIN fail alone, what follows in the flight must not be committed piece by piece.
#[tokio::test]
async fn a_writers_connection_is_read_only_outside_of_a_flight() {
    let database = Database::fresh().await;
    let mut session = database.session().await;
    session.save(&first_stock("a", 5), mark()).await.unwrap();
    assert_eq!(told_at_a_save(&database, &mut session).await, WRITER_SETTINGS.map(|(setting, value)| (setting.into(), value.into())));
}

const WRITER_SETTINGS: [(&str, &str); 5] = [
    ("default_transaction_read_only", "on"),
    ("enable_nestloop", "off"),
    ("enable_seqscan", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("synchronous_commit", "on"),
];

/// Some settings of the backend that carries out the next save of this session.
pub(crate) async fn told_at_a_save(database: &Database, session: &mut Box<dyn Session>) -> Vec<(String, String)> {
    let client = database.client().await;
    // The settings of the writer's own backend cannot be read from outside: a function tells them at its next insert.
    client
        .batch_execute(
            "create table told (setting text, value text);
             create function tell() returns trigger language plpgsql as $$
             begin
                insert into told select name, setting from pg_settings
                    where name in ('default_transaction_read_only', 'plan_cache_mode', 'enable_nestloop', 'enable_seqscan', 'synchronous_commit');
                return new;
             end $$;
             create trigger tell before insert on commit_mark for each row execute function tell();",
        )
        .await
        .expect("it is SQL and saves");
    session.save(&moved("m", "a", Operation::Restock, 1), mark()).await.expect("it is SQL and saves");
    let told = client.query("select setting, value from told order by setting", &[]).await.expect("it is SQL and saves");
    told.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// The server refuses such a statement until it is prepared again: "cached plan must not change result type".
#[tokio::test]
async fn a_statement_that_a_migration_made_stale_is_prepared_anew() {
    let database = Database::fresh().await;
    let mut session = database.session().await;
    let mut needs = Needs::default();
    needs.orders.insert(OrderId(Uuid::nil()));
    session.load(&needs, &mut View::default()).await.unwrap();
    database.client().await.batch_execute("alter table orders alter column order_number type text").await.unwrap();
    session.load(&needs, &mut View::default()).await.unwrap();
}

#[tokio::test]
async fn a_store_is_shared_between_runtimes() {
    let database = Database::fresh().await;
    let store = Arc::new(database.store());
    store.ready().await.unwrap();
    let writers: Vec<_> = (0..2)
        .map(|n| {
            let store = store.clone();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let mut session = store.session().await.unwrap();
                    session.save(&first_stock(&format!("sku-{n}"), 5), mark()).await.unwrap();
                });
            })
        })
        .collect();
    for writer in writers {
        tokio::task::spawn_blocking(move || writer.join()).await.unwrap().unwrap();
    }
    assert_eq!(on_hand(&database).await, 10);
    store.ready().await.unwrap();
}
