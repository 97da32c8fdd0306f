//! Counts and logs the outcome of every command, whichever door it came through: one line an outcome.

use std::time::Duration;

use domain::Refusal;
use domain::command::{Answer, Command, Context};
use domain::order::Status;
use domain::refusal::OrderRefusal;
use domain::shipment;

use crate::Failure;
use crate::ticket::Done;

type Outcome<C> = Result<Done<<C as Command>::Answer>, Failure>;

/// How it ended, in a word.
fn word<A>(outcome: &Result<Done<A>, Failure>) -> &'static str {
    match outcome {
        Ok(done) if done.is_replay => "replayed",
        Ok(_) => "ok",
        Err(failure) => failure.as_str(),
    }
}

/// Counts how a command ended.
pub(crate) fn count<C: Command>(outcome: &Outcome<C>, moved: Option<(Option<Status>, Status)>, took: Duration) {
    metrics::histogram!("command_seconds", "command" => C::NAME, "outcome" => word(outcome)).record(took);
    count_named(C::NAME, outcome.as_ref().map(|done| done.is_replay), moved);
}

/// Counts the refunds that a command began; a command that was not saved began none.
pub(crate) fn refunds_begun(refunds: u64, is_saved: bool) {
    if is_saved && refunds > 0 {
        metrics::counter!("refund_create_total", "status" => "created").increment(refunds);
    }
}

/// A whole order is one shipment, so its moves are those of the order.
fn count_shipment(from: &'static str, to: shipment::Status) {
    metrics::counter!("shipment_status_update_total", "from" => from, "to" => to.as_str()).increment(1);
}

/// The counters that operators know from the documents of the trade.
fn count_named(command: &'static str, outcome: Result<bool, &Failure>, moved: Option<(Option<Status>, Status)>) {
    match command {
        "place_order" | "place_tickets" => {
            let status = match outcome {
                Ok(true) => {
                    metrics::counter!("order_idempotent_hit_total").increment(1);
                    "replayed"
                }
                Ok(false) => "created",
                Err(Failure::Refused(Refusal::Order(OrderRefusal::PriceChanged(_)))) => {
                    metrics::counter!("order_price_changed_total").increment(1);
                    "price_changed"
                }
                Err(Failure::Refused(Refusal::Order(OrderRefusal::OutOfStock(_)))) => {
                    metrics::counter!("order_out_of_stock_total").increment(1);
                    "out_of_stock"
                }
                Err(_) => "refused",
            };
            metrics::counter!("order_create_total", "status" => status).increment(1);
        }
        "cancel_order" => {
            let status = if outcome.is_ok() { "canceled" } else { "refused" };
            metrics::counter!("order_cancel_total", "status" => status).increment(1);
        }
        "expire_order" if moved.is_some() => metrics::counter!("order_cancel_total", "status" => "expired").increment(1),
        "request_payment" | "create_payment" => {
            let status = match outcome {
                Ok(_) if moved.is_some() => "created",
                Ok(_) => "existing",
                Err(_) => "refused",
            };
            metrics::counter!("payment_create_total", "status" => status).increment(1);
        }
        "hear_event" if outcome == Ok(true) => metrics::counter!("inbox_duplicate_total").increment(1),
        "record_payment" | "collect_payment" | "hear_event" => {
            let status = match moved {
                Some((_, Status::Paid)) => "captured",
                Some((_, Status::Canceled)) => {
                    metrics::counter!("order_cancel_total", "status" => "payment_failed").increment(1);
                    "failed"
                }
                Some(_) => "failed",
                None => "unchanged",
            };
            metrics::counter!("payment_capture_total", "status" => status).increment(1);
        }
        "ship_order" if moved.is_some() => count_shipment("NONE", shipment::Status::Shipped),
        "deliver_order" if moved.is_some() => count_shipment(shipment::Status::Shipped.as_str(), shipment::Status::Delivered),
        "move_stock" => {
            let status = if outcome.is_ok() { "ok" } else { "refused" };
            metrics::counter!("inventory_reserve_total", "status" => status).increment(1);
        }
        _ => {}
    }
}

/// Writes its line.
pub(crate) fn log<C: Command>(cx: &Context, outcome: &Outcome<C>, moved: Option<(Option<Status>, Status)>) {
    let word = word(outcome);
    let order = outcome.as_ref().ok().and_then(|done| done.answer.order());
    let key = cx.key.as_ref().map(domain::key::ScopedKey::as_caller_wrote);
    let transition = moved.map(|(from, to)| format!("{}>{}", from.map_or("", Status::as_str), to.as_str()));
    match outcome {
        Err(Failure::Bug(reason)) => {
            tracing::error!(command = C::NAME, outcome = word, request_id = &*cx.request_id, idempotency_key = key, %reason);
        }
        Err(failure @ (Failure::Unavailable(_) | Failure::Unsure)) => {
            tracing::warn!(command = C::NAME, outcome = word, request_id = &*cx.request_id, idempotency_key = key, %failure);
        }
        _ if moved.is_none() && matches!(C::NAME, "expire_order" | "expire_hold" | "abandon_cart" | "end_checkout") => {}
        _ => tracing::info!(
            command = C::NAME,
            outcome = word,
            order_id = order.map(|order| tracing::field::display(order.order_id)),
            user_id = order.and_then(|order| order.user_id.as_ref()).map(domain::ids::UserId::as_str),
            cart_id = order.and_then(|order| order.cart_id).map(tracing::field::display),
            idempotency_key = key,
            status_transition = transition,
            request_id = &*cx.request_id,
        ),
    }
}
