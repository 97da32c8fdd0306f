//! Cancels orders whose payment window has passed, so that their stock is free again within five seconds.

use std::time::Duration;

use domain::command::ExpireOrder;
use futures_util::future::join_all;

use crate::StopSignal;
use crate::engine::{Ask, Engine};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Small enough to leave room for buyers in the queue.
const PAGE: u32 = 200;
/// A save is settled within seconds; its mark is of no use after that.
const MARKS_KEPT_SECONDS: i64 = 3600;
const FORGET_EVERY_LOOKS: u32 = 600;

/// Runs until `stop` turns true.
pub async fn run_sweeper(engine: Engine, mut stop: StopSignal) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut looks: u32 = 0;
    loop {
        tokio::select! {
            () = stop.given() => return,
            _ = look.tick() => {}
        }
        while expire_page(&engine).await && !stop.is_given() {}
        if looks.is_multiple_of(FORGET_EVERY_LOOKS)
            && let Err(away) = engine.queries().forget_marks(engine.now().plus_seconds(-MARKS_KEPT_SECONDS)).await
        {
            tracing::debug!(%away, "cannot forget old marks");
        }
        looks = looks.wrapping_add(1);
    }
}

/// Expires one page; true: there may be more.
async fn expire_page(engine: &Engine) -> bool {
    let due = match engine.queries().orders_to_expire(engine.now(), PAGE).await {
        Ok(due) => due,
        Err(away) => {
            tracing::debug!(%away, "cannot look for orders to expire");
            return false;
        }
    };
    let full = due.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
    let ends = join_all(due.into_iter().map(|order_id| engine.submit(ExpireOrder { order_id }, Ask::of_worker("sweeper")))).await;
    let expired = ends.iter().flatten().filter(|done| done.answer.0).count();
    // A page of orders that wait for a payment's outcome comes back unchanged: look again later, not at once.
    full && expired > 0
}
