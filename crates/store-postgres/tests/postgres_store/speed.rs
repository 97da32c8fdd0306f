//! Statements that were prepared on empty tables stay fast when the tables fill.

use std::time::{Duration, Instant};

use domain::command::{PlaceOrder, RequestPayment};
use domain::ids::{OrderId, OrderNumber, PaymentId, Uuid};
use domain::key::ScopedKey;
use domain::order::Status;
use domain::stock::{Operation, ReservationKey};
use domain::time::Time;
use domain::{Caller, Changes, Needs, View};
use engine::port::{OrderFilter, Page, Queries as _, Session, Store as _};
use store_postgres::PostgresStore;
use testkit::StepClock;
use testkit::builders::{context, keyed, offer, place, restock, sku};

use crate::database::{Database, act, mark, moved};

/// Nothing is analyzed while the test runs: an analysis would make the plans anew.
const LEAVE_ALONE: &str = "
    do $$ declare t text; begin
        for t in select relname from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace loop
            execute format('alter table %I set (autovacuum_enabled = false)', t);
        end loop;
    end $$";

/// Fills every table with the rows from `$from` to `$to`.
const FILL: &str = "
    insert into sku select 'f' || n, 'p', 'name', 'ACTIVE', 'standard', null, null, 1, now(), now() from generate_series($from, $to) n;
    insert into offer select uuid(n), 'f' || n, 5, 'USD', 0, now(), null, 'ACTIVE', now(), now() from generate_series($from, $to) n;
    insert into inventory_balance select 'f' || n, 9, 0, 1, now() from generate_series($from, $to) n;
    insert into inventory_ledger select 'f' || n, 'f' || n, 'RESTOCK', 9, 9, 0, 'hand', 'h', now() from generate_series($from, $to) n;
    insert into reservation select 'f' || n, 'f' || n, 'hand', 'h', 0, 1, now(), now() from generate_series($from, $to) n;
    insert into orders (order_id, order_number, channel, user_id, customer_email, status, payment_status, stock_state, subtotal,
            total_amount, version, created_at)
        select uuid(n), format('ORD-2026-%s', 10000 + n), 'canonical', 'u' || n, n || '@example.com', 'CREATED', 'pending', 'foreign', 10,
            10, 1, timestamptz '2026-01-01' + n * interval '1 second'
        from generate_series($from, $to) n;
    insert into order_item (order_item_id, order_id, line_no, session_id, ticket_type_id, qty, unit_price, item_total_amount)
        select uuid(n * 10 + l), uuid(n), l, uuid(1), uuid(1), 1, 5, 5 from generate_series($from, $to) n, generate_series(1, 2) l;
    insert into payment (payment_id, order_id, provider, status, amount, captured, refunded, currency, version)
        select uuid(n), uuid(n), 'stub', 'INITIATED', 10, 0, 0, 'USD', 1 from generate_series($from, $to) n;
    insert into order_event (order_event_id, order_id, sequence, event_type, to_status, payload_json)
        select uuid(n), uuid(n), 1, 'ORDER_CREATED', 'CREATED', '{}' from generate_series($from, $to) n;
    insert into outbox select uuid(n), 'order.created', uuid(n), 1, '{}', false, now() from generate_series($from, $to) n;
    insert into idempotency_key select 'f' || n, sha256('x'), 'a', now() from generate_series($from, $to) n;
    insert into commit_mark select uuid(n) from generate_series($from, $to) n;
";

const UUID: &str = "
    create function uuid(n bigint) returns uuid language sql immutable as $$ select lpad(to_hex(n), 32, '0')::uuid $$";

async fn fill(database: &Database, from: u32, to: u32) {
    let sql = FILL.replace("$from", &from.to_string()).replace("$to", &to.to_string());
    database.client().await.batch_execute(&sql).await.expect("it is SQL");
}

/// The first sixty-four rows of every table.
fn needs() -> Needs {
    let mut needs = Needs::default();
    for n in 1..=64_u128 {
        let text = format!("f{n}");
        needs.keys.insert(ScopedKey(text.as_str().into()));
        needs.skus.insert(text.as_str().into());
        needs.stock.insert(text.as_str().into());
        needs.reservations.insert(ReservationKey(text.as_str().into()));
        needs.orders.insert(OrderId(Uuid::from_u128(n)));
        needs.payments.insert(PaymentId(Uuid::from_u128(n)));
    }
    needs
}

/// The best of many: what else runs on the machine only adds.
async fn fastest_load(session: &mut Box<dyn Session>, needs: &Needs) -> Duration {
    let mut fastest = Duration::MAX;
    for _ in 0..40 {
        let begun = Instant::now();
        session.load(needs, &mut View::default()).await.expect("it loads");
        fastest = fastest.min(begun.elapsed());
    }
    fastest
}

/// Places, pays and moves: every statement of a save, on this session.
async fn work(session: &mut Box<dyn Session>, clock: &StepClock, name: &str) {
    act(session, &sku(name), &context(clock)).await;
    act(session, &sku(name), &context(clock)).await;
    act(session, &offer(name, 500), &context(clock)).await;
    act(session, &restock(name, 1000), &context(clock)).await;
    act(session, &testkit::builders::movement(name, Operation::Reserve, 3), &context(clock)).await;
    act(session, &testkit::builders::movement(name, Operation::Release, 1), &context(clock)).await;
    for n in 0..5 {
        let cx = keyed::<PlaceOrder>(context(clock), &format!("{name}/{n}"));
        let placed = act(session, &place().line(name, 1).0, &cx).await;
        let order_id = *placed.orders.keys().next().expect("it wrote one");
        let asked = act(session, &RequestPayment { order_id, method: None }, &context(clock)).await;
        let payment_id = *asked.payments.keys().next().expect("it wrote one");
        let said = domain::command::ProviderAnswer::Captured { provider_ref: "r".into() };
        act(session, &domain::command::RecordPayment { payment_id, said }, &context(clock)).await;
    }
}

/// A database whose tables are empty and not analyzed.
async fn untouched() -> Database {
    let database = Database::fresh().await;
    let client = database.client().await;
    client.batch_execute(LEAVE_ALONE).await.expect("it is SQL");
    client.batch_execute(UUID).await.expect("it is SQL");
    database
}

/// Law 8. The plans are made on empty tables, and must not be those of empty tables.
#[tokio::test]
async fn reads_only_by_index() {
    let database = untouched().await;
    // What would go wrong with plans as they come, seen on the same tables: a guard that nobody has seen fail is none.
    let careless = database.client().await;
    careless.batch_execute("set plan_cache_mode = force_generic_plan; set application_name = 'careless'").await.unwrap();
    let by_id = careless.prepare("select * from orders where order_id = any($1)").await.unwrap();
    careless.query(&by_id, &[&vec![Uuid::nil()]]).await.unwrap();

    stays_fast(&database, database.store()).await;
    assert_eq!(scanned_when_gone(&database, "ordo-%", 1000).await, [] as [String; 0], "the writer's statements read whole tables");

    careless.query(&by_id, &[&vec![Uuid::nil()]]).await.unwrap();
    drop(careless);
    assert_eq!(scanned_when_gone(&database, "careless", 1000).await, ["orders"], "the test would not have noticed");
}

/// The same where many share the connections that the plans are made on.
#[tokio::test]
async fn reads_only_by_index_behind_a_pooler() {
    let database = untouched().await;
    let pooler = database.pooler(&[]);
    stays_fast(&database, PostgresStore::connect(&database.url_at(pooler.port())).unwrap()).await;
    drop(pooler);
    assert_eq!(scanned_when_gone(&database, "ordo-%", 1000).await, [] as [String; 0], "the writer's statements read whole tables");
}

/// A writer's session that starts on empty tables; then they fill.
async fn stays_fast(database: &Database, store: PostgresStore) {
    let clock = StepClock::default();
    let mut session = store.session().await.expect("it needs no connection");
    session.load(&needs(), &mut View::default()).await.expect("it loads");
    work(&mut session, &clock, "before").await;
    fill(database, 1, 64).await;
    let few = fastest_load(&mut session, &needs()).await;
    fill(database, 65, 20_000).await;
    let full = fastest_load(&mut session, &needs()).await;
    work(&mut session, &clock, "after").await;
    eprintln!("a load of 64 keys in each table: {few:?} among 64 rows, {full:?} among 20,000");
    assert!(full < few * 3, "a load took {few:?} among 64 rows and {full:?} among 20,000");
}

/// The pool keeps its statements too; what it once planned on empty tables must not be what it still does on full ones.
#[tokio::test]
async fn details_and_lists_touch_few_rows_after_a_start_on_empty_tables() {
    let database = untouched().await;
    reads_touch_few_rows(&database, database.store()).await;
}

#[tokio::test]
async fn details_and_lists_touch_few_rows_after_a_start_on_empty_tables_behind_a_pooler() {
    let database = untouched().await;
    let pooler = database.pooler(&[]);
    reads_touch_few_rows(&database, PostgresStore::connect(&database.url_at(pooler.port())).unwrap()).await;
}

/// A server plans a statement five times with its values before it may keep a plan: more than that, on each connection.
const READS_ON_EMPTY: usize = 8;

/// Rows of a table that a read may look at: two pages of 20, their lines, and what is looked at before the end is seen.
const ROWS_OF_A_READ_MAX: i64 = 100;

/// Counts rows, not time: the machine may be busy.
async fn reads_touch_few_rows(database: &Database, store: PostgresStore) {
    for read in READS {
        let many = (0..8).map(|_| async {
            for _ in 0..READS_ON_EMPTY {
                read.once(&store).await;
            }
        });
        futures_util::future::join_all(many).await;
    }
    fill(database, 1, 20_000).await;
    // The server does that by itself within a minute. A statement that is planned with its values follows at once.
    let client = database.client().await;
    client.batch_execute("analyze; select pg_stat_force_next_flush()").await.expect("it is SQL");
    drop(client);
    let alone = "select count(*) = 1 from pg_stat_activity where datname = current_database() and application_name not like 'ordo-%'";
    database.until(alone).await;
    database.client().await.batch_execute("select pg_stat_reset()").await.expect("a superuser may");
    for read in READS {
        for _ in 0..10 {
            read.once(&store).await;
        }
    }
    drop(store);
    // A backend tells at its end at the latest; a pooler keeps those of its clients.
    let end = "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    database.client().await.query_one(end, &[]).await.expect("a superuser may end them");
    let touched = "select relname::text, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables order by 2 desc";
    let touched = database.client().await.query(touched, &[]).await.expect("it is SQL");
    let touched: Vec<(String, i64)> = touched.iter().map(|row| (row.get(0), row.get(1))).collect();
    eprintln!("rows that {} reads have looked at: {touched:?}", 10 * READS.len());
    assert!(touched[0].1 > 1000, "nothing was counted");
    let rows_max = ROWS_OF_A_READ_MAX * 10 * i64::try_from(READS.len()).expect("few");
    assert!(touched[0].1 < rows_max, "more than {rows_max} rows of a table: {touched:?}");
}

#[derive(Clone, Copy, Debug)]
enum Read {
    Order,
    History,
    Payment,
    Sku,
    Balance,
    Key,
    Newest,
    SecondPage,
    OfUser,
    WithStatus,
    WithRareStatus,
    WithAnyOf,
    Between,
    ByNumber,
    ByEmail,
    Skus,
    SkusOfProduct,
    ToExpire,
    ToAsk,
}

const READS: &[Read] = &[
    Read::Order,
    Read::History,
    Read::Payment,
    Read::Sku,
    Read::Balance,
    Read::Key,
    Read::Newest,
    Read::SecondPage,
    Read::OfUser,
    Read::WithStatus,
    Read::WithRareStatus,
    Read::WithAnyOf,
    Read::Between,
    Read::ByNumber,
    Read::ByEmail,
    Read::Skus,
    Read::SkusOfProduct,
    Read::ToExpire,
    Read::ToAsk,
];

impl Read {
    async fn once(self, store: &PostgresStore) {
        let all = Caller::local_admin();
        let id = Uuid::from_u128(300);
        let filter = match self {
            Self::OfUser => OrderFilter { user_id: Some("u300".into()), ..OrderFilter::default() },
            Self::WithStatus => OrderFilter { statuses: vec![Status::Created], ..OrderFilter::default() },
            Self::WithRareStatus => OrderFilter { statuses: vec![Status::Delivered], ..OrderFilter::default() },
            Self::WithAnyOf => OrderFilter { statuses: vec![Status::Delivered, Status::Created], ..OrderFilter::default() },
            Self::Between => OrderFilter { from: Some(SECOND_300), to: Some(Time(SECOND_300.0 + 60_000)), ..OrderFilter::default() },
            Self::ByNumber => OrderFilter { number: Some(OrderNumber { year: 2026, serial: 10_300 }), ..OrderFilter::default() },
            Self::ByEmail => OrderFilter { email: Some("300@example.com".into()), ..OrderFilter::default() },
            _ => OrderFilter::default(),
        };
        let after = matches!(self, Self::SecondPage).then_some((SECOND_300, id));
        match self {
            Self::Order => drop(store.order(&all, OrderId(id)).await.expect("it answers")),
            Self::History => drop(store.order_events(&all, OrderId(id), Page { after: None, limit: 20 }).await.expect("it answers")),
            Self::Payment => drop(store.payment(&all, PaymentId(id)).await.expect("it answers")),
            Self::Sku => drop(store.sku(&"f300".into()).await.expect("it answers")),
            Self::Balance => drop(store.balance(&"f300".into()).await.expect("it answers")),
            Self::Key => drop(store.key(&ScopedKey("f300".into())).await.expect("it answers")),
            Self::Skus => drop(store.skus(None, Page { after: None, limit: 20 }).await.expect("it answers")),
            Self::SkusOfProduct => drop(store.skus(Some(&"p".into()), Page { after: None, limit: 20 }).await.expect("it answers")),
            Self::ToExpire => drop(store.orders_to_expire(SECOND_300, 20).await.expect("it answers")),
            Self::ToAsk => drop(store.payments_to_ask(SECOND_300, 20).await.expect("it answers")),
            _ => drop(store.orders(&all, &filter, Page { after, limit: 20 }).await.expect("it answers")),
        }
    }
}

/// When order 300 was placed.
const SECOND_300: Time = Time(1_767_225_600_000 + 300_000);

/// Tables that were read from end to end, told once `application` has ended: a backend tells at its end at the latest.
async fn scanned_when_gone(database: &Database, application: &str, rows_max: i64) -> Vec<String> {
    let gone = "select not exists (select from pg_stat_activity where datname = current_database() and application_name like '{}')";
    database.until(&gone.replace("{}", application)).await;
    scanned(database, rows_max).await
}

/// Tables of which more than so many rows were read from end to end, all times together.
async fn scanned(database: &Database, rows_max: i64) -> Vec<String> {
    let sql = "select relname::text from pg_stat_user_tables where seq_tup_read > $1 order by 1";
    database.client().await.query(sql, &[&rows_max]).await.expect("it is SQL").iter().map(|row| row.get(0)).collect()
}

/// Rows are joined to their new values by hash: with a loop, eight times the rows took fifty times as long.
#[tokio::test]
async fn a_save_grows_with_its_rows_and_not_with_their_square() {
    let database = Database::fresh().await;
    database.client().await.batch_execute(UUID).await.unwrap();
    let mut session = database.session().await;
    session.save(&Changes::default(), mark()).await.unwrap();
    fill(&database, 1, 2048).await;
    let (mut some, mut many) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        some = some.min(saved_in(&mut session, 256).await);
        many = many.min(saved_in(&mut session, 2048).await);
    }
    println!("256 balances: {some:?}, 2048: {many:?}");
    assert!(many < some * 20, "256 balances took {some:?}, 2048 {many:?}");
}

async fn saved_in(session: &mut Box<dyn Session>, rows: usize) -> Duration {
    let mut changes = Changes::default();
    for n in 1..=rows {
        changes.absorb(&moved("", &format!("f{n}"), Operation::Restock, 1));
    }
    changes.ledger.clear();
    let begun = Instant::now();
    session.save(&changes, mark()).await.expect("it saves");
    begun.elapsed()
}
