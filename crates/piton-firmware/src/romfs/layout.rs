//! Images that are more than mpremote makes: equal files once, contents at aligned places, and the hashes of all files.
//!
//! Contents that are shared or aligned are records of data at the start of the image, where their places are known before all else. Boards
//! pass over them when they look for a name, and follow the pointers of the files to them.

use std::collections::BTreeMap;

use super::{BuildError, Content, Entry, MAGIC, encoded, hashes, kind, record, records};

/// The largest alignment, in bytes: a sector of flash memory.
pub const MAX_ALIGNMENT: usize = 4096;

/// Equal contents shorter than this are not stored once: the pointers would be longer.
const SHORTEST_SHARED: usize = 16;

/// Digits of the length in the header of an aligned image: lengths up to 32 GiB.
const LENGTH_DIGITS: usize = 5;

/// How an image is laid out, beyond what mpremote does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageOptions {
    /// Whether equal files are stored once.
    pub share: bool,
    /// The content of each file, equal ones once, begins at a multiple of this many bytes from the start of the image: a power of two up to [`MAX_ALIGNMENT`],
    /// or 0 or 1 for any place.
    pub alignment: usize,
    /// Whether the image has the SHA-256 of each file, for [`check_hashes`](super::check_hashes).
    pub hashes: bool,
}

/// The places of contents that are not in the records of their files: offsets in bytes from the first record.
pub(super) type Places<'e> = BTreeMap<&'e [u8], usize>;

/// The image that holds these, in this order, with this layout.
///
/// # Errors
///
/// [`BuildError`] for names and depths that a board could not reach, and for an alignment that there is not.
pub fn build_with(entries: &[Entry], options: &ImageOptions) -> Result<Vec<u8>, BuildError> {
    let alignment = options.alignment.max(1);
    if !alignment.is_power_of_two() || alignment > MAX_ALIGNMENT {
        return Err(BuildError::Alignment { alignment });
    }
    let mut uses: BTreeMap<&[u8], usize> = BTreeMap::new();
    let mut contents = Vec::new();
    collect(entries, &mut contents);
    for content in &contents {
        *uses.entry(content).or_default() += 1;
    }
    let header = match alignment {
        1 => None,
        _ => Some((MAGIC.len() + LENGTH_DIGITS).next_multiple_of(alignment)),
    };
    let mut all = Vec::new();
    let mut places = Places::new();
    for content in contents {
        let is_shared = options.share
            && content.len() >= SHORTEST_SHARED
            && uses.get(content).is_some_and(|uses| *uses > 1);
        let is_aligned = header.is_some() && !content.is_empty();
        if (is_shared || is_aligned) && !places.contains_key(content) {
            let start = add_data(&mut all, content, header.unwrap_or_default(), alignment);
            places.insert(content, start);
        }
    }
    all.extend(records(entries, 0, &places)?);
    if options.hashes {
        all.extend(record(kind::PADDING, &hashes::list(entries)));
    }
    Ok(finish(all, header))
}

/// Lists the contents of all files, in the order of the image.
fn collect<'e>(entries: &'e [Entry], contents: &mut Vec<&'e [u8]>) {
    for entry in entries {
        match &entry.content {
            Content::Folder(inside) => collect(inside, contents),
            Content::File(content) => contents.push(content),
        }
    }
}

/// Adds a record of data whose content begins at a multiple of `alignment` from the start of the image, which has a header of this size.
/// Returns where it begins.
fn add_data(all: &mut Vec<u8>, content: &[u8], header: usize, alignment: usize) -> usize {
    let mut data = record(kind::DATA_VERBATIM, content);
    let head = data.len() - content.len();
    let start = header + all.len() + head;
    match start.next_multiple_of(alignment) - start {
        0 => {}
        // One byte is a zero digit of the record's length.
        1 => data.insert(1, 0x80),
        more => all.extend(padding(more)),
    }
    all.extend(data);
    all.len() - content.len()
}

/// A record of padding with this many bytes in all, at least two.
fn padding(size: usize) -> Vec<u8> {
    let mut length = encoded(size as u64 - 2);
    if length.len() > 1 {
        length = encoded(size as u64 - 3);
        if length.len() == 1 {
            length.insert(0, 0x80);
        }
    }
    let mut record = encoded(kind::PADDING);
    record.extend(length);
    record.resize(size, 0);
    record
}

/// Puts the header before the records, of a given size or the shortest, and makes the size even.
fn finish(mut records: Vec<u8>, header: Option<usize>) -> Vec<u8> {
    let mut length = encoded(records.len() as u64);
    let Some(header) = header else {
        if (MAGIC.len() + length.len() + records.len()) % 2 == 1 {
            length.insert(0, 0x80);
        }
        return [&MAGIC[..], &length, &records].concat();
    };
    if records.len() % 2 == 1 {
        records.extend(padding(3));
        length = encoded(records.len() as u64);
    }
    let zeros = header.saturating_sub(MAGIC.len() + length.len());
    let mut image = MAGIC.to_vec();
    image.resize(MAGIC.len() + zeros, 0x80);
    image.extend(length);
    image.extend(records);
    image
}
