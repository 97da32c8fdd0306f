//! Settings that are one word out of a few.

use super::kinds::{Kind, Setting, Why};

/// An enum, and the word in the file for each of its members.
macro_rules! words {
    ($( $(#[doc = $doc:literal])+ enum $name:ident { $( $(#[doc = $about:literal])+ $member:ident = $word:literal, )+ } )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum $name {
            $( $(#[doc = $about])+ $member, )+
        }

        impl Setting for $name {
            const KIND: Kind = Kind::Words(&[$($word),+]);

            fn read(text: &str, _: &Kind) -> Result<Self, Why> {
                match text {
                    $( $word => Ok(Self::$member), )+
                    _ => Err(None),
                }
            }
        }
    )+ };
}

words! {
    /// Who may call.
    enum AuthMode {
        /// Everybody, as admin.
        Off = "off",
        /// Who shows an API key or a token.
        On = "on",
    }

    /// Who takes the money.
    enum PaymentProvider {
        /// Nobody: answers are pretended.
        Stub = "stub",
        /// Stripe.
        Stripe = "stripe",
    }

    /// What becomes of an order whose payment failed.
    enum OnFailure {
        /// It waits for another try.
        Retry = "retry",
        /// It is canceled.
        Cancel = "cancel",
    }

    /// What becomes of an order whose prices changed.
    enum PricePolicy {
        /// It is refused.
        Reject = "reject",
        /// It is placed at the new prices.
        Accept = "accept",
    }

    /// When checkout reserves stock.
    enum ReserveAt {
        /// When it is confirmed.
        Confirm = "confirm",
        /// When it starts.
        Start = "start",
    }

    /// How and where tax is rounded.
    enum TaxRounding {
        /// Half up, each line.
        HalfUp = "half_up",
        /// Half to even, each line.
        HalfEven = "half_even",
        /// Down, each line.
        Down = "down",
        /// Half up, the total.
        HalfUpTotal = "half_up_total",
        /// Half to even, the total.
        HalfEvenTotal = "half_even_total",
        /// Down, the total.
        DownTotal = "down_total",
    }

    /// What a log line looks like.
    enum LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}
