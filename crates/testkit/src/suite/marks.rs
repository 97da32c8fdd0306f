//! After a cut connection a mark tells whether a save happened, and if not, that it never will.

use std::sync::Arc;

use domain::stock::Operation;
use domain::time::Time;
use engine::port::{SaveError, Settled, Store};

use super::hands::{Hands, fresh_mark};
use super::specimen::{LATEST, first_stock, moved};

async fn on_hand(store: &Arc<dyn Store>) -> i64 {
    store.balance(&"a".into()).await.expect("it answers").map_or(0, |balance| balance.on_hand)
}

pub(super) async fn a_save_that_happened_is_known_by_its_mark(store: Arc<dyn Store>) {
    let (mut writer, mut other) = (Hands::of(&store).await, Hands::of(&store).await);
    let mark = fresh_mark();
    writer.try_save_as(&first_stock("l", "a", 1), mark).await.expect("it saves");
    assert_eq!(writer.settle(mark).await, Settled::Saved);
    assert_eq!(other.settle(mark).await, Settled::Saved, "asked by another session");
    assert_eq!(other.settle(mark).await, Settled::Saved, "asked again");
    assert_eq!(other.settle(fresh_mark()).await, Settled::NotSaved, "another mark");
}

pub(super) async fn a_save_that_did_not_happen_never_will(store: Arc<dyn Store>) {
    let (mut writer, mut other) = (Hands::of(&store).await, Hands::of(&store).await);
    let mark = fresh_mark();
    assert_eq!(other.settle(mark).await, Settled::NotSaved);
    let late = writer.try_save_as(&first_stock("l", "a", 1), mark).await;
    assert!(matches!(late, Err(SaveError::Lost(_) | SaveError::Rejected(_) | SaveError::Unavailable(_))), "it arrived late: {late:?}");
    assert_eq!(on_hand(&store).await, 0);
    writer.save(&first_stock("l", "a", 1)).await;
    assert_eq!(on_hand(&store).await, 1);
}

/// The answer to the first question may be lost as well. Were the question itself taken for the save, an order would be
/// answered that was never saved.
pub(super) async fn whoever_asks_twice_hears_the_same(store: Arc<dyn Store>) {
    let (mut writer, mut other) = (Hands::of(&store).await, Hands::of(&store).await);
    let mark = fresh_mark();
    assert_eq!(writer.settle(mark).await, Settled::NotSaved);
    assert_eq!(writer.settle(mark).await, Settled::NotSaved, "asked again");
    assert_eq!(other.settle(mark).await, Settled::NotSaved, "asked by another session");
}

pub(super) async fn a_lost_save_leaves_no_mark(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    hands.save(&first_stock("l", "a", 1)).await;
    let mark = fresh_mark();
    let lost = hands.try_save_as(&moved("m", "a", Operation::Adjust, -2), mark).await;
    assert!(matches!(lost, Err(SaveError::Lost(_))), "{lost:?}");
    assert_eq!(hands.settle(mark).await, Settled::NotSaved);
}

pub(super) async fn two_saves_never_have_one_mark(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let mark = fresh_mark();
    hands.try_save_as(&first_stock("l", "a", 1), mark).await.expect("it saves");
    let again = hands.try_save_as(&moved("m", "a", Operation::Restock, 1), mark).await;
    assert!(again.is_err(), "saved again under the same mark");
    assert_eq!(on_hand(&store).await, 1);
}

pub(super) async fn only_old_marks_are_forgotten(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let marks = [fresh_mark(), fresh_mark()];
    hands.try_save_as(&first_stock("l", "a", 1), marks[0]).await.expect("it saves");
    hands.try_save_as(&moved("m", "a", Operation::Restock, 1), marks[1]).await.expect("it saves");
    assert_eq!(store.forget_marks(Time(0)).await.expect("it answers"), 0);
    assert_eq!(hands.settle(marks[0]).await, Settled::Saved);
    let forgotten = store.forget_marks(LATEST).await.expect("it answers");
    assert!(forgotten >= 2, "only {forgotten} forgotten");
    assert_eq!(store.forget_marks(LATEST).await.expect("it answers"), 0);
    assert_eq!(on_hand(&store).await, 2, "what was saved stays");
}
