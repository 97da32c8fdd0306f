//! What every store must do, case by case. A case wants a store of its own, empty; it panics with what is wrong.
//!
//! ```text
//! #[tokio::test]
//! async fn it_does_what_every_store_must() {
//!     testkit::suite::run(async || Arc::new(fresh_store().await) as Arc<dyn Store>).await;
//! }
//! ```

mod audits;
mod before_orders;
mod canonical;
mod desk;
mod due;
mod guards;
mod hands;
mod lists;
mod marks;
pub mod random;
mod refunds;
mod round_trip;
mod shown;
mod specimen;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use engine::port::Store;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// One thing that every store must do.
#[derive(Clone, Copy)]
pub struct Case {
    /// A sentence that can be false.
    pub name: &'static str,
    /// How many stores, each empty, it must be tried on; it is told which one it has.
    pub stores: fn() -> usize,
    /// Tries it.
    pub run: fn(Arc<dyn Store>, usize) -> BoxFuture<'static, ()>,
}

macro_rules! cases {
    ($($module:ident: $($name:ident)*;)*) => {
        /// Everything that every store must do.
        pub const CASES: &[Case] = &[
            $($(Case { name: stringify!($name), stores: || 1, run: |store, _| Box::pin($module::$name(store)) },)*)*
            Case { name: "a_lie_is_found", stores: audits::lies_count, run: |store, index| Box::pin(audits::a_lie_is_found(store, index)) },
        ];
    };
}

cases! {
    round_trip:
        nothing_is_found_in_an_empty_store
        orders_come_back_as_they_were_saved
        every_word_of_an_order_comes_back
        everything_that_happens_to_an_order_comes_back
        skus_and_offers_come_back_as_they_were_saved
        payments_come_back_as_they_were_saved
        refunds_come_back_as_they_were_saved
        shipments_come_back_with_their_order
        tasks_come_back_and_the_open_ones_are_listed
        keys_and_reservations_come_back_as_they_were_saved
        balances_come_back_as_they_were_saved
        every_fact_is_read_back_with_its_payload
        what_the_view_knows_is_not_overwritten_by_a_load
        minted_names_come_back_as_they_were_saved;
    before_orders:
        carts_come_back_as_they_were_saved
        checkouts_come_back_as_they_were_saved
        holds_come_back_as_they_were_saved;
    guards:
        a_row_that_is_there_cannot_be_made_again
        a_row_of_another_version_is_not_written
        a_load_sees_one_moment
        of_two_writers_that_saw_the_same_row_one_loses
        nothing_of_a_lost_save_is_there
        what_is_added_to_a_balance_adds_up
        a_balance_is_never_out_of_range
        the_first_units_of_a_sku_are_not_forgotten
        the_same_movement_is_booked_once
        two_orders_never_have_one_key
        two_orders_never_have_one_number
        two_orders_never_come_from_one_cart
        a_history_has_one_fact_at_each_place
        an_order_has_at_most_one_captured_payment
        rows_that_make_no_sense_are_refused
        many_writers_sell_what_is_there_and_no_more
        order_numbers_rise_from_1_in_each_year
        writers_that_draw_at_once_draw_different_numbers;
    refunds:
        of_refunds_that_exceed_what_was_captured_one_is_asked_for
        refunds_that_are_counted_and_inserted_go_beyond_what_was_captured
        refunds_within_what_was_captured_all_go_back
        a_refund_of_another_version_is_not_written
        an_event_is_known_by_its_key
        what_an_order_gives_back_is_on_the_shelf;
    marks:
        a_save_that_happened_is_known_by_its_mark
        a_save_that_did_not_happen_never_will
        whoever_asks_twice_hears_the_same
        a_lost_save_leaves_no_mark
        two_saves_never_have_one_mark
        only_old_marks_are_forgotten;
    lists:
        pages_of_any_size_give_every_order_once_newest_first
        orders_that_come_in_do_not_shift_the_pages
        changes_are_read_oldest_first_and_an_order_that_changes_again_comes_again
        every_filter_alone_and_with_every_other
        a_customer_finds_nothing_that_is_not_his
        an_order_is_shown_with_its_latest_payment
        a_history_is_read_in_pages_oldest_first
        skus_are_read_in_pages_in_the_order_of_their_bytes
        single_things_are_found_by_their_names
        skus_are_found_by_several_names_at_once;
    due:
        orders_are_due_when_their_time_has_passed
        payments_are_due_while_they_are_open
        refunds_are_due_while_they_are_under_way
        carts_are_due_while_they_are_active_and_forgotten_once_they_have_ended
        checkouts_are_due_while_they_are_active_and_forgotten_once_they_have_ended
        holds_are_due_while_nobody_has_them
        holds_are_forgotten_once_they_have_ended_without_an_order
        the_outbox_tells_how_far_it_is_behind;
    audits:
        the_audit_is_silent_after_everything_legal
        the_audit_shows_no_more_than_asked_for;
}

impl Case {
    /// Tries it on fresh stores of `make`; what is wrong, if anything.
    pub async fn check(&self, make: impl AsyncFn() -> Arc<dyn Store>) -> Result<(), String> {
        for index in 0..(self.stores)() {
            let store = make().await;
            if let Err(panic) = AssertUnwindSafe((self.run)(store, index)).catch_unwind().await {
                let said = panic.downcast_ref::<String>().cloned();
                let said = said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                return Err(said.unwrap_or_else(|| "it panicked".to_owned()));
            }
        }
        Ok(())
    }
}

/// Tries every case, each on fresh stores of `make`, and panics with all that failed.
pub async fn run(make: impl AsyncFn() -> Arc<dyn Store>) {
    let mut failed = Vec::new();
    for case in CASES {
        if let Err(said) = case.check(&make).await {
            failed.push(format!("{}: {said}", case.name));
        }
    }
    assert!(failed.is_empty(), "{} of {} cases failed:\n\n{}", failed.len(), CASES.len(), failed.join("\n\n"));
}
