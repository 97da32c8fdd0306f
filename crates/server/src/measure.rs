//! What `/metrics` shows: each measure with its meaning, and the steps of the histograms.

use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// From half a millisecond to ten seconds: what a caller can feel.
const SECONDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Commands in one transaction, up to the most that a writer takes.
const COMMANDS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// How often the histograms are summed up, so that they do not grow between two scrapes.
pub(crate) const UPKEEP: Duration = Duration::from_secs(5);

/// Starts measuring for the rest of the process.
pub(crate) fn start() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)?
        .set_buckets_for_metric(Matcher::Full("commit_batch_size".into()), COMMANDS)?
        .install_recorder()?;
    describe();
    Ok(handle)
}

fn describe() {
    describe_counter!("order_create_total", "Orders asked for, by outcome");
    describe_counter!("order_cancel_total", "Cancellations asked for, by outcome");
    describe_counter!("order_price_changed_total", "Orders refused because a price had changed");
    describe_counter!("order_out_of_stock_total", "Orders refused because too little was left");
    describe_counter!("order_idempotent_hit_total", "Orders answered again for a key that was used before");
    describe_counter!("payment_create_total", "Payments asked for, by outcome");
    describe_counter!("payment_capture_total", "Answers of payment providers, by outcome");
    describe_counter!("inventory_reserve_total", "Movements of stock by hand or by other services, by outcome");
    describe_gauge!("outbox_pending", "Messages that were not published");
    describe_gauge!("engine_waiting_commands", "Commands that wait for a writer");
    describe_histogram!("command_seconds", Unit::Seconds, "From submitting a command to its answer");
    describe_histogram!("http_request_seconds", Unit::Seconds, "From the header of a request to its answer");
    describe_histogram!("commit_batch_size", "Commands in one transaction");
    describe_counter!("commit_lost_total", "Batches that lost a race and were decided again");
    describe_counter!("commit_unsure_total", "Batches of which nobody knows whether they were saved");
}
