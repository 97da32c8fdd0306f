//! Random histories looked at from the end: an order as it was at a moment is what was read at that moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use domain::Caller;
use domain::command::OrderAnswer;
use domain::ids::OrderId;
use domain::order::AddressRef;
use domain::payment::{Payment, Status};
use domain::refund::Refund;
use domain::shipment::Shipment;
use domain::time::Time;
use engine::past::order_at;
use engine::port::{Queries as _, Store};
use testkit::MemoryStore;
use testkit::clock::START;
use testkit::suite::random::{COMMANDS, History, play_watched};

/// What facts tell of an answer: not when workers ask, nor how often a provider was silent, nor who took the money in the end, nor
/// what names people.
fn shown(answer: &OrderAnswer) -> OrderAnswer {
    let mut answer = answer.clone();
    answer.payment = answer.payment.map(|payment| {
        let status = if payment.status.is_open() { Status::Initiated } else { payment.status };
        let provider = "whoever".into();
        Arc::new(Payment { status, provider, silences: 0, next_check_at: None, version: 0, updated_at: START, ..(*payment).clone() })
    });
    for refund in &mut answer.refunds {
        *refund = Arc::new(Refund { silences: 0, next_check_at: None, version: 0, updated_at: START, ..(**refund).clone() });
    }
    let mut order = (*answer.order).clone();
    for shipment in &mut order.shipments {
        *shipment = Shipment { updated_at: START, ..shipment.clone() };
    }
    order.shipping_address = AddressRef::default();
    order.billing_address = AddressRef::default();
    order.notes = None;
    order.metadata = "{}".into();
    OrderAnswer { order: Arc::new(order), ..answer }
}

/// Every state of every order, as it was read when it was the present one.
type Seen = BTreeMap<(OrderId, i64), OrderAnswer>;

async fn states_of(seed: u64) -> (Arc<MemoryStore>, Seen) {
    let (store, states) = (Arc::new(MemoryStore::new()), Mutex::new(Seen::new()));
    let admin = Caller::local_admin();
    let history = History { seed, batch: 1, commands: COMMANDS };
    play_watched(store.clone() as Arc<dyn Store>, history, async |orders| {
        for order_id in orders {
            if let Some(answer) = store.order(&admin, *order_id).await.expect("it answers") {
                let place = (*order_id, answer.order.version);
                states.lock().expect("nobody panics while holding it").insert(place, answer);
            }
        }
    })
    .await;
    (store, states.into_inner().expect("nobody panics while holding it"))
}

#[tokio::test]
async fn an_order_at_any_moment_is_what_was_read_then() {
    let admin = Caller::local_admin();
    let (mut states, mut unlike_now) = (0, 0);
    for seed in 0..20 {
        let (store, history) = states_of(seed).await;
        for ((order_id, version), then) in &history {
            let at = then.order.updated_at;
            let past = order_at(&*store, &admin, *order_id, at).await.expect("it answers").expect("it was there");
            assert_eq!(shown(&past), shown(then), "seed {seed}: order {order_id} in version {version}, left: the past, right: read then");
            states += 1;
            let now = store.order(&admin, *order_id).await.expect("it answers").expect("it is there");
            unlike_now += usize::from(past.order.version < now.order.version);
        }
        let mut first = BTreeMap::<OrderId, Time>::new();
        for ((order_id, _), answer) in &history {
            first.insert(*order_id, answer.order.created_at);
        }
        for (order_id, created_at) in first {
            let before = order_at(&*store, &admin, order_id, Time(created_at.0 - 1)).await.expect("it answers");
            assert_eq!(before, None, "seed {seed}: order {order_id} was there before it was placed");
            let now = store.order(&admin, order_id).await.expect("it answers");
            let ever = order_at(&*store, &admin, order_id, Time(i64::MAX)).await.expect("it answers");
            assert_eq!(ever, now, "seed {seed}: the future is not now");
        }
    }
    // A history in which nothing happens after placing proves nothing.
    assert!(states > 20 * 60 && unlike_now > 20 * 20, "{states} states, {unlike_now} of them past");
}
