//! Random histories on the memory store: the same twice, always clean, and not the same with a guard taken out.

use std::sync::Arc;

use engine::port::Store;
use futures_util::FutureExt as _;
use testkit::suite::random::{COMMANDS, History, Played, compare, play};
use testkit::{Bug, MemoryStore};

async fn played(seed: u64, batch: usize) -> Played {
    play(Arc::new(MemoryStore::new()), History { seed, batch, commands: COMMANDS }).await
}

#[tokio::test]
async fn the_same_seed_gives_the_same_history() {
    compare(0..10, async || Arc::new(MemoryStore::new()) as _).await;
}

#[tokio::test]
async fn a_store_that_does_otherwise_is_found() {
    for bug in [Bug::NoKeyCheck, Bug::CountersOverwrite, Bug::NumbersRepeat, Bug::OldestFirst, Bug::NoOwnerFilter] {
        let make = async || Arc::new(MemoryStore::new().with_bugs(&[bug])) as Arc<dyn Store>;
        let compared = std::panic::AssertUnwindSafe(compare(0..10, make)).catch_unwind().await;
        assert!(compared.is_err(), "{bug:?} was not found");
    }
}

#[tokio::test]
async fn whatever_the_domain_decides_can_be_saved_and_audited() {
    for seed in 0..100 {
        for batch in [1, 8] {
            let played = played(seed, batch).await;
            let unsaved: Vec<&String> = played.answers.iter().filter(|said| said.ends_with(": not saved")).collect();
            assert!(unsaved.is_empty(), "seed {seed}, batch {batch}: {unsaved:?}");
            let violations: Vec<&String> = played.rows.iter().filter(|row| row.starts_with("Violation")).collect();
            assert!(violations.is_empty(), "seed {seed}, batch {batch}: {violations:?}");
        }
    }
}

/// A history in which everything is refused proves nothing.
#[tokio::test]
async fn a_history_does_and_refuses_and_replays() {
    let (mut done, mut refused, mut replayed) = (0, 0, 0);
    for seed in 0..20 {
        let played = played(seed, 1).await;
        let count = |word: &str| played.answers.iter().filter(|said| said.contains(word)).count();
        done += count(": done: ");
        refused += count(": refused: ");
        replayed += count(": replayed: ");
    }
    assert!(done > 20 * 150 && refused > 20 * 50 && replayed > 20 * 5, "done {done}, refused {refused}, replayed {replayed}");
}

/// A history that never gets to the end of a checkout compares nothing of it.
#[tokio::test]
async fn the_histories_get_to_what_is_hard_to_get_to() {
    let mut answers = Vec::new();
    for seed in 0..40 {
        answers.extend(play(Arc::new(MemoryStore::new()), History { seed, batch: 1, commands: COMMANDS }).await.answers);
    }
    for (what, words) in [
        ("a checkout is confirmed", &["channel: Checkout", "is_again false"][..]),
        ("a checkout is confirmed again", &["channel: Checkout", "is_again true"]),
        ("a cart is merged", &["CartAnswer", "owner: User", "captured_at"]),
        ("a cart becomes an order", &["channel: Canonical", "cart_id: Some"]),
        ("a cart is abandoned", &["Abandoned(true)"]),
        ("a closed cart is refused", &["Closed {"]),
        ("something is missing", &["Incomplete"]),
        ("a session holds its goods", &["Checkout {", "hold_id: Some"]),
        ("tickets that are held are promised", &["channel: Tickets", "stock: Reserved"]),
        ("tickets that were held are sold", &["channel: Tickets", "stock: Deducted"]),
        ("tickets that were held are given back", &["channel: Tickets", "stock: Released"]),
        ("a hold is taken", &["Hold(InUse"]),
        ("a hold is over", &["Hold(Over"]),
        ("a hold holds something else", &["Hold(Mismatch"]),
        ("too little is left to hold", &["Hold(OutOfStock"]),
    ] {
        let found = answers.iter().filter(|answer| words.iter().all(|word| answer.contains(word))).count();
        assert!(found >= 5, "{what}: {found} times in {} commands", answers.len());
    }
}
