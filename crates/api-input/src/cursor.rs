//! The opaque cursor that says where the next page of a list begins: given out, and sent back.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// The last entry of a page. Its place in the order of the list does not move when others are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When that entry was created, or what else its list is sorted by.
    pub created_at_ms: i64,
    /// Its id, which orders entries of the same moment.
    pub id: Uuid,
}

/// Version 1: one byte of version, 8 of time, 16 of id, 5 of checksum. 30 bytes are 40 characters without padding.
const VERSION: u8 = 1;
const BODY_BYTES: usize = 25;
const BYTES: usize = 30;

impl Cursor {
    /// The cursor as text. It fits only the list of that name.
    pub fn encode(self, list: &str) -> String {
        let mut bytes = [VERSION; BYTES];
        bytes[1..9].copy_from_slice(&self.created_at_ms.to_be_bytes());
        bytes[9..BODY_BYTES].copy_from_slice(self.id.as_bytes());
        let checksum = checksum(&bytes[..BODY_BYTES], list);
        bytes[BODY_BYTES..].copy_from_slice(&checksum);
        let mut text = String::with_capacity(BYTES / 3 * 4);
        for group in bytes.chunks_exact(3) {
            let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
            text.extend([18, 12, 6, 0].map(|shift| char::from(ALPHABET[bits >> shift & 63])));
        }
        text
    }

    /// Reads what [`encode`](Self::encode) wrote for the list of that name; `None` for anything else.
    pub fn decode(text: &str, list: &str) -> Option<Self> {
        if text.len() != BYTES / 3 * 4 {
            return None;
        }
        let mut bytes = Vec::with_capacity(BYTES);
        for group in text.as_bytes().chunks_exact(4) {
            let mut bits = 0_u32;
            for letter in group {
                bits = bits << 6 | u32::try_from(ALPHABET.iter().position(|known| known == letter)?).ok()?;
            }
            bytes.extend_from_slice(&bits.to_be_bytes()[1..]);
        }
        let (body, sum) = bytes.split_at(BODY_BYTES);
        let (version, rest) = body.split_first()?;
        if *version != VERSION || sum != checksum(body, list) {
            return None;
        }
        let (created_at_ms, id) = rest.split_first_chunk::<8>()?;
        Some(Self { created_at_ms: i64::from_be_bytes(*created_at_ms), id: Uuid::from_slice(id).ok()? })
    }
}

/// The alphabet of base64url, RFC 4648 section 5.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Finds cut, mistyped and foreign cursors. No secret: a cursor made by hand shows nothing that its maker may not see.
fn checksum(body: &[u8], list: &str) -> [u8; BYTES - BODY_BYTES] {
    let digest: [u8; 32] = Sha256::new().chain_update(list).chain_update([0]).chain_update(body).finalize().into();
    std::array::from_fn(|index| digest[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_bytes([0x01, 0x8f, 0x4e, 0x9a, 0, 0, 0x70, 0, 0x80, 0xff, 0xfe, 0xfb, 0x3f, 0, 0, 1]);

    #[test]
    fn a_cursor_reads_back_as_itself() {
        for created_at_ms in [0, 1, -1, 1_795_170_249_000, i64::MAX, i64::MIN] {
            let cursor = Cursor { created_at_ms, id: ID };
            let text = cursor.encode("orders");
            assert_eq!(text.len(), 40);
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
            assert_eq!(Cursor::decode(&text, "orders"), Some(cursor));
        }
    }

    #[test]
    fn no_other_text_is_a_cursor() {
        let good = Cursor { created_at_ms: 1_795_170_249_000, id: ID }.encode("orders");
        assert_eq!(Cursor::decode(&good, "offers"), None, "of another list");
        for (index, _) in good.char_indices() {
            assert_eq!(Cursor::decode(&good[..index], "orders"), None, "cut at {index}");
            let mut changed = good.clone();
            let other = if &good[index..=index] == "A" { "B" } else { "A" };
            changed.replace_range(index..=index, other);
            assert_eq!(Cursor::decode(&changed, "orders"), None, "changed at {index}");
        }
        let padded = format!("{good}=");
        let blank = "A".repeat(40);
        let wide = "é".repeat(20);
        let standard = "+/".repeat(20);
        for text in ["", "x", "null", &padded, &blank, &wide, &standard, &good.repeat(2), &" ".repeat(40)] {
            assert_eq!(Cursor::decode(text, "orders"), None, "{text}");
        }
    }

    #[test]
    fn a_cursor_of_another_version_is_refused() {
        let mut bytes = [2_u8; BYTES];
        let sum = checksum(&bytes[..BODY_BYTES], "orders");
        bytes[BODY_BYTES..].copy_from_slice(&sum);
        let mut text = String::new();
        for group in bytes.chunks_exact(3) {
            let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
            text.extend([18, 12, 6, 0].map(|shift| char::from(ALPHABET[bits >> shift & 63])));
        }
        assert_eq!(Cursor::decode(&text, "orders"), None);
    }
}
