//! The one who breaks things on purpose: crashes instances, takes the store away, lets broken-off saves land late.

use std::sync::Arc;

use crate::dice::Dice;
use crate::marks::Injected;
use crate::world::{Act, World};

/// Breaks things until everything heals.
pub async fn break_things(world: Arc<World>, mut dice: Dice) {
    let (mut crashes, mut outages) = (world.plan.crashes, world.plan.outages);
    let pace_ms = 1 + world.plan.think_ms * i64::try_from(world.plan.errands).unwrap_or(1) / 3;
    loop {
        world.timers.sleep(dice.between(1, pace_ms)).await;
        if world.is_healed() {
            return;
        }
        match dice.below(3) {
            0 if crashes > 0 => {
                crashes -= 1;
                let number = dice.index(world.plan.instances);
                world.act(Act::Crash(number));
                world.timers.sleep(dice.between(1, 500)).await;
                world.act(Act::Start(number));
            }
            1 if outages > 0 => {
                outages -= 1;
                world.faulted.count(Injected::Outage);
                world.say(|| "the store is away".into());
                world.set_out(true);
                world.timers.sleep(dice.between(10, 3000)).await;
                world.set_out(false);
                world.say(|| "the store is back".into());
            }
            _ => world.act(Act::Land),
        }
    }
}
