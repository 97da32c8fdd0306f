//! A moment, to the millisecond. Nobody here reads a clock: moments come in with the [`Context`](crate::command::Context).

use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(pub i64);

impl Time {
    /// This moment and `seconds` more.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// The calendar year in UTC.
    pub fn year(self) -> i32 {
        i32::try_from(self.date().0).unwrap_or(i32::MAX)
    }

    /// The moment that this text shows, exactly as [`Display`](fmt::Display) writes it.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |begin: usize, end: usize| text.get(begin..end)?.parse::<i64>().ok();
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let of_day =
            number(11, 13)?.saturating_mul(3600).saturating_add(number(14, 16)?.saturating_mul(60)).saturating_add(number(17, 19)?);
        let seconds = days_to(year, month, day).saturating_mul(86_400).saturating_add(of_day);
        let time = Self(seconds.saturating_mul(1000).saturating_add(number(20, 23)?));
        // Whatever was not a moment is shown in another way.
        (time.to_string() == text).then_some(time)
    }

    /// Year, month and day in UTC.
    ///
    /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    const fn date(self) -> (i64, i64, i64) {
        let days = self.0.div_euclid(86_400_000).saturating_add(719_468);
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = day_of_era
            .saturating_sub(day_of_era.div_euclid(1460))
            .saturating_add(day_of_era.div_euclid(36_524))
            .saturating_sub(day_of_era.div_euclid(146_096))
            .div_euclid(365);
        let leap_days = year_of_era.div_euclid(4).saturating_sub(year_of_era.div_euclid(100));
        let day_of_year = day_of_era.saturating_sub(year_of_era.saturating_mul(365).saturating_add(leap_days));
        let year = year_of_era.saturating_add(era.saturating_mul(400));
        // Years begin in March here: January and February belong to the next one.
        let march_month = day_of_year.saturating_mul(5).saturating_add(2).div_euclid(153);
        let day = day_of_year.saturating_sub(march_month.saturating_mul(153).saturating_add(2).div_euclid(5)).saturating_add(1);
        let (year, month) =
            if march_month < 10 { (year, march_month.saturating_add(3)) } else { (year.saturating_add(1), march_month.saturating_sub(9)) };
        (year, month, day)
    }
}

/// Days from 1970-01-01.
///
/// Source: as for [`Time::date`], `days_from_civil`.
const fn days_to(year: i64, month: i64, day: i64) -> i64 {
    let march_year = if month <= 2 { year.saturating_sub(1) } else { year };
    let march_month = if month > 2 { month.saturating_sub(3) } else { month.saturating_add(9) };
    let era = march_year.div_euclid(400);
    let year_of_era = march_year.rem_euclid(400);
    let day_of_year = march_month.saturating_mul(153).saturating_add(2).div_euclid(5).saturating_add(day).saturating_sub(1);
    let leap_days = year_of_era.div_euclid(4).saturating_sub(year_of_era.div_euclid(100));
    let day_of_era = year_of_era.saturating_mul(365).saturating_add(leap_days).saturating_add(day_of_year);
    era.saturating_mul(146_097).saturating_add(day_of_era).saturating_sub(719_468)
}

/// RFC 3339 in UTC, always with milliseconds: `2026-11-20T10:24:09.000Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let of_day = self.0.rem_euclid(86_400_000);
        let (hour, minute) = (of_day.div_euclid(3_600_000), of_day.div_euclid(60_000).rem_euclid(60));
        let (second, ms) = (of_day.div_euclid(1000).rem_euclid(60), of_day.rem_euclid(1000));
        if !(0..=9999).contains(&year) {
            return write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z");
        }
        // By hand: an order shows several moments, and seven padded numbers take `write!` ten times as long.
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let parts = [(0..4, year), (5..7, month), (8..10, day), (11..13, hour), (14..16, minute), (17..19, second), (20..23, ms)];
        for (place, mut number) in parts {
            for digit in text[place].iter_mut().rev() {
                *digit = digit.saturating_add(u8::try_from(number.rem_euclid(10)).unwrap_or(0));
                number = number.div_euclid(10);
            }
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_year_turns_at_midnight_utc() {
        for (ms, year) in [
            (0, 1970),
            (-1, 1969),
            (951_782_399_999, 2000),   // 2000-02-28
            (951_868_799_999, 2000),   // leap day
            (1_704_067_199_999, 2023), // last ms of 2023
            (1_704_067_200_000, 2024), // first ms of 2024
            (1_735_689_599_999, 2024), // last ms of a leap year
            (1_735_689_600_000, 2025),
            (4_102_444_800_000, 2100),
            (4_107_542_400_000, 2100), // 2100-03-01, no leap year
        ] {
            assert_eq!(Time(ms).year(), year, "{ms}");
        }
    }
    #[test]
    fn a_moment_is_shown_with_milliseconds_in_utc() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_170_249_007, "2026-11-20T10:24:09.007Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Time(ms).to_string(), text);
            assert_eq!(Time::parse(text), Some(Time(ms)), "{text}");
        }
    }

    #[test]
    fn only_what_is_shown_for_a_moment_is_read_as_one() {
        for text in [
            "",
            "2026-11-20",
            "2026-11-20T10:24:09Z",
            "2026-11-20T10:24:09.007+00:00",
            "2026-11-20t10:24:09.007z",
            "2026-02-30T00:00:00.000Z",
            "2026-13-01T00:00:00.000Z",
            "2026-11-20T24:00:00.000Z",
            "2026-11-20T10:24:60.000Z",
            "+026-11-20T10:24:09.007Z",
            "2026-11-20T10:24:09.007Zé",
        ] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
        for ms in (-62_000_000_000_000..253_000_000_000_000_i64).step_by(7_777_777_777_777) {
            assert_eq!(Time::parse(&Time(ms).to_string()), Some(Time(ms)), "{ms}");
        }
    }
}
