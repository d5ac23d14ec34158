//! Sessions with many calls: nothing grows, no answer is lost.

use std::time::Instant;

use piton::device::DeviceError;
use piton::virtual_board::BoardOptions;

use crate::device::{open, start};

/// How many calls a test makes; `PITON_TEST_CALLS` sets another number.
fn calls() -> u64 {
    let set = std::env::var("PITON_TEST_CALLS").ok();
    set.map_or(2000, |calls| calls.parse().unwrap())
}

/// The memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.map_or(0, |number| number.parse().unwrap())
}

#[test]
fn many_calls_leave_the_memory_as_it_is() {
    let board = start(None, BoardOptions::default());
    let device = open(&board).unwrap();
    let add = device
        .task(
            "total = 0\ndef add(x):\n    global total\n    total += 1\n    return total, x\n",
            "add",
        )
        .unwrap();
    let in_use = |calls: u64, total: &mut u64| -> i64 {
        for number in 0..calls {
            let (counted, same): (u64, u64) = add.call((number,)).unwrap();
            *total += 1;
            assert_eq!((counted, same), (*total, number));
        }
        // The virtual board collects garbage between two programs, and this ends the one that takes lines.
        device.with_board(|_| Ok::<(), DeviceError>(())).unwrap();
        device.eval("__import__('gc').mem_alloc()").unwrap()
    };
    let mut total = 0;
    let first = in_use(1500, &mut total);
    let host = resident();
    let begin = Instant::now();
    let last = in_use(calls(), &mut total);
    println!(
        "{} calls in {:?}: board {first} -> {last} bytes in use, host {host} -> {} KiB",
        calls(),
        begin.elapsed(),
        resident()
    );
    assert!(last <= first + 1024, "{first} -> {last}");
    let grown = resident().saturating_sub(host);
    assert!(grown < 20_000, "{grown} KiB");
}

#[cfg(unix)]
#[test]
fn no_call_leaves_garbage_that_stays() {
    let folder = tempfile::tempdir().unwrap();
    let board = test_programs::UnixBoard::start(folder.path());
    let mut options = piton::device::DeviceOptions::default();
    options.keep_state = true;
    let selector = board.port().parse().unwrap();
    let device = piton::device::Device::connect(&selector, &Default::default(), options).unwrap();
    let same = device.task("def same(x):\n    return x\n", "same").unwrap();
    let free = "(__import__('gc').collect(), __import__('gc').mem_free())[1]";
    let mut readings = Vec::new();
    for _ in 0..4 {
        for number in 0..500_u64 {
            assert_eq!(same.call::<u64>((number,)).unwrap(), number);
            if number % 100 == 0 {
                let bytes = vec![7_u8; 3000];
                let value = piton::literal::Value::Bytes(bytes);
                assert!(same.call::<piton::literal::Value>((&value,)).unwrap() == value);
            }
        }
        readings.push(device.eval::<i64>(free).unwrap());
    }
    let (first, last) = (readings[1], readings[3]);
    assert!((first - last).abs() < 1024, "{readings:?}");
}
