//! Host functions on virtual boards.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use piton::device::{CallOptions, Device, DeviceError, DeviceOptions, ProxyValue, Source};
use piton::literal::Value;
use piton::virtual_board::{BoardOptions, VirtualBoard, VmImage};
use piton::{Board, ConnectOptions};

/// A virtual board of a version, and a session on it.
pub(crate) struct Pair {
    pub(crate) device: Device,
    pub(crate) board: Arc<VirtualBoard>,
}

pub(crate) fn start(version: Option<&str>, options: BoardOptions) -> Arc<VirtualBoard> {
    let file = version.map_or_else(test_programs::vm, test_programs::vm_version);
    let image = VmImage::open(&file).unwrap();
    Arc::new(VirtualBoard::start(&image, options).unwrap())
}

pub(crate) fn open(board: &Arc<VirtualBoard>) -> Result<Device, DeviceError> {
    let connection = ConnectOptions::default();
    let cancel = connection.cancel.clone();
    let board = Arc::clone(board);
    let connector = Box::new(move || Board::open_virtual(&board, "virtual", &connection));
    Device::open(connector, cancel, DeviceOptions::default())
}

pub(crate) fn pair() -> Pair {
    let board = start(None, BoardOptions::default());
    let device = open(&board).unwrap();
    Pair { device, board }
}

fn printed(device: &Device) -> Arc<Mutex<Vec<u8>>> {
    let printed = Arc::new(Mutex::new(Vec::new()));
    let ours = Arc::clone(&printed);
    device.on_output(move |bytes| ours.lock().unwrap().extend_from_slice(bytes));
    printed
}

fn raised(error: DeviceError) -> (String, String, String) {
    let DeviceError::Raised(raised) = error else {
        panic!("{error:?}");
    };
    let exception = &raised.exception;
    let (type_name, message) = (exception.type_name.clone(), exception.message.clone());
    (type_name, message, raised.traceback())
}

#[test]
fn tasks_setups_and_expressions_on_all_versions() {
    for version in ["1.25.0", "1.26.0", "1.27.0", "1.28.0-6", "1.29.0-6"] {
        let board = start(Some(version), BoardOptions::default());
        let device = open(&board).unwrap();
        device.exec("x = 6").unwrap();
        assert_eq!(device.eval::<i64>("x * 7").unwrap(), 42, "{version}");
        let add = device
            .task("def add(a, b=1):\n    return a + b\n", "add")
            .unwrap();
        assert_eq!(add.call::<i64>((2, 3)).unwrap(), 5);
        assert_eq!(add.call::<String>(("a", "b")).unwrap(), "ab");
        assert_eq!(add.call::<i64>(2).unwrap(), 3);
        #[derive(serde::Serialize)]
        struct Globals {
            pin: u8,
        }
        device
            .setup("level = pin + 1\n", Globals { pin: 4 })
            .unwrap();
        assert_eq!(device.eval::<(u8, u8)>("pin, level").unwrap(), (4, 5));
    }
}

#[test]
fn output_streams_and_changes_no_result() {
    let Pair { device, .. } = pair();
    let shown = printed(&device);
    let noisy = device
        .task(
            "def noisy(text):\n    import sys\n    sys.stdout.write(text)\n    return text\n",
            "noisy",
        )
        .unwrap();
    for text in [
        "no line end",
        "_BELAYR|x|1\n",
        "\x04",
        "\x04\x04>",
        "\x1e",
        "\x1e0123456789abcdef7 1 R1",
        "\x04Traceback (most recent call last):\nValueError: \n\x04>",
        "\x01\x02\x05\x1b\x7f",
    ] {
        shown.lock().unwrap().clear();
        assert_eq!(noisy.call::<String>((text,)).unwrap(), text);
        let expected = text.replace('\n', "\r\n");
        assert_eq!(*shown.lock().unwrap(), expected.as_bytes(), "{text:?}");
    }
}

#[test]
fn values_of_all_kinds_go_both_ways() {
    let Pair { device, .. } = pair();
    let same = device
        .task("def same(value):\n    return value\n", "same")
        .unwrap();
    for literal in [
        "None",
        "True",
        "-123456789012345678901234567890",
        "1.5",
        "float('inf')",
        "float('-inf')",
        "'\u{e4}\u{20ac}\\n\\x00\\''",
        "b'\\x00\\xff\\x03\\x04'",
        "bytearray(b'\\x01')",
        "(1,)",
        "()",
        "[[[[[[[[[[1]]]]]]]]]]",
        "{1: ['a', {3: 4}]}",
        "set()",
        "{1}",
        "frozenset({1})",
        "(1+2j)",
    ] {
        let value = piton::literal::parse(literal.as_bytes()).unwrap();
        assert_eq!(same.call::<Value>((&value,)).unwrap(), value, "{literal}");
    }
    assert!(same.call::<f64>((f64::NAN,)).unwrap().is_nan());
    let large = vec![0xa5_u8; 1 << 13];
    assert_eq!(
        device.eval::<Value>("memoryview(b'abc')").unwrap(),
        Value::Bytes(b"abc".to_vec())
    );
    // Long ones cross the line as they are.
    device.exec("from array import array").unwrap();
    for long in [
        r"b'\x00\x03\x04\xff\r\n' * 500",
        r"bytearray(b'ABC\x03' * 2000)",
        r"'\xe4\r\n\x04' * 300",
        "array('h', [-2, 3] * 100)",
        "array('d', [0.5] * 100)",
        "array('L', [7] * 100)",
    ] {
        let value: Value = device.eval(long).unwrap();
        let text: String = device.eval(&format!("repr({long})")).unwrap();
        let expected = piton::literal::parse(text.as_bytes()).unwrap();
        assert_eq!(value, expected, "{long}");
        assert_eq!(same.call::<Value>((&value,)).unwrap(), value, "{long}");
    }
    let two = (Value::Bytes(vec![3; 5000]), Value::ByteArray(vec![7; 99]));
    assert_eq!(same.call::<(Value, Value)>((&two,)).unwrap(), two);
    let size = device
        .task("def size(value):\n    return len(value)\n", "size")
        .unwrap();
    assert_eq!(
        size.call::<usize>((Value::Bytes(large.clone()),)).unwrap(),
        1 << 13
    );
    let Value::Bytes(back) = device.eval("b'\\xa5' * (1 << 14)").unwrap() else {
        panic!("no bytes");
    };
    assert_eq!(back.len(), 1 << 14);
}

#[test]
fn exceptions_have_places_on_the_host() {
    let Pair { device, .. } = pair();
    let inner = Source::in_file("def inner(x):\n    return 1 // x\n", "inner.py", 40);
    let outer = Source::in_file(
        "def outer(x):\n    # a comment\n    return inner(x)\n",
        "outer.py",
        7,
    );
    device.task(inner, "inner").unwrap();
    let outer = device.task(outer, "outer").unwrap();
    let (type_name, message, traceback) = raised(outer.call::<i64>((0,)).unwrap_err());
    assert_eq!(
        (type_name.as_str(), message.as_str()),
        ("ZeroDivisionError", "divide by zero")
    );
    assert_eq!(
        traceback,
        "Traceback (most recent call last):\n  File \"outer.py\", line 9, in outer\n    return inner(x)\n  \
         File \"inner.py\", line 41, in inner\n    return 1 // x\nZeroDivisionError: divide by zero\n"
    );
    let setup = Source::in_file("y = 1\ny = undefined\n", "setup.py", 3);
    let (_, _, traceback) = raised(device.setup(setup, ()).unwrap_err());
    assert_eq!(
        traceback,
        "Traceback (most recent call last):\n  File \"setup.py\", line 4, in <module>\n    y = undefined\nNameError: \
         name 'undefined' isn't defined\n"
    );
    let wrong = Source::in_file("def f():\n    return (\n", "wrong.py", 1);
    let (type_name, _, traceback) = raised(device.exec(wrong).unwrap_err());
    assert_eq!(type_name, "SyntaxError");
    assert!(traceback.contains("wrong.py"), "{traceback}");
    assert_eq!(outer.call::<i64>((1,)).unwrap(), 1);
}

#[test]
fn bad_input_says_what_is_wrong() {
    let Pair { device, .. } = pair();
    let error = |result: Result<(), DeviceError>| result.unwrap_err().to_string();
    let missing = device.task("def g():\n    pass\n", "f").map(drop);
    assert_eq!(
        error(missing),
        "the source does not define the function `f`"
    );
    let reserved = device
        .task("def _piton_x():\n    pass\n", "_piton_x")
        .map(drop);
    assert_eq!(error(reserved), "the name `_piton_x` is reserved");
    let object = device.eval::<Value>("object").map(drop);
    assert_eq!(
        error(object),
        "the value on the board can't be read: not a Python literal: expected a value at byte 0, found `<class \\'object\\'>`"
    );
    let f = device.task("def f(x):\n    return x\n", "f").unwrap();
    let (type_name, ..) = raised(f.call::<()>((1, 2)).unwrap_err());
    assert_eq!(type_name, "TypeError");
    device.close().unwrap();
    assert!(matches!(f.call::<()>((1,)), Err(DeviceError::Closed)));
    device.close().unwrap();
}

#[test]
fn a_generator_is_an_iterator() {
    let Pair { device, .. } = pair();
    let count = device
        .task(
            "def count(n):\n    for i in range(n):\n        got = yield i\n        if got:\n            yield got\n",
            "count",
        )
        .unwrap();
    let items: Result<Vec<i64>, _> = count.iterate((5,)).unwrap().collect();
    assert_eq!(items.unwrap(), [0, 1, 2, 3, 4]);
    let mut generator = count.iterate::<i64>((5,)).unwrap();
    assert_eq!(generator.next_item().unwrap(), Some(0));
    assert_eq!(generator.send(77).unwrap(), Some(77));
    drop(generator);
    // What was released goes with the next calls.
    count.call::<Value>((0,)).unwrap_err();
    count
        .call_text("(0) and None", CallOptions::default())
        .unwrap();
    let ProxyValue::Value(kept) = device.expose("len(_o)").unwrap() else {
        panic!("a number is a value");
    };
    // The function of the proxies is there.
    assert_eq!(kept.to_string(), "1");
}

#[test]
fn generators_catch_what_is_thrown_and_run_their_end_when_closed() {
    let Pair { device, .. } = pair();
    let source = "closed = 0\ndef count():\n    global closed\n    try:\n        i = 0\n        while True:\n            try:\n                \
                  yield i\n            except ValueError as error:\n                yield error.args[0]\n            i += 1\n    finally:\n        \
                  closed += 1\n";
    let count = device.task(source, "count").unwrap();
    let mut items = count.iterate::<i64>(()).unwrap();
    assert_eq!(items.next_item().unwrap(), Some(0));
    assert_eq!(items.throw("ValueError(70)").unwrap(), Some(70));
    assert_eq!(items.next_item().unwrap(), Some(1));
    items.close().unwrap();
    assert_eq!(device.eval::<i64>("closed").unwrap(), 1);
    items.close().unwrap();
    assert_eq!(items.next_item().unwrap(), None);
    let mut items = count.iterate::<i64>(()).unwrap();
    items.next_item().unwrap();
    let (type_name, ..) = raised(items.throw("KeyError('k')").unwrap_err());
    assert_eq!(type_name, "KeyError");
    assert_eq!(items.throw("ValueError(1)").unwrap(), None);
    // One that is dropped is closed with the next call of a function.
    let mut items = count.iterate::<i64>(()).unwrap();
    items.next_item().unwrap();
    drop(items);
    count
        .call_text("() and None", CallOptions::default())
        .unwrap();
    assert_eq!(device.eval::<i64>("closed").unwrap(), 3);
    let mut items = count.iterate::<i64>(()).unwrap();
    items.next_item().unwrap();
    device.soft_reset().unwrap();
    items.close().unwrap();
    assert!(count.iterate::<i64>(()).unwrap().ahead(4).next().is_some());
}

#[test]
fn a_generator_may_run_ahead() {
    let Pair { device, board } = pair();
    let count = device
        .task(
            "def count(n):\n    for i in range(n):\n        yield i\n",
            "count",
        )
        .unwrap();
    let mut ahead = count.iterate::<i64>((100,)).unwrap().ahead(16);
    assert_eq!(ahead.next_item().unwrap(), Some(0));
    assert!(matches!(ahead.send(1), Err(DeviceError::RanAhead)));
    let before = board.traffic().turns;
    let items: Result<Vec<i64>, _> = ahead.collect();
    assert_eq!(items.unwrap(), (1..100).collect::<Vec<_>>());
    let turns = board.traffic().turns - before;
    // The board stops after 20 ms: some more turns on a busy machine.
    assert!(turns < 50, "{turns}");
    let source =
        "def fails(n):\n    for i in range(n):\n        yield i\n    raise ValueError('end')\n";
    let fails = device
        .task(Source::in_file(source, "fails.py", 5), "fails")
        .unwrap();
    let mut items = fails.iterate::<i64>((20,)).unwrap().ahead(16);
    for expected in 0..20 {
        assert_eq!(items.next().unwrap().unwrap(), expected);
    }
    let (type_name, _, traceback) = raised(items.next().unwrap().unwrap_err());
    assert_eq!(type_name, "ValueError");
    assert_eq!(
        traceback,
        "Traceback (most recent call last):\n  File \"fails.py\", line 8, in fails\n    raise ValueError('end')\n\
         ValueError: end\n"
    );
    assert!(items.next().is_none());
    // One that has no form here is one item among others.
    let objects = device
        .task(
            "def objects():\n    yield object()\n    yield 2\n",
            "objects",
        )
        .unwrap();
    let mut items = objects.iterate::<i64>(()).unwrap();
    assert!(matches!(
        items.next().unwrap(),
        Err(DeviceError::Value { .. })
    ));
    assert_eq!(items.next().unwrap().unwrap(), 2);
}

#[test]
fn a_proxy_stands_for_an_object_of_the_board() {
    let Pair { device, .. } = pair();
    device
        .exec("class Motor:\n    speed = 3\n    parts = [1, [2, 3]]\n    def run(self, by):\n        self.speed += by\n        return self\nmotor = Motor()\n")
        .unwrap();
    let motor = device.proxy("motor").unwrap();
    let value = |value: ProxyValue| match value {
        ProxyValue::Value(value) => value.to_string(),
        ProxyValue::Object(_) => "object".to_owned(),
    };
    assert_eq!(value(motor.attribute("speed").unwrap()), "3");
    assert_eq!(value(motor.call_method("run", (4,)).unwrap()), "object");
    assert_eq!(device.eval::<i64>("motor.speed").unwrap(), 7);
    motor.set_attribute("speed", 1).unwrap();
    assert_eq!(device.eval::<i64>("motor.speed").unwrap(), 1);
    let ProxyValue::Object(parts) = motor.attribute("parts").unwrap() else {
        panic!("a list is an object");
    };
    assert_eq!(parts.value::<Value>().unwrap().to_string(), "[1, [2, 3]]");
    assert_eq!(value(parts.item(0).unwrap()), "1");
    parts.set_item(0, "new").unwrap();
    assert_eq!(value(parts.eval("len({})").unwrap()), "2");
    let (type_name, ..) = raised(motor.attribute("none").map(drop).unwrap_err());
    assert_eq!(type_name, "AttributeError");
    device.soft_reset().unwrap();
    assert!(matches!(
        motor.attribute("speed"),
        Err(DeviceError::ObjectLost)
    ));
}

#[test]
fn a_reset_is_noticed_and_the_state_restored() {
    let Pair { device, board } = pair();
    device.exec("import sys\ncount = 0\n").unwrap();
    let add = device
        .task(
            "def add():\n    global count\n    count += 1\n    return count\n",
            "add",
        )
        .unwrap();
    assert_eq!(add.call::<i64>(()).unwrap(), 1);
    assert_eq!(add.call::<i64>(()).unwrap(), 2);
    // Behind a bridge: the line stays.
    board.reset();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(add.call::<i64>(()).unwrap(), 1);
    // In the middle of a call.
    let error = device
        .eval::<()>("__import__('machine').reset()")
        .unwrap_err();
    assert!(matches!(error, DeviceError::BoardReset), "{error:?}");
    assert_eq!(add.call::<i64>(()).unwrap(), 1);
    let error = device.eval::<()>("sys.exit()").unwrap_err();
    assert!(matches!(error, DeviceError::BoardReset), "{error:?}");
    assert_eq!(add.call::<i64>(()).unwrap(), 1);
}

#[test]
fn a_start_of_main_does_not_wait_for_its_limit() {
    let Pair { device, .. } = pair();
    for uses_loop in [false, true] {
        if uses_loop {
            // The board waits for lines.
            device.proxy("[1]").unwrap();
        }
        let begin = Instant::now();
        device.start_main(Duration::from_secs(600)).unwrap();
        assert!(begin.elapsed() < Duration::from_secs(300), "{uses_loop}");
        assert_eq!(device.eval::<i64>("1 + 1").unwrap(), 2);
    }
}

#[test]
fn a_call_ends_at_its_time_limit_or_by_the_flag() {
    let Pair { device, .. } = pair();
    let forever = device
        .task("def forever():\n    while True:\n        pass\n", "forever")
        .unwrap();
    let begin = Instant::now();
    let limit = CallOptions::within(Duration::from_millis(200));
    let error = forever.call_with::<()>((), limit).unwrap_err();
    assert!(matches!(error, DeviceError::Timeout), "{error:?}");
    assert_eq!(device.eval::<i64>("1 + 1").unwrap(), 2);
    let cancel = device.cancel_flag();
    let raiser = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        cancel.cancel();
    });
    let error = forever.call::<()>(()).unwrap_err();
    assert!(matches!(error, DeviceError::Interrupted), "{error:?}");
    raiser.join().unwrap();
    assert_eq!(device.eval::<i64>("1 + 1").unwrap(), 2);
    assert!(begin.elapsed() < Duration::from_secs(20));
}

#[test]
fn threads_of_the_host_share_a_device() {
    let Pair { device, .. } = pair();
    let square = device
        .task("def square(x):\n    return x * x\n", "square")
        .unwrap();
    let (sender, receiver) = mpsc::channel();
    let threads: Vec<_> = (0..4_i64)
        .map(|part| {
            let (square, sender) = (square.clone(), sender.clone());
            thread::spawn(move || {
                for x in part * 100..part * 100 + 50 {
                    sender.send((x, square.call::<i64>((x,)).unwrap())).unwrap();
                }
            })
        })
        .collect();
    drop(sender);
    for (x, squared) in receiver {
        assert_eq!(squared, x * x);
    }
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn the_time_of_the_board_is_that_of_the_host() {
    let Pair { device, .. } = pair();
    assert!(matches!(
        device.time_offset(),
        Err(DeviceError::NotSynchronized)
    ));
    device.synchronize_time(5).unwrap();
    let (value, time) = device.eval_timed::<i64>("3").unwrap();
    assert_eq!(value, 3);
    let off = time.elapsed().unwrap_or_else(|early| early.duration());
    assert!(off < Duration::from_millis(500), "{off:?}");
}

#[test]
fn teardowns_run_in_order_at_the_end() {
    let Pair { device, board } = pair();
    device.exec("log = []").unwrap();
    device.teardown("log.append(1)");
    device.teardown("log.append(2)\nwith open('log', 'w') as file:\n    file.write(repr(log))\n");
    device.close().unwrap();
    let device = open(&board).unwrap();
    assert_eq!(
        device.eval::<String>("open('log').read()").unwrap(),
        "[1, 2]"
    );
}

#[test]
fn a_call_is_one_turn() {
    let board = start(None, BoardOptions::default());
    let device = open(&board).unwrap();
    let opened = board.traffic();
    assert!(opened.turns <= 12, "{opened:?}");
    let noop = device.task("def noop():\n    pass\n", "noop").unwrap();
    let opened_bytes = opened.to_board;
    assert!(opened_bytes <= 600, "{opened:?}");
    // The second call brings what takes calls as lines.
    noop.call::<()>(()).unwrap();
    noop.call::<()>(()).unwrap();
    let before = board.traffic();
    noop.call::<()>(()).unwrap();
    let after = board.traffic();
    assert_eq!(after.turns - before.turns, 1);
    println!(
        "connect {opened:?}, call {} out {} in",
        after.to_board - before.to_board,
        after.to_host - before.to_host
    );
}
