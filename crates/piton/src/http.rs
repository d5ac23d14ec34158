//! Fetching documents from web servers: limited in size and time, through the proxies of the environment
//! (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`), with the certificates that the operating system trusts.

use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use piton_board::deadline::{Cancel, scaled};
use piton_board::error::ErrorKind;
use tempfile::SpooledTempFile;
use tracing::debug;

use crate::workers;
use crate::workspace::Credentials;

/// Maximum number of documents that are fetched at a time.
const AT_ONCE: usize = 8;

/// Maximum number of bytes of a document in memory. A longer document is stored in a temporary file.
const IN_MEMORY: usize = 1 << 20;

/// Number of bytes in one read.
const BUFFER: usize = 16 << 10;

/// The time between two checks of [`Cancel`].
const SLICE: Duration = Duration::from_millis(50);

/// Minimum number of bytes of a document in each [`ClientOptions::stall`]: about 100 a second, the share of a document
/// on a line of 1 kB/s that carries several documents at a time.
const LEAST: u64 = 2048;

/// The timeouts of a server. All of them are multiplied by the caller's
/// [factor](piton_board::deadline::scaled).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientOptions {
    /// Timeout of finding the address and connecting: 15 s.
    pub connect: Duration,
    /// Timeout of the start of an answer, of the next byte of a document, and of its next 2 KiB: 20 s.
    pub stall: Duration,
    /// Timeout of one document, from the search for the address to the last byte. Without a limit by default, since
    /// a slow line needs a long time.
    pub total: Option<Duration>,
    /// The `Authorization` headers of requests. Not sent after a redirection.
    pub credentials: Credentials,
}

impl Default for ClientOptions {
    fn default() -> ClientOptions {
        ClientOptions {
            connect: Duration::from_secs(15),
            stall: Duration::from_secs(20),
            total: None,
            credentials: Credentials::default(),
        }
    }
}

/// Why a document could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The server has no document at this address.
    #[error("{url} does not exist")]
    NotFound {
        /// The address.
        url: String,
    },
    /// The server refused, or failed.
    #[error("Error {status} requesting {url}")]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server cannot be reached: no network, an unknown name, or no answer.
    #[error("{reason} requesting {url}")]
    Unreachable {
        /// The address.
        url: String,
        /// What failed.
        reason: String,
    },
    /// The server did not answer in time.
    #[error("no answer in time ({waited_for}) requesting {url}")]
    Timeout {
        /// The address.
        url: String,
        /// What was waited for.
        waited_for: String,
    },
    /// The server sends too few bytes.
    #[error("{url} came too slowly: {bytes} bytes in {:.1} s", time.as_secs_f32())]
    TooSlow {
        /// The address.
        url: String,
        /// The number of received bytes.
        bytes: u64,
        /// The time in which they came.
        time: Duration,
    },
    /// The document is longer than allowed.
    #[error("{url} is longer than {limit} bytes")]
    TooLong {
        /// The address.
        url: String,
        /// Maximum number of bytes.
        limit: u64,
    },
    /// The answer is not a complete HTTP answer, or the identity of the server is not verified.
    #[error("{reason} requesting {url}")]
    Broken {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The document cannot be kept in a temporary file.
    #[error("could not keep {url} in a temporary file: {source}")]
    Store {
        /// The address.
        url: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// [`Cancel`] was raised.
    #[error("interrupted")]
    Cancelled,
}

impl HttpError {
    /// Returns the kind of the failure. A server that cannot be reached is [`ErrorKind::Refused`]:
    /// [`ErrorKind::NoConnection`] is about boards.
    pub fn kind(&self) -> ErrorKind {
        match self {
            HttpError::Cancelled => ErrorKind::Interrupted,
            _ => ErrorKind::Refused,
        }
    }
}

/// A fetched document. Its first mebibyte is kept in memory; a longer one is in a temporary file without a name, so
/// that many large documents need little memory.
#[derive(Debug)]
pub struct Document {
    content: SpooledTempFile,
    size: u64,
}

impl Document {
    fn new() -> Document {
        Document {
            content: SpooledTempFile::new(IN_MEMORY),
            size: 0,
        }
    }

    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.content.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Returns its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns its content, at most the first `limit` bytes.
    ///
    /// # Errors
    ///
    /// The temporary file cannot be read.
    pub fn into_bytes(mut self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.size.min(limit)).unwrap_or(0));
        self.rewind()?;
        self.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Read for Document {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.content.read(buffer)
    }
}

impl Seek for Document {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.content.seek(position)
    }
}

/// Fetches documents, keeping connections open between them.
#[derive(Clone, Debug)]
pub struct Client {
    agent: ureq::Agent,
    credentials: Credentials,
    /// The time in which [`LEAST`] bytes must come.
    window: Duration,
}

impl Client {
    /// Returns a client. Nothing is sent yet.
    pub fn new(options: &ClientOptions) -> Client {
        let tls = ureq::tls::TlsConfig::builder()
            // The system's own certificates, so that those of a company are trusted as well.
            .root_certs(ureq::tls::RootCerts::PlatformVerifier)
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .user_agent(concat!("piton/", env!("CARGO_PKG_VERSION")))
            .timeout_global(options.total.map(scaled))
            .timeout_resolve(Some(scaled(options.connect)))
            .timeout_connect(Some(scaled(options.connect)))
            .timeout_send_request(Some(scaled(options.stall)))
            .timeout_recv_response(Some(scaled(options.stall)))
            .timeout_per_read(Some(scaled(options.stall)))
            .build()
            .into();
        Client {
            agent,
            credentials: options.credentials.clone(),
            window: scaled(options.stall),
        }
    }

    /// Fetches one document of at most `limit` bytes. This call cannot be interrupted: see [`Client::get_all`].
    ///
    /// # Errors
    ///
    /// Any of [`HttpError`] but [`HttpError::Cancelled`].
    pub fn get(&self, url: &str, limit: u64) -> Result<Vec<u8>, HttpError> {
        let urls = [url.to_owned()];
        let documents = self.get_all(&urls, (limit, limit), &Cancel::new(), &mut |_| {})?;
        Ok(documents.into_iter().next().unwrap_or_default())
    }

    /// Fetches a document; `on_bytes` gets the number of bytes that have arrived, first 0 when the answer begins.
    fn download(
        &self,
        url: &str,
        limit: u64,
        on_bytes: &mut dyn FnMut(u64),
    ) -> Result<Document, HttpError> {
        debug!(%url, "the document is requested");
        let failed = |error| {
            let error = http_error(url, error);
            debug!(%url, %error, "the document could not be fetched");
            error
        };
        let request = self.agent.get(url);
        let request = match self.credentials.header(url) {
            Some(header) => request.header("authorization", header),
            None => request,
        };
        let mut response = request
            .config()
            // A redirection must not lead from HTTPS to HTTP.
            .https_only(url.starts_with("https:"))
            .build()
            .call()
            .map_err(failed)?;
        // Before the reader is created, because a reader that decompresses reads at once.
        on_bytes(0);
        let mut document = Document::new();
        let body = response.body_mut().with_config().limit(u64::MAX).reader();
        // The limit is applied after the decompression, so that the decompressed size is limited too.
        let mut body = body.take(limit + 1);
        let mut buffer = vec![0; BUFFER];
        loop {
            let count = match body.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(|error| failed(error.into()))?,
            };
            if count == 0 {
                break;
            }
            document
                .push(buffer.get(..count).unwrap_or_default())
                .map_err(|source| not_stored(url, source))?;
            on_bytes(document.size);
        }
        debug!(%url, bytes = document.size, "the document has arrived");
        if document.size > limit {
            return Err(HttpError::TooLong {
                url: url.to_owned(),
                limit,
            });
        }
        document
            .rewind()
            .map_err(|source| not_stored(url, source))?;
        Ok(document)
    }

    /// Fetches documents of at most `limit` bytes each and `total` together into memory, several at a time; `on_count`
    /// gets the number of documents that have arrived. The result is in the order of the addresses.
    ///
    /// # Errors
    ///
    /// Any of [`HttpError`], as soon as one document cannot be fetched.
    pub fn get_all(
        &self,
        urls: &[String],
        (limit, total): (u64, u64),
        cancel: &Cancel,
        on_count: &mut dyn FnMut(usize),
    ) -> Result<Vec<Vec<u8>>, HttpError> {
        let requests = urls.iter().map(|url| (url.clone(), limit)).collect();
        let mut documents = vec![Vec::new(); urls.len()];
        let mut count = 0;
        self.get_each(requests, total, cancel, &mut |index, answer| {
            if let (Some(bytes), Some(url)) = (documents.get_mut(index), urls.get(index)) {
                let content = answer?.into_bytes(limit);
                *bytes = content.map_err(|source| not_stored(url, source))?;
            }
            count += 1;
            on_count(count);
            Ok(())
        })?;
        Ok(documents)
    }

    /// Fetches several documents at a time, of at most `total` bytes together. Each request is an address with the most
    /// bytes of its document. `on_answer` gets each answer as it arrives, with the index of its request; the rest is
    /// not fetched if it returns an error.
    ///
    /// # Errors
    ///
    /// The error of `on_answer`, [`HttpError::TooLong`] if all documents together are, [`HttpError::TooSlow`],
    /// [`HttpError::Cancelled`].
    pub fn get_each(
        &self,
        requests: Vec<(String, u64)>,
        total: u64,
        cancel: &Cancel,
        on_answer: &mut dyn FnMut(usize, Result<Document, HttpError>) -> Result<(), HttpError>,
    ) -> Result<(), HttpError> {
        let requested = requests.len();
        let mut watched = Vec::new();
        watched.resize_with(
            requested.min(AT_ONCE),
            <(Arc<Mutex<Option<Running>>>, Pace)>::default,
        );
        let running = watched.iter().map(|(running, _)| Arc::clone(running));
        let running = running.collect::<Vec<_>>();
        let client = self.clone();
        // An interrupt does not wait for a silent server. The threads end by their timeouts.
        let answers = workers::detached(requests, AT_ONCE, move |thread, index, (url, limit)| {
            let set_running = |now| {
                if let Some(running) = running.get(thread) {
                    *running.lock().unwrap_or_else(PoisonError::into_inner) = now;
                }
            };
            let answer = client.download(&url, limit, &mut |bytes| {
                let url = url.clone();
                set_running(Some(Running { index, url, bytes }));
            });
            set_running(None);
            (url, answer)
        });
        let mut count = 0;
        let mut bytes = 0;
        let start = Instant::now();
        while count < requested {
            // The pace is checked here, because a document without progress blocks its thread in a read.
            for (running, pace) in &mut watched {
                let running = running.lock().unwrap_or_else(PoisonError::into_inner);
                pace.check(running.as_ref(), start.elapsed(), self.window)?;
            }
            match answers.recv_timeout(SLICE) {
                Ok((index, (url, answer))) => {
                    bytes += answer.as_ref().map_or(0, Document::size);
                    if bytes > total {
                        return Err(HttpError::TooLong { url, limit: total });
                    }
                    on_answer(index, answer)?;
                    count += 1;
                }
                Err(RecvTimeoutError::Timeout) if !cancel.is_cancelled() => {}
                // A thread that ends without an answer has panicked.
                Err(_) => return Err(HttpError::Cancelled),
            }
        }
        Ok(())
    }
}

/// Returns the error for a document that cannot be kept.
fn not_stored(url: &str, source: io::Error) -> HttpError {
    HttpError::Store {
        url: url.to_owned(),
        source,
    }
}

/// A document that is being fetched.
struct Running {
    index: usize,
    url: String,
    /// The number of bytes that have arrived.
    bytes: u64,
}

/// The rate of the document that a thread fetches.
#[derive(Debug, Default)]
struct Pace {
    /// The document, the time of the last check, and its bytes at that time.
    last: Option<(usize, Duration, u64)>,
}

impl Pace {
    /// Checks that [`LEAST`] bytes arrive in each `window`. `now` is the time since any fixed moment.
    fn check(
        &mut self,
        running: Option<&Running>,
        now: Duration,
        window: Duration,
    ) -> Result<(), HttpError> {
        let Some(Running { index, url, bytes }) = running else {
            self.last = None;
            return Ok(());
        };
        match self.last {
            Some((known, since, before)) if known == *index => {
                let time = now.saturating_sub(since);
                let came = bytes.saturating_sub(before);
                if time < window {
                    return Ok(());
                }
                if came < LEAST {
                    return Err(HttpError::TooSlow {
                        url: url.clone(),
                        bytes: came,
                        time,
                    });
                }
            }
            _ => {}
        }
        self.last = Some((*index, now, *bytes));
        Ok(())
    }
}

/// Returns whether the error means that a name has no address. The standard library has no kind for it, only its
/// message (`std::net`, `lookup_host`) on Unix, and the numbers from `WSAHOST_NOT_FOUND` to `WSANO_DATA` on Windows.
fn is_unknown_name(error: &std::io::Error) -> bool {
    match error.raw_os_error() {
        Some(number) => cfg!(windows) && (11_001..=11_004).contains(&number),
        None => error.to_string().starts_with("failed to lookup address"),
    }
}

fn http_error(url: &str, error: ureq::Error) -> HttpError {
    use std::io::ErrorKind;
    let url = url.to_owned();
    match error {
        ureq::Error::StatusCode(404 | 410) => HttpError::NotFound { url },
        ureq::Error::StatusCode(status) => HttpError::Status { url, status },
        ureq::Error::Timeout(phase) => HttpError::Timeout {
            url,
            waited_for: phase.to_string(),
        },
        ureq::Error::HostNotFound => HttpError::Unreachable {
            url,
            reason: "the server's name is not known".to_owned(),
        },
        ureq::Error::ConnectionFailed | ureq::Error::ConnectProxyFailed(_) => {
            HttpError::Unreachable {
                url,
                reason: error.to_string(),
            }
        }
        ureq::Error::Io(error) if is_unknown_name(&error) => HttpError::Unreachable {
            url,
            reason: "the server's name is not known".to_owned(),
        },
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable => HttpError::Unreachable {
                url,
                reason: error.to_string(),
            },
            ErrorKind::TimedOut | ErrorKind::WouldBlock => HttpError::Timeout {
                url,
                waited_for: "the connection".to_owned(),
            },
            ErrorKind::UnexpectedEof => HttpError::Broken {
                url,
                reason: "the connection was lost".to_owned(),
            },
            _ => HttpError::Broken {
                url,
                reason: error.to_string(),
            },
        },
        error => HttpError::Broken {
            url,
            reason: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::net::ToSocketAddrs;

    use super::*;

    /// Returns how long a document of `size` bytes is waited for that comes at `rate` bytes a second, in turns of
    /// `turn` seconds. The clock is a count.
    fn waited(size: u64, rate: f64, turn: f64, window: u64) -> Result<f64, HttpError> {
        let mut pace = Pace::default();
        let mut seconds = 0.0;
        let window = Duration::from_secs(window);
        loop {
            let turns = (seconds / turn).floor();
            let bytes = ((turns * turn * rate) as u64).min(size);
            if bytes == size {
                return Ok(seconds);
            }
            let running = Running {
                index: 3,
                url: "http://h/x".to_owned(),
                bytes,
            };
            pace.check(Some(&running), Duration::from_secs_f64(seconds), window)?;
            seconds += 0.05;
        }
    }

    #[test]
    fn a_slow_line_has_enough_time() {
        // A few kB/s, one document or eight at a time, evenly or in bursts.
        for (rate, turn) in [(3000.0, 0.1), (3000.0, 15.0), (375.0, 1.0), (125.0, 0.5)] {
            let seconds = waited(300_000, rate, turn, 20).unwrap();
            assert!(seconds > 99.0, "{rate}: {seconds}");
        }
        // The end of a document has less than a window's worth.
        assert!(waited(10, 1.0, 1.0, 20).is_ok());
        // A slower line needs a longer timeout.
        assert!(waited(10_000, 30.0, 1.0, 20).is_err());
        assert!(waited(10_000, 30.0, 1.0, 100).is_ok());
    }

    #[test]
    fn a_document_that_comes_too_slowly_is_given_up() {
        for rate in [0.0, 2.0, 90.0] {
            let error = waited(30_000, rate, 0.5, 20).unwrap_err();
            assert!(matches!(error, HttpError::TooSlow { .. }), "{error}");
        }
        // Many small documents, none of which lasts, are not a trickle.
        let mut pace = Pace::default();
        for index in 0..100 {
            let running = Running {
                index,
                url: String::new(),
                bytes: 1,
            };
            let now = Duration::from_secs(15 * index as u64);
            pace.check(Some(&running), now, Duration::from_secs(20))
                .unwrap();
        }
    }

    #[test]
    fn an_unknown_name_is_an_unreachable_server() {
        // RFC 2606 reserves this name: it has no address.
        let error = ("piton.invalid", 80).to_socket_addrs().unwrap_err();
        let error = http_error("http://piton.invalid/", ureq::Error::Io(error));
        assert!(matches!(error, HttpError::Unreachable { .. }), "{error:?}");
    }
}
