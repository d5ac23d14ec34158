//! Signatures in the format of minisign: Ed25519 over the BLAKE2b hash of the file.
//!
//! Format: <https://jedisct1.github.io/minisign/>, "Signature format", "Public key format", "Secret key format".
//! Signing is our code, checking is the crate of minisign's author: an error in one of them shows in the tests of the
//! other.

mod protected;

pub use protected::{Password, ProtectedKey};

use blake2::Blake2b512;
use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use data_encoding::BASE64;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

/// Why a file cannot be signed or checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The text is not a minisign secret key.
    #[error("not a minisign secret key: {problem}")]
    SecretKey {
        /// What is wrong.
        problem: &'static str,
    },
    /// The password does not open the secret key.
    #[error("the password is wrong")]
    WrongPassword,
    /// The secret key asks for more operations or memory than any of minisign: trying the password could take days,
    /// or all memory.
    #[error(
        "not a minisign secret key: trying its password takes {operations} operations and {memory} bytes of \
         memory, expected at most 33554432 and 16777216 to 1073741824"
    )]
    Cost {
        /// Operations, as libsodium counts them.
        operations: u64,
        /// Bytes.
        memory: u64,
    },
    /// This computer does not have the memory that trying the password takes.
    #[error("trying its password takes {} MiB of memory, more than this computer has", memory >> 20)]
    Memory {
        /// Bytes.
        memory: u64,
    },
    /// The text is not a minisign public key.
    #[error("not a minisign public key: {0}")]
    PublicKey(minisign_verify::Error),
    /// The text is not a minisign signature.
    #[error("not a minisign signature: {0}")]
    Signature(minisign_verify::Error),
    /// The signature was made with another key.
    #[error("the signature was made with another key")]
    OtherKey,
    /// The signature belongs to other content.
    #[error("the signature does not match the content")]
    Invalid,
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers")]
    Random,
}

/// Algorithm of keys, and of signatures over the bytes of a file.
const ED25519: [u8; 2] = *b"Ed";
/// Algorithm of signatures over the hash of a file.
const PREHASHED: [u8; 2] = *b"ED";
/// Algorithm of the check sum in a secret key.
const BLAKE2: [u8; 2] = *b"B2";
/// Key derivation of a secret key without a password.
const PLAIN: [u8; 2] = [0, 0];
/// Bytes that must stay secret: key number, key, check sum.
const SECRET_LENGTH: usize = 8 + 64 + 32;
/// Bytes of a secret key's file: three algorithms, salt, two limits, and those.
const FILE_LENGTH: usize = 2 + 2 + 2 + 32 + 8 + 8 + SECRET_LENGTH;

/// The content of a secret key's file.
#[derive(Debug)]
pub enum KeyFile {
    /// A key without a password.
    Open(SecretKey),
    /// A key that a password opens.
    Protected(ProtectedKey),
}

impl KeyFile {
    /// Reads the file of a secret key, as `minisign -G`, [`SecretKey::to_text`] or [`SecretKey::protect`] writes it.
    ///
    /// # Errors
    ///
    /// [`SignatureError::SecretKey`].
    pub fn parse(text: &str) -> Result<KeyFile, SignatureError> {
        let fault = |problem| SignatureError::SecretKey { problem };
        let line = key_line(text).ok_or(fault("it is empty"))?;
        let bytes = BASE64
            .decode(line.as_bytes())
            .map_err(|_| fault("its second line is not base64"))?;
        let bytes: Zeroizing<[u8; FILE_LENGTH]> = Zeroizing::new(bytes)
            .as_slice()
            .try_into()
            .map(Zeroizing::new)
            .map_err(|_| fault("its second line does not have 158 bytes"))?;
        let mut rest = bytes.as_slice();
        let (algorithm, derivation, check) = (take(&mut rest), take(&mut rest), take(&mut rest));
        if algorithm != ED25519 || check != BLAKE2 {
            return Err(fault("unknown algorithm"));
        }
        match derivation {
            PLAIN => {}
            protected::SCRYPT => return Ok(KeyFile::Protected(ProtectedKey::read(rest))),
            _ => return Err(fault("unknown key derivation")),
        }
        // Salt and limits, which a key without a password does not use.
        let _: [u8; 48] = take(&mut rest);
        let secret = SecretPart::read(&Zeroizing::new(take(&mut rest)));
        // minisign writes no check sum into keys of `-W`: the field is zero.
        if secret.sum != [0; 32] && !secret.is_whole() {
            return Err(fault("wrong check sum"));
        }
        secret.into_key().map(KeyFile::Open)
    }
}

/// The secret bytes of a key's file, by field.
struct SecretPart {
    number: [u8; 8],
    seed: Zeroizing<[u8; 32]>,
    public: [u8; 32],
    sum: [u8; 32],
}

impl SecretPart {
    fn read(bytes: &[u8; SECRET_LENGTH]) -> SecretPart {
        let mut rest = bytes.as_slice();
        SecretPart {
            number: take(&mut rest),
            seed: Zeroizing::new(take(&mut rest)),
            public: take(&mut rest),
            sum: take(&mut rest),
        }
    }

    /// Returns whether the check sum matches the other fields.
    fn is_whole(&self) -> bool {
        self.sum == check_sum(self.number, &self.seed, self.public)
    }

    fn into_key(self) -> Result<SecretKey, SignatureError> {
        let key = SecretKey::new(self.number, self.seed)?;
        if key.pair.public_key().as_ref() != self.public {
            return Err(SignatureError::SecretKey {
                problem: "its two halves do not belong together",
            });
        }
        Ok(key)
    }
}

/// A key to sign with.
pub struct SecretKey {
    number: [u8; 8],
    seed: Zeroizing<[u8; 32]>,
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey({})", self.id())
    }
}

impl SecretKey {
    /// Returns a new key from the operating system's random numbers.
    ///
    /// # Errors
    ///
    /// [`SignatureError::Random`].
    pub fn generate() -> Result<SecretKey, SignatureError> {
        let random = SystemRandom::new();
        let (mut number, mut seed) = ([0; 8], Zeroizing::new([0; 32]));
        let filled = random
            .fill(&mut number)
            .and_then(|()| random.fill(seed.as_mut_slice()));
        filled.map_err(|_| SignatureError::Random)?;
        SecretKey::new(number, seed)
    }

    fn new(number: [u8; 8], seed: Zeroizing<[u8; 32]>) -> Result<SecretKey, SignatureError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map_err(|_| {
            SignatureError::SecretKey {
                problem: "not an Ed25519 key",
            }
        })?;
        Ok(SecretKey { number, seed, pair })
    }

    /// Returns the file of the secret key without a password: every person who has it can sign.
    pub fn to_text(&self) -> String {
        let secret = self.secret_bytes();
        let bytes = [ED25519.as_slice(), &PLAIN, &BLAKE2, &[0; 48], &*secret];
        text("minisign secret key", &self.id(), &bytes.concat())
    }

    /// Returns the file of the public key that belongs to it.
    pub fn public_text(&self) -> String {
        let bytes = [ED25519.as_slice(), &self.number, &self.public_bytes()];
        text("minisign public key", &self.id(), &bytes.concat())
    }

    /// Returns the number of the key in hexadecimal, as minisign shows it.
    pub fn id(&self) -> String {
        format!("{:016X}", u64::from_le_bytes(self.number))
    }

    fn public_bytes(&self) -> [u8; 32] {
        let public = self.pair.public_key().as_ref();
        public.try_into().unwrap_or_default()
    }

    fn secret_bytes(&self) -> Zeroizing<[u8; SECRET_LENGTH]> {
        let public = self.public_bytes();
        let sum = check_sum(self.number, &self.seed, public);
        let parts: [&[u8]; 4] = [&self.number, &*self.seed, &public, &sum];
        let mut bytes = Zeroizing::new([0; SECRET_LENGTH]);
        for (byte, of) in bytes.iter_mut().zip(parts.iter().copied().flatten()) {
            *byte = *of;
        }
        bytes
    }

    /// Returns the text of the signature file of `content`. `comment` is signed too; line ends in it become spaces.
    pub fn sign(&self, content: &[u8], comment: &str) -> String {
        let comment = comment.replace(['\r', '\n'], " ");
        let signature = self.pair.sign(&Blake2b512::digest(content));
        let global = self
            .pair
            .sign(&[signature.as_ref(), comment.as_bytes()].concat());
        let bytes = [PREHASHED.as_slice(), &self.number, signature.as_ref()];
        format!(
            "untrusted comment: signature from minisign secret key\n{}\ntrusted comment: {comment}\n{}\n",
            BASE64.encode(&bytes.concat()),
            BASE64.encode(global.as_ref())
        )
    }
}

/// A key to check signatures with.
#[derive(Debug)]
pub struct PublicKey(minisign_verify::PublicKey);

impl PublicKey {
    /// Reads the file of a public key, or its second line alone.
    ///
    /// # Errors
    ///
    /// [`SignatureError::PublicKey`].
    pub fn parse(text: &str) -> Result<PublicKey, SignatureError> {
        let line = key_line(text).unwrap_or_default();
        minisign_verify::PublicKey::from_base64(line)
            .map(PublicKey)
            .map_err(SignatureError::PublicKey)
    }

    /// Checks that `signature`, the text of its file, was made of `content` with this key.
    ///
    /// # Errors
    ///
    /// [`SignatureError::Signature`] for a text in another format, [`SignatureError::OtherKey`],
    /// [`SignatureError::Invalid`].
    pub fn check(&self, content: &[u8], signature: &str) -> Result<(), SignatureError> {
        let signature =
            minisign_verify::Signature::decode(signature).map_err(SignatureError::Signature)?;
        match self.0.verify(content, &signature, true) {
            Ok(()) => Ok(()),
            Err(minisign_verify::Error::UnexpectedKeyId) => Err(SignatureError::OtherKey),
            Err(_) => Err(SignatureError::Invalid),
        }
    }
}

/// Returns the line of a key's file that is not the comment.
fn key_line(text: &str) -> Option<&str> {
    // Editors on Windows write a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with("untrusted comment:"))
}

fn text(comment: &str, id: &str, bytes: &[u8]) -> String {
    format!(
        "untrusted comment: {comment} {id}\n{}\n",
        BASE64.encode(bytes)
    )
}

/// Takes the next bytes; zeros if too few are left.
fn take<const LENGTH: usize>(rest: &mut &[u8]) -> [u8; LENGTH] {
    let Some((bytes, after)) = rest.split_first_chunk::<LENGTH>() else {
        return [0; LENGTH];
    };
    *rest = after;
    *bytes
}

fn check_sum(number: [u8; 8], seed: &[u8; 32], public: [u8; 32]) -> [u8; 32] {
    let hash = Blake2b::<U32>::new();
    let hash = hash.chain_update(ED25519).chain_update(number);
    hash.chain_update(seed)
        .chain_update(public)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_valid_only_for_its_content_and_key() {
        let key = SecretKey::generate().unwrap();
        let public = PublicKey::parse(&key.public_text()).unwrap();
        let signature = key.sign(b"manifest", "timestamp:1");
        public.check(b"manifest", &signature).unwrap();
        let refused = |content: &[u8], signature: &str| {
            public.check(content, signature).unwrap_err().to_string()
        };
        assert_eq!(
            refused(b"Manifest", &signature),
            "the signature does not match the content"
        );
        assert_eq!(
            refused(
                b"manifest",
                &signature.replace("timestamp:1", "timestamp:2")
            ),
            "the signature does not match the content"
        );
        let other = SecretKey::generate().unwrap().sign(b"manifest", "");
        assert_eq!(
            refused(b"manifest", &other),
            "the signature was made with another key"
        );
        assert!(refused(b"manifest", "hello").contains("not a minisign signature"));
    }

    #[test]
    fn a_key_file_is_read_back() {
        let key = SecretKey::generate().unwrap();
        let KeyFile::Open(again) = KeyFile::parse(&key.to_text()).unwrap() else {
            panic!("it has a password");
        };
        assert_eq!(again.to_text(), key.to_text());
        assert_eq!(again.sign(b"a", "b"), key.sign(b"a", "b"));
        for (text, message) in [
            (String::new(), "it is empty"),
            ("hello!".to_owned(), "not base64"),
            (key.public_text(), "does not have 158 bytes"),
            (
                key.to_text().replacen("RWQAAEIy", "RWRTZEIy", 1),
                "unknown key derivation",
            ),
            (
                key.to_text().replacen("RWQAAEIyAAAA", "RWQAAEIxAAAA", 1),
                "algorithm",
            ),
        ] {
            let error = KeyFile::parse(&text).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    /// What minisign 0.11 made, from its documentation: our reader and its crate agree on the format.
    #[test]
    fn a_signature_of_minisign_is_accepted() {
        let public =
            PublicKey::parse("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3").unwrap();
        let signature = "untrusted comment: signature from minisign secret key\n\
            RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
            trusted comment: timestamp:1633700835\tfile:test\tprehashed\n\
            wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==";
        public.check(b"test", signature).unwrap();
        assert!(public.check(b"Test", signature).is_err());
    }
}
