//! Random histories on the memory store: the same twice, the same in batches, and not the same with a guard taken out.

use std::sync::Arc;

use testkit::MemoryStore;
use testkit::suite::random::{COMMANDS, History, compare, play};

#[tokio::test]
async fn the_same_seed_gives_the_same_history() {
    compare(0..20, async || Arc::new(MemoryStore::new()) as _).await;
}

#[tokio::test]
async fn whatever_the_domain_decides_can_be_saved_and_audited() {
    for seed in 0..200 {
        for batch in [1, 8] {
            let played = play(Arc::new(MemoryStore::new()), History { seed, batch, commands: COMMANDS }).await;
            assert_eq!(played.unsaved, 0, "seed {seed}, batch {batch}");
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
        let played = play(Arc::new(MemoryStore::new()), History { seed, batch: 1, commands: COMMANDS }).await;
        let count = |word: &str| played.answers.iter().filter(|said| said.contains(word)).count();
        done += count(": done: ");
        refused += count(": refused: ");
        replayed += count(": replayed: ");
    }
    assert!(done > 20 * 120 && refused > 20 * 30 && replayed > 20 * 3, "done {done}, refused {refused}, replayed {replayed}");
}
