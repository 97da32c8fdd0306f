//! What is printed at the end: a page for people, or one line of JSON for programs.

use std::fmt::Write as _;
use std::time::Duration;

use super::histogram::Histogram;
use super::load::Outcome;
use super::{BenchArgs, What};

/// Quantiles that are told: name in text, name in JSON, of 1000.
const QUANTILES: &[(&str, &str, u64)] =
    &[("p50", "p50_ms", 500), ("p90", "p90_ms", 900), ("p99", "p99_ms", 990), ("p99.9", "p999_ms", 999)];

/// The longest bar, in characters.
const BAR_CHARACTERS: u64 = 40;

/// Orders that went well, a second.
fn orders_per_second(outcome: &Outcome) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a run places far fewer than 2^52 orders")]
    let ok = outcome.ok as f64;
    if outcome.elapsed.is_zero() { 0.0 } else { ok / outcome.elapsed.as_secs_f64() }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Three decimals are what a latency is worth.
fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// One line.
pub(crate) fn json(args: &BenchArgs, outcome: &Outcome) -> String {
    let mut report = serde_json::Map::new();
    report.insert(format!("{}_per_second", args.what.noun()), rounded(orders_per_second(outcome)).into());
    for (_, name, per_mille) in QUANTILES {
        report.insert((*name).into(), rounded(milliseconds(outcome.latency.quantile(*per_mille))).into());
    }
    report.insert("max_ms".into(), rounded(milliseconds(outcome.latency.max())).into());
    report.insert("ok".into(), outcome.ok.into());
    report.insert("failed".into(), outcome.failed.into());
    report.insert("not_sent".into(), outcome.not_sent.into());
    let statuses = outcome.statuses.iter().map(|(status, count)| (status.to_string(), (*count).into())).collect();
    report.insert("statuses".into(), serde_json::Value::Object(statuses));
    if let Some(first) = &outcome.first_failure {
        report.insert("first_failure".into(), first.as_str().into());
    }
    if !outcome.kinds.is_empty() {
        let of_kind = |(kind, latency): (&&str, &Histogram)| {
            let mut told = serde_json::Map::new();
            for (_, name, per_mille) in QUANTILES {
                told.insert((*name).into(), rounded(milliseconds(latency.quantile(*per_mille))).into());
            }
            told.insert("count".into(), latency.count().into());
            ((*kind).to_owned(), told.into())
        };
        report.insert("kinds".into(), serde_json::Value::Object(outcome.kinds.iter().map(of_kind).collect()));
    }
    report.insert("seconds".into(), rounded(outcome.elapsed.as_secs_f64()).into());
    report.insert("connections".into(), args.connections.into());
    report.insert("skus".into(), args.skus.into());
    serde_json::Value::Object(report).to_string()
}

/// Some lines.
pub(crate) fn text(args: &BenchArgs, outcome: &Outcome) -> String {
    let noun = args.what.noun();
    let mut page = format!(
        "{} {noun} in {:.1} s over {} connections{}: {:.0} {noun}/s\n",
        outcome.ok,
        outcome.elapsed.as_secs_f64(),
        args.connections,
        if matches!(args.what, What::Place | What::Checkout) { format!(", {} SKUs", args.skus) } else { String::new() },
        orders_per_second(outcome)
    );
    let mut line = |text: String| writeln!(page, "{text}").expect("a String takes everything");
    if outcome.failed > 0 {
        let first = outcome.first_failure.as_deref().unwrap_or("unknown");
        line(format!("{} failed; the first: {first}", outcome.failed));
    }
    if let Some(rate) = args.rate.filter(|_| outcome.not_sent > 0) {
        line(format!(
            "{} were due and not sent: the server does not keep up with {rate} {noun}/s over {} connections",
            outcome.not_sent, args.connections
        ));
    }
    for (status, count) in &outcome.statuses {
        line(format!("  HTTP {status}  {count:>9}"));
    }
    line(format!("latency of {} {noun} from when each was {}:", outcome.latency.count(), if args.rate.is_some() { "due" } else { "sent" }));
    for (name, _, per_mille) in QUANTILES {
        line(format!("  {name:<6} {:>10.3} ms", milliseconds(outcome.latency.quantile(*per_mille))));
    }
    line(format!("  {:<6} {:>10.3} ms", "max", milliseconds(outcome.latency.max())));
    for (kind, latency) in &outcome.kinds {
        let (p50, p99) = (milliseconds(latency.quantile(500)), milliseconds(latency.quantile(990)));
        line(format!("  {:<10} p50 {p50:>9.3} ms  p99 {p99:>9.3} ms  {:>9} times", kind, latency.count()));
    }
    let rows = outcome.latency.octaves();
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    for (edge, count) in rows {
        let bar = "#".repeat(usize::try_from(count * BAR_CHARACTERS / most).unwrap_or(0));
        line(format!("  <= {:>10.3} ms {count:>9} {bar}", milliseconds(edge)));
    }
    page.truncate(page.trim_end().len());
    page
}
