//! Events of virtual boards, and calls as lines.

use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use piton::deadline::set_timeout_factor;
use piton::device::{Device, DeviceError, Source};
use piton::literal::Value;
use piton::virtual_board::{BoardOptions, Fault};

use crate::device::{Pair, open, pair, start};

/// How long an event may take.
const LIMIT: Duration = Duration::from_secs(20);

fn events(device: &Device, name: &str) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    device
        .on_event(name, move |value: Result<Value, DeviceError>| {
            sender.send(value.unwrap().to_string()).unwrap();
        })
        .unwrap();
    receiver
}

#[test]
fn events_come_during_calls_and_change_no_result() {
    let Pair { device, .. } = pair();
    let readings = events(&device, "reading");
    let measure = device
        .task(
            "def measure(n):\n    for i in range(n):\n        piton_event('reading', i)\n        print(i, end='')\n        \
             piton_event('other', b'\\x04')\n    return n\n",
            "measure",
        )
        .unwrap();
    for count in [0, 1, 50] {
        assert_eq!(measure.call::<i64>((count,)).unwrap(), count);
        for expected in 0..count {
            let reading = readings.recv_timeout(LIMIT).unwrap();
            assert_eq!(reading, expected.to_string());
        }
    }
    assert!(readings.try_recv().is_err());
}

#[test]
fn a_generator_streams_what_it_yields() {
    let Pair { device, board } = pair();
    let source = "stopped = 0\ndef count(n, fails=0):\n    global stopped\n    try:\n        i = 0\n        while n is None or i < n:\n            \
                  yield i\n            i += 1\n        if fails:\n            raise ValueError('end')\n    finally:\n        stopped += 1\n";
    let count = device
        .task(Source::in_file(source, "count.py", 10), "count")
        .unwrap();
    assert_eq!(count.stream::<i64>((0,)).unwrap().count(), 0);
    let before = board.traffic();
    let begin = Instant::now();
    let items: Result<Vec<i64>, _> = count.stream((2000,)).unwrap().collect();
    assert_eq!(items.unwrap(), (0..2000).collect::<Vec<_>>());
    let after = board.traffic();
    println!("2000 items: {:?}, {after:?}", begin.elapsed());
    // The host says nothing while the items come.
    assert!(
        after.to_board - before.to_board < 200,
        "{before:?}, {after:?}"
    );
    let mut items = count.stream::<i64>((2, 1)).unwrap();
    assert_eq!(items.next().unwrap().unwrap(), 0);
    assert_eq!(items.receive(LIMIT).unwrap(), Some(1));
    let error = items.next().unwrap().unwrap_err();
    let traceback = error.raised().unwrap().traceback();
    assert!(
        traceback.contains("File \"count.py\", line 19, in count"),
        "{traceback}"
    );
    assert!(items.next().is_none());
    // An endless one, which is stopped, wherever in the session's code that comes.
    for number in 1..20 {
        let mut items = count.stream::<i64>((Value::None,)).unwrap();
        for expected in 0..number * 15 {
            assert_eq!(items.next().unwrap().unwrap(), expected);
        }
        drop(items);
    }
    assert_eq!(device.eval::<i64>("stopped").unwrap(), 22);
    let mut wrong = count.stream::<String>((Value::None,)).unwrap();
    assert!(matches!(wrong.next(), Some(Err(DeviceError::Value { .. }))));
    assert!(wrong.next().is_none());
    assert_eq!(device.eval::<i64>("stopped").unwrap(), 23);
}

#[test]
fn a_stream_that_loses_items_or_its_board_says_so() {
    set_timeout_factor(0.2);
    let Pair { device, board } = pair();
    let count = device
        .task(
            "def count():\n    i = 0\n    while True:\n        yield i\n        i += 1\n",
            "count",
        )
        .unwrap();
    for is_reset in [false, true] {
        let mut items = count.stream::<i64>(()).unwrap();
        assert_eq!(items.next().unwrap().unwrap(), 0);
        match is_reset {
            true => board.reset(),
            false => board.inject(&Fault::CorruptToHost { at: 3000, mask: 1 }),
        }
        let mut expected = 1;
        let error = loop {
            match items.next().unwrap() {
                Ok(item) => assert_eq!(item, expected),
                Err(error) => break error,
            }
            expected += 1;
        };
        let is_known = match error {
            DeviceError::BoardReset => is_reset,
            DeviceError::Damaged(_) => !is_reset,
            _ => false,
        };
        assert!(is_known, "{error:?}");
        assert!(items.next().is_none());
        assert_eq!(device.eval::<i64>("1 + 1").unwrap(), 2);
    }
}

#[test]
fn events_come_while_no_call_runs() {
    let Pair { device, .. } = pair();
    let ticks = events(&device, "tick");
    device
        .exec(
            "from machine import Timer\ncount = 0\ndef tick(timer):\n    global count\n    count += 1\n    \
             piton_event('tick', count)\ntimer = Timer(period=20, mode=Timer.PERIODIC, callback=tick)\n",
        )
        .unwrap();
    for expected in 1..=20 {
        let tick = ticks.recv_timeout(LIMIT).unwrap();
        assert_eq!(tick, expected.to_string());
    }
    // Calls go on meanwhile, short ones and long ones.
    for length in [1, 10, 1000, 10, 3000, 1, 1] {
        let text = "x".repeat(length);
        assert_eq!(device.eval::<String>(&format!("'{text}'")).unwrap(), text);
        thread::sleep(Duration::from_millis(30));
    }
    for expected in 21..=40 {
        let tick = ticks.recv_timeout(LIMIT).unwrap();
        assert_eq!(tick, expected.to_string());
    }
    device
        .exec_once("timer.deinit()", Default::default())
        .unwrap();
    device.close().unwrap();
    // A closed device has let go of the handler.
    while ticks.recv().is_ok() {}
}

#[test]
fn a_handler_may_use_the_device() {
    let Pair { device, .. } = pair();
    let (sender, receiver) = mpsc::channel();
    let ours = device.clone();
    device
        .on_event("ask", move |value: Result<i64, DeviceError>| {
            let double = ours.eval::<i64>(&format!("{} * 2", value.unwrap()));
            sender.send(double.unwrap()).unwrap();
        })
        .unwrap();
    device.eval::<()>("piton_event('ask', 21)").unwrap();
    assert_eq!(receiver.recv_timeout(LIMIT).unwrap(), 42);
    device.close().unwrap();
}

#[test]
fn events_go_on_after_a_reset() {
    let Pair { device, board } = pair();
    let (hellos, ticks) = (events(&device, "hello"), events(&device, "tick"));
    device
        .exec("from machine import Timer\npiton_event('hello')\ntimer = Timer(period=50, mode=Timer.PERIODIC, callback=lambda t: piton_event('tick'))\n")
        .unwrap();
    assert_eq!(hellos.recv_timeout(LIMIT).unwrap(), "None");
    ticks.recv_timeout(LIMIT).unwrap();
    board.reset();
    assert_eq!(hellos.recv_timeout(LIMIT).unwrap(), "None");
    while ticks.try_recv().is_ok() {}
    ticks.recv_timeout(LIMIT).unwrap();
}

#[test]
fn short_calls_are_lines_and_long_ones_programs() {
    let board = start(None, BoardOptions::default());
    let device = open(&board).unwrap();
    let same = device.task("def same(x):\n    return x\n", "same").unwrap();
    for round in 0..3 {
        for length in [1, 10, 150, 250, 10, 10, 5000, 1] {
            let text = "y".repeat(length);
            assert_eq!(same.call::<String>((&text,)).unwrap(), text, "{round}");
        }
        for text in ["\u{e4}", "a\nb", "\x03\x04", "'\""] {
            let list = same.call::<Vec<String>>((&[text, "\u{20ac}"],)).unwrap();
            assert_eq!(list, [text, "\u{20ac}"]);
        }
    }
    let shown = "class Shown:\n    def __repr__(self):\n        return \"(1,\\n'\u{e4}')\"\n";
    device.exec(shown).unwrap();
    for _ in 0..3 {
        let value = device.eval::<(i64, String)>("Shown()").unwrap();
        assert_eq!(value, (1, "\u{e4}".to_owned()));
    }
    same.call::<i64>((1,)).unwrap();
    same.call::<i64>((1,)).unwrap();
    let before = board.traffic();
    for number in 0..10 {
        assert_eq!(same.call::<i64>((number,)).unwrap(), number);
    }
    let after = board.traffic();
    assert_eq!(after.turns - before.turns, 10);
    let sent = (after.to_board - before.to_board) / 10;
    assert!(sent < 25, "{sent}");
}

#[test]
fn an_interrupt_that_the_code_raises_ends_no_session() {
    let Pair { device, .. } = pair();
    device
        .exec("def stop():\n    raise KeyboardInterrupt('me')\n")
        .unwrap();
    for _ in 0..3 {
        for _ in 0..3 {
            let error = device.eval::<()>("stop()").unwrap_err();
            let raised = error.raised().unwrap();
            assert_eq!(raised.exception.type_name, "KeyboardInterrupt");
        }
        assert_eq!(device.eval::<i64>("1 + 1").unwrap(), 2);
        assert_eq!(device.eval::<i64>("1 + 2").unwrap(), 3);
    }
}

#[test]
fn a_call_that_takes_long_is_asked_after_and_not_disturbed() {
    let Pair { device, .. } = pair();
    device.exec("import time").unwrap();
    for seconds in [0, 0, 2, 0, 4, 0] {
        let text = format!("time.sleep({seconds}) or {seconds}");
        let begin = Instant::now();
        assert_eq!(device.eval::<i64>(&text).unwrap(), seconds);
        let late = begin.elapsed().as_secs_f64() - seconds as f64;
        println!("{seconds} s: {late} s later");
        assert!(late < 2.0, "{seconds} s: {late}");
    }
}

#[test]
fn a_call_whose_answer_and_end_are_lost_comes_to_an_end() {
    set_timeout_factor(0.2);
    let Pair { device, board } = pair();
    device
        .exec("count = 0\ndef add():\n    global count\n    count += 1\n    return count\n")
        .unwrap();
    for is_line in [false, true] {
        for _ in 0..2 {
            device.eval::<i64>("add()").unwrap();
        }
        let expected = device.eval::<i64>("count").unwrap() + 1;
        if !is_line {
            // The next call is a program.
            device.exec_once("pass", Default::default()).unwrap();
        }
        // The answer, and what follows it: after the 6 bytes with which the board takes a program.
        let lost = if is_line { 0..33 } else { 6..40 };
        for at in lost {
            board.inject(&Fault::DropToHost { at });
        }
        let begin = Instant::now();
        let count = device.eval::<i64>("add()").unwrap();
        assert_eq!(count, expected);
        assert!(begin.elapsed() < Duration::from_secs(60));
    }
}
