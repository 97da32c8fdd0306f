//! What guests prove themselves with: a token that nobody can guess, told once; only its SHA-256 is kept.

use std::fmt::Write as _;

use domain::checkout::GuestToken;
use sha2::{Digest as _, Sha256};

/// A new token, and what is kept of it.
pub fn new_token() -> (String, GuestToken) {
    let secret: [u8; 32] = rand::random();
    let token = secret.iter().fold(String::with_capacity(64), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes any text");
        text
    });
    let kept = kept_of(&token);
    (token, kept)
}

/// What is kept of a token that somebody brings.
pub fn kept_of(token: &str) -> GuestToken {
    GuestToken(Sha256::digest(token.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_new_each_time_and_known_again() {
        let ((one, kept), (other, _)) = (new_token(), new_token());
        assert_ne!(one, other);
        assert_eq!((one.len(), kept_of(&one)), (64, kept));
        assert_ne!(kept_of(&other), kept);
    }
}
