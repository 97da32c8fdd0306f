//! Whole numbers.

use std::fmt::Display;
use std::ops::RangeInclusive;

use super::super::document::Doc;
use super::{Broken, Rule, wrong_type};

/// A whole number in `range`, as any integer type that the range is written in.
pub fn int<T: Integer>(range: RangeInclusive<T>) -> Int<T> {
    Int { range, code: "OUT_OF_RANGE" }
}

/// The quantity of a line: 1 to 1,000,000.
pub fn quantity<T: Integer + From<u8> + TryFrom<u32>>() -> Int<T>
where
    <T as TryFrom<u32>>::Error: std::fmt::Debug,
{
    let most = T::try_from(1_000_000_u32).expect("quantities are read as 32 bits or more");
    Int { range: T::from(1_u8)..=most, code: "QUANTITY_OUT_OF_RANGE" }
}

/// An integer that a field can be read as.
pub trait Integer: Copy + PartialOrd + Display + TryFrom<i64> {}
impl<T: Copy + PartialOrd + Display + TryFrom<i64>> Integer for T {}

/// See [`int`].
#[derive(Debug, Clone)]
pub struct Int<T> {
    range: RangeInclusive<T>,
    code: &'static str,
}

impl<T: Integer> Int<T> {
    /// The same rule with its own code for a number outside of the range.
    pub fn code(self, code: &'static str) -> Self {
        Self { code, ..self }
    }
}

impl<T: Integer> Rule for Int<T> {
    type Value = T;

    fn read_text(&self, sent: &str) -> Result<T, Broken> {
        let digits = sent.strip_prefix('-').unwrap_or(sent);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong_type("a whole number, without fraction or exponent"));
        }
        // All digits: only a number too large fails to parse.
        let value = sent.parse::<i64>().ok().and_then(|value| T::try_from(value).ok());
        value
            .filter(|value| self.range.contains(value))
            .ok_or_else(|| Broken::new(self.code, format!("Must be from {} to {}.", self.range.start(), self.range.end())))
    }

    fn read(&self, sent: &Doc) -> Result<T, Broken> {
        match sent {
            Doc::Number(text) => self.read_text(text),
            _ => Err(wrong_type("a whole number, without fraction or exponent")),
        }
    }

    fn stand_in(&self) -> T {
        *self.range.start()
    }
}

#[cfg(test)]
mod tests {
    use super::super::checks::read;
    use super::*;

    #[test]
    fn only_a_plain_number_in_range_is_a_quantity() {
        for (sent, expected) in [
            ("1", Ok(1_u32)),
            ("1000000", Ok(1_000_000)),
            ("0", Err("QUANTITY_OUT_OF_RANGE")),
            ("-1", Err("QUANTITY_OUT_OF_RANGE")),
            ("1000001", Err("QUANTITY_OUT_OF_RANGE")),
            ("2147483648", Err("QUANTITY_OUT_OF_RANGE")),
            ("9223372036854775808", Err("QUANTITY_OUT_OF_RANGE")),
            ("-9223372036854775809", Err("QUANTITY_OUT_OF_RANGE")),
            ("123456789012345678901234567890", Err("QUANTITY_OUT_OF_RANGE")),
            ("1.5", Err("INVALID_TYPE")),
            ("1.0", Err("INVALID_TYPE")),
            ("1e0", Err("INVALID_TYPE")),
            ("1E2", Err("INVALID_TYPE")),
            ("1e999", Err("INVALID_TYPE")),
            ("\"2\"", Err("INVALID_TYPE")),
            ("true", Err("INVALID_TYPE")),
            ("{}", Err("INVALID_TYPE")),
            ("[1]", Err("INVALID_TYPE")),
        ] {
            assert_eq!(read(&quantity(), sent), expected, "{sent}");
        }
    }

    #[test]
    fn the_type_of_the_range_decides_the_type_of_the_value() {
        assert_eq!(read(&int(0..=u8::MAX), "255"), Ok(255_u8));
        assert_eq!(read(&int(0..=u8::MAX), "256"), Err("OUT_OF_RANGE"));
        assert_eq!(read(&int(i64::MIN..=i64::MAX), "-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(read(&int(-5..=5_i16).code("FAR"), "6"), Err("FAR"));
    }

    #[test]
    fn a_query_parameter_is_read_as_a_number() {
        for (sent, good) in [("7", true), ("", false), ("-", false), ("+7", false), (" 7", false), ("7.0", false), ("٧", false)] {
            assert_eq!(int(0..=9_i32).read_text(sent).is_ok(), good, "{sent}");
        }
    }
}
