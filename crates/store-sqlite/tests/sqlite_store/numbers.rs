//! Order numbers across years, restarts and processes.

use domain::command::{Context, PlaceOrder};
use domain::ids::OrderNumber;
use domain::time::Time;
use engine::port::SaveError;
use testkit::StepClock;
use testkit::builders::{context, keyed, tickets};

use crate::support::{Batch, Desk, Folder, store};

const NEW_YEAR_2027: Time = Time(1_798_761_600_000);

fn at(clock: &StepClock) -> Context {
    context(clock)
}

#[tokio::test]
async fn numbers_go_on_after_a_restart_and_begin_at_1_with_the_year() {
    let folder = Folder::fresh();
    let clock = StepClock::new(Time(NEW_YEAR_2027.0 - 1), 1);
    let numbers = [("ORD-2026-00001", 0), ("ORD-2026-00002", 1), ("ORD-2027-00001", 0), ("ORD-2027-00002", -1), ("ORD-2026-00003", 1)];
    for (hold, (expected, step)) in (1..).zip(numbers) {
        let mut desk = Desk::of(&store(&folder.file()).await).await;
        let placed = desk.run(&tickets(hold, 1, 500), &at(&clock)).await;
        assert_eq!(placed.order.number.to_string(), expected);
        clock.advance_ms(step);
    }
}

#[tokio::test]
async fn a_number_that_was_drawn_and_not_saved_is_never_drawn_again_in_this_life() {
    let folder = Folder::fresh();
    let clock = StepClock::default();
    let store = store(&folder.file()).await;
    let (mut one, mut other) = (Desk::of(&store).await, Desk::of(&store).await);
    let mut lost = Batch::default();
    one.decide(&tickets(1, 1, 500), &at(&clock), &mut lost).await;
    let placed = other.run(&tickets(2, 1, 500), &at(&clock)).await;
    assert_eq!(placed.order.number, OrderNumber { year: 2100, serial: 2 });
}

#[tokio::test]
async fn two_processes_that_draw_the_same_number_do_not_both_keep_it() {
    let folder = Folder::fresh();
    let (clock, others_clock) = (StepClock::default(), StepClock::new(testkit::clock::START, 99));
    let mut one = Desk::of(&store(&folder.file()).await).await;
    let mut other = Desk::of(&store(&folder.file()).await).await;
    let cx = keyed::<PlaceOrder>(at(&others_clock), "k");
    let mut late = Batch::default();
    other.decide(&tickets(2, 1, 500), &cx, &mut late).await;
    one.run(&tickets(1, 1, 500), &at(&clock)).await;
    let lost = other.save(&late).await;
    assert!(matches!(&lost, Err(SaveError::Lost(at)) if at.contains("order_number")), "{lost:?}");
    let placed = other.run(&tickets(2, 1, 500), &cx).await;
    assert_eq!(placed.order.number, OrderNumber { year: 2100, serial: 2 });
}
