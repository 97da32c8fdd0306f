//! The same seeded history on any store, written down so that stores can be compared, letter for letter.

mod dump;
mod verbs;

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::ids::OrderId;
use engine::port::Store;

use super::desk::{Desk, Work};
use crate::{MemoryStore, StepClock};
use dump::Touched;
use verbs::Dice;

/// How many commands a history has.
pub const COMMANDS: usize = 300;

/// A history: which one, and how its commands are saved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct History {
    /// The same seed gives the same commands.
    pub seed: u64,
    /// How many commands share a save.
    pub batch: usize,
    /// How many commands there are.
    pub commands: usize,
}

/// What a history led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Played {
    /// Each command with its answer, in order.
    pub answers: Vec<String>,
    /// Every row, fact and list, as the store gives it.
    pub rows: Vec<String>,
    /// How many commands were decided but could not be saved, even alone: a bug of the domain.
    pub unsaved: usize,
}

/// Plays `history` on an empty `store`.
pub async fn play(store: Arc<dyn Store>, history: History) -> Played {
    play_watched(store, history, async |_| ()).await
}

/// The same, and after each save `watch` is told which orders there may be.
pub async fn play_watched(store: Arc<dyn Store>, history: History, watch: impl AsyncFn(&BTreeSet<OrderId>)) -> Played {
    let clock = StepClock::new(crate::clock::START, history.seed);
    let mut dice = Dice::new(history.seed);
    let mut touched = Touched::default();
    let mut desk = Desk::of(&store).await;
    let mut answers = Vec::with_capacity(history.commands);
    let mut batches: Vec<Vec<Box<dyn Work>>> = dice.opening(&clock).into_iter().map(|job| vec![job]).collect();
    let mut left = history.commands;
    loop {
        for mut jobs in batches.drain(..) {
            let mut work: Vec<&mut dyn Work> = jobs.iter_mut().map(|job| &mut **job as &mut dyn Work).collect();
            desk.batch(&mut work).await;
            answers.extend(jobs.iter().map(|job| job.said()));
            for job in &jobs {
                dice.learn(job.made());
            }
            watch(&touched.orders).await;
        }
        if left == 0 {
            break;
        }
        let size = history.batch.clamp(1, left);
        batches.push((0..size).map(|_| dice.next(&clock, &mut touched)).collect());
        left -= size;
    }
    let unsaved = answers.iter().filter(|said| said.ends_with(": not saved")).count();
    Played { answers, rows: dump::dump(&store, &touched).await, unsaved }
}

/// Plays `seeds` in batches of 1 and of 8 on fresh stores of `make` and on a store in memory, and panics where they differ.
pub async fn compare(seeds: impl IntoIterator<Item = u64>, make: impl AsyncFn() -> Arc<dyn Store>) {
    for seed in seeds {
        for batch in [1, 8] {
            let history = History { seed, batch, commands: COMMANDS };
            let expected = play(Arc::new(MemoryStore::new()), history).await;
            let played = play(make().await, history).await;
            for (number, (left, right)) in expected.answers.iter().zip(&played.answers).enumerate() {
                assert_eq!(left, right, "{history:?}: the answer to command {number}; left is the memory store's");
            }
            for (left, right) in expected.rows.iter().zip(&played.rows) {
                assert_eq!(left, right, "{history:?}: a row; left is the memory store's");
            }
            assert_eq!(expected, played, "{history:?}");
        }
    }
}
