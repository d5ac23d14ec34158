use super::*;

fn file(name: &str, content: &[u8]) -> Entry {
    Entry::new(name, Content::File(content.to_vec()))
}

fn folder(name: &str, entries: &[Entry]) -> Entry {
    Entry::new(name, Content::Folder(entries.to_vec()))
}

#[test]
fn images_byte_by_byte() {
    for (entries, image) in [
        (vec![], &b"\xd2\xcd\x31\x00"[..]),
        (
            vec![file("a", b"xy")],
            b"\xd2\xcd\x31\x08\x05\x06\x01a\x02\x02xy",
        ),
        // A zero digit makes it even.
        (
            vec![file("a", b"x")],
            b"\xd2\xcd\x31\x80\x07\x05\x05\x01a\x02\x01x\0",
        ),
        (vec![folder("d", &[])], b"\xd2\xcd\x31\x04\x04\x02\x01d"),
    ] {
        let image = match image.split_last() {
            // The literal above is one byte longer than it seems, for the eye.
            Some((0, rest)) if rest.len() % 2 == 0 && !entries.is_empty() => rest,
            _ => image,
        };
        assert_eq!(build(&entries).unwrap(), image);
        assert_eq!(read(image).unwrap(), entries);
        assert_eq!(image_size(image), Some(image.len() as u64));
        assert!(header_size(image).is_some_and(|size| size >= 4));
    }
}

#[test]
fn a_built_image_is_read_back() {
    for size in [0, 1, 127, 128, 16_383, 16_384, 70_000] {
        let content = vec![0xa5; size];
        let entries = [
            folder("lib", &[file("it's", &content), folder("empty", &[])]),
            file("\u{fc}.txt", b""),
            file("main.py", b"print()\n"),
        ];
        let image = build(&entries).unwrap();
        assert_eq!(image.len() % 2, 0);
        assert_eq!(read(&image).unwrap(), entries, "{size}");
        // Any bytes may follow an image.
        assert_eq!(read(&[&image[..], b"\xff\xff"].concat()).unwrap(), entries);
    }
}

#[test]
fn invalid_names_are_refused() {
    for name in ["", ".", "..", "a/b", "a\0"] {
        assert_eq!(
            build(&[file(name, b"")]),
            Err(BuildError::Name { name: name.into() })
        );
    }
    assert_eq!(
        build(&[file("a", b""), folder("a", &[])]),
        Err(BuildError::Twice { name: "a".into() })
    );
    let deep = (0..=MAX_DEPTH).fold(file("f", b""), |inside, _| folder("d", &[inside]));
    assert!(matches!(build(&[deep]), Err(BuildError::TooDeep { .. })));
}

fn problem(image: &[u8]) -> String {
    read(image).unwrap_err().to_string()
}

#[test]
fn damaged_images_are_refused() {
    assert_eq!(
        problem(b"MZ"),
        "not a romfs image: it begins with [4d, 5a] instead of [d2, cd, 31]"
    );
    for (image, at) in [
        (&b"\xd2\xcd\x31"[..], "0x3: length is cut off"),
        (b"\xd2\xcd\x31\x05\x05", "0x4: record is cut off"),
        (b"\xd2\xcd\x31\x02\x05\x7f", "0x6: record is cut off"),
        (b"\xd2\xcd\x31\x02\x00\x00", "0x4: record of kind 0"),
        (b"\xd2\xcd\x31\x04\x05\x02\x01a", "0x8: file without data"),
        (b"\xd2\xcd\x31\x04\x04\x02\x01/", "0x6: no name for a file"),
        (
            b"\xd2\xcd\x31\x08\x05\x06\x01a\x03\x02\x02\x7f",
            "0x8: data lies behind the end of the image",
        ),
        (
            b"\xd2\xcd\x31\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
            "0x3: number of more than 64 bits",
        ),
    ] {
        assert_eq!(problem(image), format!("damaged romfs image: byte {at}"));
    }
    // Every cut and every flipped bit gives entries or an error, and ends.
    let image = build(&[folder("lib", &[file("a", b"abc")]), file("b", b"x")]).unwrap();
    for at in 0..image.len() {
        assert!(read(&image[..at]).is_err());
        for bit in 0..8 {
            let mut damaged = image.clone();
            damaged[at] ^= 1 << bit;
            let _ = read(&damaged);
        }
    }
}

#[test]
fn unknown_records_are_skipped_and_pointers_are_followed() {
    // Padding, an unknown kind, data for all, and a file that points to it.
    let image = b"\xd2\xcd\x31\x14\x01\x02\0\0\x7e\x01\0\x02\x03abc\x05\x06\x01f\x03\x02\x02\x09";
    assert_eq!(read(image).unwrap(), [file("f", b"ab")]);
}

#[test]
fn sources_are_compiled_unless_a_compiled_file_exists() {
    let mut entries = vec![
        file("a.mpy", b"M"),
        file("a.py", b"x = 1"),
        folder("lib", &[file("b.py", b"x = 1\n"), file("c.txt", b"")]),
    ];
    let mut compiled = Vec::new();
    let mut compile = |path: &str, source: &[u8]| {
        if source.starts_with(b"wrong") {
            return Err(format!("{path} is wrong"));
        }
        compiled.push((path.to_owned(), source.to_vec()));
        Ok(b"M".to_vec())
    };
    compile_sources(&mut entries, "src/", &mut compile).unwrap();
    let names = |entries: &[Entry]| {
        let names = entries.iter().map(|entry| entry.name.clone());
        names.collect::<Vec<String>>()
    };
    assert_eq!(names(&entries), ["a.mpy", "a.py", "lib"]);
    let Content::Folder(inside) = &entries[2].content else {
        panic!()
    };
    assert_eq!(names(inside), ["b.mpy", "c.txt"]);
    assert_eq!(inside[0].compiled_from.as_deref(), Some("b.py"));
    assert_eq!(inside[0].content, Content::File(b"M".to_vec()));
    let mut wrong = [file("wrong.py", b"wrong")];
    let error = compile_sources(&mut wrong, "", &mut compile).unwrap_err();
    assert_eq!(error, "wrong.py is wrong");
    assert_eq!(compiled, [("src/lib/b.py".to_owned(), b"x = 1\n".to_vec())]);
}

/// A generator of numbers that are the same in each run (xorshift64, Marsaglia 2003).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

fn some_tree(numbers: &mut Numbers, depth: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    for number in 0..numbers.below(5) {
        let name = format!("n{number}");
        if depth < 3 && numbers.below(3) == 0 {
            entries.push(folder(&name, &some_tree(numbers, depth + 1)));
        } else {
            let size = [0, 1, 15, 16, 127, 128, 300, 5000][numbers.below(8)];
            let byte = u8::try_from(numbers.below(3)).unwrap();
            entries.push(file(&name, &vec![byte; size]));
        }
    }
    entries
}

#[test]
fn any_layout_is_read_back_and_has_what_was_asked_for() {
    let mut numbers = Numbers(0x5eed);
    for round in 0..50 {
        let entries = some_tree(&mut numbers, 0);
        let plain = build(&entries).unwrap();
        for alignment in [0, 1, 2, 4, 16, 64, 4096] {
            let share = numbers.below(2) == 0;
            let hashes = numbers.below(2) == 0;
            let options = ImageOptions {
                share,
                alignment,
                hashes,
            };
            let image = build_with(&entries, &options).unwrap();
            assert_eq!(read(&image).unwrap(), entries, "{round} {options:?}");
            assert_eq!(image.len() % 2, 0);
            assert_eq!(image_size(&image), Some(image.len() as u64));
            let expected = if hashes {
                HashCheck::Good
            } else {
                HashCheck::Absent
            };
            assert_eq!(check_hashes(&image).unwrap(), expected);
            if share && alignment < 2 && !hashes {
                assert!(image.len() <= plain.len(), "{round}");
            }
            for (path, content) in files(&entries) {
                // A content that begins elsewhere too is there at an aligned place.
                let aligned = (0..image.len())
                    .step_by(alignment.max(1))
                    .any(|at| image[at..].starts_with(content));
                assert!(aligned, "{round} {path} {options:?}");
            }
        }
    }
    let wrong = ImageOptions {
        alignment: 3,
        ..ImageOptions::default()
    };
    assert_eq!(
        build_with(&[], &wrong),
        Err(BuildError::Alignment { alignment: 3 })
    );
}

#[test]
fn equal_files_are_stored_once() {
    let content = vec![7; 1000];
    let entries = [file("a", &content), folder("d", &[file("b", &content)])];
    let options = ImageOptions {
        share: true,
        ..ImageOptions::default()
    };
    let shared = build_with(&entries, &options).unwrap();
    assert_eq!(build(&entries).unwrap().len() - shared.len(), 996);
}

#[test]
fn a_changed_file_is_found_by_the_hashes_in_the_image() {
    let entries = [file("a", b"one"), folder("d", &[file("b", b"two")])];
    let options = ImageOptions {
        hashes: true,
        ..ImageOptions::default()
    };
    let image = build_with(&entries, &options).unwrap();
    let at = |needle: &[u8]| {
        let mut windows = image.windows(needle.len());
        windows.position(|window| window == needle).unwrap()
    };
    let mut damaged = image.clone();
    damaged[at(b"two")] ^= 1;
    let changed = HashCheck::Changed(vec!["d/b".to_owned()]);
    assert_eq!(check_hashes(&damaged).unwrap(), changed);
    let mut renamed = image.clone();
    renamed[at(b"a\x02\x03one")] = b'c';
    assert_eq!(check_hashes(&renamed).unwrap(), HashCheck::OtherFiles);
}

#[test]
fn hostile_images_end_with_entries_or_an_error() {
    let mut numbers = Numbers(0xbad);
    let options = ImageOptions {
        share: true,
        alignment: 16,
        hashes: true,
    };
    for _ in 0..60 {
        let mut image = build_with(&some_tree(&mut numbers, 0), &options).unwrap();
        for _ in 0..20 {
            let at = numbers.below(image.len());
            match numbers.below(4) {
                0 => image[at] = u8::try_from(numbers.below(256)).unwrap(),
                1 => image[at] |= 0x80,
                2 => image.insert(at, 0xff),
                _ => image.truncate(at.max(4)),
            }
            let _ = (read(&image), check_hashes(&image), image_size(&image));
        }
    }
    // A thousand files that point to one large content would take gigabytes.
    let mut records = record(kind::DATA_VERBATIM, &vec![0; 1 << 20]);
    let pointer = record(kind::DATA_POINTER, &[number(1 << 20), number(4)].concat());
    for _ in 0..1000 {
        records.extend(record(kind::FILE, &[b"\x01f", &pointer[..]].concat()));
    }
    let image = [&MAGIC[..], &number(records.len()), &records].concat();
    assert!(problem(&image).ends_with("files of more than 256 MiB in all"));
}
