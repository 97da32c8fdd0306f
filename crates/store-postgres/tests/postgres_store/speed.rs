//! Statements that were prepared on empty tables stay fast when the tables fill.

use std::time::{Duration, Instant};

use domain::command::{PlaceOrder, RequestPayment};
use domain::ids::{OrderId, PaymentId, Uuid};
use domain::key::ScopedKey;
use domain::stock::{Operation, ReservationKey};
use domain::{Changes, Needs, View};
use engine::port::Session;
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
    insert into orders (order_id, order_number, channel, status, payment_status, stock_state, subtotal, total_amount, version)
        select uuid(n), format('ORD-2026-%s', 10000 + n), 'canonical', 'CREATED', 'pending', 'foreign', 10, 10, 1
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

/// Law 10. The plans are made on empty tables, and must not be those of empty tables.
#[tokio::test]
async fn reads_only_by_index() {
    let database = Database::fresh().await;
    let clock = StepClock::default();
    let client = database.client().await;
    client.batch_execute(LEAVE_ALONE).await.unwrap();
    client.batch_execute(UUID).await.unwrap();
    // What would go wrong with plans as they come, seen on the same tables: a guard that nobody has seen fail is none.
    let careless = database.client().await;
    careless.batch_execute("set plan_cache_mode = force_generic_plan; set application_name = 'careless'").await.unwrap();
    let by_id = careless.prepare("select * from orders where order_id = any($1)").await.unwrap();
    careless.query(&by_id, &[&vec![Uuid::nil()]]).await.unwrap();

    let mut session = database.session().await;
    session.load(&needs(), &mut View::default()).await.unwrap();
    work(&mut session, &clock, "before").await;
    fill(&database, 1, 64).await;
    let few = fastest_load(&mut session, &needs()).await;
    fill(&database, 65, 20_000).await;
    let full = fastest_load(&mut session, &needs()).await;
    work(&mut session, &clock, "after").await;
    drop(session);
    assert_eq!(scanned_when_gone(&database, "ordo-writer").await, [] as [String; 0], "the writer's statements read whole tables");
    println!("a load of 64 keys in each table: {few:?} among 64 rows, {full:?} among 20,000");
    assert!(full < few * 3, "a load took {few:?} among 64 rows and {full:?} among 20,000");

    careless.query(&by_id, &[&vec![Uuid::nil()]]).await.unwrap();
    drop(careless);
    assert_eq!(scanned_when_gone(&database, "careless").await, ["orders"], "the test would not have noticed");
}

/// Tables that were read from end to end, told once `application` has ended: a backend tells at its end at the latest.
async fn scanned_when_gone(database: &Database, application: &str) -> Vec<String> {
    let gone = "select not exists (select from pg_stat_activity where datname = current_database() and application_name = '{}')";
    database.until(&gone.replace("{}", application)).await;
    scanned(database).await
}

/// Tables of which more than a row or two was read from end to end.
async fn scanned(database: &Database) -> Vec<String> {
    let sql = "select relname::text from pg_stat_user_tables where seq_tup_read > 1000 order by 1";
    database.client().await.query(sql, &[]).await.expect("it is SQL").iter().map(|row| row.get(0)).collect()
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
