//! What every store must do.

use std::sync::Arc;

use engine::port::Store;

use crate::support::{Folder, store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_what_every_store_must() {
    let folders = std::cell::RefCell::new(Vec::new());
    testkit::suite::run(async || {
        let folder = Folder::fresh();
        let store = store(&folder.file()).await;
        folders.borrow_mut().push(folder);
        Arc::new(store) as Arc<dyn Store>
    })
    .await;
}
