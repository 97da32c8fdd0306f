//! A database of its own for each test, on the server at `ORDO_TEST_POSTGRES`, and a few moves.

use std::sync::Arc;

use domain::command::{Command, Context, Stop};
use domain::ids::Uuid;
use domain::stock::{BalanceDelta, LedgerEntry, Operation, StockRef};
use domain::time::Time;
use domain::{Changes, Needs, View};
use engine::port::{Mark, Schema as _, Session, Store as _};
use store_postgres::PostgresStore;
use testkit::Pooler;
use tokio_postgres::{Client, NoTls};

/// A database that is dropped with this value, whatever became of the test.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    /// An empty one, made for a language whose order is not that of the bytes.
    pub(crate) async fn empty() -> Self {
        Self::made("template template0 encoding 'UTF8' locale_provider icu icu_locale 'en-US'").await
    }

    /// One with the schema.
    pub(crate) async fn fresh() -> Self {
        let database = Self::empty().await;
        database.store().migrate().await.expect("the migrations apply");
        database
    }

    /// Empties it: quicker than a new one.
    pub(crate) async fn clear(&self) {
        let clear = "
            do $$ declare t text; begin
                set local session_replication_role = replica;
                for t in select tablename from pg_tables where schemaname = current_schema() and tablename <> 'schema_migration' loop
                    execute format('delete from %I', t);
                end loop;
                for t in select sequencename from pg_sequences where schemaname = current_schema() loop
                    execute format('drop sequence %I', t);
                end loop;
            end $$";
        self.client().await.batch_execute(clear).await.expect("a superuser may empty it");
    }

    async fn made(how: &str) -> Self {
        let server = std::env::var("ORDO_TEST_POSTGRES")
            .expect("set ORDO_TEST_POSTGRES to the URL of a PostgreSQL server on which databases may be made, e.g. postgres://postgres@127.0.0.1:5432/postgres");
        let name = format!("ordo_test_{:032x}", rand::random::<u128>());
        client(&server).await.batch_execute(&format!("create database {name} {how}")).await.expect("the database is made");
        Self { server, name }
    }

    pub(crate) fn url(&self) -> String {
        let (server, query) = self.server.split_once('?').map_or((self.server.as_str(), ""), |(server, query)| (server, query));
        let (server, _) = server.rsplit_once('/').expect("a URL ends with the database's name");
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        format!("{server}/{}{query}", self.name)
    }

    /// The same database behind another port of this machine.
    pub(crate) fn url_at(&self, port: u16) -> String {
        let config: tokio_postgres::Config = self.server.parse().expect("ORDO_TEST_POSTGRES is a URL");
        let user = config.get_user().unwrap_or("postgres");
        let password = config.get_password().map(|word| format!(":{}", String::from_utf8_lossy(word))).unwrap_or_default();
        format!("postgres://{user}{password}@127.0.0.1:{port}/{}", self.name)
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> String {
        let config: tokio_postgres::Config = self.server.parse().expect("ORDO_TEST_POSTGRES is a URL");
        let port = config.get_ports().first().copied().unwrap_or(5432);
        match config.get_hosts().first() {
            Some(tokio_postgres::config::Host::Tcp(host)) => format!("{host}:{port}"),
            _ => format!("127.0.0.1:{port}"),
        }
    }

    /// A pooler before the server, with only so many connections that they are shared all the time.
    pub(crate) fn pooler(&self, settings: &[(&str, &str)]) -> Pooler {
        let address = self.address();
        let (host, port) = address.rsplit_once(':').expect("an address ends with a port");
        let mut all = vec![("default_pool_size", "3"), ("server_round_robin", "1")];
        all.extend(settings);
        Pooler::before(host, port.parse().expect("a port is a number"), &all)
    }

    pub(crate) fn store(&self) -> PostgresStore {
        PostgresStore::connect(&self.url()).expect("a store needs no server to be made")
    }

    pub(crate) async fn session(&self) -> Box<dyn Session> {
        self.store().session().await.expect("a session needs no connection to be made")
    }

    /// A connection for looking behind the store.
    pub(crate) async fn client(&self) -> Client {
        client(&self.url()).await
    }

    /// Waits until `condition` gives true.
    pub(crate) async fn until(&self, condition: &str) {
        let client = self.client().await;
        for _ in 0..20_000 {
            if client.query_one(condition, &[]).await.expect("the condition is SQL").get(0) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("never true: {condition}");
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A runtime of its own: the test's may be the very one that unwinds.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { client(&server).await.batch_execute(&format!("drop database {name} with (force)")).await })
        });
        let is_dropped = matches!(dropped.join(), Ok(Ok(())));
        assert!(is_dropped || std::thread::panicking(), "the test database was not dropped");
    }
}

pub(crate) async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server at ORDO_TEST_POSTGRES answers");
    tokio::spawn(connection);
    client
}

pub(crate) fn mark() -> Mark {
    Mark(Uuid::from_u128(rand::random()))
}

/// Units put in or taken out by hand, booked as they must be.
pub(crate) fn moved(key: &str, sku_id: &str, operation: Operation, qty: i64) -> Changes {
    let (on_hand, reserved) = operation.deltas(qty);
    let mut changes = Changes::default();
    changes.stock.insert(sku_id.into(), BalanceDelta { on_hand, reserved, steps: 1, is_new: false });
    changes.ledger.push(LedgerEntry {
        key: key.into(),
        sku_id: sku_id.into(),
        operation,
        qty,
        on_hand_delta: on_hand,
        reserved_delta: reserved,
        reference: StockRef { kind: "hand".into(), id: "h".into() },
        created_at: Time(0),
    });
    changes
}

/// The first units of a SKU.
pub(crate) fn first_stock(sku_id: &str, qty: i64) -> Changes {
    let mut changes = moved(&format!("first/{sku_id}"), sku_id, Operation::Restock, qty);
    changes.stock.values_mut().for_each(|delta| delta.is_new = true);
    changes
}

/// What `command` decides against what is stored now.
pub(crate) async fn decide<C: Command>(session: &mut Box<dyn Session>, command: &C, cx: &Context) -> Changes {
    let mut seen = View::default();
    loop {
        let mut needs = Needs::default();
        command.needs(&seen, cx, &mut needs);
        let needs = needs.without(&seen);
        if needs.is_empty() {
            break;
        }
        session.load(&needs, &mut seen).await.expect("it loads");
        seen.settle(&needs);
    }
    match command.decide(&seen, cx) {
        Ok(decision) => decision.changes,
        Err(Stop::Refused(refusal)) => panic!("refused: {refusal}"),
        Err(Stop::Gap(gap)) => panic!("{gap}"),
    }
}

/// The same, saved.
pub(crate) async fn act<C: Command>(session: &mut Box<dyn Session>, command: &C, cx: &Context) -> Changes {
    let changes = decide(session, command, cx).await;
    session.save(&changes, mark()).await.expect("it saves");
    changes
}

/// A store as the suite wants it.
pub(crate) fn shared(store: PostgresStore) -> Arc<dyn engine::port::Store> {
    Arc::new(store)
}
