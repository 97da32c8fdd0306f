//! What every store must do.

use crate::database::{Database, shared};
use tokio::sync::Mutex;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_what_every_store_must() {
    let template = Database::fresh().await;
    let databases = Mutex::new(Vec::new());
    testkit::suite::run(async || {
        let database = template.copy().await;
        let store = shared(database.store());
        let mut databases = databases.lock().await;
        // The case before this one is over.
        databases.clear();
        databases.push(database);
        store
    })
    .await;
}
