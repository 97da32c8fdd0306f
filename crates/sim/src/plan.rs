//! What one seed turns on: the size of the shop, who misbehaves, and how often what goes wrong.
//!
//! Swarm testing: each seed turns a random subset of the faults on, since all of them at once hide each other.
//! Source: Groce and others, "Swarm Testing", 2012.

use domain::checkout::CheckoutRules;
use domain::command::{FailurePolicy, PricePolicy, Settings};
use domain::time::Time;
use engine::Options;
use testkit::Point;
use testkit::clock::START;

use crate::dice::Dice;

/// How often what goes wrong, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// The store is away when a session, a load or a settle asks for it.
    pub away: u64,
    /// The store is away when something is to be saved.
    pub save_away: u64,
    /// A save is told that somebody was first.
    pub lost: u64,
    /// The end of a save is not seen, and it did not happen.
    pub unknown_not_saved: u64,
    /// The end of a save is not seen, and it did happen.
    pub unknown_saved: u64,
    /// The end of a save is not seen, and it happens later.
    pub late: u64,
    /// The disk does not take what was saved.
    pub not_durable: u64,
    /// The store is away when asked whether a save happened.
    pub settle_away: u64,
    /// The store settles, but its answer is cut off.
    pub settle_cut: u64,
    /// A query fails.
    pub query_away: u64,
    /// The provider hears nothing.
    pub provider_deaf: u64,
    /// The provider acts, but its answer is lost.
    pub provider_mute: u64,
    /// The provider declines.
    pub provider_declines: u64,
    /// The provider tells its news by itself too: late, repeated, revised.
    pub provider_tells: u64,
    /// The provider refuses to give money back.
    pub provider_keeps: u64,
}

/// What one seed turns on.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// Everybody wants the same few units, nobody gives any back: the orders must be exactly as many as the units.
    pub rush: bool,
    /// Instances of the service.
    pub instances: usize,
    /// Buyers.
    pub shoppers: usize,
    /// What each buyer does.
    pub errands: usize,
    /// SKUs, and units of each at the beginning.
    pub skus: Vec<i64>,
    /// When it begins.
    pub start: Time,
    /// How far the clock of each instance is ahead.
    pub ahead_ms: Vec<i64>,
    /// How long a step of the store takes at most.
    pub store_ms: i64,
    /// Which of its steps takes longest.
    pub slow: Point,
    /// How long a buyer thinks at most.
    pub think_ms: i64,
    /// How often the workers look.
    pub look_ms: i64,
    /// What goes wrong.
    pub rates: Rates,
    /// How many times an instance crashes at most.
    pub crashes: u64,
    /// How many times the whole store is away for a while.
    pub outages: u64,
    /// How often a buyer leaves before he is answered, in thousandths.
    pub leaves: u64,
    /// How often a buyer asks twice at once, in thousandths.
    pub twins: u64,
    /// How many overdue orders the sweeper sees at a time; few of them stand for many orders.
    pub page: u32,
    /// How the engine is set up.
    pub options: Options,
    /// What the operator chose.
    pub settings: Settings,
}

impl Plan {
    /// What `seed` turns on.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed, 1);
        let dice = &mut dice;
        let rush = dice.below(5) == 0;
        let instances = dice.count(1, 2);
        let skewed = dice.below(3) == 0;
        let shoppers = dice.count(2, 12);
        let crowded = dice.below(8) == 0;
        Self {
            seed,
            rush,
            instances,
            shoppers,
            errands: dice.count(2, 6),
            skus: if rush { vec![dice.between(1, 12)] } else { (0..dice.count(1, 3)).map(|_| dice.between(1, 12)).collect() },
            // Some runs live through the turn of the year.
            start: if dice.below(3) == 0 { Time(START.0 - dice.between(1, 3000)) } else { START },
            ahead_ms: (0..instances).map(|_| if skewed { dice.between(-3000, 3000) } else { 0 }).collect(),
            store_ms: dice.pick(&[0, 0, 1, 5, 60]),
            slow: dice.pick(&[Point::Save, Point::Save, Point::Loading, Point::Loading, Point::Saved, Point::Durable, Point::Settle]),
            think_ms: dice.pick(&[1, 20, 20, 300, 3000]),
            look_ms: dice.pick(&[300, 1000, 1000, 4000]),
            rates: rates(dice),
            crashes: if dice.below(2) == 0 { 1 + dice.below(4) } else { 0 },
            outages: if dice.below(4) == 0 { 1 + dice.below(2) } else { 0 },
            leaves: some(dice, 2, 400),
            twins: some(dice, 2, 500),
            page: dice.pick(&[2, 200]),
            options: Options {
                writers: dice.pick(&[2, 2, 2, 3]),
                turns: dice.pick(&[3, 3, 1]),
                queue_max: if crowded { dice.count(2, 4) } else { 5000 },
                batch_max: dice.pick(&[2, 4, 256, 256]),
                patience_ms: if crowded { dice.between(20, 500) } else { 10_000 },
                ..Options::default()
            },
            settings: Settings {
                payment_window_seconds: if rush { 86_400 } else { dice.pick(&[2, 15, 120, 1800]) },
                price_policy: dice.pick(&[PricePolicy::Reject, PricePolicy::Reject, PricePolicy::Accept]),
                payment_failure: dice.pick(&[FailurePolicy::Retry, FailurePolicy::Cancel]),
                checkout: CheckoutRules {
                    ttl_seconds: dice.pick(&[30, 3600]),
                    reserve_seconds: dice.pick(&[None, Some(5), Some(60)]),
                    ..CheckoutRules::default()
                },
                ..Settings::default()
            },
        }
    }

    /// Whether anything can keep the engine from learning what became of a save.
    pub fn may_leave_unsure(&self) -> bool {
        let Rates { away, not_durable, settle_away, settle_cut, .. } = self.rates;
        self.outages > 0 || away > 0 || not_durable > 0 || settle_away > 0 || settle_cut > 0
    }
}

/// A rate: in one of `one_in` seeds up to `most` thousandths, else nothing.
fn some(dice: &mut Dice, one_in: u64, most: u64) -> u64 {
    if dice.below(one_in) == 0 { 1 + dice.below(most) } else { 0 }
}

fn rates(dice: &mut Dice) -> Rates {
    Rates {
        away: some(dice, 4, 150),
        save_away: some(dice, 4, 150),
        lost: some(dice, 4, 120),
        unknown_not_saved: some(dice, 3, 120),
        unknown_saved: some(dice, 3, 250),
        late: some(dice, 3, 80),
        settle_away: some(dice, 3, 900),
        settle_cut: some(dice, 3, 600),
        not_durable: some(dice, 4, 100),
        query_away: some(dice, 4, 200),
        provider_deaf: some(dice, 4, 400),
        provider_mute: some(dice, 3, 500),
        provider_declines: some(dice, 4, 500),
        provider_tells: some(dice, 3, 600),
        provider_keeps: some(dice, 4, 400),
    }
}
