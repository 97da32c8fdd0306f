//! The simulator finds what is planted: each guard is taken out of the store, and some seed must notice.
#![expect(clippy::print_stdout, reason = "tells at which seed each bug is found")]

use sim::sweep::{Until, sweep};
use testkit::Bug;

/// Seeds in which a planted bug must show.
const SEEDS: u64 = 600;

/// The guards that stand alone.
///
/// Not here: `NoRefundCheck` (a refund moves with its order and its payment, whose versions guard it: of 600 seeds one or none shows it),
/// `NoLedgerCheck`, `NoSequenceCheck`, `NoNumberCheck`, `NoCapturedCheck` and `NoSumCheck` guard what versions and
/// the rules guard too, and `BlindAudit` what the judge asks as well; none of the others alone lets anything wrong through.
const BUGS: &[Bug] = &[
    Bug::NoVersionCheck,
    Bug::NoKeyCheck,
    Bug::NoStockCheck,
    Bug::EventKeysForgotten,
    Bug::RefundsCountTwice,
    Bug::RestocksForgotten,
    Bug::TornSave,
    Bug::TornLoad,
    Bug::CountersOverwrite,
    Bug::NoMarks,
    Bug::SettlesOnce,
    Bug::NumbersRepeat,
    Bug::NumbersIgnoreYear,
    Bug::NoOwnerFilter,
    Bug::PagesOverlap,
    Bug::OldestFirst,
    Bug::FiltersIgnored,
    Bug::DueIgnoresTime,
];

fn found_at(bugs: &[Bug]) -> u64 {
    let total = sweep(0..SEEDS, bugs, Until::FirstFailure, None);
    let Some(first) = total.failed.first() else { panic!("{bugs:?}: {SEEDS} seeds are blind") };
    let why: String = first.violations[0].chars().take(120).collect();
    println!("{bugs:?}: found at seed {}: {why}", first.seed);
    first.seed
}

#[test]
fn every_planted_bug_is_found() {
    for bug in BUGS {
        found_at(&[*bug]);
    }
}

#[test]
fn the_judge_finds_them_without_the_audit_of_the_store() {
    for bug in [
        Bug::NoVersionCheck,
        Bug::NoKeyCheck,
        Bug::NoStockCheck,
        Bug::EventKeysForgotten,
        Bug::RefundsCountTwice,
        Bug::RestocksForgotten,
        Bug::TornSave,
        Bug::CountersOverwrite,
        Bug::NoMarks,
    ] {
        found_at(&[bug, Bug::BlindAudit]);
    }
}
