//! Long values on lines of all kinds.

use std::time::{Duration, Instant};

use piton::deadline::set_timeout_factor;
use piton::device::{CallOptions, Device, DeviceError};
use piton::literal::Value;
use piton::virtual_board::{
    BoardOptions, ByteErrors, Direction, Fault, Interrupt, LineOptions, Overrun,
};

use crate::device::{open, start};

/// Bytes without order, of all values.
fn random(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(step).collect()
}

/// Sends values through a task that returns them, and checks them.
fn echo(device: &Device, lengths: &[usize]) {
    let same = device.task("def same(x):\n    return x\n", "same").unwrap();
    for &length in lengths {
        let bytes = Value::Bytes(random(length));
        assert!(same.call::<Value>((&bytes,)).unwrap() == bytes, "{length}");
        let text = Value::Str("temperature: 21.5 \u{b0}C\n".repeat(length / 24));
        assert!(same.call::<Value>((&text,)).unwrap() == text, "{length}");
    }
}

#[test]
fn long_values_take_few_turns() {
    let board = start(None, BoardOptions::default());
    let device = open(&board).unwrap();
    echo(&device, &[100]);
    let same = device.task("def same(x):\n    return x\n", "same").unwrap();
    let value = Value::Bytes(random(32 << 10));
    let before = board.traffic();
    assert!(same.call::<Value>((&value,)).unwrap() == value);
    let after = board.traffic();
    let (turns, sent) = (after.turns - before.turns, after.to_board - before.to_board);
    println!(
        "32 KiB there and back: {turns} turns, {sent} bytes sent, {} received",
        after.to_host - before.to_host
    );
    assert!(turns <= 12, "{turns}");
    assert!(sent <= 33_500, "{sent}");
    let text = "def later(x):\n    return [x, x + 1, x + 2]\n".repeat(200);
    let before = board.traffic();
    device.exec(text.as_str()).unwrap();
    let after = board.traffic();
    let sent = after.to_board - before.to_board;
    assert!(sent < 1000, "{sent} bytes for a source of {}", text.len());
}

#[test]
fn a_megabyte_goes_there_and_back() {
    let board = start(None, BoardOptions::default());
    let device = open(&board).unwrap();
    let same = device.task("def same(x):\n    return x\n", "same").unwrap();
    // The heap of the virtual board grows by doubling, from 1 MiB.
    device
        .exec_once(
            "x = [bytes(300000) for i in range(20)]\ndel x",
            Default::default(),
        )
        .unwrap();
    let begin = Instant::now();
    let value = Value::Bytes(random(1_000_000));
    assert!(same.call::<Value>((&value,)).unwrap() == value);
    println!("1 MB there and back: {:?}", begin.elapsed());
}

#[test]
fn a_board_without_memory_says_so() {
    let options = BoardOptions {
        heap_limit: 0,
        ..BoardOptions::default()
    };
    let board = start(None, options);
    let device = open(&board).unwrap();
    let size = device
        .task("def size(x):\n    return len(x)\n", "size")
        .unwrap();
    assert_eq!(
        size.call::<usize>((Value::Bytes(random(1000)),)).unwrap(),
        1000
    );
    let error = size
        .call::<usize>((Value::Bytes(random(4 << 20)),))
        .unwrap_err();
    let raised = error.raised().unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!(raised.exception.type_name, "MemoryError");
    assert_eq!(
        size.call::<usize>((Value::Bytes(random(1000)),)).unwrap(),
        1000
    );
}

#[test]
fn values_cross_a_uart_with_a_small_ring() {
    let line = LineOptions {
        bytes_per_second: Some(92_160),
        receive_ring: Some(256),
        overrun: Overrun::Lose,
        interrupt: Interrupt::KeepsRing,
        ..LineOptions::default()
    };
    let options = BoardOptions {
        line,
        ..BoardOptions::default()
    };
    let board = start(None, options);
    let device = open(&board).unwrap();
    echo(&device, &[65, 300, 5000, 20_000]);
}

#[test]
fn values_cross_a_line_that_damages_and_loses_bytes() {
    set_timeout_factor(0.2);
    let line = LineOptions {
        errors: Some(ByteErrors {
            per_billion: 100_000,
            seed: 7,
        }),
        ..LineOptions::default()
    };
    let options = BoardOptions {
        line,
        ..BoardOptions::default()
    };
    let board = start(None, options);
    let same = loop {
        let device = match open(&board) {
            Ok(device) => device,
            Err(error) => {
                println!("{error}");
                continue;
            }
        };
        match device.task("def same(x):\n    return x\n", "same") {
            Ok(same) => break same,
            Err(error) => println!("{error}"),
        }
    };
    let mut values = 0;
    for length in [65, 300, 3000, 300, 3000, 300, 65, 3000, 100, 100] {
        let value = Value::Bytes(random(length));
        let options = CallOptions::within(Duration::from_secs(60));
        match same.call_with::<Value>((&value,), options) {
            Ok(returned) => {
                assert!(returned == value, "{length}");
                values += 1;
            }
            Err(DeviceError::Damaged(what)) => println!("{length}: {what}"),
            Err(error) => panic!("{length}: {error:?}"),
        }
    }
    assert!(values >= 5, "{values}");
}

#[test]
fn each_byte_of_a_piece_may_be_damaged_lost_or_doubled() {
    set_timeout_factor(0.2);
    let board = start(None, BoardOptions::default());
    let device = open(&board).unwrap();
    let source = "count = 0\ndef add(x):\n    global count\n    count += 1\n    return count, x\n";
    let add = device.task(source, "add").unwrap();
    let value = Value::Bytes(random(150));
    let mut count = 0;
    let mut call = |fault: Option<Fault>| {
        let shown = format!("{fault:?}");
        if let Some(fault) = fault {
            board.inject(&fault);
        }
        let (counted, returned): (i64, Value) = add
            .call((&value,))
            .unwrap_or_else(|error| panic!("{shown}: {error:?}"));
        assert!(returned == value, "{shown}");
        count += 1;
        assert_eq!(counted, count, "{shown}");
    };
    for _ in 0..3 {
        call(None);
    }
    let before = board.traffic();
    call(None);
    let length = board.traffic().to_board - before.to_board;
    // Each one makes the session wait for some seconds: a sample.
    let faults: [fn(u64) -> Fault; 3] = [
        |at| Fault::CorruptToBoard { at, mask: 0x11 },
        |at| Fault::DropToBoard { at },
        |at| Fault::Duplicate {
            direction: Direction::ToBoard,
            at,
        },
    ];
    for (number, at) in (0..length).step_by(17).enumerate() {
        call(Some(faults[number % faults.len()](at)));
        // A fault that did not come to pass yet.
        call(None);
    }
}
