//! SHA-256 hashes as text.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256 as 64 hexadecimal digits in lower case.
///
/// ```
/// use piton_path::Sha256Hex;
///
/// let hash = Sha256Hex::of(b"hello");
/// assert_eq!(hash.as_str().len(), 64);
/// assert_eq!(hash.as_str().to_uppercase().parse(), Ok(hash));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256Hex(String);

/// A text that is not 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a SHA-256 of 64 hexadecimal digits", text.escape_debug())]
pub struct Sha256HexError {
    /// The text, cut after 80 characters.
    pub text: String,
}

impl Sha256Hex {
    /// Returns the hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Sha256Hex {
        Sha256Hex::from_digest(&Sha256::digest(bytes).into())
    }

    /// Returns the text of a digest.
    pub fn from_digest(digest: &[u8; 32]) -> Sha256Hex {
        Sha256Hex(HEXLOWER.encode(digest))
    }

    /// Returns the 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Sha256Hex {
    type Err = Sha256HexError;

    /// Takes digits in upper and lower case.
    fn from_str(text: &str) -> Result<Sha256Hex, Sha256HexError> {
        let is_hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match is_hexadecimal && text.len() == 64 {
            true => Ok(Sha256Hex(text.to_ascii_lowercase())),
            false => Err(Sha256HexError {
                text: text.chars().take(80).collect(),
            }),
        }
    }
}

impl TryFrom<String> for Sha256Hex {
    type Error = Sha256HexError;

    fn try_from(text: String) -> Result<Sha256Hex, Sha256HexError> {
        text.parse()
    }
}

impl From<Sha256Hex> for String {
    fn from(hash: Sha256Hex) -> String {
        hash.0
    }
}

impl fmt::Display for Sha256Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            Sha256Hex::of(b"abc").as_str(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "ba78",
            &"g".repeat(64),
            &"a".repeat(65),
            &"ä".repeat(32),
        ] {
            assert!(text.parse::<Sha256Hex>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_hash_in_a_document_is_checked_and_kept_in_lower_case() {
        use serde::de::value::{Error, StrDeserializer};
        let read = |text: &str| Sha256Hex::deserialize(StrDeserializer::<Error>::new(text));
        let hash = read(&"AB".repeat(32)).unwrap();
        assert_eq!(hash.as_str(), "ab".repeat(32));
        assert_eq!(String::from(hash), "ab".repeat(32));
        assert!(read(&"ab".repeat(31)).is_err());
        let error = "x".repeat(100_000).parse::<Sha256Hex>().unwrap_err();
        assert_eq!(error.text.len(), 80);
    }
}
