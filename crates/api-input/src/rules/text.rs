//! Text: free, one line, identifiers that callers own, e-mail addresses. Unicode stays as sent.

use std::ops::RangeInclusive;

use super::{Broken, Rule};

/// One line of so many code points, without control characters.
pub fn text(chars: RangeInclusive<usize>) -> Text {
    Text { chars, shape: Shape::OneLine }
}

/// Text of so many code points that may have line breaks and tabs.
pub fn multiline(chars: RangeInclusive<usize>) -> Text {
    Text { chars, shape: Shape::Lines }
}

/// An id that the caller owns: 1 to 100 code points, no control characters, no blank at either end.
pub fn identifier() -> Text {
    Text { chars: 1..=100, shape: Shape::Identifier }
}

/// An e-mail address, checked for what would hurt us: more than one address, line breaks, blanks, over-length.
pub fn email() -> Email {
    Email
}

/// See [`text`], [`multiline`], [`identifier`].
#[derive(Debug, Clone)]
pub struct Text {
    chars: RangeInclusive<usize>,
    shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    OneLine,
    Lines,
    Identifier,
}

impl Rule for Text {
    type Value = String;

    fn read_text(&self, sent: &str) -> Result<String, Broken> {
        let chars = sent.chars().count();
        let (least, most) = (*self.chars.start(), *self.chars.end());
        if chars < least {
            return Err(Broken::new("TOO_SHORT", format!("Must have at least {}.", characters(least))));
        }
        if chars > most {
            return Err(Broken::new("TOO_LONG", format!("Must have at most {}.", characters(most))));
        }
        let is_refused = |c: char| c.is_control() && !(self.shape == Shape::Lines && matches!(c, '\n' | '\r' | '\t'));
        if sent.contains(is_refused) {
            return Err(Broken::new("INVALID_TEXT", "Must not contain control characters."));
        }
        if self.shape == Shape::Identifier && sent.trim().len() != sent.len() {
            return Err(Broken::new("INVALID_TEXT", "Must not begin or end with a blank."));
        }
        Ok(sent.to_owned())
    }

    fn stand_in(&self) -> String {
        String::new()
    }
}

fn characters(count: usize) -> String {
    if count == 1 { "1 character".to_owned() } else { format!("{count} characters") }
}

/// See [`email`].
#[derive(Debug, Clone, Copy)]
pub struct Email;

/// RFC 5321, 4.5.3.1.3: a path of 256 octets less its two angle brackets.
const EMAIL_BYTES_MAX: usize = 254;

impl Rule for Email {
    type Value = String;

    fn read_text(&self, sent: &str) -> Result<String, Broken> {
        let is_refused = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"' | '(' | ')');
        let good = sent.len() <= EMAIL_BYTES_MAX
            && !sent.contains(is_refused)
            && sent
                .split_once('@')
                .is_some_and(|(user, host)| !user.is_empty() && !host.contains('@') && host.split('.').all(|label| !label.is_empty()));
        if good { Ok(sent.to_owned()) } else { Err(Broken::new("INVALID_EMAIL", "Must be one e-mail address such as anna@example.com.")) }
    }

    fn stand_in(&self) -> String {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::checks::read;
    use super::*;

    fn check(rule: &impl Rule<Value = String>, rows: &[(&str, Option<&str>)]) {
        for (sent, expected) in rows {
            assert_eq!(read(rule, sent).err(), *expected, "{sent}");
        }
    }

    #[test]
    fn text_is_counted_in_code_points_and_kept_as_sent() {
        assert_eq!(read(&text(0..=3), "\"😀😀😀\""), Ok("😀😀😀".to_owned()));
        assert_eq!(read(&text(0..=20), "\"e\\u0301 \\u202e rtl\""), Ok("e\u{301} \u{202e} rtl".to_owned()));
        assert_eq!(read(&text(0..=40), "\"'; drop table orders--\""), Ok("'; drop table orders--".to_owned()));
        assert_eq!(read(&text(0..=40), "\"=cmd()\""), Ok("=cmd()".to_owned()));
        check(
            &text(1..=3),
            &[
                ("\"\"", Some("TOO_SHORT")),
                ("\"abcd\"", Some("TOO_LONG")),
                ("\"😀😀😀😀\"", Some("TOO_LONG")),
                ("\"a\\u0000\"", Some("INVALID_TEXT")),
                ("\"a\\n\"", Some("INVALID_TEXT")),
                ("\"a\\t\"", Some("INVALID_TEXT")),
                ("\"a\\r\"", Some("INVALID_TEXT")),
                ("\"\\u001b[\"", Some("INVALID_TEXT")),
                ("\"a\\u007f\"", Some("INVALID_TEXT")),
                ("\"a\\u0085\"", Some("INVALID_TEXT")),
                ("5", Some("INVALID_TYPE")),
                ("true", Some("INVALID_TYPE")),
                ("{}", Some("INVALID_TYPE")),
                ("[\"a\"]", Some("INVALID_TYPE")),
                ("\"abc\"", None),
            ],
        );
    }

    #[test]
    fn only_multiline_text_has_line_breaks() {
        check(
            &multiline(0..=10),
            &[
                ("\"a\\r\\n\\tb\"", None),
                ("\"\"", None),
                ("\"a\\u0000\"", Some("INVALID_TEXT")),
                ("\"a\\u001b\"", Some("INVALID_TEXT")),
                ("\"12345678901\"", Some("TOO_LONG")),
            ],
        );
    }

    #[test]
    fn an_identifier_has_no_blank_at_its_ends() {
        let longest = format!("\"{}\"", "ß".repeat(100));
        let too_long = format!("\"{}\"", "a".repeat(101));
        check(
            &identifier(),
            &[
                ("\"SKU-1\"", None),
                ("\"a b\"", None),
                ("\"4\"", None),
                (&longest, None),
                (&too_long, Some("TOO_LONG")),
                ("\"\"", Some("TOO_SHORT")),
                ("\" a\"", Some("INVALID_TEXT")),
                ("\"a \"", Some("INVALID_TEXT")),
                ("\"\\u00a0a\"", Some("INVALID_TEXT")),
                ("\" \"", Some("INVALID_TEXT")),
                ("\"a\\u0000b\"", Some("INVALID_TEXT")),
                ("7", Some("INVALID_TYPE")),
            ],
        );
    }

    #[test]
    fn an_email_is_one_address() {
        let at_limit = format!("\"{}@example.com\"", "a".repeat(242));
        let over_limit = format!("\"{}@example.com\"", "a".repeat(243));
        check(
            &email(),
            &[
                ("\"anna@example.com\"", None),
                ("\"anna+tag@sub.example.com\"", None),
                ("\"jörg@bücher.example\"", None),
                ("\"root@localhost\"", None),
                (&at_limit, None),
                (&over_limit, Some("INVALID_EMAIL")),
                ("\"\"", Some("INVALID_EMAIL")),
                ("\"anna\"", Some("INVALID_EMAIL")),
                ("\"@example.com\"", Some("INVALID_EMAIL")),
                ("\"anna@\"", Some("INVALID_EMAIL")),
                ("\"anna@@example.com\"", Some("INVALID_EMAIL")),
                ("\"a@b@c\"", Some("INVALID_EMAIL")),
                ("\"anna@example..com\"", Some("INVALID_EMAIL")),
                ("\"anna@.com\"", Some("INVALID_EMAIL")),
                ("\"anna@example.com.\"", Some("INVALID_EMAIL")),
                ("\"anna @example.com\"", Some("INVALID_EMAIL")),
                ("\" anna@example.com\"", Some("INVALID_EMAIL")),
                ("\"a@b.c\\r\\nBcc: d\"", Some("INVALID_EMAIL")),
                ("\"a\\n@b.c\"", Some("INVALID_EMAIL")),
                ("\"a@b.c,d\"", Some("INVALID_EMAIL")),
                ("\"<a@b.c>\"", Some("INVALID_EMAIL")),
                ("\"a@b.c\\u0000\"", Some("INVALID_EMAIL")),
                ("1", Some("INVALID_TYPE")),
            ],
        );
    }
}
