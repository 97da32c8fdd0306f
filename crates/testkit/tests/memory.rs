//! The suite on the memory store; and that the suite notices each guard that is taken out of it.

use std::sync::Arc;

use engine::port::Store;
use testkit::suite::{self, CASES};
use testkit::{Bug, MemoryStore};

fn memory(bugs: &[Bug]) -> Arc<dyn Store> {
    Arc::new(MemoryStore::new().with_bugs(bugs))
}

#[tokio::test]
async fn the_memory_store_does_what_every_store_must() {
    suite::run(async || memory(&[])).await;
}

/// Which case must notice which missing guard.
const NOTICED_BY: &[(Bug, &[&str])] = &[
    (Bug::NoVersionCheck, &["a_row_of_another_version_is_not_written", "of_two_writers_that_saw_the_same_row_one_loses"]),
    (Bug::NoKeyCheck, &["two_orders_never_have_one_key", "a_row_that_is_there_cannot_be_made_again"]),
    (Bug::NoStockCheck, &["a_balance_is_never_out_of_range", "nothing_of_a_lost_save_is_there"]),
    (Bug::NoLedgerCheck, &["the_same_movement_is_booked_once"]),
    (Bug::NoRefundCheck, &["a_refund_of_another_version_is_not_written"]),
    (Bug::EventKeysForgotten, &["an_event_is_known_by_its_key"]),
    (Bug::RefundsCountTwice, &["refunds_within_what_was_captured_all_go_back"]),
    (Bug::RestocksForgotten, &["what_an_order_gives_back_is_on_the_shelf"]),
    (Bug::NoSequenceCheck, &["a_history_has_one_fact_at_each_place"]),
    (Bug::NoNumberCheck, &["two_orders_never_have_one_number"]),
    (Bug::NoCapturedCheck, &["an_order_has_at_most_one_captured_payment"]),
    (Bug::NoCartCheck, &["two_orders_never_come_from_one_cart"]),
    (Bug::NoSumCheck, &["rows_that_make_no_sense_are_refused"]),
    (Bug::TornSave, &["nothing_of_a_lost_save_is_there"]),
    (Bug::TornLoad, &["a_load_sees_one_moment"]),
    (Bug::CountersOverwrite, &["what_is_added_to_a_balance_adds_up"]),
    (
        Bug::NoMarks,
        &["a_save_that_happened_is_known_by_its_mark", "a_save_that_did_not_happen_never_will", "two_saves_never_have_one_mark"],
    ),
    (Bug::SettlesOnce, &["whoever_asks_twice_hears_the_same"]),
    (Bug::NumbersRepeat, &["order_numbers_rise_from_1_in_each_year", "writers_that_draw_at_once_draw_different_numbers"]),
    (Bug::NumbersIgnoreYear, &["order_numbers_rise_from_1_in_each_year"]),
    (Bug::NoOwnerFilter, &["a_customer_finds_nothing_that_is_not_his"]),
    (Bug::PagesOverlap, &["pages_of_any_size_give_every_order_once_newest_first", "a_history_is_read_in_pages_oldest_first"]),
    (Bug::OldestFirst, &["pages_of_any_size_give_every_order_once_newest_first"]),
    (Bug::FiltersIgnored, &["every_filter_alone_and_with_every_other"]),
    (Bug::DueIgnoresTime, &["orders_are_due_when_their_time_has_passed", "payments_are_due_while_they_are_open"]),
    (Bug::BlindAudit, &["a_lie_is_found", "the_audit_shows_no_more_than_asked_for"]),
];

#[tokio::test]
async fn the_suite_notices_every_missing_guard() {
    for bug in Bug::ALL {
        let (_, names) = NOTICED_BY.iter().find(|(known, _)| known == bug).expect("each bug is noticed by a case");
        for name in *names {
            let case = CASES.iter().find(|case| case.name == *name).expect("the case has that name");
            assert!(case.check(async || memory(&[*bug])).await.is_err(), "{name} does not notice {bug:?}");
        }
    }
}

#[tokio::test]
async fn each_case_of_the_suite_has_a_name_of_its_own() {
    let mut names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CASES.len());
}
