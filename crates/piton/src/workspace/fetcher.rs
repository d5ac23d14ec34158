//! Documents of packages: from the cache where it has them, else from their servers, tried again where a server is busy.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use piton_board::deadline::Cancel;
use piton_path::{PortablePath, Sha256Hex};
use piton_project::cache::{Cache, Key};
use tracing::debug;

use super::{Credentials, PackageError, PackageEvent};
use crate::http::{Client, ClientOptions, HttpError};

/// How often a document is asked for.
const TRIES: u32 = 3;

/// The time before the second try; the third waits twice as long.
const PAUSE: Duration = Duration::from_millis(400);

/// The limit of the cache, in bytes.
pub(super) const CACHE_LIMIT: u64 = 1 << 30;

/// Maximum size of all documents of one call, in bytes.
const TOTAL_LIMIT: u64 = 512 << 20;

/// How packages are fetched.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FetchSettings {
    /// The timeouts of servers.
    pub client: ClientOptions,
    /// Only the cache is read; what it lacks is [`PackageError::Offline`].
    pub offline: bool,
    /// The folder of the cache; `None` for no cache.
    pub cache: Option<PathBuf>,
    /// Servers that stand for others: how addresses begin, and what they begin with instead.
    pub mirrors: Vec<(String, String)>,
    /// The `Authorization` headers of requests, by server.
    pub credentials: Credentials,
}

impl FetchSettings {
    /// Returns the settings of the user: the cache folder, the mirrors of [`MIRRORS`](crate::environment::MIRRORS), and
    /// [`Credentials::of_user`].
    pub fn of_user() -> FetchSettings {
        let mirrors = std::env::var(crate::environment::MIRRORS).unwrap_or_default();
        FetchSettings {
            cache: super::cache::folder().ok(),
            mirrors: mirrors_of(&mirrors),
            credentials: Credentials::of_user(),
            ..FetchSettings::default()
        }
    }
}

/// Reads `FROM=TO FROM=TO`: addresses with spaces between the pairs.
pub fn mirrors_of(text: &str) -> Vec<(String, String)> {
    let pairs = text
        .split_whitespace()
        .filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(from, to)| !from.is_empty() && !to.is_empty())
        .map(|(from, to)| (from.to_owned(), to.to_owned()))
        .collect()
}

/// A document to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) url: String,
    /// Maximum size in bytes.
    pub(super) limit: u64,
    /// Whether the address always has the same content: it has a commit or a hash in it.
    pub(super) is_fixed: bool,
}

impl Request {
    pub(super) fn new(url: impl Into<String>, limit: u64, is_fixed: bool) -> Request {
        Request {
            url: url.into(),
            limit,
            is_fixed,
        }
    }
}

/// Progress of a [`Fetcher`].
pub(super) type Events<'e> = dyn FnMut(PackageEvent<'_>) -> ControlFlow<()> + 'e;

/// The files of an archive.
pub(super) type Members = BTreeMap<PortablePath, Vec<u8>>;

/// Fetches documents. Each address is asked for once, so that a run sees one state of it.
pub(super) struct Fetcher {
    client: Client,
    settings: FetchSettings,
    cache: Option<Cache>,
    cancel: Cancel,
    seen: RefCell<BTreeMap<String, Arc<[u8]>>>,
    /// The archives that were unpacked, by address.
    unpacked: RefCell<BTreeMap<String, Arc<Members>>>,
}

impl Fetcher {
    pub(super) fn new(settings: &FetchSettings, cancel: &Cancel) -> Fetcher {
        let mut client = settings.client.clone();
        client.credentials = settings.credentials.clone();
        Fetcher {
            client: Client::new(&client),
            cache: settings
                .cache
                .as_ref()
                .map(|folder| Cache::new(folder.join(super::cache::DOCUMENTS), CACHE_LIMIT)),
            settings: settings.clone(),
            cancel: cancel.clone(),
            seen: RefCell::default(),
            unpacked: RefCell::default(),
        }
    }

    pub(super) fn settings(&self) -> &FetchSettings {
        &self.settings
    }

    /// Returns whether the work is to end.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Returns a file that was fetched before, by its hash.
    pub(super) fn by_hash(&self, sha256: &Sha256Hex) -> Option<Vec<u8>> {
        let content = self.cache.as_ref()?.get(&key_of_hash(sha256))?;
        (Sha256Hex::of(&content) == *sha256).then_some(content)
    }

    /// Keeps a file by its hash.
    pub(super) fn keep(&self, content: &[u8]) {
        if let Some(cache) = &self.cache {
            let sha256 = Sha256Hex::of(content);
            if let Err(error) = cache.put(&key_of_hash(&sha256), content) {
                debug!(%error, "a file could not be kept in the cache");
            }
        }
    }

    /// Returns the files of an archive that was unpacked before.
    pub(super) fn unpacked(&self, url: &str) -> Option<Arc<Members>> {
        self.unpacked.borrow().get(url).cloned()
    }

    /// Keeps the files of an archive.
    pub(super) fn keep_unpacked(&self, url: &str, members: Members) -> Arc<Members> {
        let members = Arc::new(members);
        let kept = Arc::clone(&members);
        self.unpacked.borrow_mut().insert(url.to_owned(), kept);
        members
    }

    /// Fetches one document; `None` if the server does not have it.
    pub(super) fn get(
        &self,
        request: Request,
        events: &mut Events<'_>,
    ) -> Result<Option<Arc<[u8]>>, PackageError> {
        let documents = self.get_all(vec![request], events)?;
        Ok(documents.into_iter().next().flatten())
    }

    /// Fetches documents, several at a time; `None` for those that their servers do not have. The result is in the order of
    /// the requests.
    pub(super) fn get_all(
        &self,
        requests: Vec<Request>,
        events: &mut Events<'_>,
    ) -> Result<Vec<Option<Arc<[u8]>>>, PackageError> {
        let mut absent = BTreeSet::new();
        let mut missing: Vec<Request> = Vec::new();
        for request in &requests {
            let is_known = self.seen.borrow().contains_key(&request.url)
                || missing.iter().any(|other| other.url == request.url);
            if is_known {
                continue;
            }
            let cached = match request.is_fixed || self.settings.offline {
                true => self.cached(&request.url),
                false => None,
            };
            match cached {
                Some(content) => self.remember(&request.url, content),
                None => missing.push(request.clone()),
            }
        }
        if let Some(request) = missing.first().filter(|_| self.settings.offline) {
            let url = request.url.clone();
            return Err(PackageError::Offline { url });
        }
        let of = missing.len();
        let mut done = 0;
        for attempt in 1.. {
            if missing.is_empty() {
                break;
            }
            missing = self.attempt(missing, attempt, &mut absent, &mut |url| {
                done += 1;
                events(PackageEvent::Fetched { url, done, of })
            })?;
            if let Some(request) = missing.first() {
                let url = &request.url;
                if events(PackageEvent::Retrying { url, attempt }).is_break() {
                    return Err(HttpError::Cancelled.into());
                }
                self.pause(PAUSE * attempt)?;
            }
        }
        let seen = self.seen.borrow();
        let documents = requests
            .iter()
            .map(|request| match absent.contains(&request.url) {
                true => None,
                false => seen.get(&request.url).cloned(),
            });
        Ok(documents.collect())
    }

    /// Asks for documents once. Returns those that are to be asked for again.
    fn attempt(
        &self,
        requests: Vec<Request>,
        attempt: u32,
        absent: &mut BTreeSet<String>,
        arrived: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Vec<Request>, PackageError> {
        let mut again = Vec::new();
        let mut open: BTreeSet<usize> = (0..requests.len()).collect();
        let addresses = requests.iter();
        let addresses = addresses.map(|request| (self.mirrored(&request.url), request.limit));
        let fetched = self.client.get_each(
            addresses.collect(),
            TOTAL_LIMIT,
            &self.cancel,
            &mut |index, answer| {
                let Some(request) = requests.get(index) else {
                    return Ok(());
                };
                open.remove(&index);
                match answer {
                    Ok(document) => {
                        let content = document.into_bytes(request.limit);
                        let content = content.map_err(|source| HttpError::Store {
                            url: request.url.clone(),
                            source,
                        })?;
                        self.store(&request.url, &content);
                        self.remember(&request.url, content);
                    }
                    Err(HttpError::NotFound { .. }) => {
                        absent.insert(request.url.clone());
                    }
                    Err(error) if attempt < TRIES && is_passing(&error) => {
                        debug!(url = request.url, %error, "the document is asked for again");
                        again.push(request.clone());
                        return Ok(());
                    }
                    Err(error) => return Err(error),
                }
                match arrived(&request.url) {
                    ControlFlow::Break(()) => Err(HttpError::Cancelled),
                    ControlFlow::Continue(()) => Ok(()),
                }
            },
        );
        match fetched {
            Ok(()) => {}
            // One document that stalls ends all: the open ones are asked for again.
            Err(error) if attempt < TRIES && matches!(error, HttpError::TooSlow { .. }) => {
                let open = open.iter().filter_map(|index| requests.get(*index));
                again.extend(open.cloned());
            }
            Err(error) => return Err(error.into()),
        }
        Ok(again)
    }

    /// Waits, unless the work is cancelled.
    fn pause(&self, time: Duration) -> Result<(), PackageError> {
        let start = Instant::now();
        while start.elapsed() < time {
            if self.cancel.is_cancelled() {
                return Err(HttpError::Cancelled.into());
            }
            thread::sleep(Duration::from_millis(20).min(time));
        }
        Ok(())
    }

    /// Returns the address that a document is fetched from.
    pub(super) fn mirrored(&self, url: &str) -> String {
        let mut mirrors = self.settings.mirrors.iter();
        let mirror = mirrors.find_map(|(from, to)| Some((to, url.strip_prefix(from.as_str())?)));
        mirror.map_or_else(|| url.to_owned(), |(to, rest)| format!("{to}{rest}"))
    }

    fn remember(&self, url: &str, content: Vec<u8>) {
        self.seen
            .borrow_mut()
            .insert(url.to_owned(), content.into());
    }

    fn cached(&self, url: &str) -> Option<Vec<u8>> {
        let hash = self.cache.as_ref()?.get(&key_of_url(url))?;
        let hash = std::str::from_utf8(&hash).ok()?.parse().ok()?;
        self.by_hash(&hash)
    }

    fn store(&self, url: &str, content: &[u8]) {
        self.keep(content);
        if let Some(cache) = &self.cache {
            let sha256 = Sha256Hex::of(content);
            if let Err(error) = cache.put(&key_of_url(url), sha256.as_str().as_bytes()) {
                debug!(%error, "an address could not be kept in the cache");
            }
        }
    }
}

fn key_of_hash(sha256: &Sha256Hex) -> Key {
    Key::new("package file").with(sha256.as_str().as_bytes())
}

fn key_of_url(url: &str) -> Key {
    Key::new("package address").with(url.as_bytes())
}

/// Returns whether a failure may be over soon: the server is busy, or the line was lost.
fn is_passing(error: &HttpError) -> bool {
    match error {
        HttpError::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
        HttpError::Timeout { .. } | HttpError::TooSlow { .. } | HttpError::Broken { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_are_pairs_of_beginnings_of_addresses() {
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(
            mirrors_of(" https://a/=http://b/\n https://c=http://d?x=1 "),
            [
                pair("https://a/", "http://b/"),
                pair("https://c", "http://d?x=1")
            ]
        );
        for text in ["", "https://a/", "=http://b/", "https://a/=", " \t"] {
            assert_eq!(mirrors_of(text), [], "{text:?}");
        }
    }

    fn fetcher(settings: FetchSettings) -> Fetcher {
        Fetcher::new(&settings, &Cancel::new())
    }

    #[test]
    fn the_first_mirror_whose_beginning_fits_stands_for_a_server() {
        let fetcher = fetcher(FetchSettings {
            mirrors: mirrors_of("https://a.org/x/=http://one/ https://a.org/=http://two/"),
            ..FetchSettings::default()
        });
        for (url, expected) in [
            ("https://a.org/x/y", "http://one/y"),
            ("https://a.org/y", "http://two/y"),
            ("https://a.org.evil/y", "https://a.org.evil/y"),
            ("http://a.org/y", "http://a.org/y"),
        ] {
            assert_eq!(fetcher.mirrored(url), expected);
        }
    }

    #[test]
    fn a_kept_file_is_found_by_its_hash_and_only_if_it_still_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let fetcher = fetcher(FetchSettings {
            cache: Some(folder.path().to_owned()),
            ..FetchSettings::default()
        });
        let hash = Sha256Hex::of(b"content");
        assert_eq!(fetcher.by_hash(&hash), None);
        fetcher.keep(b"content");
        assert_eq!(fetcher.by_hash(&hash).as_deref(), Some(&b"content"[..]));
        assert_eq!(fetcher.by_hash(&Sha256Hex::of(b"other")), None);
        // Without a cache nothing is kept, which is not an error.
        let without = Fetcher::new(&FetchSettings::default(), &Cancel::new());
        without.keep(b"content");
        assert_eq!(without.by_hash(&hash), None);
    }
}
