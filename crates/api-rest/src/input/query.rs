//! A query string as typed values, read like the fields of a body.
//!
//! ```text
//! let filter = query::read(uri.query(), |q| Filter {
//!     status: q.optional("status", choice(STATUSES)),
//!     user_id: q.optional_named(&["user_id", "userId"], identifier()),
//!     limit: q.limit(),
//!     after: q.cursor("orders"),
//! })?;
//! ```

use super::rules::{Broken, Rule, int};
use super::{At, ERRORS_MAX, FieldError, nearest, shown};
use crate::output::page::Cursor;
use crate::problem::{self, Problem};

/// More parameters than any list of ours has.
const PARAMETERS_MAX: usize = 64;

/// Builds a value from the query. Unknown, repeated and broken parameters are errors.
pub(crate) fn read<T>(raw: Option<&str>, build: impl FnOnce(&mut Query) -> T) -> Result<T, Problem> {
    let mut sent: Vec<(String, String)> = Vec::new();
    for pair in raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        if sent.len() == PARAMETERS_MAX {
            let detail = format!("A query has at most {PARAMETERS_MAX} parameters.");
            return Err(Problem::of(problem::INVALID_PARAMETER).detail(detail));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
            return Err(Problem::of(problem::INVALID_ENCODING).detail("The query is not percent-encoded UTF-8."));
        };
        if sent.iter().any(|(other, _)| *other == name) {
            return Err(repeated(&name));
        }
        sent.push((name, value));
    }
    let mut query = Query { sent, known: Vec::new(), errors: Vec::new(), stop: None };
    let value = build(&mut query);
    query.tell_unknown();
    match query.stop {
        Some(stop) => Err(stop),
        None if query.errors.is_empty() => Ok(value),
        None => Err(Problem::of(problem::INVALID_PARAMETER).errors(query.errors)),
    }
}

/// The parameters of one query while they are read.
#[derive(Debug)]
pub(crate) struct Query {
    sent: Vec<(String, String)>,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
    /// What ends the request whatever else is broken.
    stop: Option<Problem>,
}

impl Query {
    /// A parameter that must be there.
    #[cfg_attr(not(test), expect(dead_code, reason = "no list of ours needs one so far"))]
    pub(crate) fn required<R: Rule>(&mut self, name: &'static str, rule: R) -> R::Value {
        let errors_before = self.errors.len();
        self.optional(name, &rule).unwrap_or_else(|| {
            if self.errors.len() == errors_before {
                self.broken(name, Broken::new("REQUIRED", "Is required."));
            }
            rule.stand_in()
        })
    }

    /// A parameter that may be absent.
    pub(crate) fn optional<R: Rule>(&mut self, name: &'static str, rule: R) -> Option<R::Value> {
        self.optional_named(&[name], rule)
    }

    /// A parameter that may be absent and has several names, of which one may be used at a time.
    pub(crate) fn optional_named<R: Rule>(&mut self, names: &[&'static str], rule: R) -> Option<R::Value> {
        self.known.extend(names);
        let mut used = self.sent.iter().filter(|(name, _)| names.contains(&name.as_str()));
        let (name, value) = used.next()?;
        if used.next().is_some() {
            self.stop = Some(repeated(name));
            return None;
        }
        let read = rule.read_text(value);
        let name = name.clone();
        read.map_err(|broken| self.broken(&name, broken)).ok()
    }

    /// Whether the parameter was sent. Asking does not make it known.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.sent.iter().any(|(sent, _)| sent == name)
    }

    /// `limit`: the size of a page, 1 to 200, else 50.
    pub(crate) fn limit(&mut self) -> u16 {
        self.optional("limit", int(1..=200_u16).code("PAGE_SIZE_OUT_OF_RANGE")).unwrap_or(50)
    }

    /// `cursor`: where the page begins. Anything but what the list of that name gave out is `INVALID_CURSOR`.
    pub(crate) fn cursor(&mut self, list: &'static str) -> Option<Cursor> {
        self.cursor_read_by(|text| Cursor::decode(text, list))
    }

    /// `cursor` of a list that has its own form of it.
    pub(crate) fn cursor_read_by<T>(&mut self, decode: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        self.known.push("cursor");
        let (_, value) = self.sent.iter().find(|(name, _)| name == "cursor")?;
        let cursor = decode(value);
        if cursor.is_none() {
            self.stop = Some(Problem::of(problem::INVALID_CURSOR));
        }
        cursor
    }

    /// Tells that a parameter breaks a rule.
    pub(crate) fn broken(&mut self, name: &str, broken: Broken) {
        if self.errors.len() < ERRORS_MAX {
            let at = At::Parameter(shown(name).into_owned());
            self.errors.push(FieldError { at, code: broken.code, message: broken.message });
        }
    }

    fn tell_unknown(&mut self) {
        let unknown = self.sent.iter().filter(|(name, _)| !self.known.contains(&name.as_str()));
        let unknown: Vec<String> = unknown.map(|(name, _)| name.clone()).collect();
        for name in unknown {
            let message = match nearest(&name, &self.known) {
                Some(known) => format!("Is not a parameter of this request; the nearest one is {known}."),
                None => "Is not a parameter of this request, which has none.".to_owned(),
            };
            self.broken(&name, Broken::new("UNKNOWN_PARAMETER", message));
        }
    }
}

fn repeated(name: &str) -> Problem {
    Problem::of(problem::DUPLICATE_PARAMETER).detail(format!("The parameter {} is given more than once.", shown(name)))
}

/// As forms are encoded: `+` is a blank, `%XX` a byte. `None` for half an escape or bytes that are not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let digit = |byte: Option<u8>| u8::try_from(char::from(byte?).to_digit(16)?).ok();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => digit(rest.next())? << 4 | digit(rest.next())?,
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::super::rules::{choice, email, identifier, time, uuid};
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Filter {
        status: Option<i32>,
        user_id: Option<String>,
        email: Option<String>,
        from_ms: Option<i64>,
        limit: u16,
        cursor: Option<Cursor>,
    }

    fn filter(q: &mut Query) -> Filter {
        Filter {
            status: q.optional("status", choice(&[("PAID", 1), ("CANCELED", 2)])),
            user_id: q.optional_named(&["user_id", "userId"], identifier()),
            email: q.optional("email", email()),
            from_ms: q.optional("from", time()),
            limit: q.limit(),
            cursor: q.cursor("orders"),
        }
    }

    #[test]
    fn good_parameters_become_the_value() {
        let cursor = Cursor { created_at_ms: 5, id: uuid::Uuid::nil() };
        let check = |raw: &str, expected: Filter| assert_eq!(read(Some(raw), filter).unwrap(), expected, "{raw}");
        let plain = || Filter { limit: 50, ..Filter::default() };
        assert_eq!(read(None, filter).unwrap(), plain());
        check("", plain());
        check("&&", plain());
        check("status=PAID&limit=200", Filter { status: Some(1), limit: 200, ..plain() });
        check("userId=u-1", Filter { user_id: Some("u-1".into()), ..plain() });
        check("user_id=a%20b", Filter { user_id: Some("a b".into()), ..plain() });
        check("user_id=a+b", Filter { user_id: Some("a b".into()), ..plain() });
        check("user%5fid=%F0%9F%98%80", Filter { user_id: Some("😀".into()), ..plain() });
        check("email=anna%2Btag%40example.com", Filter { email: Some("anna+tag@example.com".into()), ..plain() });
        check("from=1970-01-01T01:00:01%2B01:00", Filter { from_ms: Some(1_000), ..plain() });
        check(&format!("cursor={}", cursor.encode("orders")), Filter { cursor: Some(cursor), ..plain() });
    }

    #[test]
    fn each_wrong_query_has_its_code() {
        for (raw, status, code, errors) in [
            ("limit=0", 422, "INVALID_PARAMETER", &[("limit", "PAGE_SIZE_OUT_OF_RANGE")][..]),
            ("limit=-1", 422, "INVALID_PARAMETER", &[("limit", "PAGE_SIZE_OUT_OF_RANGE")]),
            ("limit=201", 422, "INVALID_PARAMETER", &[("limit", "PAGE_SIZE_OUT_OF_RANGE")]),
            ("limit=1000000000", 422, "INVALID_PARAMETER", &[("limit", "PAGE_SIZE_OUT_OF_RANGE")]),
            ("limit=99999999999999999999", 422, "INVALID_PARAMETER", &[("limit", "PAGE_SIZE_OUT_OF_RANGE")]),
            ("limit=", 422, "INVALID_PARAMETER", &[("limit", "INVALID_TYPE")]),
            ("limit", 422, "INVALID_PARAMETER", &[("limit", "INVALID_TYPE")]),
            ("limit=1e1", 422, "INVALID_PARAMETER", &[("limit", "INVALID_TYPE")]),
            ("status=paid", 422, "INVALID_PARAMETER", &[("status", "INVALID_VALUE")]),
            ("status=%27%3B+drop+table--", 422, "INVALID_PARAMETER", &[("status", "INVALID_VALUE")]),
            ("user_id=a%00b", 422, "INVALID_PARAMETER", &[("user_id", "INVALID_TEXT")]),
            ("from=1970-01-01T01:00:01+01:00", 422, "INVALID_PARAMETER", &[("from", "INVALID_TIMESTAMP")]),
            ("sort=total", 422, "INVALID_PARAMETER", &[("sort", "UNKNOWN_PARAMETER")]),
            ("=x", 422, "INVALID_PARAMETER", &[("", "UNKNOWN_PARAMETER")]),
            (
                "statuss=PAID&email=x&limit=0",
                422,
                "INVALID_PARAMETER",
                &[("email", "INVALID_EMAIL"), ("limit", "PAGE_SIZE_OUT_OF_RANGE"), ("statuss", "UNKNOWN_PARAMETER")],
            ),
            ("status=PAID&status=PAID", 400, "DUPLICATE_PARAMETER", &[]),
            ("status=PAID&st%61tus=CANCELED", 400, "DUPLICATE_PARAMETER", &[]),
            ("user_id=a&userId=a", 400, "DUPLICATE_PARAMETER", &[]),
            ("x=1&x=2", 400, "DUPLICATE_PARAMETER", &[]),
            ("cursor=", 400, "INVALID_CURSOR", &[]),
            ("cursor=abc&limit=0", 400, "INVALID_CURSOR", &[]),
            ("status=%", 400, "INVALID_ENCODING", &[]),
            ("status=%4", 400, "INVALID_ENCODING", &[]),
            ("status=%zz", 400, "INVALID_ENCODING", &[]),
            ("status=%+1", 400, "INVALID_ENCODING", &[]),
            ("status=%ff", 400, "INVALID_ENCODING", &[]),
            ("%ff=1", 400, "INVALID_ENCODING", &[]),
        ] {
            let problem = read(Some(raw), filter).unwrap_err();
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code), "{raw}");
            let got: Vec<_> = problem.field_errors().iter().map(|error| (error.at.as_str(), error.code)).collect();
            assert_eq!(got, errors, "{raw}");
        }
    }

    #[test]
    fn a_required_parameter_is_told_once() {
        for (raw, code) in [("", "REQUIRED"), ("id=7", "INVALID_UUID")] {
            let problem = read(Some(raw), |q| q.required("id", uuid())).unwrap_err();
            let codes: Vec<&str> = problem.field_errors().iter().map(|error| error.code).collect();
            assert_eq!(codes, [code], "{raw}");
        }
    }

    #[test]
    fn a_query_of_many_parameters_is_refused() {
        let raw: Vec<String> = (0..=PARAMETERS_MAX).map(|n| format!("p{n}=1")).collect();
        let problem = read(Some(&raw.join("&")), filter).unwrap_err();
        assert_eq!((problem.code(), problem.field_errors().len()), ("INVALID_PARAMETER", 0));
    }
}
