//! Which command comes next, by dice. The same seed throws the same commands while the answers are the same.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use domain::cart::{Cart, CartOwner};
use domain::checkout::{CheckoutRules, GuestToken};
use domain::command::{
    AbandonCart, CancelOrder, CartChange, ChangeCart, ChangeOffer, ChangeOrder, CheckoutChange, CollectPayment, Command, ConfirmCheckout,
    Context, CreatePayment, DeliverOrder, EndCheckout, ExpireHold, ExpireOrder, HearEvent, HoldItem, MergeCarts, OrderNews, PlaceCart,
    PlaceHold, PrepareOrder, ProviderAnswer, RecordPayment, RecordRefund, RefundWord, ReleaseHold, RequestPayment, Settings, ShipOrder,
    StartCheckout, TakePayment, TakeRefund, UpdateCheckout,
};
use domain::hold::Hold;
use domain::ids::{HoldId, OfferId, OrderId, PaymentId, RefundId, SessionId, SkuId, Uuid};
use domain::order::Channel;
use domain::stock::{Operation, ReservationKey};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::super::desk::{Job, Made, Shown, Work};
use super::dump::Touched;
use crate::StepClock;
use crate::builders::{cents, context, context_of, customer, keyed, movement, offer, place, restock, sku, tickets};

/// Few SKUs and few units: a history without scarcity finds no bug.
const SKUS: [&str; 4] = ["a", "b", "c", SCARCE];

/// The SKU that is never put in by the dozen.
const SCARCE: &str = "hot";

/// How many of the last names a command chooses from: most of them can still change.
const RECENT: usize = 4;

/// Makes a command again, under its own key.
type Again = Box<dyn Fn(Context) -> Box<dyn Work> + Send>;

pub(super) struct Dice {
    rng: StdRng,
    keyed: Vec<Again>,
    orders: Vec<OrderId>,
    payments: Vec<PaymentId>,
    refunds: Vec<RefundId>,
    /// The order that much happens to; what goes wrong late in a life is found with lives that are long.
    favourite: Option<OrderId>,
    its_payments: Vec<PaymentId>,
    offers: Vec<(OfferId, SkuId)>,
    /// As they were last seen.
    carts: BTreeMap<CartOwner, Arc<Cart>>,
    /// As they were made.
    holds: Vec<Arc<Hold>>,
    /// Whether checkout sessions hold their goods.
    reserves: bool,
}

fn one_of<T: Clone>(rng: &mut StdRng, things: &[T]) -> Option<T> {
    let recent = things.len().min(RECENT);
    (recent > 0).then(|| things[things.len() - 1 - rng.random_range(0..recent)].clone())
}

/// For an operator whose checkout sessions hold their goods.
fn reserving(cx: Context) -> Context {
    let checkout = CheckoutRules { reserve_seconds: Some(20), ..cx.settings.checkout };
    Context { settings: Arc::new(Settings { checkout, ..(*cx.settings).clone() }), ..cx }
}

fn job<C: Command + Debug>(command: C, cx: Context) -> Box<dyn Work>
where
    C::Answer: Shown,
{
    Box::new(Job::new(command, cx))
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            keyed: Vec::new(),
            orders: Vec::new(),
            payments: Vec::new(),
            refunds: Vec::new(),
            favourite: None,
            its_payments: Vec::new(),
            offers: Vec::new(),
            carts: BTreeMap::new(),
            holds: Vec::new(),
            reserves: seed % 2 == 1,
        }
    }

    /// A catalogue and a few units of everything.
    pub(super) fn opening(&mut self, clock: &StepClock) -> Vec<Box<dyn Work>> {
        let mut jobs = Vec::new();
        for (price, sku_id) in (100..).step_by(399).zip(SKUS) {
            jobs.push(job(sku(sku_id), context(clock)));
            let cx = context(clock);
            self.offers.push((cx.id(), sku_id.into()));
            jobs.push(job(offer(sku_id, price), cx));
            jobs.push(job(restock(sku_id, 4), context(clock)));
        }
        jobs
    }

    /// Notes what there is now, from what was answered.
    pub(super) fn learn(&mut self, made: Made) {
        self.carts.extend(made.cart.map(|cart| (cart.owner.clone(), cart)));
        self.holds.extend(made.hold.filter(|hold| self.holds.iter().all(|known| known.hold_id != hold.hold_id)));
        self.refunds.extend(made.refund.filter(|refund_id| !self.refunds.contains(refund_id)));
        self.orders.extend(made.order.filter(|order_id| !self.orders.contains(order_id)));
        if let Some(payment_id) = made.payment.filter(|payment_id| !self.payments.contains(payment_id)) {
            self.payments.push(payment_id);
            self.its_payments.extend(made.order.filter(|_| made.order == self.favourite).map(|_| payment_id));
        }
    }

    fn refund(&mut self) -> RefundId {
        one_of(&mut self.rng, &self.refunds).unwrap_or(RefundId(Uuid::nil()))
    }

    /// Half of the time the favourite order, else one of the last.
    fn order(&mut self) -> OrderId {
        if self.rng.random_ratio(1, 12) {
            self.favourite = one_of(&mut self.rng, &self.orders);
            self.its_payments.clear();
        }
        let any = one_of(&mut self.rng, &self.orders);
        self.favourite.filter(|_| self.rng.random_bool(0.5)).or(any).unwrap_or(OrderId(Uuid::nil()))
    }

    /// Half of the time one of the favourite order's payments, else one of the last.
    fn payment(&mut self) -> PaymentId {
        let its = one_of(&mut self.rng, &self.its_payments);
        let any = one_of(&mut self.rng, &self.payments);
        its.filter(|_| self.rng.random_bool(0.5)).or(any).unwrap_or(PaymentId(Uuid::nil()))
    }

    fn sku_id(&mut self) -> &'static str {
        SKUS[self.rng.random_range(0..SKUS.len())]
    }

    /// The next command.
    pub(super) fn next(&mut self, clock: &StepClock, touched: &mut Touched) -> Box<dyn Work> {
        // Mostly the next moment; now and then so much later that orders expire.
        clock.advance_ms(if self.rng.random_ratio(1, 25) { 1_200_000 } else { self.rng.random_range(1..4000) });
        let cx = if self.rng.random_ratio(1, 10) { context_of(clock, &customer("ada")) } else { context(clock) };
        let cx = if self.reserves { reserving(cx) } else { cx };
        touched.skus.extend(SKUS.map(SkuId::from));
        match self.rng.random_range(0..155) {
            0..22 => self.place(cx, touched),
            22..28 => self.after_payment(cx, touched),
            28..34 => {
                touched.orders.insert(cx.id());
                let hold_id = self.rng.random_range(1..30);
                touched.holds.insert(HoldId(Uuid::from_u128(hold_id)));
                let command = tickets(hold_id, self.rng.random_range(1..4), 2550);
                self.maybe_keyed(command, cx, touched)
            }
            34..50 => {
                let method = self.rng.random_ratio(1, 3).then(|| "card_stub".into());
                let command = RequestPayment { order_id: self.order(), method };
                touched.payments.insert(cx.id());
                self.maybe_keyed(command, cx, touched)
            }
            50..66 => {
                let said = match self.rng.random_range(0..10) {
                    0..5 => ProviderAnswer::Captured { provider_ref: "ref".into() },
                    5..8 => ProviderAnswer::Declined { reason: "card_declined".into() },
                    _ => ProviderAnswer::Silent,
                };
                job(RecordPayment { payment_id: self.payment(), said }, cx)
            }
            66..68 => self.money_back(cx),
            68..69 => job(TakePayment { payment_id: self.payment(), lease_seconds: 30 }, cx),
            69..75 => {
                let reason = self.rng.random_bool(0.5).then(|| "changed my mind".into());
                job(CancelOrder { order_id: self.order(), reason, notes: None }, cx)
            }
            75..80 => job(ExpireOrder { order_id: self.order() }, cx),
            80..90 => self.movement(cx, touched),
            90..95 => self.again(cx),
            95..100 => self.catalogue(cx),
            100..120 => self.cart(cx, touched),
            120..135 => self.checkout(cx, touched),
            _ => self.hold(cx, touched),
        }
    }

    /// Units are held, given back, and become tickets.
    fn hold(&mut self, cx: Context, touched: &mut Touched) -> Box<dyn Work> {
        let known = one_of(&mut self.rng, &self.holds);
        match (self.rng.random_range(0..10), known) {
            (0..5, Some(hold)) => {
                touched.orders.insert(cx.id());
                let qty = hold.units() + i64::from(self.rng.random_ratio(1, 5));
                let price = if self.rng.random_ratio(1, 4) { 0 } else { 2550 };
                self.maybe_keyed(tickets(hold.hold_id.0.as_u128(), qty, price), cx, touched)
            }
            (5, Some(hold)) => self.maybe_keyed(ReleaseHold { hold_id: hold.hold_id }, cx, touched),
            (6, Some(hold)) => job(ExpireHold { hold_id: hold.hold_id }, cx),
            _ => {
                touched.holds.insert(cx.id());
                let items = (0..self.rng.random_range(1..3))
                    .map(|_| HoldItem { sku_id: self.sku_id().into(), qty: self.rng.random_range(1..3) })
                    .collect();
                let ttl_seconds = self.rng.random_range(5..300);
                self.maybe_keyed(PlaceHold { items, ttl_seconds }, cx, touched)
            }
        }
    }

    /// Goods leave, and other services tell of them and of money.
    fn after_payment(&mut self, cx: Context, touched: &mut Touched) -> Box<dyn Work> {
        let order_id = self.order();
        let notes = self.rng.random_bool(0.5).then(|| "by hand".into());
        match self.rng.random_range(0..12) {
            10 => job(self.change(order_id), cx),
            11 => {
                let command = self.change(order_id);
                self.maybe_keyed(command, cx, touched)
            }
            0 => job(PrepareOrder { order_id, notes }, cx),
            1 => job(ShipOrder { order_id, carrier_code: Some("ups".into()), tracking_number: Some("1Z".into()), notes }, cx),
            2 => job(DeliverOrder { order_id, notes }, cx),
            3 => job(CollectPayment { payment_id: self.payment() }, cx),
            4 | 5 => {
                touched.payments.insert(cx.id());
                let method = self.rng.random_bool(0.5).then(|| "card_stub".into());
                let command = CreatePayment { order_id, amount: self.stated(), currency: None, method };
                self.maybe_keyed(command, cx, touched)
            }
            _ => {
                touched.payments.insert(cx.id());
                let news = match self.rng.random_range(0..6) {
                    0..3 => {
                        let reference = self.rng.random_bool(0.5).then(|| format!("tx-{}", self.rng.random_range(0..3)).into());
                        OrderNews::PaymentConfirmed { amount: self.stated(), currency: None, reference }
                    }
                    3 => OrderNews::PaymentFailed { reason: "no funds".into() },
                    4 => OrderNews::Shipped { carrier_code: None, tracking_number: Some("T".into()) },
                    _ => OrderNews::Delivered,
                };
                self.maybe_keyed(HearEvent { order_id, news }, cx, touched)
            }
        }
    }

    /// Few words: often the order says so already.
    fn change(&mut self, order_id: OrderId) -> ChangeOrder {
        let word = |rng: &mut StdRng| ["ring", "knock"][rng.random_range(0..2)];
        ChangeOrder {
            order_id,
            shipping_address_id: self.rng.random_bool(0.5).then(|| Some(word(&mut self.rng).into())),
            shipping_address: None,
            billing_address_id: None,
            billing_address: self.rng.random_ratio(1, 3).then_some(None),
            notes: self.rng.random_bool(0.5).then(|| self.rng.random_bool(0.5).then(|| word(&mut self.rng).into())),
            metadata: self.rng.random_bool(0.5).then(|| format!(r#"{{"by": "{}"}}"#, word(&mut self.rng)).into()),
            is_same_json: crate::json::is_same,
        }
    }

    /// What one unit of something costs, or a few; now and then just what is due.
    fn stated(&mut self) -> domain::money::Decimal {
        let units = self.rng.random_range(1..5);
        cents(units * (100 + 399 * self.rng.random_range(0..4)))
    }

    fn money_back(&mut self, cx: Context) -> Box<dyn Work> {
        let refund_id = self.refund();
        let said = match self.rng.random_range(0..6) {
            0..3 => RefundWord::Done { provider_ref: Some("back".into()) },
            3 => RefundWord::Refused { reason: "closed".into() },
            4 => RefundWord::Silent,
            _ => return job(TakeRefund { refund_id, lease_seconds: 30 }, cx),
        };
        if self.rng.random_ratio(1, 3) {
            let (order_id, news) = (self.order(), OrderNews::RefundSucceeded { refund_id });
            return job(HearEvent { order_id, news }, cx);
        }
        job(RecordRefund { refund_id, said }, cx)
    }

    /// What came with a key comes again.
    fn again(&mut self, cx: Context) -> Box<dyn Work> {
        match self.keyed.len() {
            0 => self.catalogue(cx),
            known => self.keyed[known - 1 - self.rng.random_range(0..known.min(RECENT))](cx),
        }
    }

    /// Every third command comes with a key; now and then with one that was used for another request.
    fn maybe_keyed<C: Command + Clone + Debug>(&mut self, command: C, cx: Context, touched: &mut Touched) -> Box<dyn Work>
    where
        C::Answer: Shown,
    {
        if !self.rng.random_ratio(1, 3) {
            return job(command, cx);
        }
        let used = self.keyed.len();
        let number = if self.rng.random_ratio(1, 8) { self.rng.random_range(0..=used) } else { used };
        let cx = keyed::<C>(cx, &format!("key-{number}"));
        touched.keys.extend(cx.key.clone());
        let (again, key) = (command.clone(), cx.key.clone());
        self.keyed.push(Box::new(move |cx| job(again.clone(), Context { key: key.clone(), ..cx })));
        job(command, cx)
    }

    fn place(&mut self, cx: Context, touched: &mut Touched) -> Box<dyn Work> {
        touched.orders.insert(cx.id());
        let mut order = place();
        for _ in 0..self.rng.random_range(1..3) {
            let sku_id = if self.rng.random_ratio(1, 40) { "unknown" } else { self.sku_id() };
            order = order.line(sku_id, self.rng.random_range(1..3));
            if self.rng.random_ratio(1, 30) {
                order = order.expecting(self.rng.random_range(99..102));
            }
        }
        if self.rng.random_bool(0.5) {
            order = order.by(if self.rng.random_bool(0.5) { "ada" } else { "bob" });
        }
        order = match self.rng.random_range(0..6) {
            0 => order.through(Channel::Storefront),
            1 => order.through(Channel::Checkout).paying("cod"),
            _ => order,
        };
        order.0.metadata = r#"{"z": 1.50, "a": "é"}"#.into();
        self.maybe_keyed(order.0, cx, touched)
    }

    /// Two customers and two guests, who now and then are the same person.
    fn cart(&mut self, cx: Context, touched: &mut Touched) -> Box<dyn Work> {
        let (user, session) = (["ada", "bob"][self.rng.random_range(0..2)], ["s", "t"][self.rng.random_range(0..2)]);
        let owner = if self.rng.random_bool(0.5) { CartOwner::User(user.into()) } else { CartOwner::Session(session.into()) };
        touched.carts.insert(owner.clone());
        let known = self.carts.get(&owner).cloned();
        let line = known.as_ref().and_then(|cart| one_of(&mut self.rng, &cart.lines));
        let change = match (self.rng.random_range(0..20), line, known) {
            (0..2, Some(line), _) => {
                CartChange::Set { cart_item_id: line.cart_item_id, sku_id: line.sku_id, qty: self.rng.random_range(1..22) }
            }
            (2..4, Some(line), _) => CartChange::Remove { cart_item_id: line.cart_item_id },
            (4, _, _) => CartChange::Clear,
            (5, _, _) => {
                touched.carts.extend([CartOwner::User(user.into()), CartOwner::Session(session.into())]);
                return self.maybe_keyed(MergeCarts { session_id: session.into(), user_id: user.into() }, cx, touched);
            }
            (6, _, _) => {
                // One expires after a month; this one of its own making must not.
                let cx = if self.rng.random_bool(0.5) { Context { now: cx.now.plus_seconds(40 * 86_400), ..cx } } else { cx };
                return job(AbandonCart { owner }, cx);
            }
            (7..11, _, Some(cart)) => {
                touched.orders.insert(cx.id());
                let command = PlaceCart { order: place().0, cart_id: cart.cart_id, owner: Some(owner) };
                return self.maybe_keyed(command, cx, touched);
            }
            _ => CartChange::Add { sku_id: self.sku_id().into(), qty: self.rng.random_range(1..4) },
        };
        self.maybe_keyed(ChangeCart { owner, change }, cx, touched)
    }

    /// Two sessions, each of a guest who now and then is a customer, and of whom half say all that must be said.
    fn checkout(&mut self, cx: Context, touched: &mut Touched) -> Box<dyn Work> {
        let session_id: SessionId = ["s", "t"][self.rng.random_range(0..2)].into();
        // What it holds would have this name.
        touched.holds.insert(cx.id());
        touched.checkouts.insert(session_id.clone());
        touched.carts.insert(CartOwner::Session(session_id.clone()));
        let guest_token = None;
        match self.rng.random_range(0..10) {
            0..2 => {
                let customer_id = self.rng.random_ratio(1, 4).then(|| "ada".into());
                touched.carts.extend(customer_id.clone().map(CartOwner::User));
                let cart = self.carts.values().next().filter(|_| self.rng.random_ratio(1, 4));
                let cart = cart.map(|cart| (cart.cart_id, Some(cart.owner.clone())));
                touched.carts.extend(cart.iter().filter_map(|(_, owner)| owner.clone()));
                let guest_token = Some(GuestToken([7; 32]));
                self.maybe_keyed(StartCheckout { session_id, customer_id, cart, guest_token }, cx, touched)
            }
            2..5 => {
                let method = ["card_stub", "cod", "card_stub_decline"][self.rng.random_range(0..3)];
                let change = CheckoutChange {
                    shipping_address_id: Some(self.rng.random_ratio(3, 4).then(|| "home".into())),
                    payment_method: Some(Some(method.into())),
                    promotion_codes: self.rng.random_bool(0.5).then(|| vec!["SPRING".into()]),
                    customer_email: self.rng.random_bool(0.5).then(|| Some("ada@mail.example".into())),
                    ..CheckoutChange::default()
                };
                self.maybe_keyed(UpdateCheckout { session_id, guest_token, change }, cx, touched)
            }
            5 => job(EndCheckout { session_id }, cx),
            _ => {
                touched.orders.insert(cx.id());
                touched.payments.extend((0..64).map(|n| PaymentId(cx.mint.id(n))));
                self.maybe_keyed(ConfirmCheckout { session_id, guest_token }, cx, touched)
            }
        }
    }

    fn movement(&mut self, cx: Context, touched: &mut Touched) -> Box<dyn Work> {
        let operation =
            if self.rng.random_bool(0.5) { Operation::Restock } else { Operation::ALL[self.rng.random_range(0..Operation::ALL.len())] };
        let sku_id = self.sku_id();
        let qty = match operation {
            Operation::Adjust if self.rng.random_bool(0.5) => -1,
            Operation::Restock if sku_id != SCARCE => self.rng.random_range(3..12),
            _ => self.rng.random_range(1..4),
        };
        let command = movement(sku_id, operation, qty);
        touched.reservations.insert(ReservationKey::new(&command.sku_id, &command.reference));
        self.maybe_keyed(command, cx, touched)
    }

    fn catalogue(&mut self, cx: Context) -> Box<dyn Work> {
        let sku_id = self.sku_id();
        match self.rng.random_range(0..3) {
            0 => {
                let mut command = sku(sku_id);
                command.title = self.rng.random_bool(0.5).then(|| "A title".into());
                job(command, cx)
            }
            1 => {
                self.offers.push((cx.id(), sku_id.into()));
                let mut command = offer(sku_id, self.rng.random_range(95..105));
                command.valid_to = self.rng.random_bool(0.5).then(|| domain::time::Time(cx.now.0 + 60_000));
                job(command, cx)
            }
            _ => {
                let (offer_id, sku_id) = one_of(&mut self.rng, &self.offers).expect("the opening made some");
                let price = self.rng.random_bool(0.5).then(|| cents(self.rng.random_range(95..105)));
                let priority = Some(self.rng.random_range(0..3));
                let command = ChangeOffer { offer_id, sku_id, price, priority, valid_from: None, valid_to: None, status: None };
                job(command, cx)
            }
        }
    }
}
