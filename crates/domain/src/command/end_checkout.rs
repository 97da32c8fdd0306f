//! Ends a checkout session whose time has passed.

use std::sync::Arc;

use super::draft::unchanged;
use super::start_checkout::written;
use super::{Answer, Command, Context, Decision, Stop, checkout_hold};
use crate::checkout::Status;
use crate::ids::SessionId;
use crate::tables::{Changes, Needs, View};

/// Ends a session if its time has passed; else does nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndCheckout {
    /// Which session.
    pub session_id: SessionId,
}

/// Whether it was ended by this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended(pub bool);

impl Answer for Ended {
    fn remember(&self) -> String {
        self.0.to_string()
    }

    fn recall(stored: &str, _: &View) -> Result<Self, Stop> {
        Ok(Self(stored == "true"))
    }
}

impl Command for EndCheckout {
    type Answer = Ended;
    const NAME: &'static str = "end_checkout";

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        needs.checkouts.insert(self.session_id.clone());
        if let Some(hold_id) = seen.checkouts.peek(&self.session_id).and_then(|checkout| checkout.hold_id) {
            needs.stock_of_hold(hold_id, seen);
        }
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<Ended>, Stop> {
        let Some(checkout) = seen.checkouts.get(&self.session_id)?.filter(|checkout| checkout.status == Status::Active) else {
            return Ok(unchanged(Ended(false)));
        };
        match checkout.status_at(cx.now) {
            Status::Active => Ok(unchanged(Ended(false))),
            ended => {
                let mut changes = Changes::default();
                checkout_hold::give_back(&mut changes, checkout, seen, cx)?;
                changes.checkouts = written(&Arc::new((**checkout).clone().changed(ended, &cx.settings.checkout, cx.now)));
                Ok(Decision { changes, answer: Ended(true) })
            }
        }
    }
}
