//! The bytes of an order: made once, then only the key, the buyer and the SKUs are written over. Nothing is allocated an order.

use std::io::Write as _;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use super::target::Target;

/// Letters of a UUID.
const UUID_BYTES: usize = 36;

/// Digits of a SKU's number.
const SKU_DIGITS: usize = 5;

/// How many buyers there are: enough that none stands out, few enough that some come back.
const BUYERS: u64 = 10_000;

/// The first part of a buyer's UUID; the last twelve digits are his number.
const BUYER_PREFIX: &str = "00000000-0000-4000-8000-";

/// Digits of a buyer's number.
const BUYER_DIGITS: usize = 12;

/// Where the choices of a connection begin, so that two runs choose alike.
const SEED: u64 = 42;

/// The name of a SKU, from 1.
pub(crate) fn sku(number: u32) -> String {
    format!("bench-{number:0SKU_DIGITS$}")
}

/// A request that becomes another order each time.
pub(crate) struct Order {
    bytes: Vec<u8>,
    key_at: usize,
    buyer_at: usize,
    skus_at: Vec<usize>,
    skus: u32,
    chosen: Vec<u32>,
    choices: SmallRng,
    keys: SmallRng,
}

impl Order {
    /// For the connection of this number. `lines` beyond `skus` are left out.
    pub(crate) fn template(target: &Target, connection: u16, skus: u32, lines: u32) -> Self {
        let lines = usize::try_from(lines.min(skus)).expect("some hundreds");
        let line = format!(r#"{{"sku_id":"{}","qty":1,"expected_unit_price":10.00}}"#, sku(0));
        let items = vec![line.as_str(); lines].join(",");
        let body = format!(
            r#"{{"items":[{items}],"shipping_address_id":"addr-1","payment_method":"card_stub","user_id":"{BUYER_PREFIX}{:0BUYER_DIGITS$}"}}"#,
            0
        );
        let head = format!(
            "POST {}/api/v1/orders HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nIdempotency-Key: {}\r\n\r\n",
            target.base,
            target.host,
            body.len(),
            "0".repeat(UUID_BYTES)
        );
        let body_at = head.len();
        let number_at = line.find(&sku(0)).expect("it stands in the line") + sku(0).len() - SKU_DIGITS;
        let first = body_at + body.find(&items).expect("they stand in the body") + number_at;
        Self {
            key_at: body_at - "\r\n\r\n".len() - UUID_BYTES,
            buyer_at: body_at + body.len() - r#""}"#.len() - BUYER_DIGITS,
            skus_at: (0..lines).map(|at| first + at * (line.len() + 1)).collect(),
            bytes: [head, body].concat().into_bytes(),
            skus,
            chosen: Vec::with_capacity(lines),
            choices: SmallRng::seed_from_u64(SEED + u64::from(connection)),
            keys: SmallRng::from_os_rng(),
        }
    }

    /// The next order, with a key that nobody has used.
    pub(crate) fn next(&mut self) -> &[u8] {
        let key = uuid::Builder::from_random_bytes(self.keys.random()).into_uuid();
        key.hyphenated().encode_lower(&mut self.bytes[self.key_at..self.key_at + UUID_BYTES]);
        let buyer = self.choices.random_range(0..BUYERS);
        write_digits(&mut self.bytes[self.buyer_at..], buyer, BUYER_DIGITS);
        self.chosen.clear();
        for at in &self.skus_at {
            let sku = loop {
                let sku = self.choices.random_range(1..=self.skus);
                if !self.chosen.contains(&sku) {
                    break sku;
                }
            };
            self.chosen.push(sku);
            write_digits(&mut self.bytes[*at..], sku.into(), SKU_DIGITS);
        }
        &self.bytes
    }
}

fn write_digits(mut place: &mut [u8], number: u64, digits: usize) {
    write!(place, "{number:0digits$}").expect("the place is inside the request");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Order, Target};

    fn parts(request: &[u8]) -> (String, serde_json::Value) {
        let text = std::str::from_utf8(request).expect("is text");
        let (head, body) = text.split_once("\r\n\r\n").expect("has a head");
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
        let (_, key) = head.rsplit_once("Idempotency-Key: ").expect("has a key");
        (key.to_owned(), serde_json::from_str(body).expect("is JSON"))
    }

    #[test]
    fn each_order_has_its_own_key_and_distinct_skus_that_exist() {
        let target = Target::parse("http://127.0.0.1:1/shop").expect("is right");
        let mut order = Order::template(&target, 3, 4, 3);
        let mut keys = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for _ in 0..200 {
            let (key, body) = parts(order.next());
            assert!(uuid::Uuid::parse_str(&key).is_ok() && keys.insert(key));
            assert!(uuid::Uuid::parse_str(body["user_id"].as_str().expect("is text")).is_ok());
            let skus: BTreeSet<_> = body["items"].as_array().expect("is a list").iter().map(|item| item["sku_id"].to_string()).collect();
            assert_eq!(skus.len(), 3);
            assert_eq!(body["items"][0]["expected_unit_price"], 10.0);
            seen.extend(skus);
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["\"bench-00001\"", "\"bench-00002\"", "\"bench-00003\"", "\"bench-00004\""]);
    }

    #[test]
    fn one_sku_makes_one_line() {
        let target = Target::parse("http://127.0.0.1:1").expect("is right");
        let (_, body) = parts(Order::template(&target, 0, 1, 2).next());
        assert_eq!(body["items"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn two_runs_choose_alike_and_use_other_keys() {
        let target = Target::parse("http://127.0.0.1:1").expect("is right");
        let run = || parts(Order::template(&target, 7, 99_999, 2).next());
        let (first, second) = (run(), run());
        assert_eq!(first.1, second.1);
        assert_ne!(first.0, second.0);
    }
}
