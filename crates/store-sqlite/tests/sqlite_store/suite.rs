//! What every store must do.

use std::cell::RefCell;
use std::sync::Arc;

use engine::port::Store;

use crate::support::{Folder, store};

/// An empty store, whose file goes with `folders`.
async fn fresh(folders: &RefCell<Vec<Folder>>) -> Arc<dyn Store> {
    let folder = Folder::fresh();
    let store = store(&folder.file()).await;
    folders.borrow_mut().push(folder);
    Arc::new(store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_what_every_store_must() {
    let folders = RefCell::default();
    testkit::suite::run(async || fresh(&folders).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_history_ends_in_the_same_rows_as_in_memory() {
    let folders = RefCell::default();
    testkit::suite::random::compare(0..3, async || fresh(&folders).await).await;
}
