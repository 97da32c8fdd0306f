//! What comes before an order, carts, checkout sessions and holds, comes back as it was saved.

use std::sync::Arc;

use domain::cart::{Cart, CartEnd, CartLine, CartOwner};
use domain::checkout::{Checkout, GuestToken, Status as CheckoutStatus};
use domain::hold::{Hold, HoldLine, Status as HoldStatus};
use domain::ids::{CartId, CartItemId, HoldId, Uuid};
use domain::money::{AMOUNT_MAX, Currency};
use domain::order::AddressRef;
use domain::{Changes, Needs};
use engine::port::Store;

use super::hands::Hands;
use super::specimen::{LATEST, STRANGE, cart, cart_line, checkout, hold, id, order_id, write};

pub(super) async fn carts_come_back_as_they_were_saved(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let line = |n, sku_id: &str| CartLine { captured_at: LATEST, unit_price: AMOUNT_MAX, qty: 1_000_000, ..cart_line(n, sku_id) };
    let empty = Cart { currency: None, lines: Vec::new(), ..cart(1) };
    let lines = vec![line(1, "a"), cart_line(2, ""), cart_line(3, STRANGE)];
    let full = Cart { currency: Some(Currency::JPY), lines, expires_at: LATEST, updated_at: LATEST, ..cart(1) };
    // A line changes, one goes, one comes, and what is left keeps its place; then another cart follows in the place of the one that ended.
    let mut turned = vec![cart_line(1, "a"), cart_line(3, STRANGE), cart_line(4, "")];
    turned[1].unit_price = 0;
    let turned = Cart { lines: turned, ..full.clone() };
    let ended = Cart { ended: Some(CartEnd::Ordered(order_id(1))), ..turned.clone() };
    let next = Cart { cart_id: CartId(id(10, 77)), lines: vec![cart_line(5, "a")], created_at: LATEST, ..cart(1) };
    let merged = Cart { ended: Some(CartEnd::Merged), ..next.clone() };
    for (expected, cart) in (0..).zip([&empty, &full, &turned, &ended, &next, &merged, &empty]) {
        let cart = Cart { version: expected + 1, ..cart.clone() };
        let mut changes = Changes::default();
        changes.carts.insert(cart.owner.clone(), write(expected, cart.clone()));
        hands.save(&changes).await;
        cart_comes_back(&mut hands, &store, &cart).await;
    }
    assert_eq!(store.owner_of_cart(next.cart_id).await.expect("it answers"), None, "another cart took its place");
    for owner in [CartOwner::User(STRANGE.into()), CartOwner::Session(STRANGE.into()), CartOwner::User("".into())] {
        let n = u128::try_from(owner.to_string().len()).expect("texts are short");
        let cart = Cart {
            cart_id: CartId(id(10, 100 + n)),
            lines: vec![CartLine { cart_item_id: CartItemId(id(11, 100 + n)), ..cart_line(0, "a") }],
            owner,
            ended: Some(CartEnd::Abandoned),
            ..cart(2)
        };
        let mut changes = Changes::default();
        changes.carts.insert(cart.owner.clone(), write(0, cart.clone()));
        hands.save(&changes).await;
        cart_comes_back(&mut hands, &store, &cart).await;
    }
}

async fn cart_comes_back(hands: &mut Hands, store: &Arc<dyn Store>, cart: &Cart) {
    let mut needs = Needs::default();
    needs.carts.insert(cart.owner.clone());
    let seen = hands.load(&needs).await;
    assert_eq!(seen.carts.get(&cart.owner).expect("it was asked for").map(|row| &**row), Some(cart), "by load");
    assert_eq!(store.cart(&cart.owner).await.expect("it answers").as_deref(), Some(cart), "by query");
    assert_eq!(store.owner_of_cart(cart.cart_id).await.expect("it answers").as_ref(), Some(&cart.owner), "by its name");
    for line in &cart.lines {
        let whose = store.owner_of_cart_item(line.cart_item_id).await.expect("it answers");
        assert_eq!(whose, Some((cart.owner.clone(), line.sku_id.clone())), "by the name of a line");
    }
}

pub(super) async fn checkouts_come_back_as_they_were_saved(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let bare = checkout(1);
    let full = Checkout {
        customer_id: Some(STRANGE.into()),
        customer_email: Some("".into()),
        owner: CartOwner::User(STRANGE.into()),
        shipping_address: AddressRef { id: Some("".into()), snapshot: Some(r#"{"z": "Zoë", "a": 1.50}"#.into()) },
        billing_address: AddressRef { id: Some(STRANGE.into()), snapshot: Some("{}".into()) },
        shipping_method: Some(STRANGE.into()),
        payment_method: Some(STRANGE.into()),
        promotion_codes: vec!["".into(), STRANGE.into(), r#"","{}"#.into()],
        notes: Some(STRANGE.into()),
        guest_token: Some(GuestToken([0xff; 32])),
        hold_id: Some(HoldId(Uuid::max())),
        expires_at: LATEST,
        updated_at: LATEST,
        ..bare.clone()
    };
    let ended = |status| Checkout { status, ..full.clone() };
    let confirmed = Checkout { order_id: Some(order_id(1)), ..ended(CheckoutStatus::Confirmed) };
    let shapes =
        [bare.clone(), full.clone(), bare.clone(), confirmed, bare, ended(CheckoutStatus::Expired), ended(CheckoutStatus::Abandoned)];
    for (expected, shape) in (0..).zip(shapes) {
        let checkout = Checkout { version: expected + 1, ..shape };
        let mut changes = Changes::default();
        changes.checkouts.insert(checkout.session_id.clone(), write(expected, checkout.clone()));
        hands.save(&changes).await;
        let mut needs = Needs::default();
        needs.checkouts.insert(checkout.session_id.clone());
        let seen = hands.load(&needs).await;
        assert_eq!(seen.checkouts.get(&checkout.session_id).expect("it was asked for").map(|row| &**row), Some(&checkout), "by load");
        assert_eq!(store.checkout(&checkout.session_id).await.expect("it answers").as_deref(), Some(&checkout), "by query");
    }
    let strange = Checkout { session_id: STRANGE.into(), ..full };
    let mut changes = Changes::default();
    changes.checkouts.insert(strange.session_id.clone(), write(0, strange.clone()));
    hands.save(&changes).await;
    assert_eq!(store.checkout(&strange.session_id).await.expect("it answers").as_deref(), Some(&strange));
}

pub(super) async fn holds_come_back_as_they_were_saved(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let line = |sku_id: &str, qty| HoldLine { sku_id: sku_id.into(), qty };
    let own = Hold { items: vec![line("a", 1), line(STRANGE, i64::MAX)], expires_at: Some(LATEST), ..hold(1) };
    for (n, items) in [(1, own.items.clone()), (2, Vec::new())] {
        let first = Hold { hold_id: hold(n).hold_id, status: HoldStatus::Active, items, ..own.clone() };
        let taken = Hold { order_id: Some(order_id(1)), expires_at: None, updated_at: LATEST, ..first.clone() };
        let ended = |status| Hold { status, ..taken.clone() };
        let again = Hold { order_id: Some(order_id(2)), ..taken.clone() };
        let shapes = [first, taken.clone(), ended(HoldStatus::Released), again, ended(HoldStatus::Committed), ended(HoldStatus::Expired)];
        for (expected, shape) in (0..).zip(shapes) {
            let hold = Hold { version: expected + 1, ..shape };
            let mut changes = Changes::default();
            changes.holds.insert(hold.hold_id, write(expected, hold.clone()));
            hands.save(&changes).await;
            let mut needs = Needs::default();
            needs.holds.insert(hold.hold_id);
            let seen = hands.load(&needs).await;
            assert_eq!(seen.holds.get(&hold.hold_id).expect("it was asked for").map(|row| &**row), Some(&hold), "by load");
            assert_eq!(store.hold(hold.hold_id).await.expect("it answers").as_deref(), Some(&hold), "by query");
        }
    }
}
