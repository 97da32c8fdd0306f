//! Money as callers write it: exact decimal text, from a JSON number or a string, to minor units.

use super::super::document::Doc;
use super::{Broken, Rule, wrong_type};

/// The largest amount, in minor units. A thousand lines of it still fit an `i64`.
pub(crate) const AMOUNT_MINOR_MAX: i64 = 1_000_000_000_000_000;

/// An amount of nothing or more, kept as text until the currency is known.
pub(crate) fn money() -> Money {
    Money { sign: Sign::NeverNegative }
}

/// An amount that may be below zero.
pub(crate) fn signed_money() -> Money {
    Money { sign: Sign::Any }
}

/// See [`money`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Money {
    sign: Sign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    NeverNegative,
    Any,
}

impl Money {
    /// The same rule for a known currency: reads to minor units of so many decimals.
    pub(crate) fn decimals(self, exponent: u8) -> MinorUnits {
        MinorUnits { money: self, exponent }
    }
}

/// See [`Money::decimals`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct MinorUnits {
    money: Money,
    exponent: u8,
}

/// A well-formed decimal: `12`, `0.50`, `-3.1`. Its currency decides whether it has too many decimals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DecimalText(String);

impl DecimalText {
    /// The text as sent.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Minor units of a currency with that many decimals: `12.5` with 2 is 1250.
    pub(crate) fn to_minor(&self, exponent: u8) -> Result<i64, Broken> {
        let (negative, digits) = match self.0.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, self.0.as_str()),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let missing = usize::from(exponent).checked_sub(fraction.len()).ok_or_else(|| {
            let most = match exponent {
                0 => "no decimals".to_owned(),
                1 => "at most 1 decimal".to_owned(),
                more => format!("at most {more} decimals"),
            };
            Broken::new("INVALID_AMOUNT_SCALE", format!("The currency has {most}."))
        })?;
        let zeros = std::iter::repeat_n(b'0', missing);
        let mut minor = 0_i64;
        for digit in whole.bytes().chain(fraction.bytes()).chain(zeros) {
            minor = minor * 10 + i64::from(digit - b'0');
            // Checked at each digit, so no text is long enough to overflow.
            if minor > AMOUNT_MINOR_MAX {
                return Err(out_of_range());
            }
        }
        Ok(if negative { -minor } else { minor })
    }
}

impl Rule for Money {
    type Value = DecimalText;

    fn read_text(&self, sent: &str) -> Result<DecimalText, Broken> {
        let digits = sent.strip_prefix('-').unwrap_or(sent);
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let good = is_digits(whole) && (whole == "0" || !whole.starts_with('0')) && fraction.is_none_or(is_digits);
        if !good {
            let message = "Must be a plain decimal such as 12.50, without exponent, separators or leading zeros.";
            return Err(Broken::new("INVALID_AMOUNT", message));
        }
        if sent.starts_with('-') && self.sign == Sign::NeverNegative {
            return Err(Broken::new("AMOUNT_OUT_OF_RANGE", "Must not be negative."));
        }
        Ok(DecimalText(sent.to_owned()))
    }

    fn read(&self, sent: &Doc) -> Result<DecimalText, Broken> {
        match sent {
            Doc::Number(text) | Doc::String(text) => self.read_text(text),
            _ => Err(wrong_type("an amount, as number or string")),
        }
    }

    fn stand_in(&self) -> DecimalText {
        DecimalText("0".to_owned())
    }
}

impl Rule for MinorUnits {
    type Value = i64;

    fn read_text(&self, sent: &str) -> Result<i64, Broken> {
        self.money.read_text(sent)?.to_minor(self.exponent)
    }

    fn read(&self, sent: &Doc) -> Result<i64, Broken> {
        self.money.read(sent)?.to_minor(self.exponent)
    }

    fn stand_in(&self) -> i64 {
        0
    }
}

fn out_of_range() -> Broken {
    Broken::new("AMOUNT_OUT_OF_RANGE", "Is beyond the largest amount, 1000000000000000 minor units.")
}

#[cfg(test)]
mod tests {
    use super::super::checks::read;
    use super::*;

    #[test]
    fn amounts_become_minor_units_without_loss() {
        for (sent, exponent, expected) in [
            ("100", 2, Ok(10_000)),
            ("100.00", 2, Ok(10_000)),
            ("\"100.00\"", 2, Ok(10_000)),
            ("0.1", 2, Ok(10)),
            ("0.10", 2, Ok(10)),
            ("0", 2, Ok(0)),
            ("\"0.00\"", 2, Ok(0)),
            ("1000", 0, Ok(1_000)),
            ("1.234", 3, Ok(1_234)),
            ("0.0001", 4, Ok(1)),
            ("4.35", 2, Ok(435)),
            ("10000000000000.00", 2, Ok(AMOUNT_MINOR_MAX)),
            ("1000000000000000", 0, Ok(AMOUNT_MINOR_MAX)),
            ("10000000000000.01", 2, Err("AMOUNT_OUT_OF_RANGE")),
            ("1000000000000001", 0, Err("AMOUNT_OUT_OF_RANGE")),
            ("99999999999999999999999999999999999999", 0, Err("AMOUNT_OUT_OF_RANGE")),
            ("9223372036854775807", 2, Err("AMOUNT_OUT_OF_RANGE")),
            ("1.5", 0, Err("INVALID_AMOUNT_SCALE")),
            ("1.0", 0, Err("INVALID_AMOUNT_SCALE")),
            ("1.001", 2, Err("INVALID_AMOUNT_SCALE")),
            ("100.000", 2, Err("INVALID_AMOUNT_SCALE")),
            ("-5", 2, Err("AMOUNT_OUT_OF_RANGE")),
            ("\"-5.00\"", 2, Err("AMOUNT_OUT_OF_RANGE")),
            ("\"-0\"", 2, Err("AMOUNT_OUT_OF_RANGE")),
            ("1e2", 2, Err("INVALID_AMOUNT")),
            ("1E-2", 2, Err("INVALID_AMOUNT")),
            ("1e999", 2, Err("INVALID_AMOUNT")),
            ("\"1e2\"", 2, Err("INVALID_AMOUNT")),
            ("\"1,000.00\"", 2, Err("INVALID_AMOUNT")),
            ("\"1 000\"", 2, Err("INVALID_AMOUNT")),
            ("\"1_000\"", 2, Err("INVALID_AMOUNT")),
            ("\"1.000,00\"", 2, Err("INVALID_AMOUNT")),
            ("\"1.2.3\"", 2, Err("INVALID_AMOUNT")),
            ("\"+5\"", 2, Err("INVALID_AMOUNT")),
            ("\"05\"", 2, Err("INVALID_AMOUNT")),
            ("\"00\"", 2, Err("INVALID_AMOUNT")),
            ("\".5\"", 2, Err("INVALID_AMOUNT")),
            ("\"5.\"", 2, Err("INVALID_AMOUNT")),
            ("\"\"", 2, Err("INVALID_AMOUNT")),
            ("\"-\"", 2, Err("INVALID_AMOUNT")),
            ("\" 5\"", 2, Err("INVALID_AMOUNT")),
            ("\"NaN\"", 2, Err("INVALID_AMOUNT")),
            ("\"Infinity\"", 2, Err("INVALID_AMOUNT")),
            ("\"0x10\"", 2, Err("INVALID_AMOUNT")),
            ("\"5 EUR\"", 2, Err("INVALID_AMOUNT")),
            ("\"٥\"", 2, Err("INVALID_AMOUNT")),
            ("true", 2, Err("INVALID_TYPE")),
            ("[5]", 2, Err("INVALID_TYPE")),
            ("{\"amount\":5}", 2, Err("INVALID_TYPE")),
        ] {
            assert_eq!(read(&money().decimals(exponent), sent), expected, "{sent} with {exponent} decimals");
        }
    }

    #[test]
    fn a_signed_amount_may_be_negative() {
        for (sent, expected) in [("-5", -500), ("\"-0.05\"", -5), ("7.5", 750), ("-10000000000000", -AMOUNT_MINOR_MAX)] {
            assert_eq!(read(&signed_money().decimals(2), sent), Ok(expected), "{sent}");
        }
        assert_eq!(read(&signed_money().decimals(2), "-10000000000000.01"), Err("AMOUNT_OUT_OF_RANGE"));
        assert_eq!(read(&signed_money().decimals(2), "\"--5\""), Err("INVALID_AMOUNT"));
    }

    #[test]
    fn the_text_waits_for_its_currency() {
        let text = read(&money(), "12.50").unwrap();
        assert_eq!(text.as_str(), "12.50");
        assert_eq!(text.to_minor(2), Ok(1_250));
        assert_eq!(text.to_minor(3), Ok(12_500));
        assert_eq!(text.to_minor(0).unwrap_err().code, "INVALID_AMOUNT_SCALE");
    }

    #[test]
    fn a_text_of_a_million_digits_is_refused_at_once() {
        let sent = format!("\"{}\"", "9".repeat(1_000_000));
        assert_eq!(read(&money().decimals(2), &sent), Err("AMOUNT_OUT_OF_RANGE"));
        let sent = format!("\"0.{}\"", "0".repeat(1_000_000));
        assert_eq!(read(&money().decimals(2), &sent), Err("INVALID_AMOUNT_SCALE"));
    }
}
