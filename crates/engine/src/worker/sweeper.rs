//! Cancels orders whose payment window has passed, and gives back what was held too long, so that the stock is free again within five seconds; ends
//! and forgets carts and checkout sessions.

use std::time::Duration;

use domain::cart::CartOwner;
use domain::command::{AbandonCart, Command, EndCheckout, ExpireHold, ExpireOrder};
use domain::ids::{HoldId, OrderId, SessionId};
use futures_util::future::join_all;

use crate::StopSignal;
use crate::engine::{Ask, Engine};
use crate::port::Unavailable;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Small enough to leave room for buyers in the queue.
const PAGE: u32 = 200;
/// A save is settled within seconds; its mark is of no use after that.
const MARKS_KEPT_SECONDS: i64 = 3600;
const FORGET_EVERY_LOOKS: u32 = 600;
/// Carts expire at full hours: a minute more is nothing.
const CARTS_EVERY_LOOKS: u32 = 60;

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
        while expire_holds(&engine).await && !stop.is_given() {}
        while end_checkouts(&engine).await && !stop.is_given() {}
        if looks.is_multiple_of(CARTS_EVERY_LOOKS) {
            while abandon_page(&engine).await && !stop.is_given() {}
            while forgot_page(engine.queries().forget_carts(engine.now(), PAGE).await) && !stop.is_given() {}
            while forgot_page(engine.queries().forget_checkouts(engine.now(), PAGE).await) && !stop.is_given() {}
            let ended_before = || engine.now().plus_seconds(-engine.settings().checkout.kept_seconds);
            while forgot_page(engine.queries().forget_holds(ended_before(), PAGE).await) && !stop.is_given() {}
        }
        if looks.is_multiple_of(FORGET_EVERY_LOOKS)
            && let Err(away) = engine.queries().forget_marks(engine.now().plus_seconds(-MARKS_KEPT_SECONDS)).await
        {
            tracing::debug!(%away, "cannot forget old marks");
        }
        looks = looks.wrapping_add(1);
    }
}

/// Expires one page of orders; true: there may be more.
async fn expire_page(engine: &Engine) -> bool {
    let due = engine.queries().orders_to_expire(engine.now(), PAGE).await;
    let expire = |order_id: OrderId| ExpireOrder { order_id };
    // A page of orders that wait for a payment's outcome comes back unchanged: look again later, not at once.
    end_page(engine, due, expire, |expired| expired.0).await
}

/// Gives back one page of holds whose time has passed; true: there may be more.
async fn expire_holds(engine: &Engine) -> bool {
    let due = engine.queries().holds_to_expire(engine.now(), PAGE).await;
    end_page(engine, due, |hold_id: HoldId| ExpireHold { hold_id }, |ended| ended.0).await
}

/// Ends one page of carts that nobody has touched for long; true: there may be more.
async fn abandon_page(engine: &Engine) -> bool {
    let due = engine.queries().carts_to_abandon(engine.now(), PAGE).await;
    end_page(engine, due, |owner: CartOwner| AbandonCart { owner }, |abandoned| abandoned.0).await
}

/// Ends one page of checkout sessions whose time has passed; true: there may be more.
async fn end_checkouts(engine: &Engine) -> bool {
    let due = engine.queries().checkouts_to_end(engine.now(), PAGE).await;
    end_page(engine, due, |session_id: SessionId| EndCheckout { session_id }, |ended| ended.0).await
}

/// Ends what is due; true: some of it has ended, and there may be more.
async fn end_page<T, C: Command>(
    engine: &Engine,
    due: Result<Vec<T>, Unavailable>,
    command: impl Fn(T) -> C,
    has_ended: impl Fn(&C::Answer) -> bool,
) -> bool {
    let due = match due {
        Ok(due) => due,
        Err(away) => {
            tracing::debug!(%away, command = C::NAME, "cannot look for what is due");
            return false;
        }
    };
    let full = due.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
    let ends = join_all(due.into_iter().map(|due| engine.submit(command(due), Ask::of_worker("sweeper")))).await;
    full && ends.iter().flatten().any(|done| has_ended(&done.answer))
}

/// Whether a whole page was forgotten: there may be more.
fn forgot_page(forgotten: Result<u64, Unavailable>) -> bool {
    match forgotten {
        Ok(forgotten) => forgotten == u64::from(PAGE),
        Err(away) => {
            tracing::debug!(%away, "cannot forget what ended long ago");
            false
        }
    }
}
