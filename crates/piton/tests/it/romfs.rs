//! Images of read-only file systems: into the partitions of a virtual board.

use std::ops::ControlFlow::{Break, Continue};
use std::time::Duration;

use piton::deadline::Deadline;
use piton::error::ErrorKind;
use piton::fs::rom::{Deployment, Partition, RomError, RomEvent, deploy, partitions};
use piton::repl::{Entry, RawRepl};
use piton::romfs::{Content, Entry as RomEntry, build, header_size, image_size};
use piton::{Board, ConnectOptions};

/// Gives a board partitions in its memory: 0 that is seen as bytes, 1 a block device, 2 that does not exist.
const PARTITIONS: &str = include_str!("../../../piton-cli/tests/rom_partitions.py");

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

fn connect() -> Board {
    let mut options = ConnectOptions::default();
    options.vm = Some(test_programs::vm());
    Board::connect(&"virtual".parse().unwrap(), &options).unwrap()
}

/// Returns the size of the image in a partition.
fn size_in(raw: &mut RawRepl<'_>, number: usize) -> Option<u64> {
    let found = partitions(raw, deadline()).unwrap();
    image_size(&found[number].as_ref().unwrap().head)
}

fn job<'d>(number: u32, partition: &'d Partition, image: &'d [u8]) -> Deployment<'d> {
    Deployment {
        number,
        partition,
        image,
        only_changes: true,
    }
}

fn image() -> Vec<u8> {
    let content = Content::File(b"print('hello')\n".repeat(600));
    build(&[RomEntry::new("main.py", content)]).unwrap()
}

#[test]
fn an_image_that_is_too_big_is_refused_before_anything_is_sent() {
    let mut board = connect();
    let mut raw = board.raw_repl(Entry::KeepState, deadline()).unwrap();
    // The partition that the firmware has without a flash behind it.
    let found = partitions(&mut raw, deadline()).unwrap();
    let partition = found[0].clone().unwrap();
    let mut events = |event| panic!("{event:?}");
    let error = deploy(
        &mut raw,
        &job(0, &partition, &image()),
        &mut events,
        deadline(),
    )
    .unwrap_err();
    assert!(matches!(error, RomError::TooBig { room: 0, .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[test]
fn an_image_that_is_stopped_is_none_and_the_next_one_is_whole() {
    let mut board = connect();
    let mut raw = board.raw_repl(Entry::KeepState, deadline()).unwrap();
    raw.run(PARTITIONS.as_bytes(), deadline()).unwrap();
    let image = image();
    for number in [0, 1] {
        let found = partitions(&mut raw, deadline()).unwrap();
        let partition = found[number].clone().unwrap();
        let index = u32::try_from(number).unwrap();
        let mut stop_at_writing = |event| match event {
            RomEvent::Write { .. } => Break(()),
            _ => Continue(()),
        };
        let stopped = deploy(
            &mut raw,
            &job(index, &partition, &image),
            &mut stop_at_writing,
            deadline(),
        );
        assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Interrupted);
        assert_eq!(size_in(&mut raw, number), None);

        let mut events = Vec::new();
        let mut keep = |event| {
            events.push(serde_json::to_value(event).unwrap());
            Continue(())
        };
        deploy(
            &mut raw,
            &job(index, &partition, &image),
            &mut keep,
            deadline(),
        )
        .unwrap();
        assert_eq!(size_in(&mut raw, number), Some(image.len() as u64));
        assert_eq!(
            events[0],
            serde_json::json!({"event": "erase", "offset": 0})
        );
    }
}

#[test]
fn only_blocks_that_changed_are_written() {
    let mut board = connect();
    let mut raw = board.raw_repl(Entry::KeepState, deadline()).unwrap();
    raw.run(PARTITIONS.as_bytes(), deadline()).unwrap();
    raw.run(b"_in_steps = True", deadline()).unwrap();
    // Five blocks of 4096 bytes, or three of 8192; the second image differs in one place.
    let content: Vec<u8> = (0..20_000u32)
        .map(|at| at.to_le_bytes()[at as usize % 2])
        .collect();
    let mut changed = content.clone();
    changed[14_000] ^= 1;
    let images = [content, changed]
        .map(|content| build(&[RomEntry::new("data", Content::File(content))]).unwrap());
    // Writes of 4096 bytes: all, those of the first block and of the changed one, none, and all again.
    for (number, counts) in [(0, [5, 4, 0, 5]), (1, [5, 2, 0, 5])] {
        let index = usize::try_from(number).unwrap();
        let partition = partitions(&mut raw, deadline()).unwrap()[index]
            .clone()
            .unwrap();
        for (image, count, only_changes) in [
            (&images[0], counts[0], true),
            (&images[1], counts[1], true),
            (&images[1], counts[2], true),
            (&images[1], counts[3], false),
        ] {
            let mut writes = 0;
            let mut events = |event| {
                writes += u32::from(matches!(event, RomEvent::Write { .. }));
                Continue(())
            };
            let job = Deployment {
                only_changes,
                ..job(number, &partition, image)
            };
            deploy(&mut raw, &job, &mut events, Deadline::NEVER).unwrap();
            assert_eq!(writes, count, "{number}");
            // The board's content was compared with the image at the end.
            assert_eq!(size_in(&mut raw, index), Some(image.len() as u64));
        }
    }
}

#[test]
fn a_header_is_whole_or_nothing() {
    let image = image();
    let size = header_size(&image).unwrap();
    let size = usize::try_from(size).unwrap();
    assert!(size > 4);
    for length in 0..size {
        assert_eq!(header_size(&image[..length]), None, "{length}");
    }
    assert_eq!(header_size(&image[..size]), Some(size as u64));
    assert_eq!(header_size(b"M\x06\0\x1f and more"), None);
}
