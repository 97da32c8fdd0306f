//! Behind a pooler that gives a connection to whoever needs one, for one transaction: nothing is lost with it, nothing stays on it.

use std::time::Duration;

use domain::stock::Operation;
use domain::{Needs, View};
use engine::port::{Queries as _, Schema as _, Store as _};
use futures_util::future::join_all;
use store_postgres::{Options, PostgresStore};
use testkit::Pooler;

use crate::database::{Database, client, first_stock, mark, moved, shared};
use crate::faults::{cut_everywhere, told_at_a_save};
use crate::proxy::Proxy;

/// One connection to the server: whatever is left on it, the next one finds.
const ONE: (&str, &str) = ("default_pool_size", "1");

fn store_behind(database: &Database, pooler: &Pooler) -> PostgresStore {
    PostgresStore::connect(&database.url_at(pooler.port())).expect("it is a URL")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_what_every_store_must() {
    let database = Database::fresh().await;
    let pooler = database.pooler(&[]);
    testkit::suite::run(async || {
        database.clear().await;
        shared(store_behind(&database, &pooler))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_history_ends_in_the_same_rows_as_in_memory() {
    let database = Database::fresh().await;
    let pooler = database.pooler(&[]);
    testkit::suite::random::compare(0..2, async || {
        database.clear().await;
        shared(store_behind(&database, &pooler))
    })
    .await;
}

#[tokio::test]
async fn of_many_that_migrate_at_once_one_does_and_no_lock_stays() {
    let database = Database::empty().await;
    let pooler = database.pooler(&[]);
    let stores: Vec<_> = (0..5).map(|_| store_behind(&database, &pooler)).collect();
    let taken = join_all(stores.iter().map(engine::port::Schema::migrate)).await;
    let steps: usize = taken.into_iter().map(|taken| taken.unwrap().len()).sum();
    assert_eq!(steps, store_postgres::KNOWN.0.len());
    let locks = "select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())";
    assert_eq!(database.client().await.query_one(locks, &[]).await.unwrap().get::<_, i64>(0), 0);
    stores[0].ready().await.unwrap();
}

#[tokio::test]
async fn a_save_has_the_settings_of_a_writer() {
    let database = Database::fresh().await;
    let pooler = database.pooler(&[ONE]);
    let store = store_behind(&database, &pooler);
    let mut session = store.session().await.unwrap();
    session.save(&first_stock("a", 5), mark()).await.unwrap();
    // A reader has used the connection meanwhile.
    store.outbox().await.unwrap();
    let told = told_at_a_save(&database, &mut session).await;
    let expected = [
        // Whether it may write is told by each BEGIN.
        ("default_transaction_read_only", "off"),
        ("enable_nestloop", "off"),
        ("enable_seqscan", "off"),
        ("plan_cache_mode", "force_generic_plan"),
        ("synchronous_commit", "on"),
    ];
    assert_eq!(told, expected.map(|(setting, value)| (setting.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn nothing_that_was_set_is_found_by_the_next_client() {
    let database = Database::fresh().await;
    let pooler = database.pooler(&[ONE]);
    // The pooler itself carries the names of its clients over.
    let settings = "select name, setting from pg_settings where source = 'session' and name <> 'application_name' order by name";
    let next = client(&database.url_at(pooler.port())).await;
    let read =
        async || -> Vec<(String, String)> { next.query(settings, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect() };
    let before = read().await;
    let store = store_behind(&database, &pooler);
    let mut session = store.session().await.unwrap();
    session.save(&first_stock("a", 5), mark()).await.unwrap();
    let mut needs = Needs::default();
    needs.stock.insert("a".into());
    session.load(&needs, &mut View::default()).await.unwrap();
    session.settle(mark()).await.unwrap();
    store.ready().await.unwrap();
    store.skus(None, engine::port::Page { after: None, limit: 5 }).await.unwrap();
    store.forget_marks(domain::time::Time(0)).await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(store.audit(1).await.unwrap(), []);
    assert_eq!(read().await, before);
}

/// A cut between client and pooler, at every few bytes of a save.
#[tokio::test]
async fn wherever_the_wire_to_the_pooler_is_cut_the_mark_tells_whether_the_save_happened() {
    let database = Database::fresh().await;
    let pooler = database.pooler(&[]);
    let proxy = Proxy::before(format!("127.0.0.1:{}", pooler.port())).await;
    let store = PostgresStore::connect(&database.url_at(proxy.port)).unwrap();
    cut_everywhere(&database, &proxy, &store, (1300, 4)).await;
}

/// A cut between pooler and server: the pooler answers for a server that it has lost, at any point of the flight.
#[tokio::test]
async fn wherever_the_wire_behind_the_pooler_is_cut_the_mark_tells_whether_the_save_happened() {
    let database = Database::fresh().await;
    let proxy = Proxy::before(database.address()).await;
    let pooler = Pooler::before("127.0.0.1", proxy.port, &[ONE, ("server_login_retry", "0.05")]);
    let store = store_behind(&database, &pooler);
    cut_everywhere(&database, &proxy, &store, (1300, 4)).await;
}

#[tokio::test]
async fn a_session_and_a_read_find_back_to_a_pooler_that_was_killed() {
    let database = Database::fresh().await;
    let mut pooler = database.pooler(&[]);
    let store = store_behind(&database, &pooler);
    let mut session = store.session().await.unwrap();
    session.save(&first_stock("a", 5), mark()).await.unwrap();
    store.ready().await.unwrap();
    for n in 0..3 {
        pooler.kill();
        assert!(store.ready().await.is_err(), "somebody answered");
        assert!(session.load(&Needs::default(), &mut View::default()).await.is_err());
        pooler.start();
        store.ready().await.unwrap();
        session.save(&moved(&format!("m{n}"), "a", Operation::Restock, 1), mark()).await.unwrap();
    }
    assert_eq!(store.balance(&"a".into()).await.unwrap().map(|balance| balance.on_hand), Some(8));
}

/// It would lose statements that a client has prepared: said at once, and what to do.
#[tokio::test]
async fn a_pooler_that_knows_no_prepared_statements_is_named() {
    let database = Database::fresh().await;
    let pooler = database.pooler(&[("max_prepared_statements", "0")]);
    let readers = Options { readers_max: 4, connect_ms: 3000, ..Options::default() };
    let store = PostgresStore::connect_with(&database.url_at(pooler.port()), readers).unwrap();
    let mut said = None;
    for _ in 0..20 {
        let reads = join_all((0..4).map(|_| store.ready())).await;
        said = reads.into_iter().find_map(Result::err).map(|error| error.to_string());
        if said.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let said = said.expect("it worked all the same");
    assert!(said.contains("max_prepared_statements"), "{said}");
}
