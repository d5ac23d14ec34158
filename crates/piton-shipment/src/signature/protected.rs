//! Secret keys with a password: scrypt derives a key stream from it, and the secret bytes are XORed with the stream.

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::{BLAKE2, ED25519, SECRET_LENGTH, SecretKey, SecretPart, SignatureError, take, text};

/// Key derivation of a secret key with a password.
pub(super) const SCRYPT: [u8; 2] = *b"Sc";

/// A password of a secret key. Its bytes are overwritten when it is dropped, and `Debug` does not show it.
pub struct Password(Zeroizing<String>);

impl Password {
    /// Returns the password `text`.
    pub fn new(text: String) -> Password {
        Password(Zeroizing::new(text))
    }

    /// Returns whether the password is empty, so that it protects nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl PartialEq for Password {
    /// Compares two passwords that a person typed. Not for secrets of others: the time it takes depends on where they
    /// differ.
    fn eq(&self, other: &Password) -> bool {
        *self.0 == *other.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

/// The cost of trying a password, in the parameters of libsodium's `crypto_pwhash_scryptsalsa208sha256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    /// The limit of operations, roughly calls of Salsa20/8.
    operations: u64,
    /// The limit of memory, in bytes.
    memory: u64,
}

impl Cost {
    /// The cost of new keys: N = 2^17, r = 8, p = 1, the first choice of OWASP's "Password Storage Cheat Sheet". It
    /// takes 128 MiB, which small machines and containers have; the 1 GiB of `minisign -G` they often have not.
    const NEW: Cost = Cost {
        operations: 1 << 22,
        memory: 1 << 27,
    };

    /// The cost of keys of `minisign -G`, and the maximum that a key may ask for: without a limit, a key's file could
    /// occupy this computer for days (`crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE`,
    /// `_MEMLIMIT_SENSITIVE`).
    const MOST: Cost = Cost {
        operations: 1 << 25,
        memory: 1 << 30,
    };

    /// The minimum of memory (`crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_MIN`): with less, all operations go into
    /// the hash around scrypt's core, which the limit of operations does not count.
    const LEAST_MEMORY: u64 = 1 << 24;

    /// Returns log2(N) and p of scrypt as libsodium chooses them (`pickparams` in `pwhash_scryptsalsa208sha256.c`).
    /// The tighter limit decides about N; r is 8.
    fn parameters(self) -> Result<(u8, u32), SignatureError> {
        let Cost { operations, memory } = self;
        if operations > Cost::MOST.operations
            || !(Cost::LEAST_MEMORY..=Cost::MOST.memory).contains(&memory)
        {
            return Err(SignatureError::Cost { operations, memory });
        }
        let operations = operations.max(1 << 15);
        // The exponent of the largest power of 2 up to the limit, at least 1.
        let log = |limit: u64| limit.checked_ilog2().unwrap_or(0).max(1);
        let (log_n, p) = if operations < memory / 32 {
            (log(operations / 32), 1)
        } else {
            let log_n = log(memory / 1024);
            (log_n, ((operations / 4) >> log_n) / 8)
        };
        match (u8::try_from(log_n), u32::try_from(p)) {
            (Ok(log_n), Ok(p)) => Ok((log_n, p)),
            _ => Err(SignatureError::Cost { operations, memory }),
        }
    }

    /// Returns the key stream.
    fn stream(
        self,
        password: &Password,
        salt: [u8; 32],
    ) -> Result<Zeroizing<[u8; SECRET_LENGTH]>, SignatureError> {
        let Cost { operations, memory } = self;
        let (log_n, p) = self.parameters()?;
        // The scrypt crate aborts the process when the allocation fails, so memory is requested here first, where
        // failure is an error.
        let blocks = (1 << log_n) + u64::from(p) + 1;
        let bytes = usize::try_from(blocks * 1024).unwrap_or(usize::MAX);
        if Vec::<u8>::new().try_reserve_exact(bytes).is_err() {
            return Err(SignatureError::Memory { memory });
        }
        let refused = SignatureError::Cost { operations, memory };
        let Ok(parameters) = scrypt::Params::new(log_n, 8, p) else {
            return Err(refused);
        };
        let mut stream = Zeroizing::new([0; SECRET_LENGTH]);
        let text = password.0.as_bytes();
        match scrypt::scrypt(text, &salt, &parameters, stream.as_mut_slice()) {
            Ok(()) => Ok(stream),
            Err(_) => Err(refused),
        }
    }
}

/// A secret key under a password, as `minisign -G` or [`SecretKey::protect`] writes it.
#[derive(Clone, Debug)]
pub struct ProtectedKey {
    salt: [u8; 32],
    cost: Cost,
    sealed: [u8; SECRET_LENGTH],
}

impl ProtectedKey {
    /// Reads the part of a key's file after the algorithms.
    pub(super) fn read(mut rest: &[u8]) -> ProtectedKey {
        let salt = take(&mut rest);
        let cost = Cost {
            operations: u64::from_le_bytes(take(&mut rest)),
            memory: u64::from_le_bytes(take(&mut rest)),
        };
        ProtectedKey {
            salt,
            cost,
            sealed: take(&mut rest),
        }
    }

    /// Opens the key. This takes as much time and memory as the key's maker chose, at most a few seconds and 1 GiB.
    ///
    /// # Errors
    ///
    /// [`SignatureError::WrongPassword`]; [`SignatureError::Cost`] and [`SignatureError::Memory`] before the password
    /// is tried; [`SignatureError::SecretKey`].
    pub fn open(&self, password: &Password) -> Result<SecretKey, SignatureError> {
        let stream = self.cost.stream(password, self.salt)?;
        let opened = combine(&stream, &self.sealed);
        let secret = SecretPart::read(&opened);
        if !secret.is_whole() {
            return Err(SignatureError::WrongPassword);
        }
        secret.into_key()
    }
}

impl SecretKey {
    /// Returns the file of the secret key, under a password. This takes about half a second and 128 MiB.
    ///
    /// # Errors
    ///
    /// [`SignatureError::Random`], [`SignatureError::Memory`].
    pub fn protect(&self, password: &Password) -> Result<String, SignatureError> {
        self.protect_at(Cost::NEW, password)
    }

    fn protect_at(&self, cost: Cost, password: &Password) -> Result<String, SignatureError> {
        let mut salt = [0; 32];
        SystemRandom::new()
            .fill(&mut salt)
            .map_err(|_| SignatureError::Random)?;
        let stream = cost.stream(password, salt)?;
        let sealed = combine(&stream, &self.secret_bytes());
        let bytes = [
            ED25519.as_slice(),
            &SCRYPT,
            &BLAKE2,
            &salt,
            &cost.operations.to_le_bytes(),
            &cost.memory.to_le_bytes(),
            sealed.as_slice(),
        ];
        Ok(text(
            "minisign encrypted secret key",
            &self.id(),
            &bytes.concat(),
        ))
    }
}

/// Returns `bytes` XOR `stream`: this encrypts and decrypts.
fn combine(
    stream: &[u8; SECRET_LENGTH],
    bytes: &[u8; SECRET_LENGTH],
) -> Zeroizing<[u8; SECRET_LENGTH]> {
    let mut combined = Zeroizing::new(*bytes);
    for (byte, mask) in combined.iter_mut().zip(stream) {
        *byte ^= mask;
    }
    combined
}

#[cfg(test)]
mod tests {
    use super::super::{KeyFile, PublicKey};
    use super::*;

    /// A low cost, so that tests are fast.
    const CHEAP: Cost = Cost {
        operations: 1 << 15,
        memory: 1 << 24,
    };

    /// A key of minisign 0.11, made with little memory, its public half, and a signature of the empty file.
    const KEY: &str = "untrusted comment: minisign encrypted secret key\n\
        RWRTY0IygydDAR8lrNbdoUP4FfHqKZtb4IW6iv3c3x5PyqWIJ3UAABAAAAAAAAAAAAIAAAAAlmAeFUJpIppWJ9rX7O20d+YYKnFqfA7Kayu\
        +ict7J8/J0okOZoUvY2fZQ24Pyu/f6241+cLpHWPXES8U/UMtIOUsZLg8bZ1W2H60xjQ1MScQiVewfawsdB+iZOCb2QaoS7BJDspcOQM=\n";
    const PASSWORD: &str = "one two";
    const PUBLIC: &str = "untrusted comment: minisign public key DAA849F7A2B2A659\n\
        RWRZprKi90mo2nENsolkDJwmdzDmBMwXHbS64rykctDgqqjiQW7GRO/M\n";
    const SIGNATURE: &str = "untrusted comment: signature from minisign secret key\n\
        RURZprKi90mo2pIaaIVRcQeD0KHe/zVNQF334TphTnzK2oHbJIwG6X81Y6hW2j/YKO3ErRH2q/oPpUWlnYrX9nC8lY+a4BLMgQo=\n\
        trusted comment: from minisign 0.11\n\
        l5R4uZGMQa82ZQ98aqyAuTTMmTY0NYEv2wK9Q0uA4MYXytkM/dv/8VB8bjN/cqZzXGjjuUX70xhQ2ooaHhaVDQ==\n";

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    fn protected(text: &str) -> ProtectedKey {
        match KeyFile::parse(text).unwrap() {
            KeyFile::Protected(key) => key,
            KeyFile::Open(key) => panic!("{key:?} has no password"),
        }
    }

    #[test]
    fn a_key_of_minisign_makes_the_same_signature_as_minisign() {
        let key = protected(KEY).open(&password(PASSWORD)).unwrap();
        assert_eq!(key.id(), "DAA849F7A2B2A659");
        assert_eq!(key.public_text().lines().nth(1), PUBLIC.lines().nth(1));
        assert_eq!(key.sign(b"", "from minisign 0.11"), SIGNATURE);
        let wrong = protected(KEY).open(&password("one twp")).unwrap_err();
        assert_eq!(wrong.to_string(), "the password is wrong");
    }

    #[test]
    fn a_protected_key_file_is_read_back() {
        let key = SecretKey::generate().unwrap();
        let text = key.protect_at(CHEAP, &password("schlüssel")).unwrap();
        let again = protected(&text).open(&password("schlüssel")).unwrap();
        assert_eq!(again.to_text(), key.to_text());
        for wrong in ["", "schlussel", "schlüssel "] {
            let error = protected(&text).open(&password(wrong)).unwrap_err();
            assert!(matches!(error, SignatureError::WrongPassword), "{error}");
        }
        // The same key under the same password: no two files are alike.
        assert_ne!(key.protect_at(CHEAP, &password("schlüssel")).unwrap(), text);
    }

    #[test]
    fn the_parameters_are_those_of_libsodium() {
        let check = |operations, memory| Cost { operations, memory }.parameters().unwrap();
        // What `pickparams` of libsodium 1.0.18 chooses.
        for (operations, memory, chosen) in [
            (1 << 25, 1 << 30, (20, 1)),
            (1 << 22, 1 << 27, (17, 1)),
            (1 << 20, 1 << 25, (15, 1)),
            (1 << 19, 1 << 24, (14, 1)),
            (1 << 25, 1 << 24, (14, 64)),
            (0, 1 << 30, (10, 1)),
            (100_000, 1 << 30, (11, 1)),
            (3_000_000, 100_000_000, (16, 1)),
        ] {
            assert_eq!(check(operations, memory), chosen, "{operations} {memory}");
        }
    }

    #[test]
    fn a_key_that_needs_too_much_memory_or_time_is_refused() {
        for (operations, memory) in [
            (u64::MAX, u64::MAX),
            (u64::MAX, 1 << 24),
            (1 << 25, (1 << 30) + 1),
            ((1 << 25) + 1, 1 << 30),
            (1 << 25, (1 << 24) - 1),
            (0, 0),
        ] {
            let mut key = protected(KEY);
            key.cost = Cost { operations, memory };
            let error = key.open(&password(PASSWORD)).unwrap_err();
            assert!(matches!(error, SignatureError::Cost { .. }), "{error}");
        }
    }

    #[test]
    fn a_key_file_changed_by_an_editor_can_be_read() {
        let lines = KEY.replace('\n', "  \r\n");
        for text in [
            format!("\u{feff}{lines}"),
            KEY.trim().to_owned(),
            format!("\n\n{KEY}\n"),
        ] {
            assert_eq!(protected(&text).sealed, protected(KEY).sealed);
        }
        let public =
            PublicKey::parse(&format!("\u{feff}{}", PUBLIC.replace('\n', " \r\n"))).unwrap();
        public.check(b"", &SIGNATURE.replace('\n', "\r\n")).unwrap();
        public.check(b"", &format!("\u{feff}{SIGNATURE}")).unwrap();
    }

    #[test]
    fn any_damage_is_recognized() {
        // Every truncated file, and every changed letter.
        let damaged = |text: &str, index: usize| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        };
        let key = SecretKey::generate().unwrap();
        let text = key.to_text();
        let start = text.find('\n').unwrap() + 1;
        // The last line end may be missing.
        for end in 0..text.len() - 1 {
            assert!(KeyFile::parse(&text[..end]).is_err(), "{end}");
        }
        for index in start..text.len() - 1 {
            // The salt and the limits, which a key without a password does not use.
            let unused = (start + 8..start + 8 + 64).contains(&index);
            if let Ok(KeyFile::Open(found)) = KeyFile::parse(&damaged(&text, index)) {
                assert!(unused && found.to_text() == text, "{index}");
            }
        }

        let public = PublicKey::parse(PUBLIC).unwrap();
        for end in 0..SIGNATURE.len() - 1 {
            assert!(public.check(b"", &SIGNATURE[..end]).is_err(), "{end}");
        }
        for index in SIGNATURE.find('\n').unwrap()..SIGNATURE.len() - 1 {
            assert!(
                public.check(b"", &damaged(SIGNATURE, index)).is_err(),
                "{index}"
            );
        }
    }
}
