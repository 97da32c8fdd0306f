//! Money: whole minor units of an ISO 4217 currency. Sums are checked, splits lose nothing, no float anywhere.

use std::fmt;

/// The largest amount that may stand anywhere, in minor units: ten trillion dollars.
///
/// Small enough that the sum of 500 lines of it stays inside an `i64`.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000_000;

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// US dollar.
    pub const USD: Self = Self(iso_currency::Currency::USD);
    /// Euro.
    pub const EUR: Self = Self(iso_currency::Currency::EUR);
    /// Japanese yen, which has no minor unit.
    pub const JPY: Self = Self(iso_currency::Currency::JPY);

    /// By its three capital letters. Codes that no amount can be in (`XXX`, `XTS`) and unknown ones: `None`.
    pub fn from_code(code: &str) -> Option<Self> {
        let currency = iso_currency::Currency::from_code(code)?;
        (currency.exponent().is_some() && !matches!(code, "XXX" | "XTS")).then_some(Self(currency))
    }

    /// Its three capital letters.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimals an amount has: 2 for USD, 0 for JPY, 3 for BHD.
    pub fn exponent(self) -> u8 {
        self.0.exponent().and_then(|digits| u8::try_from(digits).ok()).unwrap_or(2)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.code().cmp(other.code())
    }
}

/// Why an amount cannot be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MoneyError {
    /// Beyond [`AMOUNT_MAX`] in either direction.
    #[error("the amount is too large")]
    Overflow,
    /// More decimals than the currency has.
    #[error("{currency} has {exponent} decimals")]
    Scale {
        /// The currency.
        currency: Currency,
        /// Its decimals.
        exponent: u8,
    },
    /// A split needs at least one weight above zero.
    #[error("a split needs a weight above zero")]
    NoWeights,
}

/// A decimal number as the caller wrote it, before its currency is known: `mantissa / 10^scale`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decimal {
    /// All digits, without the point.
    pub mantissa: i64,
    /// Digits after the point.
    pub scale: u8,
}

impl Decimal {
    /// As minor units of `currency`. Trailing zeros beyond its decimals are refused too: `1.000` is no amount of USD.
    pub fn to_minor(self, currency: Currency) -> Result<i64, MoneyError> {
        let exponent = currency.exponent();
        let missing = exponent.checked_sub(self.scale).ok_or(MoneyError::Scale { currency, exponent })?;
        let factor = 10_i64.checked_pow(missing.into()).ok_or(MoneyError::Overflow)?;
        in_range(self.mantissa.checked_mul(factor))
    }
}

/// `minor` units as a decimal number with exactly the currency's decimals: `100.00`, `1000` for JPY.
pub fn to_text(minor: i64, currency: Currency) -> String {
    let exponent = usize::from(currency.exponent());
    // By hand: an order shows a dozen amounts, and each `format!` takes longer than all of this.
    let mut text = minor.unsigned_abs().to_string();
    while text.len() <= exponent {
        text.insert(0, '0');
    }
    if exponent > 0 {
        text.insert(text.len().saturating_sub(exponent), '.');
    }
    if minor < 0 {
        text.insert(0, '-');
    }
    text
}

/// `amount` when it is one that may stand anywhere.
fn in_range(amount: Option<i64>) -> Result<i64, MoneyError> {
    amount.filter(|minor| (-AMOUNT_MAX..=AMOUNT_MAX).contains(minor)).ok_or(MoneyError::Overflow)
}

/// `unit × quantity`, checked.
pub fn times(unit: i64, quantity: i64) -> Result<i64, MoneyError> {
    in_range(unit.checked_mul(quantity))
}

/// The sum, checked.
pub fn sum(amounts: impl IntoIterator<Item = i64>) -> Result<i64, MoneyError> {
    amounts.into_iter().try_fold(0_i64, |total, amount| in_range(total.checked_add(amount)))
}

/// Splits `total` into shares that add up to exactly `total`.
///
/// `weights`: one per share, none negative, not all zero. Shares keep that order; spare minor units go to the largest
/// remainders, the earlier share first. Errors: [`MoneyError::NoWeights`]. Source: largest-remainder method.
pub fn split(total: i64, weights: &[i64]) -> Result<Vec<i64>, MoneyError> {
    let sum: i128 = weights.iter().map(|weight| i128::from((*weight).max(0))).sum();
    if sum == 0 {
        return Err(MoneyError::NoWeights);
    }
    let negative = total < 0;
    let total = i128::from(total.unsigned_abs());
    let mut shares = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut given: i128 = 0;
    for (index, weight) in weights.iter().enumerate() {
        let exact = total.saturating_mul(i128::from((*weight).max(0)));
        let share = exact.div_euclid(sum);
        given = given.saturating_add(share);
        shares.push(share);
        remainders.push((exact.rem_euclid(sum), index));
    }
    remainders.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(&right.1)));
    let spare = usize::try_from(total.saturating_sub(given)).unwrap_or(0);
    for (_, index) in remainders.into_iter().take(spare) {
        if let Some(share) = shares.get_mut(index) {
            *share = share.saturating_add(1);
        }
    }
    shares
        .into_iter()
        .map(|share| {
            i64::try_from(share).map(|share| if negative { share.saturating_neg() } else { share }).map_err(|_| MoneyError::Overflow)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(mantissa: i64, scale: u8) -> Decimal {
        Decimal { mantissa, scale }
    }

    #[test]
    fn an_amount_has_no_more_decimals_than_its_currency() {
        let bhd = Currency::from_code("BHD").unwrap();
        for (input, currency, expected) in [
            (decimal(1999, 2), Currency::USD, Ok(1999)),
            (decimal(20, 0), Currency::USD, Ok(2000)),
            (decimal(1000, 0), Currency::JPY, Ok(1000)),
            (decimal(15, 1), Currency::JPY, Err(MoneyError::Scale { currency: Currency::JPY, exponent: 0 })),
            (decimal(1234, 3), bhd, Ok(1234)),
            (decimal(1001, 3), Currency::EUR, Err(MoneyError::Scale { currency: Currency::EUR, exponent: 2 })),
            (decimal(i64::MAX, 0), Currency::USD, Err(MoneyError::Overflow)),
            (decimal(AMOUNT_MAX, 2), Currency::USD, Ok(AMOUNT_MAX)),
            (decimal(AMOUNT_MAX + 1, 2), Currency::USD, Err(MoneyError::Overflow)),
        ] {
            assert_eq!(input.to_minor(currency), expected, "{input:?} {currency}");
        }
    }

    #[test]
    fn three_times_1999_is_5997() {
        assert_eq!(times(1999, 3), Ok(5997));
        assert_eq!(times(AMOUNT_MAX, 2), Err(MoneyError::Overflow));
        assert_eq!(times(i64::MAX, i64::MAX), Err(MoneyError::Overflow));
        assert_eq!(sum([AMOUNT_MAX, 1]), Err(MoneyError::Overflow));
        assert_eq!(sum([]), Ok(0));
    }

    #[test]
    fn an_amount_is_shown_with_exactly_the_decimals_of_its_currency() {
        let bhd = Currency::from_code("BHD").unwrap();
        for (minor, currency, text) in [
            (5997, Currency::USD, "59.97"),
            (5, Currency::USD, "0.05"),
            (-5, Currency::USD, "-0.05"),
            (1000, Currency::JPY, "1000"),
            (0, Currency::JPY, "0"),
            (1, bhd, "0.001"),
            (i64::MIN, Currency::USD, "-92233720368547758.08"),
        ] {
            assert_eq!(to_text(minor, currency), text);
        }
    }

    #[test]
    fn only_currencies_that_amounts_can_be_in_are_known() {
        for code in ["XXX", "XTS", "usd", "ABC", "USDX", ""] {
            assert_eq!(Currency::from_code(code), None, "{code}");
        }
        assert_eq!(Currency::from_code("JPY"), Some(Currency::JPY));
    }

    #[test]
    fn spare_units_go_to_the_largest_remainders() {
        assert_eq!(split(100, &[1, 1, 1]), Ok(vec![34, 33, 33]));
        assert_eq!(split(-100, &[1, 1, 1]), Ok(vec![-34, -33, -33]));
        assert_eq!(split(5, &[0, 0]), Err(MoneyError::NoWeights));
        assert_eq!(split(5, &[]), Err(MoneyError::NoWeights));
    }

    proptest! {
        #[test]
        fn a_split_loses_nothing(total in -AMOUNT_MAX..=AMOUNT_MAX, weights in prop::collection::vec(0_i64..=AMOUNT_MAX, 1..50)) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let shares = split(total, &weights).unwrap();
            prop_assert_eq!(shares.iter().map(|share| i128::from(*share)).sum::<i128>(), i128::from(total));
            for (share, weight) in shares.iter().zip(&weights) {
                prop_assert!(*weight > 0 || *share == 0);
            }
        }
    }
}
