//! On which terms a call is made: only if the order is in a version that the caller knows, or only to hear what would be.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use engine::Ask;

use crate::problem::{self, Problem};

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The preference (RFC 7240) for an answer without an effect.
const DRY_RUN: &str = "dry-run";

/// The terms of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The versions that `If-Match` names; `None`: any.
    only_if: Option<Arc<[i64]>>,
    /// Nothing shall be done.
    pub(crate) dry_run: bool,
}

impl Terms {
    /// The same request on these terms.
    pub(crate) fn on(&self, ask: Ask) -> Ask {
        Ask { only_if: self.only_if.clone(), dry_run: self.dry_run, ..ask }
    }

    /// An answer about an order that is there in this version, unless nothing was done.
    pub(crate) fn answered(&self, mut response: Response, version: i64, is_replay: bool) -> Response {
        if self.dry_run {
            response.headers_mut().insert(PREFERENCE_APPLIED, HeaderValue::from_static(DRY_RUN));
        }
        if !self.dry_run || is_replay {
            tag(&mut response, version);
        }
        response
    }

    fn from_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        let only_if = headers.contains_key(IF_MATCH).then(|| lines(headers, &IF_MATCH));
        let only_if = match only_if.as_deref().map(<[u8]>::trim_ascii) {
            None | Some(b"*") => None,
            Some(list) => Some(versions(list).ok_or_else(|| Problem::of(problem::IF_MATCH_INVALID))?.into()),
        };
        Ok(Self { only_if, dry_run: prefers(&lines(headers, &PREFER), DRY_RUN) })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Terms {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::from_headers(&parts.headers)
    }
}

/// Says which version an answer shows.
pub(crate) fn tag(response: &mut Response, version: i64) {
    let value = HeaderValue::from_str(&format!("\"{version}\"")).expect("digits between quotes are a header value");
    response.headers_mut().insert(ETAG, value);
}

/// All lines of a header as the one list that they are.
fn lines(headers: &HeaderMap, name: &HeaderName) -> Vec<u8> {
    headers.get_all(name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b", "[..])
}

/// The versions among the entity tags of a list (RFC 9110, section 13.1.1); `None`: it is no such list.
///
/// A weak tag never matches, nor does one that is no version of ours: they are passed over.
fn versions(list: &[u8]) -> Option<Vec<i64>> {
    let (mut rest, mut found, mut is_empty) = (list, Vec::new(), true);
    loop {
        rest = rest.trim_ascii_start();
        if let Some(after) = rest.strip_prefix(b",") {
            rest = after;
            continue;
        }
        if rest.is_empty() {
            return (!is_empty).then_some(found);
        }
        is_empty = false;
        let (is_weak, quoted) = rest.strip_prefix(b"W/").map_or((false, rest), |tag| (true, tag));
        let opaque_and_rest = quoted.strip_prefix(b"\"")?;
        let end = opaque_and_rest.iter().position(|byte| *byte == b'"')?;
        let (opaque, after) = opaque_and_rest.split_at(end);
        if !opaque.iter().all(|byte| matches!(byte, 0x21..=0x7e | 0x80..)) {
            return None;
        }
        rest = after.get(1..)?.trim_ascii_start();
        if !rest.is_empty() && !rest.starts_with(b",") {
            return None;
        }
        let text = std::str::from_utf8(opaque).ok();
        let version = text.and_then(|text| text.parse::<i64>().ok().filter(|version| version.to_string() == text));
        found.extend(version.filter(|_| !is_weak));
    }
}

/// Whether a preference is among those of a list (RFC 7240) and not `false`; of the same name the first one counts.
fn prefers(list: &[u8], name: &str) -> bool {
    let preference = |part: &[u8]| {
        let whole = split(part, b';').next()?;
        let mut sides = whole.splitn(2, |byte| *byte == b'=').map(<[u8]>::trim_ascii);
        let is_it = sides.next()?.eq_ignore_ascii_case(name.as_bytes());
        is_it.then(|| sides.next().is_none_or(|value| !unquoted(value).eq_ignore_ascii_case(b"false")))
    };
    split(list, b',').find_map(preference).unwrap_or(false)
}

fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
}

/// The parts of a list; a separator between quotes is none.
fn split(list: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    list.split(move |byte| {
        let escapes = is_quoted && *byte == b'\\' && !is_escaped;
        if *byte == b'"' && !is_escaped {
            is_quoted = !is_quoted;
        }
        is_escaped = escapes;
        *byte == separator && !is_quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(rows: &[(&'static str, &str)]) -> Result<Terms, &'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in rows {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        Terms::from_headers(&headers).map_err(|problem| problem.code())
    }

    #[test]
    fn a_condition_is_any_version_or_those_named() {
        for (sent, expected) in [
            (&[][..], None),
            (&["*"], None),
            (&[" * "], None),
            (&["\"3\""], Some(&[3][..])),
            (&["\"3\", \"4\""], Some(&[3, 4])),
            (&["\"3\"", "\"4\""], Some(&[3, 4])),
            (&[", \"3\" ,,\"4\","], Some(&[3, 4])),
            (&["W/\"3\", \"4\""], Some(&[4])),
            (&["W/\"3\""], Some(&[])),
            (&["\"03\", \"+3\", \"\", \"x,y\", \"3.0\", \"é\""], Some(&[])),
        ] {
            let rows: Vec<_> = sent.iter().map(|value| ("if-match", *value)).collect();
            assert_eq!(terms(&rows).map(|terms| terms.only_if), Ok(expected.map(Into::into)), "{sent:?}");
        }
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for wrong in ["", " ", ",", "3", "\"3", "3\"", "'3'", "\"3\" \"4\"", "w/\"3\"", "W/ \"3\"", "\"3 4\"", "*, \"3\"", "\"3\", *", "**"]
        {
            assert_eq!(terms(&[("if-match", wrong)]), Err("IF_MATCH_INVALID"), "{wrong}");
        }
    }

    #[test]
    fn a_preference_is_found_among_others_and_nowhere_else() {
        for (sent, expected) in [
            (&[][..], false),
            (&["dry-run"], true),
            (&["DRY-Run"], true),
            (&["return=minimal, dry-run; a=b"], true),
            (&["return=minimal", "dry-run"], true),
            (&["dry-run=\"\""], true),
            (&["dry-run = true"], true),
            (&["dry-run=false"], false),
            (&["dry-run=\"FALSE\""], false),
            (&["dry-run=false, dry-run"], false),
            (&["dry-run, dry-run=false"], true),
            (&[""], false),
            (&["dry-runs"], false),
            (&["x=dry-run"], false),
            (&["x; dry-run"], false),
            (&["x=\"a, dry-run\""], false),
            (&["x=\"a\\\", dry-run\""], false),
            (&["x=\"a\\\\\", dry-run"], true),
        ] {
            let rows: Vec<_> = sent.iter().map(|value| ("prefer", *value)).collect();
            assert_eq!(terms(&rows).map(|terms| terms.dry_run), Ok(expected), "{sent:?}");
        }
    }
}
