//! The last customer: whatever is left can be bought, and not one unit more. So nothing was withheld and nothing oversold.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Caller;
use domain::caller::Role;
use domain::command::CancelOrder;
use domain::ids::SkuId;
use domain::refusal::OrderRefusal;
use domain::{Refusal, catalog::SkuStatus};
use testkit::MemoryStore;
use testkit::builders::place;

use crate::ask::{Outcome, Want, insist};
use crate::dice::Dice;
use crate::history::{Kind, OrderWish};
use crate::world::World;

/// Buys what is left of everything, and gives it back.
pub async fn buy_what_is_left(world: Arc<World>, store: MemoryStore) {
    let left: Vec<(SkuId, i64)> = store.look(|memory| {
        let active = memory.skus.values().filter(|sku| sku.status == SkuStatus::Active);
        active.filter_map(|sku| Some((sku.sku_id.clone(), memory.stock.get(&sku.sku_id)?.available()))).collect()
    });
    for (sku_id, available) in left {
        if available < 0 {
            world.violation(format!("{sku_id} is oversold: {available} left"));
            return;
        }
        match buy(&world, &sku_id, available + 1).await {
            Outcome::Refused(Refusal::Order(OrderRefusal::OutOfStock(short))) if short.iter().all(|one| one.available == available) => {}
            other => world.violation(format!("{} of {available} {sku_id} were to be refused: {}", available + 1, word(&other))),
        }
        if available == 0 {
            continue;
        }
        match buy(&world, &sku_id, available).await {
            Outcome::Done(done) => {
                let command = CancelOrder { order_id: done.answer.order.order_id, reason: None, notes: None };
                let tag = format!("probe {sku_id} back");
                let request = Want { caller: Caller::local_admin(), key: None, body: 0, command, tag, kind: Kind::Other }.written(&world);
                insist(&world, &request, &mut Dice::new(0, 0)).await;
            }
            other => world.violation(format!("all {available} {sku_id} that are left cannot be bought: {}", word(&other))),
        }
    }
}

fn word<A>(outcome: &Outcome<A>) -> String {
    match outcome {
        Outcome::Done(_) => "placed".into(),
        Outcome::Refused(refusal) => refusal.to_string(),
        Outcome::GaveUp => "not known".into(),
    }
}

async fn buy(world: &Arc<World>, sku_id: &SkuId, qty: i64) -> Outcome<domain::command::OrderAnswer> {
    let tag = format!("probe {sku_id} {qty}");
    let mut command = place().line(sku_id.as_str(), qty).by("probe").0;
    command.external_id = Some(tag.as_str().into());
    let caller = Caller { id: "probe".into(), role: Role::Customer };
    let units = BTreeMap::from([(sku_id.clone(), qty)]);
    let wish = OrderWish { units, held: BTreeMap::new(), believed: vec![None], owner: Some("probe".into()), name: tag.clone() };
    let key = Some(Arc::from(format!("k-{tag}")));
    let request = Want { caller, key, body: 1, command, tag, kind: Kind::Order(wish) }.written(world);
    insist(world, &request, &mut Dice::new(0, 0)).await
}
