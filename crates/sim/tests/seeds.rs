//! Every seed passes, and together they see everything that a simulation must see; one seed is always the same run.

use sim::marks::{Injected, Mark};
use sim::plan::Plan;
use sim::run::run;
use sim::sweep::{Until, sweep};
use sim::world::Detail;

/// As many as `cargo run -p sim` takes: a mark that is seen once in a thousand seeds is seen.
const SEEDS: u64 = 2000;
/// Seeds that are run twice.
const TWICE: u64 = 20;

#[test]
fn no_seed_breaks_a_promise_and_all_of_them_together_see_everything() {
    let total = sweep(0..SEEDS, &[], Until::TheEnd, None);
    let failed: Vec<_> = total.failed.iter().map(|outcome| (outcome.seed, &outcome.violations)).collect();
    assert!(failed.is_empty(), "cargo run --release -p sim -- --seed {}: {failed:?}", failed[0].0);
    let unseen: Vec<&str> = total.unseen().into_iter().map(Mark::as_str).collect();
    assert!(unseen.is_empty(), "a simulation that does not see this proves nothing about it: {unseen:?}");
    let quiet: Vec<&str> = Injected::ALL.iter().filter(|kind| total.faulted.of(**kind) == 0).map(|kind| kind.as_str()).collect();
    assert!(quiet.is_empty(), "never went wrong: {quiet:?}");
}

#[test]
fn one_seed_is_the_same_run_bit_by_bit() {
    for seed in 0..TWICE {
        let (one, other) = (run(Plan::of(seed), &[], Detail::Lines), run(Plan::of(seed), &[], Detail::Lines));
        assert_eq!(one.lines, other.lines, "seed {seed}");
        assert_eq!((one.digest, one.steps, one.commands), (other.digest, other.steps, other.commands), "seed {seed}");
        // Writing lines down changes nothing.
        assert_eq!(one.digest, run(Plan::of(seed), &[], Detail::Digest).digest, "seed {seed}");
    }
}

#[test]
fn no_two_seeds_are_the_same_run() {
    let digests: std::collections::BTreeSet<u64> = (0..TWICE).map(|seed| run(Plan::of(seed), &[], Detail::Digest).digest).collect();
    assert_eq!(digests.len(), usize::try_from(TWICE).unwrap());
}
