//! Times as RFC 3339 in UTC, always with three decimals: `2026-11-20T10:24:09.000Z`.

use serde::{Serialize, Serializer};

/// Milliseconds since 1970, written as a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UtcTime(pub(crate) i64);

/// 0000-01-01T00:00:00.000Z; no four digits name a time before.
const FIRST_MS: i64 = -62_167_219_200_000;

/// 9999-12-31T23:59:59.999Z.
const LAST_MS: i64 = 253_402_300_799_999;

const DAY_MS: i64 = 86_400_000;

impl UtcTime {
    /// The time as text. Times outside of the years 0 to 9999 are written as the nearest inside.
    pub(crate) fn text(self) -> String {
        self.with_text(str::to_owned)
    }

    fn with_text<T>(self, then: impl FnOnce(&str) -> T) -> T {
        let ms = self.0.clamp(FIRST_MS, LAST_MS);
        let (year, month, day) = civil_from_days(ms.div_euclid(DAY_MS));
        let of_day = ms.rem_euclid(DAY_MS);
        let mut out = *b"0000-00-00T00:00:00.000Z";
        put(&mut out[0..4], year);
        put(&mut out[5..7], month);
        put(&mut out[8..10], day);
        put(&mut out[11..13], of_day / 3_600_000);
        put(&mut out[14..16], of_day / 60_000 % 60);
        put(&mut out[17..19], of_day / 1_000 % 60);
        put(&mut out[20..23], of_day % 1_000);
        then(std::str::from_utf8(&out).expect("digits and punctuation are ASCII"))
    }
}

impl Serialize for UtcTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.with_text(|text| serializer.serialize_str(text))
    }
}

/// Writes the last digits of `value`, as many as there is room for.
fn put(room: &mut [u8], mut value: i64) {
    for place in room.iter_mut().rev() {
        *place = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
}

/// Year, month and day of a day counted from 1970-01-01; after Howard Hinnant, "chrono-compatible low-level date
/// algorithms". Years begin in March there, so that the leap day is their last.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use jiff::civil::DateTime;

    use super::*;

    #[test]
    fn a_time_always_has_three_decimals() {
        for (ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1, "1970-01-01T00:00:00.001Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_795_170_249_000, "2026-11-20T10:24:09.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (LAST_MS, "9999-12-31T23:59:59.999Z"),
            (LAST_MS + 1, "9999-12-31T23:59:59.999Z"),
            (i64::MAX, "9999-12-31T23:59:59.999Z"),
            (FIRST_MS, "0000-01-01T00:00:00.000Z"),
            (i64::MIN, "0000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(UtcTime(ms).text(), expected);
            assert_eq!(serde_json::to_string(&UtcTime(ms)).unwrap(), format!("\"{expected}\""));
        }
    }

    #[test]
    fn times_of_ten_thousand_years_read_back_as_themselves() {
        let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
        let mut ms = FIRST_MS;
        while ms <= LAST_MS {
            let text = UtcTime(ms).text();
            let civil: DateTime = text.strip_suffix('Z').unwrap().parse().unwrap();
            assert_eq!(civil.duration_since(epoch).as_millis(), i128::from(ms), "{text}");
            // A prime near five days and a half: each year is met often, on other days and at other times.
            ms += 475_199_987;
        }
    }
}
