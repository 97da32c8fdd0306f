//! What a memory store does when it is told to fail: exactly what the databases may do, and nothing else.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::ids::Uuid;
use domain::stock::BalanceDelta;
use domain::{Changes, Needs, View};
use engine::port::{Clock as _, Mark, PaymentProvider as _, ProviderCall, Queries as _, SaveError, Settled, Store as _};
use testkit::memory::NoFaults;
use testkit::{Bug, Fault, Faults, MemoryStore, Point, ScriptedProvider, StepClock};

/// Fails once, at one point, and writes down where it was asked to wait.
struct Once {
    at: Point,
    fault: Mutex<Option<Fault>>,
    waited: Mutex<Vec<Point>>,
}

impl Once {
    fn new(at: Point, fault: Option<Fault>) -> Arc<Self> {
        Arc::new(Self { at, fault: Mutex::new(fault), waited: Mutex::default() })
    }
}

#[async_trait]
impl Faults for Once {
    async fn pause(&self, at: Point) {
        self.waited.lock().expect("nobody panics while it is held").push(at);
    }

    fn strike(&self, at: Point) -> Option<Fault> {
        self.fault.lock().expect("nobody panics while it is held").take_if(|_| at == self.at)
    }
}

fn five_units() -> Changes {
    let mut changes = Changes::default();
    changes.stock.insert("a".into(), BalanceDelta { on_hand: 5, reserved: 0, steps: 1, is_new: true });
    changes
}

fn on_hand(store: &MemoryStore) -> i64 {
    store.look(|memory| memory.stock.get(&"a".into()).map_or(0, |balance| balance.on_hand))
}

const MARK: Mark = Mark(Uuid::from_u128(1));

#[tokio::test]
async fn a_save_fails_as_it_is_told_and_the_mark_knows() {
    for (at, fault, is_saved) in [
        (Point::Save, Fault::Unavailable, false),
        (Point::Save, Fault::Lost, false),
        (Point::Save, Fault::Unknown, false),
        (Point::Save, Fault::Late, false),
        (Point::Saved, Fault::Unknown, true),
    ] {
        let store = MemoryStore::new().with_faults(Once::new(at, Some(fault)));
        let mut session = store.session().await.unwrap();
        let end = session.save(&five_units(), MARK).await;
        match fault {
            Fault::Unavailable => assert!(matches!(end, Err(SaveError::Unavailable(_))), "{end:?}"),
            Fault::Lost => assert!(matches!(end, Err(SaveError::Lost(_))), "{end:?}"),
            Fault::Unknown | Fault::Late => assert!(matches!(end, Err(SaveError::Unknown(_))), "{end:?}"),
        }
        assert_eq!(on_hand(&store), if is_saved { 5 } else { 0 }, "{at:?} {fault:?}");
        let settled = session.settle(MARK).await.unwrap();
        assert_eq!(settled, if is_saved { Settled::Saved } else { Settled::NotSaved }, "{at:?} {fault:?}");
        assert_eq!(store.land(), 0, "a save that was settled must not arrive");
        assert_eq!(on_hand(&store), if is_saved { 5 } else { 0 }, "{at:?} {fault:?}");
    }
}

#[tokio::test]
async fn a_late_save_that_nobody_settled_arrives() {
    let store = MemoryStore::new().with_faults(Once::new(Point::Save, Some(Fault::Late)));
    let mut session = store.session().await.unwrap();
    assert!(matches!(session.save(&five_units(), MARK).await, Err(SaveError::Unknown(_))));
    assert_eq!((store.land(), on_hand(&store)), (1, 5));
    assert_eq!(session.settle(MARK).await.unwrap(), Settled::Saved);
}

#[tokio::test]
async fn a_settlement_that_was_not_heard_is_told_again() {
    let store = MemoryStore::new().with_faults(Once::new(Point::Settle, Some(Fault::Unknown)));
    let mut session = store.session().await.unwrap();
    assert!(session.settle(MARK).await.is_err());
    assert_eq!(session.settle(MARK).await.unwrap(), Settled::NotSaved);
    assert!(session.save(&five_units(), MARK).await.is_err());
}

#[tokio::test]
async fn every_step_waits_and_can_find_the_store_away() {
    let faults = Once::new(Point::Query, None);
    let store = MemoryStore::new().with_faults(faults.clone());
    let mut session = store.session().await.unwrap();
    session.load(&Needs::default(), &mut View::default()).await.unwrap();
    session.save(&five_units(), MARK).await.unwrap();
    session.durable().await.unwrap();
    session.settle(MARK).await.unwrap();
    store.ready().await.unwrap();
    let mut waited = faults.waited.lock().unwrap().clone();
    waited.dedup();
    assert_eq!(waited, [Point::Session, Point::Load, Point::Save, Point::Saved, Point::Durable, Point::Settle, Point::Query]);

    let away = |at| store.clone().with_faults(Once::new(at, Some(Fault::Unavailable)));
    assert!(away(Point::Session).session().await.is_err());
    assert!(away(Point::Load).session().await.unwrap().load(&Needs::default(), &mut View::default()).await.is_err());
    let mut needs = Needs::default();
    needs.stock.insert("a".into());
    let torn = away(Point::Loading).with_bugs(&[Bug::TornLoad]);
    assert!(torn.session().await.unwrap().load(&needs, &mut View::default()).await.is_err());
    assert!(away(Point::Durable).session().await.unwrap().durable().await.is_err());
    assert!(away(Point::Settle).session().await.unwrap().settle(MARK).await.is_err());
    assert!(away(Point::Query).ready().await.is_err());
    assert!(store.with_faults(Arc::new(NoFaults)).ready().await.is_ok());
}

#[tokio::test]
async fn the_provider_charges_once_whatever_it_is_asked() {
    let provider = ScriptedProvider::default();
    let clock = StepClock::default();
    for (method, charges, words) in [("card_stub", 1, "Captured"), ("card_stub_decline", 0, "Declined"), ("card_stub_timeout", 0, "Silent")]
    {
        let payment = Arc::new(testkit::builders::payment(&clock, method, 1999));
        for _ in 0..3 {
            let said = provider.capture(ProviderCall { payment: payment.clone() }).await;
            assert!(format!("{said:?}").starts_with(words), "{method}: {said:?}");
        }
        assert_eq!(provider.charges().get(&payment.order_id).copied().unwrap_or(0), charges, "{method}");
        assert_eq!(provider.books()[&payment.payment_id].calls, 3);
        assert_eq!(clock.now(), payment.created_at);
    }
}
