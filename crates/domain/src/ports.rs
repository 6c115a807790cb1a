//! What the rules need answered by the outside: time and chance.

use std::fmt::Debug;

use crate::time::Timestamp;

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Gives randomness fit for secrets.
pub trait Entropy: Debug + Send + Sync {
    /// Fills `bytes` from a cryptographically secure generator. An implementation that cannot do so must
    /// not return.
    fn fill(&self, bytes: &mut [u8]);
}

/// A name that no other has: 26 lower-case letters and digits.
pub fn unique(entropy: &dyn Entropy) -> String {
    draw(entropy, b"abcdefghijklmnopqrstuvwxyz0123456789", 26)
}

/// `length` characters drawn evenly from `alphabet` (2 to 256 ASCII characters).
pub(crate) fn draw(entropy: &dyn Entropy, alphabet: &[u8], length: usize) -> String {
    // Bytes at or above the largest multiple of the alphabet's size would favour its first letters.
    let fair = 256 - 256 % alphabet.len();
    let mut drawn = String::with_capacity(length);
    let mut bytes = [0u8; 64];
    while drawn.len() < length {
        entropy.fill(&mut bytes);
        let letters = bytes.iter().map(|b| usize::from(*b)).filter(|b| *b < fair);
        for letter in letters.take(length - drawn.len()) {
            drawn.push(char::from(alphabet[letter % alphabet.len()]));
        }
    }
    zeroize::Zeroize::zeroize(&mut bytes);
    drawn
}
