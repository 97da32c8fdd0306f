//! Lists read about as many rows as they give, however many there are.

use domain::Caller;
use domain::order::Status;
use domain::time::Time;
use engine::port::{OrderFilter, Page, Queries as _};

use crate::database::Database;

/// Twenty thousand orders, each changed a second after the one before; one in a hundred is paid.
const FILL: &str = "
    insert into orders (order_id, order_number, channel, status, payment_status, stock_state, subtotal, total_amount, version,
            created_at, updated_at)
        select lpad(to_hex(n), 32, '0')::uuid, format('ORD-2026-%s', 10000 + n), 'canonical',
            case when n % 100 = 0 then 'PAID' else 'CREATED' end, 'pending', 'foreign', 10, 10, 1, to_timestamp(n), to_timestamp(20000 - n)
        from generate_series(1, 20000) n;
    analyze orders;
";

/// Rows of `orders` that were read: from end to end, and by an index.
const READ: &str = "select seq_tup_read, idx_tup_fetch from pg_stat_user_tables where relname = 'orders'";

#[tokio::test]
async fn changes_are_read_along_their_index() {
    let database = Database::fresh().await;
    let client = database.client().await;
    client.batch_execute(FILL).await.unwrap();
    let before = client.query_one(READ, &[]).await.unwrap();
    let store = database.store();
    let admin = Caller::local_admin();
    let from = |ms: i64, statuses: Vec<Status>| OrderFilter { updated_from: Some(Time(ms)), statuses, ..OrderFilter::default() };
    let mut given = 0;
    for filter in [from(0, vec![]), from(10_000_000, vec![]), from(0, vec![Status::Created, Status::Canceled])] {
        let mut after = None;
        // More often than a statement is planned anew.
        for _ in 0..8 {
            let page = store.orders(&admin, &filter, Page { after, limit: 50 }).await.unwrap();
            let places: Vec<_> = page.iter().map(|answer| filter.place_of(&answer.order)).collect();
            assert!(places.is_sorted() && places.len() == 50 && after < places.first().copied(), "{places:?}");
            after = places.last().copied();
            given += 50;
        }
    }
    drop(store);
    database
        .until("select count(*) = 0 from pg_stat_activity where datname = current_database() and application_name = 'ordo-reader'")
        .await;
    let after = client.query_one(READ, &[]).await.unwrap();
    let read = |column: usize| after.get::<_, i64>(column) - before.get::<_, i64>(column);
    assert!(
        read(0) == 0 && read(1) < 2 * given,
        "{given} orders were given; {} were read from end to end, {} by an index",
        read(0),
        read(1)
    );
    assert!(read(1) >= given, "the rows that were read were not counted yet");
}
