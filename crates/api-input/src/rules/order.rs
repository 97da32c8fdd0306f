//! Which orders a list is to show.

use domain::ids::OrderNumber;
use domain::order::Status;

use super::{Broken, Rule, identifier, text};

/// One status or several, set apart by commas: `CREATED,PAID`.
pub fn statuses() -> Statuses {
    Statuses
}

/// See [`statuses`].
#[derive(Debug, Clone, Copy)]
pub struct Statuses;

const STATUS_WORDS: &[&str] =
    &["CREATED", "PAYMENT_PENDING", "PAID", "READY_TO_SHIP", "SHIPPED", "DELIVERED", "CANCELED", "REFUND_PENDING", "REFUNDED"];

impl Rule for Statuses {
    type Value = Vec<Status>;

    fn read_text(&self, sent: &str) -> Result<Vec<Status>, Broken> {
        let words = text(1..=200).read_text(sent)?;
        let unknown = || Broken::new("INVALID_VALUE", format!("Must be of {}.", STATUS_WORDS.join(", ")));
        words.split(',').filter(|word| !word.is_empty()).map(|word| Status::parse(word).ok_or_else(unknown)).collect()
    }

    fn stand_in(&self) -> Vec<Status> {
        Vec::new()
    }
}

/// The number of an order, `ORD-2026-00042`.
pub fn order_number() -> Number {
    Number
}

/// See [`order_number`].
#[derive(Debug, Clone, Copy)]
pub struct Number;

impl Rule for Number {
    type Value = Option<OrderNumber>;

    fn read_text(&self, sent: &str) -> Result<Option<OrderNumber>, Broken> {
        let text = identifier().read_text(sent)?;
        let number = OrderNumber::parse(&text);
        let is_none = || Broken::new("INVALID_VALUE", "Must be an order number such as ORD-2026-00042.");
        number.map(Some).ok_or_else(is_none)
    }

    fn stand_in(&self) -> Option<OrderNumber> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_among_the_words_that_are_told() {
        for word in STATUS_WORDS {
            assert!(Status::parse(word).is_some(), "{word}");
        }
        assert_eq!(statuses().read_text("PAID,CREATED"), Ok(vec![Status::Paid, Status::Created]));
        for (sent, code) in [("paid", "INVALID_VALUE"), ("PAID,x", "INVALID_VALUE"), ("", statuses().read_text("").unwrap_err().code)] {
            assert_eq!(statuses().read_text(sent).unwrap_err().code, code, "{sent}");
        }
    }

    #[test]
    fn a_number_is_one_of_ours() {
        assert!(order_number().read_text("ORD-2026-00042").unwrap().is_some());
        assert_eq!(order_number().read_text("42").unwrap_err().code, "INVALID_VALUE");
    }
}
