//! What is printed.
#![expect(clippy::print_stdout, reason = "the report of a command line tool")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sim::marks::{Injected, Mark};
use sim::run::Outcome;
use sim::sweep::Total;
use testkit::Bug;

const LINES_MAX: usize = 200;
const WIDTH_MAX: usize = 240;
const FAILURES_MAX: usize = 5;

fn shortened(text: &str) -> String {
    if text.chars().count() <= WIDTH_MAX { text.to_owned() } else { text.chars().take(WIDTH_MAX).chain(" …".chars()).collect() }
}

fn again(seed: u64, bugs: &[Bug]) -> String {
    let mut words = format!("cargo run --release -p sim -- --seed {seed}");
    for bug in bugs {
        let _never_fails = write!(words, " --bug {bug:?}");
    }
    words
}

/// The lines worth reading: the first, those that name what the verdict names, and the last.
fn chosen(outcome: &Outcome) -> BTreeSet<usize> {
    let verdict = outcome.violations.join(" ");
    let words = verdict.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '.' || letter == '-'));
    // Wishes (`c3.2`, `clerk.4`), order numbers and ids.
    let is_name = |word: &&str| word.len() >= 4 && word.contains(['.', '-']) && word.contains(|letter: char| letter.is_ascii_digit());
    let words: BTreeSet<&str> = words.filter(is_name).collect();
    let lines = &outcome.lines;
    let named = (0..lines.len()).filter(|index| words.iter().any(|word| lines[*index].contains(word)));
    let mut chosen: BTreeSet<usize> = named.take(LINES_MAX / 2).chain(0..lines.len().min(LINES_MAX / 10)).collect();
    for index in (0..lines.len()).rev() {
        if chosen.len() < LINES_MAX {
            chosen.insert(index);
        }
    }
    chosen
}

/// What happened in one run.
pub(crate) fn one(outcome: &Outcome, bugs: &[Bug]) {
    let mut next = 0;
    for index in chosen(outcome) {
        if index > next {
            println!("        … {} lines left out …", index - next);
        }
        println!("{}", shortened(&outcome.lines[index]));
        next = index + 1;
    }
    println!("seed {}: {} commands, {} steps, digest {:016x}", outcome.seed, outcome.commands, outcome.steps, outcome.digest);
    if outcome.violations.is_empty() {
        println!("passed");
    } else {
        failure(outcome, bugs, usize::MAX);
    }
}

fn failure(outcome: &Outcome, bugs: &[Bug], width: usize) {
    println!("seed {} failed:", outcome.seed);
    for violation in &outcome.violations {
        let text: String = violation.chars().take(width).collect();
        println!("  - {text}");
    }
    println!("  again: {}", again(outcome.seed, bugs));
}

/// What many runs came to.
pub(crate) fn total(total: &Total, bugs: &[Bug]) {
    for outcome in total.failed.iter().take(FAILURES_MAX) {
        failure(outcome, bugs, 600);
    }
    let seeds = total.passed + u64::try_from(total.failed.len()).unwrap_or(0);
    let counts = |all: Vec<(&str, u64)>| all.iter().map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>().join(", ");
    println!("faults: {}", counts(Injected::ALL.iter().map(|kind| (kind.as_str(), total.faulted.of(*kind))).collect()));
    println!("seen: {}", counts(Mark::ALL.iter().map(|mark| (mark.as_str(), total.seen.of(*mark))).collect()));
    let unseen: Vec<&str> = total.unseen().into_iter().map(Mark::as_str).collect();
    if !unseen.is_empty() {
        println!("never seen: {}", unseen.join(", "));
    }
    #[expect(clippy::cast_precision_loss, reason = "for a rate with one digit")]
    let rate = seeds as f64 / total.took.as_secs_f64();
    let faults: u64 = Injected::ALL.iter().map(|kind| total.faulted.of(*kind)).sum();
    println!(
        "{seeds} seeds, {} commands, {faults} faults, {rate:.0} seeds/s on {} cores: {} passed, {} failed",
        total.commands,
        total.threads,
        total.passed,
        total.failed.len()
    );
}
