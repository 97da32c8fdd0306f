//! Money as a JSON number with exactly the decimals of its currency: `100.00`, `1000`, `-0.05`.

use domain::money::Currency;
use serde::{Serialize, Serializer};

/// Minor units of a currency: 12550 of USD is 125.50.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount {
    /// Minor units, such as cents.
    pub(crate) minor: i64,
    /// Their currency.
    pub(crate) currency: Currency,
}

/// Only `serde_json` writes the number as it is; a float would lose the trailing zeros and, above 2^53, digits.
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        engine::wire::amount(self.minor, self.currency).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_number_inside_of_a_document() {
        #[derive(Serialize)]
        struct Line {
            price: Amount,
            tax: Option<Amount>,
        }
        let line = Line { price: Amount { minor: 250, currency: Currency::USD }, tax: None };
        assert_eq!(serde_json::to_string(&line).unwrap(), r#"{"price":2.50,"tax":null}"#);
    }
}
