//! What every store must do.

use crate::database::{Database, shared};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_what_every_store_must() {
    let database = Database::fresh().await;
    testkit::suite::run(async || {
        database.clear().await;
        shared(database.store())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_history_ends_in_the_same_rows_as_in_memory() {
    let database = Database::fresh().await;
    testkit::suite::random::compare(0..3, async || {
        database.clear().await;
        shared(database.store())
    })
    .await;
}
