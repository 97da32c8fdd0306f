//! Money as a JSON number with exactly the decimals of its currency: `100.00`, `1000`, `-0.05`.

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// Minor units and how many decimals they are: 12550 with 2 is 125.50.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount {
    /// Minor units, such as cents.
    pub(crate) minor: i64,
    /// Decimals of the currency.
    pub(crate) exponent: u8,
}

impl Amount {
    /// The decimal text, also what the JSON number looks like.
    pub(crate) fn text(self) -> String {
        let sign = if self.minor < 0 { "-" } else { "" };
        let magnitude = self.minor.unsigned_abs();
        let decimals = usize::from(self.exponent);
        if decimals == 0 {
            return format!("{sign}{magnitude}");
        }
        let digits = format!("{magnitude:0>width$}", width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        format!("{sign}{whole}.{fraction}")
    }
}

/// Only `serde_json` writes the number as it is; a float would lose the trailing zeros and, above 2^53, digits.
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.text()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_exactly_the_decimals_of_its_currency() {
        for (minor, exponent, expected) in [
            (10_000, 2, "100.00"),
            (12_550, 2, "125.50"),
            (0, 2, "0.00"),
            (5, 2, "0.05"),
            (-5, 2, "-0.05"),
            (-100, 2, "-1.00"),
            (99, 2, "0.99"),
            (1_000, 0, "1000"),
            (0, 0, "0"),
            (-7, 0, "-7"),
            (1_234, 3, "1.234"),
            (1, 3, "0.001"),
            (12_345, 4, "1.2345"),
            (1, 1, "0.1"),
            (1_000_000_000_000_000, 2, "10000000000000.00"),
            (i64::MAX, 2, "92233720368547758.07"),
            (i64::MIN, 2, "-92233720368547758.08"),
            (i64::MIN, 0, "-9223372036854775808"),
            (i64::MIN, 20, "-0.09223372036854775808"),
        ] {
            let json = serde_json::to_string(&Amount { minor, exponent }).unwrap();
            assert_eq!(json, expected);
        }
    }

    #[test]
    fn an_amount_is_a_number_inside_of_a_document() {
        #[derive(Serialize)]
        struct Line {
            price: Amount,
            tax: Option<Amount>,
        }
        let line = Line { price: Amount { minor: 250, exponent: 2 }, tax: None };
        assert_eq!(serde_json::to_string(&line).unwrap(), r#"{"price":2.50,"tax":null}"#);
    }
}
