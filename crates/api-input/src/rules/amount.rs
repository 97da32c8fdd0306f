//! Money as callers write it: exact decimal text, from a JSON number or a string.

use domain::money::{AMOUNT_MAX, Decimal};

use super::super::document::Doc;
use super::{Broken, Rule, wrong_type};

/// More decimals than any currency has.
const DECIMALS_MAX: usize = 4;

/// An amount of nothing or more; its currency decides later whether it has too many decimals.
pub fn money() -> Money {
    Money
}

/// See [`money`].
#[derive(Debug, Clone, Copy)]
pub struct Money;

impl Rule for Money {
    type Value = Decimal;

    fn read_text(&self, sent: &str) -> Result<Decimal, Broken> {
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
        if sent.starts_with('-') {
            return Err(Broken::new("AMOUNT_OUT_OF_RANGE", "Must not be negative."));
        }
        decimal(whole, fraction.unwrap_or_default())
    }

    fn read(&self, sent: &Doc) -> Result<Decimal, Broken> {
        match sent {
            Doc::Number(text) | Doc::String(text) => self.read_text(text),
            _ => Err(wrong_type("an amount, as number or string")),
        }
    }

    fn stand_in(&self) -> Decimal {
        Decimal { mantissa: 0, scale: 0 }
    }
}

fn decimal(whole: &str, fraction: &str) -> Result<Decimal, Broken> {
    let scale = u8::try_from(fraction.len()).ok().filter(|_| fraction.len() <= DECIMALS_MAX);
    let scale = scale.ok_or_else(|| Broken::new("INVALID_AMOUNT_SCALE", format!("No currency has more than {DECIMALS_MAX} decimals.")))?;
    let mut mantissa = 0_i64;
    for digit in whole.bytes().chain(fraction.bytes()) {
        mantissa = mantissa * 10 + i64::from(digit - b'0');
        // Checked at each digit, so no text is long enough to overflow.
        if mantissa > AMOUNT_MAX {
            return Err(Broken::new("AMOUNT_OUT_OF_RANGE", format!("Is beyond the largest amount, {AMOUNT_MAX} minor units.")));
        }
    }
    Ok(Decimal { mantissa, scale })
}

#[cfg(test)]
mod tests {
    use super::super::checks::read;
    use super::*;
    use domain::money::{Currency, MoneyError};

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
            ("10000000000000.00", 2, Ok(AMOUNT_MAX)),
            ("1000000000000000", 0, Ok(AMOUNT_MAX)),
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
            let currency = Currency::from_code(match exponent {
                0 => "JPY",
                3 => "BHD",
                4 => "CLF",
                _ => "USD",
            })
            .unwrap();
            let minor = read(&money(), sent).and_then(|decimal| {
                decimal.to_minor(currency).map_err(|error| match error {
                    MoneyError::Scale { .. } => "INVALID_AMOUNT_SCALE",
                    MoneyError::Overflow | MoneyError::NoWeights => "AMOUNT_OUT_OF_RANGE",
                })
            });
            assert_eq!(minor, expected, "{sent} with {exponent} decimals");
        }
    }

    #[test]
    fn a_text_of_a_million_digits_is_refused_at_once() {
        let sent = format!("\"{}\"", "9".repeat(1_000_000));
        assert_eq!(read(&money(), &sent), Err("AMOUNT_OUT_OF_RANGE"));
        let sent = format!("\"0.{}\"", "0".repeat(1_000_000));
        assert_eq!(read(&money(), &sent), Err("INVALID_AMOUNT_SCALE"));
    }
}
