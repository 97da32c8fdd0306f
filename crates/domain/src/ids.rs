//! Names of things. One type each, so that two of them cannot be swapped. They are made at the edge, never here.

use std::fmt;
use std::sync::Arc;

pub use uuid::Uuid;

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub Uuid);

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

macro_rules! text_ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub Arc<str>);

        impl $name {
            /// The name as its owner wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.into())
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

uuid_ids! {
    /// An order.
    OrderId,
    /// A line of an order.
    OrderItemId,
    /// A fact of an order.
    OrderEventId,
    /// An attempt to be paid.
    PaymentId,
    /// A price of a SKU.
    OfferId,
    /// A message in the outbox.
    MessageId,
    /// A hold on tickets, ours or a foreign inventory's.
    HoldId,
    /// Money on its way back.
    RefundId,
    /// Goods on their way.
    ShipmentId,
    /// Something that needs a person.
    TaskId,
    /// A cart.
    CartId,
    /// A line of a cart.
    CartItemId,
}

text_ids! {
    /// A sellable unit, named by the caller.
    SkuId,
    /// A product that SKUs belong to, named by the caller.
    ProductId,
    /// A customer, named by the caller's identity provider.
    UserId,
    /// A guest's visit, named by the storefront. Whoever knows it may use what belongs to it.
    SessionId,
    /// An address kept elsewhere.
    AddressId,
}

/// The number that people read: `ORD-2026-00042`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OrderNumber {
    /// UTC year of the order.
    pub year: i32,
    /// From 1 in each year; five digits or more when shown.
    pub serial: i64,
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ORD-{:04}-{:05}", self.year, self.serial)
    }
}

impl OrderNumber {
    /// Reads the form that [`fmt::Display`] writes; nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, serial) = text.strip_prefix("ORD-")?.split_once('-')?;
        let number = Self { year: year.parse().ok()?, serial: serial.parse().ok()? };
        (number.to_string() == text).then_some(number)
    }
}

/// The ids of one command: the n-th is the same whenever the command is decided again.
///
/// Each is a version 7 UUID: 48 bits of time, 12 bits of `n`, 62 bits from the seed. Ids of one command therefore rise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mint {
    /// Milliseconds since 1970.
    pub time: crate::time::Time,
    /// From a cryptographic random source, one per command.
    pub seed: u64,
}

impl Mint {
    /// The `n`-th id; `n` below 4096.
    pub fn id(&self, n: u16) -> Uuid {
        let ms = u128::try_from(self.time.0.max(0)).unwrap_or(0) & 0xffff_ffff_ffff;
        let n = u128::from(n & 0x0fff);
        // SplitMix64: two counters never give the same bits for one seed, and neighbours look unrelated.
        let mut bits = self.seed ^ u64::try_from(n).unwrap_or(0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let random = u128::from(bits) & 0x3fff_ffff_ffff_ffff;
        Uuid::from_u128((ms << 80) | (0x7 << 76) | (n << 64) | (0b10 << 62) | random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    #[test]
    fn minted_ids_are_version_7_distinct_and_rising() {
        let mint = Mint { time: Time(1_763_634_000_123), seed: 42 };
        let ids: Vec<Uuid> = (0..4096).map(|n| mint.id(n)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
        assert_eq!(mint.id(7), Mint { time: Time(1_763_634_000_123), seed: 42 }.id(7));
        assert_ne!(mint.id(0), Mint { time: mint.time, seed: 43 }.id(0));
    }

    #[test]
    fn an_order_number_has_five_digits_or_more() {
        assert_eq!(OrderNumber { year: 2026, serial: 1 }.to_string(), "ORD-2026-00001");
        assert_eq!(OrderNumber { year: 2026, serial: 1_234_567 }.to_string(), "ORD-2026-1234567");
        assert_eq!(OrderNumber::parse("ORD-2026-00042"), Some(OrderNumber { year: 2026, serial: 42 }));
        for wrong in ["ORD-2026-42", "ORD-26-00042", "ord-2026-00042", "ORD-2026-00042 ", "ORD-2026-+0042", ""] {
            assert_eq!(OrderNumber::parse(wrong), None, "{wrong}");
        }
    }
}
