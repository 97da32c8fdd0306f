//! How clients ask: again and again with the same key until they are told yes or no, some twice at once, some leave early.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::command::{
    Answer, BalanceAnswer, CartAnswer, CheckoutAnswer, Command, ConfirmAnswer, EventAnswer, HoldAnswer, OfferAnswer, OrderAnswer,
    PaymentAnswer, SkuAnswer,
};
use domain::key::{Fingerprint, ScopedKey};
use domain::payment::{Payment, Status};
use domain::{Caller, Refusal};
use engine::{Ask, Done, Failure};
use futures_util::future::{Either, join, select};

use crate::dice::Dice;
use crate::history::{End, Kind, Wish};
use crate::marks::{Injected, Mark};
use crate::world::World;

/// What a client writes down of an answer.
pub trait Observed: Answer {
    /// Compares it with what was seen before; what contradicts is told.
    fn seen(&self, _world: &World) -> Option<String> {
        None
    }

    /// A payment that the provider must be asked for now.
    fn intent(&self) -> Option<Arc<Payment>> {
        None
    }

    /// The version of what it shows.
    fn version(&self) -> i64 {
        0
    }

    /// For the trace.
    fn short(&self) -> String;
}

impl Observed for OrderAnswer {
    fn seen(&self, world: &World) -> Option<String> {
        world.history().saw(self)
    }

    fn intent(&self) -> Option<Arc<Payment>> {
        self.payment.clone().filter(|payment| payment.status == Status::Initiated && payment.next_check_at.is_some())
    }

    fn version(&self) -> i64 {
        self.order.version
    }

    fn short(&self) -> String {
        let order = &self.order;
        let payment = self.payment.as_ref().map_or("-".into(), |payment| format!("{:?}", payment.status));
        format!("{} {} v{} {} payment {payment}", order.number, order.status.as_str(), order.version, order.order_id)
    }
}

impl Observed for PaymentAnswer {
    fn intent(&self) -> Option<Arc<Payment>> {
        Some(self.0.clone()).filter(|payment| payment.status == Status::Initiated && payment.next_check_at.is_some())
    }

    fn short(&self) -> String {
        format!("{} {:?} of {}", self.0.payment_id, self.0.status, self.0.order_id)
    }
}

impl Observed for EventAnswer {
    fn short(&self) -> String {
        format!("{self:?}")
    }
}

impl Observed for ConfirmAnswer {
    fn seen(&self, world: &World) -> Option<String> {
        self.answer.seen(world)
    }

    fn intent(&self) -> Option<Arc<Payment>> {
        self.answer.intent()
    }

    fn version(&self) -> i64 {
        self.answer.version()
    }

    fn short(&self) -> String {
        format!("{}{}", self.answer.short(), if self.is_again { " again" } else { "" })
    }
}

impl Observed for CartAnswer {
    fn short(&self) -> String {
        self.cart.as_ref().map_or_else(|| "no cart".to_owned(), |cart| format!("{} v{} {:?}", cart.owner, cart.version, cart.lines))
    }
}

impl Observed for CheckoutAnswer {
    fn short(&self) -> String {
        let checkout = &self.checkout;
        format!("{} {:?} v{} held by {:?}", checkout.session_id, checkout.status, checkout.version, checkout.hold_id)
    }
}

impl Observed for HoldAnswer {
    fn short(&self) -> String {
        format!("{} {:?} v{}", self.0.hold_id, self.0.status, self.0.version)
    }
}

impl Observed for BalanceAnswer {
    fn short(&self) -> String {
        format!("{} {}/{}", self.sku_id, self.balance.on_hand, self.balance.reserved)
    }
}

impl Observed for SkuAnswer {
    fn version(&self) -> i64 {
        self.sku.version
    }

    fn short(&self) -> String {
        format!("{} {:?} v{}", self.sku.sku_id, self.sku.status, self.sku.version)
    }
}

impl Observed for OfferAnswer {
    fn short(&self) -> String {
        format!("{} costs {}", self.0.sku_id, self.0.price)
    }
}

/// What somebody asks for.
#[derive(Clone)]
pub struct Request<C> {
    /// Who.
    pub caller: Caller,
    /// His key.
    pub key: Option<Arc<str>>,
    /// What he says, as a number.
    pub body: u64,
    /// What he wants.
    pub command: C,
    /// The wish it is written down as.
    pub wish: usize,
    /// The name of the wish.
    pub tag: Arc<str>,
}

/// What a client wants, before it is written down.
pub struct Want<C> {
    /// Who.
    pub caller: Caller,
    /// His key.
    pub key: Option<Arc<str>>,
    /// What he says, as a number.
    pub body: u64,
    /// What he wants.
    pub command: C,
    /// Its name.
    pub tag: String,
    /// What the judge shall look for.
    pub kind: Kind,
}

impl<C: Command> Want<C> {
    /// Writes it down.
    pub fn written(self, world: &World) -> Request<C> {
        let Self { caller, key, body, command, tag, kind } = self;
        let scoped = key.as_ref().map(|key| ScopedKey::new(C::key_owner(&caller), C::NAME, key));
        let wish = world.history().wish(Wish { tag: tag.clone(), kind, key: scoped, body, tries: Vec::new() });
        Request { caller, key, body, command, wish, tag: tag.into() }
    }
}

/// What came of one try.
enum Verdict<A> {
    Done(Done<A>),
    Refused(Refusal),
    /// Certainly not carried out, not now.
    Nothing,
    Unsure,
}

/// How one try is made.
#[derive(Clone, Copy)]
struct Manner {
    at: usize,
    leave_ms: Option<i64>,
}

impl Manner {
    fn thrown(world: &World, dice: &mut Dice) -> Self {
        let leaves = !world.is_healed() && dice.happens(world.plan.leaves);
        Self { at: dice.index(world.plan.instances), leave_ms: leaves.then(|| dice.between(0, 200)) }
    }
}

/// What a client is left with.
pub enum Outcome<A> {
    /// It was carried out.
    Done(Done<A>),
    /// The answer is no.
    Refused(Refusal),
    /// He has no key to ask again with, and was not told.
    GaveUp,
}

impl<A> Outcome<A> {
    /// The answer, if it was carried out.
    pub fn answer(self) -> Option<A> {
        match self {
            Self::Done(done) => Some(done.answer),
            Self::Refused(_) | Self::GaveUp => None,
        }
    }
}

/// Asks until there is an answer.
pub async fn insist<C>(world: &Arc<World>, request: &Request<C>, dice: &mut Dice) -> Outcome<C::Answer>
where
    C: Command + Clone + Sync,
    C::Answer: Observed + Sync,
{
    let mut pause_ms = 20;
    loop {
        let twin = request.key.is_some() && !world.is_healed() && dice.happens(world.plan.twins);
        let verdict = if twin {
            let (one, other) = (Manner::thrown(world, dice), Manner::thrown(world, dice));
            let (one, other) = join(once(world, request, one), once(world, request, other)).await;
            better(one, other)
        } else {
            let manner = Manner::thrown(world, dice);
            once(world, request, manner).await
        };
        match verdict {
            Verdict::Done(done) => return Outcome::Done(done),
            Verdict::Refused(refusal) => {
                // An earlier try may still be on its way: when all is quiet, he asks once more.
                if request.key.is_some() && world.history().wishes[request.wish].is_unsure() {
                    world.spawn_at_the_end(format!("last word of {}", request.tag), last_word(world.clone(), request.clone()));
                }
                return Outcome::Refused(refusal);
            }
            Verdict::Unsure if request.key.is_none() => return Outcome::GaveUp,
            Verdict::Nothing
                if !world.plan.rush && !world.is_healed() && dice.below(6) == 0 && !world.history().wishes[request.wish].is_unsure() =>
            {
                return Outcome::GaveUp;
            }
            Verdict::Nothing | Verdict::Unsure => {}
        }
        world.timers.sleep(dice.between(1, pause_ms)).await;
        pause_ms = (pause_ms * 2).min(2000);
    }
}

async fn last_word<C>(world: Arc<World>, request: Request<C>)
where
    C: Command + Clone + Sync,
    C::Answer: Observed + Sync,
{
    loop {
        match once(&world, &request, Manner { at: 0, leave_ms: None }).await {
            Verdict::Done(_) | Verdict::Refused(_) => return,
            Verdict::Nothing | Verdict::Unsure => world.timers.sleep(1000).await,
        }
    }
}

/// What two equal questions came to.
fn better<A>(one: Verdict<A>, other: Verdict<A>) -> Verdict<A> {
    match (one, other) {
        (Verdict::Done(done), _) | (_, Verdict::Done(done)) => Verdict::Done(done),
        (Verdict::Refused(refusal), _) | (_, Verdict::Refused(refusal)) => Verdict::Refused(refusal),
        (Verdict::Unsure, _) | (_, Verdict::Unsure) => Verdict::Unsure,
        (Verdict::Nothing, Verdict::Nothing) => Verdict::Nothing,
    }
}

/// Asks once.
async fn once<C>(world: &World, request: &Request<C>, manner: Manner) -> Verdict<C::Answer>
where
    C: Command + Clone + Sync,
    C::Answer: Observed + Sync,
{
    let Some(instance) = world.instance(manner.at) else { return Verdict::Nothing };
    let number = world.history().begin(request.wish, instance.number, world.step());
    world.commands.fetch_add(1, Ordering::Relaxed);
    let mut print = [0; 32];
    print[..8].copy_from_slice(&request.body.to_le_bytes());
    let ask = Ask { key: request.key.clone().map(|key| (key, Fingerprint(print))), ..Ask::of(request.caller.clone(), request.tag.clone()) };
    let call = instance.unless_dead(instance.engine.submit(request.command.clone(), ask));
    let answered = match manner.leave_ms {
        None => call.await,
        Some(ms) => match select(call, world.timers.sleep(ms)).await {
            Either::Left((answered, _)) => answered,
            Either::Right(_) => {
                world.faulted.count(Injected::Left);
                return ended(world, request, number, End::Unsure { crashed: false }, Verdict::Unsure);
            }
        },
    };
    let Some(answered) = answered else {
        return ended(world, request, number, End::Unsure { crashed: true }, Verdict::Unsure);
    };
    match answered {
        Ok(done) => {
            if let Some(contradiction) = done.answer.seen(world) {
                world.violation(contradiction);
            }
            if let Some(payment) =
                done.answer.intent().filter(|_| matches!(C::NAME, "request_payment" | "create_payment" | "confirm_checkout"))
            {
                instance.intend(payment);
            }
            world.say(|| format!("{} {} at {} -> {}", request.tag, C::NAME, instance.number, done.answer.short()));
            let end = End::Done { identity: done.answer.remember(), is_replay: done.is_replay, version: done.answer.version() };
            ended(world, request, number, end, Verdict::Done(done))
        }
        Err(Failure::Refused(refusal)) => ended(world, request, number, End::Refused(refusal.code()), Verdict::Refused(refusal)),
        Err(failure @ (Failure::Overloaded | Failure::Stopping | Failure::Unavailable(_))) => {
            if failure == Failure::Overloaded {
                world.mark(Mark::Overloaded);
            }
            ended(world, request, number, End::Nothing, Verdict::Nothing)
        }
        Err(Failure::Unsure) => {
            world.mark(Mark::Unsure);
            if !world.plan.may_leave_unsure() {
                world.violation(format!("{} was told that nobody knows, though every save was settled", request.tag));
            }
            ended(world, request, number, End::Unsure { crashed: false }, Verdict::Unsure)
        }
        Err(Failure::Bug(reason)) => {
            world.violation(format!("{} was answered with an internal error: {reason}", request.tag));
            ended(world, request, number, End::Unsure { crashed: false }, Verdict::Unsure)
        }
    }
}

fn ended<C: Command>(world: &World, request: &Request<C>, number: usize, end: End, verdict: Verdict<C::Answer>) -> Verdict<C::Answer> {
    if !matches!(end, End::Done { .. }) {
        world.say(|| format!("{} {} -> {end:?}", request.tag, C::NAME));
    }
    world.history().end(request.wish, number, end, world.step());
    verdict
}
