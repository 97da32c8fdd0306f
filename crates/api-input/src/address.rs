//! Addresses: what each country needs of one, and fields that may be left, cleared or set.

use std::sync::Arc;

use super::canonical::canonical;
use super::document::Doc;
use super::fields::{Fields, Patch};
use super::rules::{Broken, country, identifier, text};

use domain::order::AddressRef;

/// How postal codes look, without blanks and hyphens: `#` a digit, `@` a letter, `*` either. Countries that are not here have none, or write
/// them as they like. Source: the postal services' own descriptions.
const POSTAL_CODES: &[(&str, &[&str])] = &[
    ("AR", &["####", "@####@@@"]),
    ("AT", &["####"]),
    ("AU", &["####"]),
    ("BE", &["####"]),
    ("BG", &["####"]),
    ("BR", &["########"]),
    ("CA", &["@#@#@#"]),
    ("CH", &["####"]),
    ("CN", &["######"]),
    ("CY", &["####"]),
    ("CZ", &["#####"]),
    ("DE", &["#####"]),
    ("DK", &["####"]),
    ("EE", &["#####"]),
    ("ES", &["#####"]),
    ("FI", &["#####"]),
    ("FR", &["#####"]),
    ("GB", &["@##@@", "@###@@", "@@##@@", "@@###@@", "@#@#@@", "@@#@#@@"]),
    ("GR", &["#####"]),
    ("HR", &["#####"]),
    ("HU", &["####"]),
    ("IE", &["@******", "@##****"]),
    ("IN", &["######"]),
    ("IT", &["#####"]),
    ("JP", &["#######"]),
    ("KR", &["#####"]),
    ("LI", &["####"]),
    ("LT", &["#####"]),
    ("LU", &["####"]),
    ("LV", &["####"]),
    ("MT", &["@@@####"]),
    ("MX", &["#####"]),
    ("NL", &["####@@"]),
    ("NO", &["####"]),
    ("NZ", &["####"]),
    ("PL", &["#####"]),
    ("PT", &["#######"]),
    ("RO", &["######"]),
    ("SE", &["#####"]),
    ("SG", &["######"]),
    ("SI", &["####"]),
    ("SK", &["#####"]),
    ("TR", &["#####"]),
    ("TW", &["###", "#####", "######"]),
    ("UA", &["#####"]),
    ("US", &["#####", "#########"]),
    ("ZA", &["####"]),
];

/// Where an address is not complete without its state, province or prefecture.
const WITH_REGION: &[&str] = &["AU", "BR", "CA", "CN", "IN", "JP", "MX", "US"];

/// Whether a postal code has the form of its country.
fn fits(code: &str, country: &str, forms: &[&str]) -> bool {
    let plain: String = code.chars().filter(|sign| !matches!(sign, ' ' | '-')).collect();
    // Some write the country before it: LV-1010, L-1234.
    let bare =
        plain.strip_prefix(country).or_else(|| plain.strip_prefix(&country[..1]).filter(|_| matches!(country, "LU"))).unwrap_or(&plain);
    let is_of = |form: &&str| {
        form.len() == bare.len()
            && form.bytes().zip(bare.bytes()).all(|(form, sign)| match form {
                b'#' => sign.is_ascii_digit(),
                b'@' => sign.is_ascii_alphabetic(),
                _ => sign.is_ascii_alphanumeric(),
            })
    };
    forms.iter().any(is_of)
}

/// An address by reference, as given, or both; kept as the caller states it once it has what its country needs.
pub fn address(f: &mut Fields<'_>, id: &'static str, snapshot: &'static str) -> AddressRef {
    let snapshot = address_text(f, snapshot);
    AddressRef { id: f.optional(id, identifier()).map(Into::into), snapshot }
}

/// An address as given.
fn address_text(f: &mut Fields<'_>, name: &'static str) -> Option<Arc<str>> {
    let given = f.optional_object(name, |f| {
        f.required("name", text(1..=255));
        f.required("line1", text(1..=255));
        f.required("city", text(1..=255));
        f.optional("region", text(1..=100));
        let postal_code = f.optional("postal_code", text(1..=20));
        f.optional("line2", text(1..=255));
        f.optional("company", text(1..=255));
        f.optional("phone", text(1..=50));
        let country = f.required("country", country());
        if !f.has("country") {
            return;
        }
        let forms = POSTAL_CODES.iter().find(|(code, _)| *code == country).map(|(_, forms)| *forms);
        for (name, is_needed) in [("region", WITH_REGION.contains(&country)), ("postal_code", forms.is_some())] {
            if is_needed && !f.has(name) {
                f.refuse(name, "REQUIRED", "Is required in this country.");
            }
        }
        if let (Some(forms), Some(code)) = (forms, postal_code)
            && !fits(&code, country, forms)
        {
            let message =
                format!("Is no postal code of {country}, which look like {}.", forms.join(" or ").replace('#', "0").replace('@', "A"));
            f.broken("postal_code", Broken::new("INVALID_POSTAL_CODE", message));
        }
    });
    given.and(f.sent(name)).map(|doc| canonical(doc).into())
}

/// A field of a merge patch: left, cleared, set.
pub fn changed<T, U: From<T>>(patch: Patch<T>) -> Option<Option<U>> {
    match patch {
        Patch::Keep => None,
        Patch::Clear => Some(None),
        Patch::Set(value) => Some(Some(value.into())),
    }
}

/// The same for an address as given.
pub fn changed_address(f: &mut Fields<'_>, doc: &Doc, name: &'static str) -> Option<Option<Arc<str>>> {
    match address_text(f, name) {
        Some(text) => Some(Some(text)),
        None => (doc.get(name) == Some(&Doc::Null)).then_some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::parse;
    use super::super::fields;
    use super::*;

    /// What is wrong with an address, as `field CODE`.
    fn wrong(more: &str) -> Vec<String> {
        let sent = format!(r#"{{"a":{{"name":"n","line1":"l","city":"c",{more}}}}}"#);
        let doc = parse(sent.as_bytes()).unwrap();
        let read = fields::read(&doc, |f| address_text(f, "a"));
        read.err().unwrap_or_default().iter().map(|error| format!("{} {}", error.at.as_str(), error.code)).collect()
    }

    #[test]
    fn each_country_has_its_own_needs() {
        for (country, region, code, expected) in [
            ("US", "IL", "62701", ""),
            ("US", "IL", "62701-1234", ""),
            ("US", "", "62701", "/a/region REQUIRED"),
            ("US", "IL", "", "/a/postal_code REQUIRED"),
            ("US", "IL", "6270", "/a/postal_code INVALID_POSTAL_CODE"),
            ("US", "IL", "6270A", "/a/postal_code INVALID_POSTAL_CODE"),
            ("CA", "ON", "K1A 0B1", ""),
            ("CA", "ON", "K1A0B", "/a/postal_code INVALID_POSTAL_CODE"),
            ("GB", "", "SW1A 1AA", ""),
            ("GB", "", "M1 1AE", ""),
            ("GB", "", "12345", "/a/postal_code INVALID_POSTAL_CODE"),
            ("DE", "", "10115", ""),
            ("DE", "", "1011", "/a/postal_code INVALID_POSTAL_CODE"),
            ("DE", "Bayern", "", "/a/postal_code REQUIRED"),
            ("NL", "", "1012 AB", ""),
            ("LV", "", "LV-1010", ""),
            ("LU", "", "L-1234", ""),
            ("PL", "", "00-950", ""),
            ("IE", "", "D02 X285", ""),
            ("JP", "Tokyo", "100-0001", ""),
            ("TW", "", "106", ""),
            ("HK", "", "", ""),
            ("AE", "", "anything", ""),
        ] {
            let field = |name: &str, value: &str| if value.is_empty() { String::new() } else { format!(r#""{name}":"{value}","#) };
            let more = format!(r#"{}{}"country":"{country}""#, field("region", region), field("postal_code", code));
            assert_eq!(wrong(&more).join(", "), expected, "{country} {region} {code}");
        }
    }

    #[test]
    fn the_countries_are_in_order_and_known() {
        assert!(POSTAL_CODES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (code, forms) in POSTAL_CODES {
            assert!(!forms.is_empty());
            assert!(wrong(&format!(r#""country":"{code}""#)).iter().all(|said| said.ends_with("REQUIRED")), "{code}");
        }
        assert!(WITH_REGION.iter().all(|region| POSTAL_CODES.iter().any(|(code, _)| code == region)));
    }
}
