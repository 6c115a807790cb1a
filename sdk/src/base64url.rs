//! Base64url exactly as RFC 7515 section 2 wants it: no padding, no whitespace, no line breaks, and
//! one spelling per value (unused bits of the last character are zero).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The text is not strict base64url.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Error;

pub(crate) fn decode(text: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Error)
}

/// Decodes into `buffer` and gives back the part that was written. A value that does not fit is an
/// error like any other.
pub(crate) fn decode_into<'b>(text: &str, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
    let length = URL_SAFE_NO_PAD.decode_slice(text, buffer).map_err(|_| Error)?;
    buffer.get(..length).ok_or(Error)
}

#[cfg(any(test, feature = "test-util"))]
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_per_value() {
        assert_eq!(decode("_-8").as_deref(), Ok(&[0xff, 0xef][..]));
        for text in ["_-8=", "/+8", "_-9", "_-8 ", " _-8", "_-\n8", "_", "_-8\0", "_-é", "_-8=="] {
            assert_eq!(decode(text), Err(Error), "{text:?}");
        }
        assert_eq!(decode("").as_deref(), Ok(&[][..]));
    }

    #[test]
    fn every_length_comes_back() {
        for length in 0..70_u8 {
            let bytes: Vec<u8> = (0..length).map(|i| i.wrapping_mul(37)).collect();
            let mut buffer = [0; 70];
            assert_eq!(decode_into(&encode(&bytes), &mut buffer), Ok(bytes.as_slice()));
        }
        assert_eq!(decode_into("AAAA", &mut [0; 2]), Err(Error));
    }
}
