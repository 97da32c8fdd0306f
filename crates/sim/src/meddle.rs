//! Those who ask for what is not theirs, and those who ask too early: nothing may come of it.

use std::sync::Arc;

use domain::caller::Role;
use domain::command::{CancelOrder, ExpireOrder};
use domain::ids::OrderId;
use domain::refusal::OrderRefusal;
use domain::{Caller, Refusal};
use engine::Ask;

use crate::ask::{Outcome, Want, insist};
use crate::dice::Dice;
use crate::history::Kind;
use crate::world::World;

/// A window so long that no skewed clock and no waiting client comes near its end.
const LONG_WINDOW_SECONDS: i64 = 1800;

fn stranger() -> Caller {
    Caller { id: "stranger".into(), role: Role::Customer }
}

/// Looks at an order as somebody else: there must be none.
pub async fn look(world: &World, owner: &Caller, order_id: OrderId) {
    let Some(instance) = world.instance(0) else { return };
    let found = instance.unless_dead(instance.engine.queries().order(&stranger(), order_id)).await;
    if matches!(found, Some(Ok(Some(_)))) {
        world.violation(format!("a stranger sees {}'s order {order_id}", owner.id));
    }
}

/// Cancels an order as somebody else: there must be none.
pub async fn cancel(world: &Arc<World>, order_id: OrderId, dice: &mut Dice) {
    let tag = format!("stranger to {order_id}");
    let command = CancelOrder { order_id, reason: None, notes: None };
    let request = Want { caller: stranger(), key: None, body: 0, command, tag, kind: Kind::Other }.written(world);
    match insist(world, &request, dice).await {
        Outcome::Refused(Refusal::Order(OrderRefusal::NotFound(_))) | Outcome::GaveUp => {}
        Outcome::Refused(refusal) => world.violation(format!("a stranger learns of order {order_id}: {refusal}")),
        Outcome::Done(_) => world.violation(format!("a stranger canceled order {order_id}")),
    }
}

/// Has an order expire long before its time: it must not.
pub async fn expire(world: &World, order_id: OrderId) {
    if world.plan.settings.payment_window_seconds < LONG_WINDOW_SECONDS {
        return;
    }
    let Some(instance) = world.instance(0) else { return };
    let expired = instance.unless_dead(instance.engine.submit(ExpireOrder { order_id }, Ask::of_worker("too early"))).await;
    if matches!(expired, Some(Ok(done)) if done.answer.0) {
        world.violation(format!("order {order_id} expired before its time"));
    }
}
