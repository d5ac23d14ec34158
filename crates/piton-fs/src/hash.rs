//! Hashes of files on the board.

use std::io::{self, Read};

use md5::Md5;
use piton_board::deadline::Deadline;
use piton_board::literal::py_str;
use piton_path::BoardPath;
use serde::{Deserialize, Deserializer};
use sha1::Sha1;
use sha2::digest::DynDigest;
use sha2::{Sha256, Sha384, Sha512};

use crate::device;
use crate::error::Error;
use crate::remote::{RemoteFs, quoted};

/// A hash algorithm of MicroPython's `hashlib`, or of the host for boards without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// MD5, 16 bytes.
    Md5,
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl HashAlgorithm {
    /// Returns the name in `hashlib`.
    pub fn name(self) -> &'static str {
        match self {
            HashAlgorithm::Md5 => "md5",
            HashAlgorithm::Sha1 => "sha1",
            HashAlgorithm::Sha256 => "sha256",
            HashAlgorithm::Sha384 => "sha384",
            HashAlgorithm::Sha512 => "sha512",
        }
    }

    /// Returns the digest of `content`.
    pub fn digest(self, content: &[u8]) -> Vec<u8> {
        let mut hasher = self.hasher();
        hasher.update(content);
        hasher.finalize().into_vec()
    }

    /// Returns the digest of the content of `reader`, without keeping the whole content in memory.
    ///
    /// # Errors
    ///
    /// The error of the reader.
    pub fn digest_of(self, reader: &mut dyn Read) -> io::Result<Vec<u8>> {
        let mut hasher = self.hasher();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finalize().into_vec()),
                Ok(count) => hasher.update(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn hasher(self) -> Box<dyn DynDigest> {
        match self {
            HashAlgorithm::Md5 => Box::new(Md5::default()),
            HashAlgorithm::Sha1 => Box::new(Sha1::default()),
            HashAlgorithm::Sha256 => Box::new(Sha256::default()),
            HashAlgorithm::Sha384 => Box::new(Sha384::default()),
            HashAlgorithm::Sha512 => Box::new(Sha512::default()),
        }
    }
}

impl RemoteFs<'_, '_> {
    /// Returns the digest of a file's content. The board calculates it; if it lacks the algorithm, the file is read
    /// and the host does (one more exchange).
    ///
    /// # Errors
    ///
    /// As for [`RemoteFs::read`].
    pub fn hash(
        &mut self,
        path: &BoardPath,
        algorithm: HashAlgorithm,
        deadline: Deadline,
    ) -> Result<Vec<u8>, Error> {
        let arguments = [&*quoted(path), &py_str(algorithm.name())];
        match self.query(path, device::HASH, &arguments, deadline)? {
            Some(DigestBytes(digest)) => Ok(digest),
            None => {
                let mut hasher = algorithm.hasher();
                let mut sink = |bytes: &[u8]| hasher.update(bytes);
                self.read_to(path, &mut sink, &mut |_| {}, deadline)?;
                Ok(hasher.finalize().into_vec())
            }
        }
    }
}

/// A bytes object from the board.
pub(crate) struct DigestBytes(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for DigestBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DigestBytes, D::Error> {
        // Without the crate `serde_bytes`, serde represents bytes as a sequence of numbers.
        Vec::deserialize(deserializer).map(DigestBytes)
    }
}
