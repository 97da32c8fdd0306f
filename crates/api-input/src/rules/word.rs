//! Values from a closed set or with a fixed shape: ids, currencies, countries, words, times, flags, metadata.

use std::borrow::Cow;

use domain::money::Currency;
use jiff::civil::DateTime;
use uuid::Uuid;

use super::super::canonical::canonical;
use super::super::document::Doc;
use super::{Broken, Rule, wrong_type};

/// A UUID of any version, in its 36-character form.
pub fn uuid() -> UuidRule {
    UuidRule
}

/// An ISO 4217 code in capitals, of a currency that money is counted in.
pub fn currency() -> CurrencyRule {
    CurrencyRule
}

/// An ISO 3166-1 alpha-2 code in capitals.
pub fn country() -> Country {
    Country
}

/// One of some words, each with its value. The first value stands in after an error, so the table has one.
pub fn choice<'w, T: Clone>(words: &'w [(&'w str, T)]) -> Choice<'w, T> {
    assert!(!words.is_empty(), "a choice has at least one word");
    Choice { words }
}

/// An RFC 3339 time with its zone, from 1970 to 9999, as milliseconds since 1970 (finer digits are dropped).
pub fn time() -> Time {
    Time
}

/// `true` or `false`.
pub fn boolean() -> Boolean {
    Boolean
}

/// An object that we keep for the caller and never look into, as canonical JSON text.
pub fn metadata() -> Metadata {
    Metadata
}

/// Whatever was sent.
pub fn any() -> Any {
    Any
}

/// See [`uuid`].
#[derive(Debug, Clone, Copy)]
pub struct UuidRule;

impl Rule for UuidRule {
    type Value = Uuid;

    fn read_text(&self, sent: &str) -> Result<Uuid, Broken> {
        // The other forms (braces, URN, no hyphens) would give one id many spellings.
        let parsed = if sent.len() == 36 { Uuid::try_parse(sent).ok() } else { None };
        parsed.ok_or_else(|| Broken::new("INVALID_UUID", "Must be a UUID such as 018f4e9a-0000-7000-8000-000000000000."))
    }

    fn stand_in(&self) -> Uuid {
        Uuid::nil()
    }
}

/// See [`currency`].
#[derive(Debug, Clone, Copy)]
pub struct CurrencyRule;

impl Rule for CurrencyRule {
    type Value = Currency;

    fn read_text(&self, sent: &str) -> Result<Currency, Broken> {
        Currency::from_code(sent).ok_or_else(|| Broken::new("INVALID_CURRENCY", "Must be an ISO 4217 currency code such as EUR."))
    }

    fn stand_in(&self) -> Currency {
        Currency::USD
    }
}

/// See [`country`].
#[derive(Debug, Clone, Copy)]
pub struct Country;

/// All officially assigned codes of ISO 3166-1.
#[rustfmt::skip]
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA \
    CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA \
    GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP \
    KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS \
    MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS \
    RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW \
    TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

impl Rule for Country {
    type Value = &'static str;

    fn read_text(&self, sent: &str) -> Result<&'static str, Broken> {
        COUNTRIES
            .split(' ')
            .find(|known| *known == sent)
            .ok_or_else(|| Broken::new("INVALID_COUNTRY", "Must be an ISO 3166-1 alpha-2 country code such as DE."))
    }

    fn stand_in(&self) -> &'static str {
        ""
    }
}

/// See [`choice`].
#[derive(Debug, Clone, Copy)]
pub struct Choice<'w, T> {
    words: &'w [(&'w str, T)],
}

impl<T: Clone> Rule for Choice<'_, T> {
    type Value = T;

    fn read_text(&self, sent: &str) -> Result<T, Broken> {
        self.words.iter().find(|(word, _)| *word == sent).map(|(_, value)| value.clone()).ok_or_else(|| {
            let words: Vec<&str> = self.words.iter().map(|(word, _)| *word).collect();
            Broken::new("INVALID_VALUE", format!("Must be one of {}.", words.join(", ")))
        })
    }

    fn stand_in(&self) -> T {
        self.words[0].1.clone()
    }
}

/// See [`time`].
#[derive(Debug, Clone, Copy)]
pub struct Time;

impl Rule for Time {
    type Value = i64;

    fn read_text(&self, sent: &str) -> Result<i64, Broken> {
        // 253402300800000 ms is the year 10000.
        rfc_3339_ms(sent)
            .filter(|ms| (0..253_402_300_800_000).contains(ms))
            .ok_or_else(|| Broken::new("INVALID_TIMESTAMP", "Must be an RFC 3339 time with its zone, such as 2026-11-20T10:24:09.000Z."))
    }

    fn stand_in(&self) -> i64 {
        0
    }
}

/// Not the library's own reader of instants: it ends two days before the year 10000, a usual word for "open", and it
/// reads week dates, named zones, commas and second 60, which RFC 3339 or we do not.
fn rfc_3339_ms(sent: &str) -> Option<i64> {
    let (date_time, rest) = sent.split_at_checked(19)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?),
        None => ("0", rest),
    };
    let good = follows(date_time, b"9999-99-99T99:99:99") && !date_time.ends_with("60") && (1..=9).contains(&fraction.len());
    let local: DateTime = if good { date_time.parse().ok()? } else { return None };
    let seconds = local.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0)).as_secs() - zone_seconds(zone)?;
    let milliseconds: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(seconds * 1_000 + milliseconds)
}

/// Seconds east of UTC: `Z`, `+02:00`, `-05:30`.
fn zone_seconds(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, offset) = zone.split_at_checked(1)?;
    let (hours, minutes) = if follows(offset, b"99:99") { offset.split_once(':')? } else { return None };
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = (hours * 60 + minutes) * 60;
    match sign {
        _ if hours > 23 || minutes > 59 => None,
        "+" => Some(seconds),
        "-" => Some(-seconds),
        _ => None,
    }
}

/// Whether the text has that shape, in which 9 is any digit.
fn follows(text: &str, shape: &[u8]) -> bool {
    let fits = |(byte, wanted): (u8, &u8)| if *wanted == b'9' { byte.is_ascii_digit() } else { byte == *wanted };
    text.len() == shape.len() && text.bytes().zip(shape).all(fits)
}

/// See [`boolean`].
#[derive(Debug, Clone, Copy)]
pub struct Boolean;

impl Rule for Boolean {
    type Value = bool;

    fn read_text(&self, sent: &str) -> Result<bool, Broken> {
        match sent {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(wrong_type("true or false")),
        }
    }

    fn read(&self, sent: &Doc) -> Result<bool, Broken> {
        match sent {
            Doc::Bool(value) => Ok(*value),
            _ => Err(wrong_type("true or false")),
        }
    }

    fn stand_in(&self) -> bool {
        false
    }
}

/// See [`metadata`].
#[derive(Debug, Clone, Copy)]
pub struct Metadata;

/// Fields at the top of a metadata object.
const METADATA_KEYS_MAX: usize = 50;

/// Length of the canonical text.
const METADATA_BYTES_MAX: usize = 8 * 1024;

impl Rule for Metadata {
    type Value = String;

    fn read_text(&self, _sent: &str) -> Result<String, Broken> {
        Err(wrong_type("an object"))
    }

    fn read(&self, sent: &Doc) -> Result<String, Broken> {
        let limit = |message: Cow<'static, str>| Err(Broken::new("METADATA_LIMIT", message));
        let Doc::Object(fields) = sent else { return Err(wrong_type("an object")) };
        if fields.len() > METADATA_KEYS_MAX {
            return limit(format!("Must have at most {METADATA_KEYS_MAX} keys.").into());
        }
        check_kept(sent)?;
        let text = canonical(sent);
        if text.len() > METADATA_BYTES_MAX {
            return limit(format!("Must be at most {METADATA_BYTES_MAX} bytes of JSON.").into());
        }
        Ok(text)
    }

    fn stand_in(&self) -> String {
        "{}".to_owned()
    }
}

/// Refuses, at any level, what a store or a reader of the metadata would stumble over.
fn check_kept(doc: &Doc) -> Result<(), Broken> {
    let check_text = |text: &str| {
        if text.contains('\0') {
            return Err(Broken::new("INVALID_TEXT", "Must not contain U+0000."));
        }
        Ok(())
    };
    match doc {
        Doc::Number(number) if is_far_number(number) => {
            Err(Broken::new("METADATA_LIMIT", "Must not contain numbers that a double cannot hold."))
        }
        Doc::Null | Doc::Bool(_) | Doc::Number(_) => Ok(()),
        Doc::String(text) => check_text(text),
        Doc::Array(items) => items.iter().try_for_each(check_kept),
        Doc::Object(fields) => fields.iter().try_for_each(|(name, value)| {
            if name == "__proto__" {
                return Err(Broken::new("METADATA_LIMIT", "Must not contain the key __proto__."));
            }
            check_text(name)?;
            check_kept(value)
        }),
    }
}

/// Databases expand `1e999999` to its digits; readers with doubles get infinity.
fn is_far_number(number: &str) -> bool {
    let exponent_chars = number.split_once(['e', 'E']).map_or(0, |(_, exponent)| exponent.len());
    exponent_chars > 4 || !number.parse::<f64>().is_ok_and(f64::is_finite)
}

/// See [`any`].
#[derive(Debug, Clone, Copy)]
pub struct Any;

impl Rule for Any {
    type Value = Doc;

    fn read_text(&self, sent: &str) -> Result<Doc, Broken> {
        Ok(Doc::String(sent.to_owned()))
    }

    fn read(&self, sent: &Doc) -> Result<Doc, Broken> {
        Ok(sent.clone())
    }

    fn stand_in(&self) -> Doc {
        Doc::Null
    }
}

#[cfg(test)]
mod tests {
    use super::super::checks::read;
    use super::*;

    #[test]
    fn a_uuid_has_one_spelling_but_for_case() {
        let id = Uuid::from_bytes([0x67, 0xe5, 0x50, 0x44, 0x10, 0xb1, 0x42, 0x6f, 0x92, 0x47, 0xbb, 0x68, 0x0e, 0x5f, 0xe0, 0xc8]);
        for (sent, expected) in [
            ("\"67e55044-10b1-426f-9247-bb680e5fe0c8\"", Ok(id)),
            ("\"67E55044-10B1-426F-9247-BB680E5FE0C8\"", Ok(id)),
            ("\"00000000-0000-0000-0000-000000000000\"", Ok(Uuid::nil())),
            ("\"67e5504410b1426f9247bb680e5fe0c8\"", Err("INVALID_UUID")),
            ("\"{67e55044-10b1-426f-9247-bb680e5fe0c8}\"", Err("INVALID_UUID")),
            ("\"urn:uuid:67e55044-10b1-426f-9247-bb680e5fe0c8\"", Err("INVALID_UUID")),
            ("\"67e55044-10b1-426f-9247-bb680e5fe0cg\"", Err("INVALID_UUID")),
            ("\"67e55044-10b1-426f-9247-bb680e5fe0c8 \"", Err("INVALID_UUID")),
            ("\"\"", Err("INVALID_UUID")),
            ("\"42\"", Err("INVALID_UUID")),
            ("42", Err("INVALID_TYPE")),
        ] {
            assert_eq!(read(&uuid(), sent), expected, "{sent}");
        }
    }

    #[test]
    fn a_currency_is_one_that_money_is_counted_in() {
        for (sent, expected) in [
            ("\"EUR\"", Ok(("EUR", 2))),
            ("\"JPY\"", Ok(("JPY", 0))),
            ("\"KWD\"", Ok(("KWD", 3))),
            ("\"eur\"", Err("INVALID_CURRENCY")),
            ("\"Eur\"", Err("INVALID_CURRENCY")),
            ("\"EURO\"", Err("INVALID_CURRENCY")),
            ("\"EU\"", Err("INVALID_CURRENCY")),
            ("\"ZZZ\"", Err("INVALID_CURRENCY")),
            ("\"XXX\"", Err("INVALID_CURRENCY")),
            ("\"XTS\"", Err("INVALID_CURRENCY")),
            ("\"XAU\"", Err("INVALID_CURRENCY")),
            ("\"\"", Err("INVALID_CURRENCY")),
            ("\" EUR\"", Err("INVALID_CURRENCY")),
            ("\"€\"", Err("INVALID_CURRENCY")),
            ("978", Err("INVALID_TYPE")),
        ] {
            assert_eq!(read(&currency(), sent).map(|known| (known.code(), known.exponent())), expected, "{sent}");
        }
    }

    #[test]
    fn a_country_is_an_assigned_alpha_2_code() {
        assert_eq!(COUNTRIES.split(' ').count(), 249);
        assert!(COUNTRIES.split(' ').is_sorted_by(|one, next| one < next && one.len() == 2));
        for code in COUNTRIES.split(' ') {
            assert_eq!(read(&country(), &format!("\"{code}\"")), Ok(code));
        }
        for sent in ["\"de\"", "\"DEU\"", "\"UK\"", "\"XX\"", "\"\"", "\" \"", "\"D\"", "\"DE AT\"", "\"D \""] {
            assert_eq!(read(&country(), sent), Err("INVALID_COUNTRY"), "{sent}");
        }
        assert_eq!(read(&country(), "276"), Err("INVALID_TYPE"));
    }

    #[test]
    fn a_choice_tells_the_words_there_are() {
        let rule = choice(&[("ACTIVE", 1), ("PAUSED", 2)]);
        assert_eq!(read(&rule, "\"PAUSED\""), Ok(2));
        for sent in ["\"paused\"", "\"\"", "\"'; drop table offers--\""] {
            assert_eq!(read(&rule, sent), Err("INVALID_VALUE"), "{sent}");
        }
        assert_eq!(read(&rule, "1"), Err("INVALID_TYPE"));
        assert_eq!(rule.read_text("X").unwrap_err().message, "Must be one of ACTIVE, PAUSED.");
    }

    #[test]
    fn a_time_is_rfc_3339_with_its_zone() {
        for (sent, expected_ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-20T10:24:09Z", 1_795_170_249_000),
            ("2026-11-20T10:24:09.5Z", 1_795_170_249_500),
            ("2026-11-20T10:24:09.123456789Z", 1_795_170_249_123),
            ("2026-11-20T11:24:09+01:00", 1_795_170_249_000),
            ("2026-11-20T04:54:09.000-05:30", 1_795_170_249_000),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
            ("9999-12-31T23:59:59-00:00", 253_402_300_799_000),
            ("1970-01-01T23:59:00+23:59", 0),
        ] {
            assert_eq!(time().read_text(sent), Ok(expected_ms), "{sent}");
        }
    }

    #[test]
    fn what_is_no_rfc_3339_time_is_refused() {
        for sent in [
            "",
            "now",
            "1795170249",
            "2026-11-20",
            "2026-11-20T10:24Z",
            "2026-11-20T10:24:09",
            "2026-11-20T10:24:09.Z",
            "2026-11-20T10:24:09.1234567890Z",
            "2026-11-20T10:24:09,5Z",
            "2026-11-20 10:24:09Z",
            "2026-11-20t10:24:09z",
            "2026-11-20T10:24:09 Z",
            "2026-11-20T10:24:09+0100",
            "2026-11-20T10:24:09+01",
            "2026-11-20T10:24:09+01:00:00",
            "2026-11-20T10:24:09+99:00",
            "2026-11-20T10:24:09+24:00",
            "2026-11-20T10:24:09+00:60",
            "2026-11-20T10:24:09*01:00",
            "2026-11-20T10:24:09.5",
            "2026-11-20T10:24:09é",
            "2026-11-20T10:24:0é",
            "2026-11-20T10:60:09Z",
            "2026-11-20T10:24:09Z[UTC]",
            "2026-11-20T10:24:09+01:00[Europe/Berlin]",
            "2026-11-20T10:24:60Z",
            "2016-12-31T23:59:60Z",
            "2026-11-20T24:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-00-10T00:00:00Z",
            "9999999-01-01T00:00:00Z",
            "+002026-11-20T10:24:09Z",
            "-002026-11-20T10:24:09Z",
            "10000-01-01T00:00:00Z",
            "9999-12-31T23:59:59-05:00",
            "0000-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:00:00+00:01",
            "2026-W47-5T10:24:09Z",
            "20261120T102409Z",
            "2026-11-20T10:24:09\u{0}Z",
            "２０２６-11-20T10:24:09Z",
        ] {
            assert_eq!(time().read_text(sent).map_err(|broken| broken.code), Err("INVALID_TIMESTAMP"), "{sent}");
        }
        assert_eq!(read(&time(), "1795170249"), Err("INVALID_TYPE"));
    }

    #[test]
    fn a_flag_is_true_or_false() {
        assert_eq!(read(&boolean(), "true"), Ok(true));
        assert_eq!(boolean().read_text("false"), Ok(false));
        for sent in ["1", "0", "\"true\"", "[]"] {
            assert_eq!(read(&boolean(), sent), Err("INVALID_TYPE"), "{sent}");
        }
        assert!(boolean().read_text("1").is_err());
    }

    #[test]
    fn metadata_is_a_bounded_object() {
        let keys = |count: usize| {
            let fields: Vec<String> = (0..count).map(|n| format!("\"k{n}\":1")).collect();
            format!("{{{}}}", fields.join(","))
        };
        assert_eq!(read(&metadata(), r#"{ "b": 1, "a": {"x": [1.50, "é"]} }"#), Ok(r#"{"a":{"x":[1.50,"é"]},"b":1}"#.to_owned()));
        assert!(read(&metadata(), &keys(50)).is_ok());
        let fits = format!("{{\"a\":\"{}\"}}", "x".repeat(8 * 1024 - 8));
        assert!(read(&metadata(), &fits).is_ok());
        let too_long = format!("{{\"a\":\"{}\"}}", "x".repeat(8 * 1024 - 7));
        for (sent, expected) in [
            (keys(51).as_str(), "METADATA_LIMIT"),
            (&too_long, "METADATA_LIMIT"),
            (r#"{"__proto__":{}}"#, "METADATA_LIMIT"),
            (r#"{"a":[{"__proto__":1}]}"#, "METADATA_LIMIT"),
            (r#"{"\u005f_proto__":1}"#, "METADATA_LIMIT"),
            (r#"{"a":1e999}"#, "METADATA_LIMIT"),
            (r#"{"a":1e-99999}"#, "METADATA_LIMIT"),
            (r#"{"a":0e+99999}"#, "METADATA_LIMIT"),
            (r#"{"a":"\u0000"}"#, "INVALID_TEXT"),
            (r#"{"a\u0000":1}"#, "INVALID_TEXT"),
            (r#"{"a":["x\u0000"]}"#, "INVALID_TEXT"),
            ("[]", "INVALID_TYPE"),
            ("\"{}\"", "INVALID_TYPE"),
            ("1", "INVALID_TYPE"),
        ] {
            assert_eq!(read(&metadata(), sent), Err(expected), "{}", &sent[..sent.len().min(40)]);
        }
    }

    #[test]
    fn any_keeps_what_was_sent() {
        assert_eq!(read(&any(), "[1]"), Ok(Doc::Array(vec![Doc::Number("1".into())])));
    }
}
