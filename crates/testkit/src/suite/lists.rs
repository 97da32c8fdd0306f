//! Lists: complete whatever the size of a page, stable while rows come in, and each caller's own.

use std::sync::Arc;

use domain::Changes;
use domain::caller::{Caller, Role};
use domain::catalog::Sku;
use domain::command::OrderAnswer;
use domain::event::Fact;
use domain::ids::{OrderNumber, PaymentId, ProductId, SkuId, UserId, Uuid};
use domain::order::{Order, Status};
use domain::payment::Payment;
use domain::time::Time;
use engine::port::{OrderFilter, Page, Store};

use super::hands::Hands;
use super::specimen::{bare_offer, bare_order, bare_payment, bare_sku, first_stock, id, key_row, order_id, placed, tell, write};
use crate::builders::customer;
use crate::clock::START;

/// Twelve orders: two of them at each moment, of two customers and of nobody, in several statuses.
fn orders() -> Vec<Order> {
    const USERS: [Option<&str>; 3] = [Some("ada"), Some("bob"), None];
    const STATUSES: [Status; 4] = [Status::Created, Status::Paid, Status::Canceled, Status::Created];
    let order = |n: u8| Order {
        user_id: USERS[usize::from(n) % 3].map(UserId::from),
        customer_email: n.is_multiple_of(2).then(|| "Ada@example.org".into()),
        status: STATUSES[usize::from(n) % 4],
        created_at: START.plus_seconds(i64::from(n / 2)),
        // Names that do not rise with time: the list is sorted by both.
        order_id: order_id(u128::from(n * 7 % 12)),
        ..bare_order(u128::from(n) + 1)
    };
    (0..12).map(order).collect()
}

fn newest_first(orders: &[Order]) -> Vec<Uuid> {
    let mut places: Vec<(Time, Uuid)> = orders.iter().map(|order| (order.created_at, order.order_id.0)).collect();
    places.sort_by(|left, right| right.cmp(left));
    places.into_iter().map(|(_, order_id)| order_id).collect()
}

async fn page(store: &Arc<dyn Store>, caller: &Caller, filter: &OrderFilter, after: Option<(Time, Uuid)>, limit: u32) -> Vec<OrderAnswer> {
    let page = store.orders(caller, filter, Page { after, limit }).await.expect("it answers");
    assert!(page.len() <= usize::try_from(limit).expect("a small number"), "a page is too long");
    page
}

fn place(answer: &OrderAnswer) -> (Time, Uuid) {
    (answer.order.created_at, answer.order.order_id.0)
}

/// Every page after `after`, one after the other.
async fn rest(store: &Arc<dyn Store>, caller: &Caller, filter: &OrderFilter, mut after: Option<(Time, Uuid)>, limit: u32) -> Vec<Uuid> {
    let mut found = Vec::new();
    loop {
        let answers = page(store, caller, filter, after, limit).await;
        let Some(last) = answers.last() else { return found };
        after = Some(filter.place_of(&last.order));
        found.extend(answers.iter().map(|answer| answer.order.order_id.0));
        assert!(found.len() < 1000, "the pages never end");
    }
}

async fn save_all(store: &Arc<dyn Store>, orders: &[Order]) {
    let mut hands = Hands::of(store).await;
    for order in orders {
        hands.save(&placed(order.clone())).await;
    }
}

pub(super) async fn pages_of_any_size_give_every_order_once_newest_first(store: Arc<dyn Store>) {
    let (orders, admin, any) = (orders(), Caller::local_admin(), OrderFilter::default());
    assert!(rest(&store, &admin, &any, None, 5).await.is_empty());
    save_all(&store, &orders).await;
    for limit in [1, 2, 3, 5, 12, 13, 200] {
        assert_eq!(rest(&store, &admin, &any, None, limit).await, newest_first(&orders), "pages of {limit}");
    }
    for answer in page(&store, &admin, &any, None, 200).await {
        let saved = orders.iter().find(|order| order.order_id == answer.order.order_id);
        assert_eq!(Some(&*answer.order), saved);
        assert_eq!(answer.payment, None);
    }
}

pub(super) async fn orders_that_come_in_do_not_shift_the_pages(store: Arc<dyn Store>) {
    let (orders, admin, any) = (orders(), Caller::local_admin(), OrderFilter::default());
    save_all(&store, &orders).await;
    let first = page(&store, &admin, &any, None, 5).await;
    let after = first.last().map(place);
    let newer = [(100, START.plus_seconds(1000)), (101, START.plus_seconds(2000))];
    save_all(&store, &newer.map(|(n, created_at)| Order { created_at, ..bare_order(n) })).await;
    let mut seen: Vec<Uuid> = first.iter().map(|answer| answer.order.order_id.0).collect();
    seen.extend(rest(&store, &admin, &any, after, 5).await);
    assert_eq!(seen, newest_first(&orders));
}

pub(super) async fn changes_are_read_oldest_first_and_an_order_that_changes_again_comes_again(store: Arc<dyn Store>) {
    // Changed in another order than placed, two at each moment.
    let moved = |(n, order): (i64, Order)| Order { updated_at: START.plus_seconds(100 - n / 2), ..order };
    let mut orders: Vec<Order> = (0..).zip(orders()).map(moved).collect();
    let admin = Caller::local_admin();
    save_all(&store, &orders).await;
    let since = |from: i64| OrderFilter { updated_from: Some(START.plus_seconds(from)), ..OrderFilter::default() };
    let oldest_first = |orders: &[Order], filter: &OrderFilter| {
        let mut places: Vec<(Time, Uuid)> = orders.iter().map(|order| (order.updated_at, order.order_id.0)).collect();
        places.retain(|(at, _)| filter.updated_from.is_none_or(|from| from <= *at) && filter.updated_to.is_none_or(|to| *at < to));
        places.sort();
        places.into_iter().map(|(_, order_id)| order_id).collect::<Vec<_>>()
    };
    let until = OrderFilter { updated_to: Some(START.plus_seconds(98)), ..OrderFilter::default() };
    let window = OrderFilter { updated_to: until.updated_to, ..since(96) };
    for filter in [since(0), since(97), since(101), until, window] {
        for limit in [1, 2, 5, 200] {
            let found = rest(&store, &admin, &filter, None, limit).await;
            assert_eq!(found, oldest_first(&orders, &filter), "{filter:?} in pages of {limit}");
        }
    }
    let paid = OrderFilter { statuses: vec![Status::Paid, Status::Canceled], ..since(0) };
    let of_paid: Vec<Order> = orders.iter().filter(|order| paid.statuses.contains(&order.status)).cloned().collect();
    assert_eq!(rest(&store, &admin, &paid, None, 2).await, oldest_first(&of_paid, &paid));
    let ada = customer("ada");
    let of_ada: Vec<Order> = orders.iter().filter(|order| ada.sees(order.user_id.as_ref())).cloned().collect();
    assert_eq!(rest(&store, &ada, &since(0), None, 2).await, oldest_first(&of_ada, &since(0)));
    // Between two pages one that was seen changes, one that was not, and one comes in.
    let first = page(&store, &admin, &since(0), None, 5).await;
    let seen = first.iter().map(|answer| answer.order.order_id.0).collect::<Vec<_>>();
    let mut hands = Hands::of(&store).await;
    let (known, unknown): (Vec<Order>, Vec<Order>) = orders.iter().cloned().partition(|order| seen.contains(&order.order_id.0));
    for (n, order) in (0..).zip([&known[0], &unknown[0]]) {
        let again = Arc::new(Order { version: order.version + 1, updated_at: START.plus_seconds(200 + n), ..order.clone() });
        let mut changes = Changes::default();
        tell(&mut changes, &again, again.version, Fact::InventoryReserved);
        hands.save(&changes).await;
        orders.retain(|old| old.order_id != again.order_id);
        orders.push((*again).clone());
    }
    orders.push(Order { created_at: START, updated_at: START.plus_seconds(300), ..bare_order(100) });
    save_all(&store, &orders[orders.len() - 1..]).await;
    let after = first.last().map(|answer| since(0).place_of(&answer.order));
    let later = rest(&store, &admin, &since(0), after, 3).await;
    let mut expected = oldest_first(&orders, &since(0));
    expected.retain(|order_id| !seen.contains(order_id) || *order_id == known[0].order_id.0);
    assert_eq!(later, expected, "each once, and again what changed again");
}

pub(super) async fn every_filter_alone_and_with_every_other(store: Arc<dyn Store>) {
    let (orders, admin) = (orders(), Caller::local_admin());
    save_all(&store, &orders).await;
    let users = [None, Some(UserId::from("ada")), Some(UserId::from("nobody"))];
    let statuses = [vec![], vec![Status::Created], vec![Status::Paid, Status::Canceled]];
    let begins = [None, Some(START.plus_seconds(2))];
    let tos = [None, Some(START.plus_seconds(4))];
    let numbers = [None, Some(OrderNumber { year: 2100, serial: 7 })];
    let emails = [None, Some("Ada@example.org".into()), Some("ada@example.org".into())];
    for choice in 0..(3 * 3 * 2 * 2 * 2 * 3) {
        let filter = OrderFilter {
            user_id: users[choice % 3].clone(),
            statuses: statuses[choice / 3 % 3].clone(),
            from: begins[choice / 9 % 2],
            to: tos[choice / 18 % 2],
            number: numbers[choice / 36 % 2],
            email: emails[choice / 72 % 3].clone(),
            ..OrderFilter::default()
        };
        let mut expected = orders.clone();
        expected.retain(|order| filter.user_id.is_none() || order.user_id == filter.user_id);
        expected.retain(|order| filter.statuses.is_empty() || filter.statuses.contains(&order.status));
        expected.retain(|order| filter.from.is_none_or(|from| order.created_at >= from));
        expected.retain(|order| filter.to.is_none_or(|to| order.created_at < to));
        expected.retain(|order| filter.number.is_none_or(|number| order.number == number));
        expected.retain(|order| filter.email.is_none() || order.customer_email == filter.email);
        assert_eq!(rest(&store, &admin, &filter, None, 200).await, newest_first(&expected), "{filter:?}");
        assert_eq!(rest(&store, &admin, &filter, None, 2).await, newest_first(&expected), "in pages of 2: {filter:?}");
    }
}

pub(super) async fn a_customer_finds_nothing_that_is_not_his(store: Arc<dyn Store>) {
    let orders = orders();
    save_all(&store, &orders).await;
    let mut hands = Hands::of(&store).await;
    for (n, order) in (1..).zip(&orders) {
        let payment = Payment { order_id: order.order_id, ..bare_payment(n, 0) };
        let mut changes = Changes::default();
        changes.payments.insert(payment.payment_id, write(0, payment));
        hands.save(&changes).await;
    }
    let any = OrderFilter::default();
    for caller in [customer("ada"), customer("bob"), customer("ADA"), customer("")] {
        let own: Vec<Order> = orders.iter().filter(|order| caller.sees(order.user_id.as_ref())).cloned().collect();
        assert_eq!(rest(&store, &caller, &any, None, 2).await, newest_first(&own), "{caller:?}");
        let of_bob = OrderFilter { user_id: Some("bob".into()), ..OrderFilter::default() };
        let expected: Vec<Order> = own.iter().filter(|order| order.user_id == of_bob.user_id).cloned().collect();
        assert_eq!(rest(&store, &caller, &of_bob, None, 200).await, newest_first(&expected), "{caller:?} asks for bob's");
        for (n, order) in (1..).zip(&orders) {
            let sees = own.contains(order);
            let found = store.order(&caller, order.order_id).await.expect("it answers");
            assert_eq!(found.is_some(), sees, "{caller:?} {order:?}");
            let events = store.order_events(&caller, order.order_id, Page { after: None, limit: 9 }).await.expect("it answers");
            assert_eq!(events.is_some(), sees, "the history for {caller:?} {order:?}");
            let payment = store.payment(&caller, PaymentId(id(5, n))).await.expect("it answers");
            assert_eq!(payment.is_some(), sees, "the payment for {caller:?} {order:?}");
        }
    }
    for role in [Role::Support, Role::Service, Role::Admin] {
        let caller = Caller { id: "x".into(), role };
        assert_eq!(rest(&store, &caller, &any, None, 200).await, newest_first(&orders), "{role:?}");
        assert!(store.payment(&caller, PaymentId(id(5, 1))).await.expect("it answers").is_some(), "{role:?}");
    }
}

pub(super) async fn an_order_is_shown_with_its_latest_payment(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let latest = bare_payment(2, 1);
    let mut changes = placed(Order { payment_id: Some(latest.payment_id), ..bare_order(1) });
    for payment in [bare_payment(1, 1), latest.clone(), bare_payment(3, 1)] {
        changes.payments.insert(payment.payment_id, write(0, payment));
    }
    hands.save(&changes).await;
    let admin = Caller::local_admin();
    let one = store.order(&admin, order_id(1)).await.expect("it answers").expect("it is there");
    assert_eq!(one.payment.as_deref(), Some(&latest));
    let list = page(&store, &admin, &OrderFilter::default(), None, 9).await;
    assert_eq!(list.iter().map(|answer| answer.payment.as_deref()).collect::<Vec<_>>(), [Some(&latest)]);
}

pub(super) async fn a_history_is_read_in_pages_oldest_first(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    for version in 1..=7 {
        let order = Arc::new(Order { version, ..bare_order(1) });
        let mut changes = Changes::default();
        tell(&mut changes, &order, version, Fact::InventoryReserved);
        hands.save(&changes).await;
    }
    hands.save(&placed(bare_order(2))).await;
    let admin = Caller::local_admin();
    for limit in [1, 2, 3, 7, 200] {
        let (mut after, mut found) = (None, Vec::new());
        while found.len() < 100 {
            let page = Page { after, limit };
            let events = store.order_events(&admin, order_id(1), page).await.expect("it answers").expect("the order is there");
            let Some(last) = events.last() else { break };
            after = Some(last.sequence);
            found.extend(events.iter().map(|event| event.sequence));
        }
        assert_eq!(found, [1, 2, 3, 4, 5, 6, 7], "pages of {limit}");
    }
    let page = Page { after: None, limit: 9 };
    assert_eq!(store.order_events(&admin, order_id(3), page).await.expect("it answers"), None);
}

pub(super) async fn skus_are_read_in_pages_in_the_order_of_their_bytes(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    // As bytes, not as any language sorts them: the cursor must mean the same in every store.
    let ids = ["10", "9", "A-1", "Z", "_", "a", "a b", "a-1", "a1", "z", "é", "日"];
    let mut changes = Changes::default();
    for (n, sku_id) in (0_u128..).zip(ids) {
        let product_id: ProductId = if n.is_multiple_of(3) { "third".into() } else { "p".into() };
        let sku = Sku { product_id, offers: vec![bare_offer(n, sku_id)], ..bare_sku(sku_id) };
        changes.skus.insert(sku.sku_id.clone(), write(0, sku));
    }
    hands.save(&changes).await;
    let third = ids.iter().step_by(3).copied().collect::<Vec<_>>();
    for (product_id, expected) in [(None, ids.to_vec()), (Some(ProductId::from("third")), third), (Some("x".into()), vec![])] {
        for limit in [1, 2, 5, 200] {
            let (mut after, mut found) = (None, Vec::<SkuId>::new());
            while found.len() < 100 {
                let skus = store.skus(product_id.as_ref(), Page { after, limit }).await.expect("it answers");
                let Some(last) = skus.last() else { break };
                after = Some(last.sku_id.clone());
                assert!(skus.iter().all(|sku| sku.offers.len() == 1 && sku.offers[0].sku_id == sku.sku_id), "with their own offers");
                found.extend(skus.iter().map(|sku| sku.sku_id.clone()));
            }
            assert_eq!(found.iter().map(SkuId::as_str).collect::<Vec<_>>(), expected, "{product_id:?} in pages of {limit}");
        }
    }
}

pub(super) async fn single_things_are_found_by_their_names(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let sku = Sku { offers: vec![bare_offer(1, "a"), bare_offer(2, "a")], ..bare_sku("a") };
    let mut changes = first_stock("l", "a", 3);
    changes.skus.insert("a".into(), write(0, sku));
    let row = key_row("k", "answer");
    changes.keys.insert(row.key.clone(), write(0, row.clone()));
    hands.save(&changes).await;
    assert_eq!(store.sku_of_offer(bare_offer(2, "a").offer_id).await.expect("it answers"), Some("a".into()));
    assert_eq!(store.sku_of_offer(bare_offer(3, "a").offer_id).await.expect("it answers"), None);
    assert!(store.key(&row.key).await.expect("it answers").is_some());
    for other in ["K", "k ", "", "answer"] {
        assert!(store.key(&key_row(other, "").key).await.expect("it answers").is_none(), "{other:?}");
    }
    for (sku_id, is_there) in [("a", true), ("A", false), ("a ", false), ("", false)] {
        assert_eq!(store.sku(&sku_id.into()).await.expect("it answers").is_some(), is_there, "{sku_id:?}");
        assert_eq!(store.balance(&sku_id.into()).await.expect("it answers").is_some(), is_there, "{sku_id:?}");
    }
}

pub(super) async fn skus_are_found_by_several_names_at_once(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let mut changes = Changes::default();
    for sku_id in ["a", "b", "c"] {
        let sku = Sku { offers: vec![bare_offer(u128::from(sku_id.as_bytes()[0]), sku_id)], ..bare_sku(sku_id) };
        changes.skus.insert(sku.sku_id.clone(), write(0, sku));
    }
    hands.save(&changes).await;
    for (asked, expected) in [(&["c", "nothing", "a"][..], &["a", "c"][..]), (&[], &[])] {
        let asked: Vec<_> = asked.iter().map(|sku_id| (*sku_id).into()).collect();
        let mut found = store.skus_named(&asked).await.expect("it answers");
        found.sort_by(|one, other| one.sku_id.cmp(&other.sku_id));
        assert_eq!(found.iter().map(|sku| sku.sku_id.as_str()).collect::<Vec<_>>(), expected);
        assert!(found.iter().all(|sku| sku.offers.len() == 1), "{found:?}");
    }
}
