//! Gives the units of a hold back: because its caller says so, or because its time has passed.

use super::draft::unchanged;
use super::end_checkout::Ended;
use super::place_hold::decided;
use super::{Command, Context, Decision, HoldAnswer, Stop, booking};
use crate::hold::Status;
use crate::ids::HoldId;
use crate::refusal::HoldRefusal;
use crate::stock::Operation;
use crate::tables::{Changes, Needs, View};

/// Gives the units of a hold back, unless an order has it. One that was given back stays so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReleaseHold {
    /// Which hold.
    pub hold_id: HoldId,
}

/// Gives the units of a hold back if its time has passed; else does nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExpireHold {
    /// Which hold.
    pub hold_id: HoldId,
}

impl Command for ReleaseHold {
    type Answer = HoldAnswer;
    const NAME: &'static str = "release_hold";

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        needs.stock_of_hold(self.hold_id, seen);
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<HoldAnswer>, Stop> {
        let hold = seen.holds.get(&self.hold_id)?.filter(|hold| !hold.is_foreign());
        let hold = hold.ok_or(HoldRefusal::NotFound(self.hold_id))?;
        if cx.only_if.as_ref().is_some_and(|versions| !versions.contains(&hold.version)) {
            return Err(HoldRefusal::VersionMismatch(hold.version).into());
        }
        match hold.status {
            Status::Released | Status::Expired => Ok(unchanged(HoldAnswer(hold.clone()))),
            Status::Active if hold.order_id.is_none() => {
                let status = if hold.is_over(cx.now) { Status::Expired } else { Status::Released };
                let mut changes = Changes::default();
                booking::end(&mut changes, hold, status, Operation::Release, cx.now);
                Ok(decided(changes))
            }
            Status::Active | Status::Committed => Err(HoldRefusal::InUse(self.hold_id).into()),
        }
    }
}

impl Command for ExpireHold {
    type Answer = Ended;
    const NAME: &'static str = "expire_hold";

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        needs.stock_of_hold(self.hold_id, seen);
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<Ended>, Stop> {
        let hold = seen.holds.get(&self.hold_id)?;
        let Some(hold) = hold.filter(|hold| hold.status == Status::Active && hold.order_id.is_none() && hold.is_over(cx.now)) else {
            return Ok(unchanged(Ended(false)));
        };
        let mut changes = Changes::default();
        booking::end(&mut changes, hold, Status::Expired, Operation::Release, cx.now);
        Ok(Decision { changes, answer: Ended(true) })
    }
}
