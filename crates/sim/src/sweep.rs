//! Many seeds on all cores, and what they came to together.

use std::num::NonZero;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use testkit::Bug;

use crate::marks::{Faulted, Mark, Seen};
use crate::plan::Plan;
use crate::run::{Outcome, run};
use crate::world::Detail;

/// What many seeds came to.
#[derive(Debug, Default)]
pub struct Total {
    /// Seeds that passed.
    pub passed: u64,
    /// Those that did not, the lowest seed first.
    pub failed: Vec<Outcome>,
    /// Commands that were submitted.
    pub commands: u64,
    /// What went wrong on purpose.
    pub faulted: Faulted,
    /// What was seen.
    pub seen: Seen,
    /// How long it took.
    pub took: Duration,
    /// On how many cores.
    pub threads: usize,
}

impl Total {
    /// What was never seen.
    pub fn unseen(&self) -> Vec<Mark> {
        Mark::ALL.iter().copied().filter(|mark| self.seen.of(*mark) == 0).collect()
    }
}

/// When to stop before the last seed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    /// Never.
    TheEnd,
    /// As soon as one fails. Every seed below the lowest that failed was run.
    FirstFailure,
}

/// Runs every seed of `seeds` over a store with `bugs`, on `threads` cores; `None`: on all.
pub fn sweep(seeds: Range<u64>, bugs: &[Bug], until: Until, threads: Option<usize>) -> Total {
    let began = Instant::now();
    let threads = threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get));
    let (next, stop, total) = (AtomicU64::new(seeds.start), AtomicBool::new(false), Mutex::new(Total::default()));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let outcome = run(Plan::of(seed), bugs, Detail::Digest);
                    if until == Until::FirstFailure && !outcome.violations.is_empty() {
                        stop.store(true, Ordering::Relaxed);
                    }
                    total.lock().unwrap_or_else(PoisonError::into_inner).add(outcome);
                }
            });
        }
    });
    let mut total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    total.failed.sort_by_key(|outcome| outcome.seed);
    Total { took: began.elapsed(), threads, ..total }
}

impl Total {
    fn add(&mut self, outcome: Outcome) {
        self.commands += outcome.commands;
        self.faulted.add(&outcome.faulted);
        self.seen.add(&outcome.seen);
        if outcome.violations.is_empty() {
            self.passed += 1;
        } else {
            self.failed.push(outcome);
        }
    }
}
