//! Host functions on the unix port, on a micro:bit under QEMU, and on an emulated Pico.

use std::time::{Duration, Instant};

use piton::device::{CallOptions, Device, DeviceError, DeviceOptions, ProxyValue};
#[cfg(unix)]
use piton::literal::Value;

fn connect(port: &str) -> Device {
    let selector = port.parse().unwrap();
    let mut options = DeviceOptions::default();
    // The unix port ends at a soft reset.
    options.keep_state = true;
    // An emulated Pico beside other tests takes 14 s to compile the session's program.
    options.step_time = Duration::from_secs(60);
    Device::connect(&selector, &Default::default(), options).unwrap()
}

/// The median time of a call that does nothing.
fn median(device: &Device, calls: usize) -> Duration {
    let noop = device.task("def noop():\n    pass\n", "noop").unwrap();
    let mut times: Vec<Duration> = (0..calls)
        .map(|_| {
            let begin = Instant::now();
            noop.call::<()>(()).unwrap();
            begin.elapsed()
        })
        .collect();
    times.sort();
    times[calls / 2]
}

/// What works on every board.
fn works(device: &Device) {
    let add = device
        .task(
            "def add(a, b=1):\n    print('adding')\n    return a + b\n",
            "add",
        )
        .unwrap();
    assert_eq!(add.call::<i64>((2, 3)).unwrap(), 5);
    let error = add.call::<i64>((2, "b")).unwrap_err();
    let raised = error.raised().unwrap();
    assert_eq!(raised.exception.type_name, "TypeError");
    assert_eq!(raised.frames.last().unwrap().line, 3, "{raised:?}");
    let count = device
        .task(
            "def count(n):\n    for i in range(n):\n        yield i\n",
            "count",
        )
        .unwrap();
    let items: Result<Vec<i64>, _> = count.iterate((3,)).unwrap().collect();
    assert_eq!(items.unwrap(), [0, 1, 2]);
    // A board with a small parser exposes what a proxy gives in two calls.
    device
        .exec("class Motor:\n    speed = 3\n    parts = [1, 2]\n")
        .unwrap();
    let motor = device.proxy("Motor()").unwrap();
    let ProxyValue::Value(speed) = motor.attribute("speed").unwrap() else {
        panic!("a number is a value");
    };
    assert_eq!(speed.to_string(), "3");
    let ProxyValue::Object(parts) = motor.attribute("parts").unwrap() else {
        panic!("a list is an object");
    };
    assert_eq!(parts.value::<Vec<i64>>().unwrap(), [1, 2]);
    let long = device.eval::<String>("'x' * 300").unwrap();
    assert_eq!(long, "x".repeat(300));
    let forever = device
        .task("def forever():\n    while True:\n        pass\n", "forever")
        .unwrap();
    let limit = CallOptions::within(Duration::from_millis(500));
    let error = forever.call_with::<()>((), limit).unwrap_err();
    assert!(matches!(error, DeviceError::Timeout), "{error:?}");
    assert_eq!(add.call::<i64>(2).unwrap(), 3);
}

#[test]
fn a_microbit_has_functions_too() {
    let microbit = test_programs::Microbit::start();
    let device = connect(microbit.port());
    works(&device);
    println!("micro:bit: no-op {:?}", median(&device, 50));
}

#[cfg(unix)]
mod unix_port {
    use super::*;

    #[test]
    fn calls_take_one_turn_each() {
        let folder = tempfile::tempdir().unwrap();
        let board = test_programs::UnixBoard::start(folder.path());
        let begin = Instant::now();
        let device = connect(board.port());
        let opened = board.take_traffic();
        println!("connect: {opened:?} in {:?}", begin.elapsed());
        assert!(opened.turns <= 12, "{opened:?}");
        let noop = device.task("def noop():\n    pass\n", "noop").unwrap();
        // The second call brings what takes calls as lines.
        noop.call::<()>(()).unwrap();
        noop.call::<()>(()).unwrap();
        println!("two calls: {:?}", board.take_traffic());
        noop.call::<()>(()).unwrap();
        let call = board.take_traffic();
        println!("no-op: {call:?}");
        assert_eq!(call.turns, 1, "{call:?}");
        println!("no-op median {:?}", median(&device, 2000));
        let count = device
            .task(
                "def count(n):\n    for i in range(n):\n        yield i\n",
                "count",
            )
            .unwrap();
        let begin = Instant::now();
        assert_eq!(count.iterate::<i64>((500,)).unwrap().count(), 500);
        println!("generator: {:?} an item", begin.elapsed() / 500);
    }

    #[test]
    fn a_session_begins_though_a_soft_reset_ends_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let board = test_programs::UnixBoard::start(folder.path());
        let selector = board.port().parse().unwrap();
        let mut options = DeviceOptions::default();
        options.step_time = Duration::from_secs(600);
        let begin = Instant::now();
        let device = Device::connect(&selector, &Default::default(), options).unwrap();
        println!("{:?}, {:?}", board.take_traffic(), begin.elapsed());
        assert!(begin.elapsed() < Duration::from_secs(300));
        device.exec("x = 1").unwrap();
        device.soft_reset().unwrap();
        assert_eq!(device.eval::<i64>("x").unwrap(), 1);
    }

    #[test]
    fn large_values_go_both_ways() {
        let folder = tempfile::tempdir().unwrap();
        let board = test_programs::UnixBoard::start(folder.path());
        let device = connect(board.port());
        let same = device.task("def same(x):\n    return x\n", "same").unwrap();
        let bytes: Vec<u8> = (0..32_768_u32).map(|n| ((n * n) >> 7) as u8).collect();
        let value = Value::Bytes(bytes);
        same.call::<Value>((1,)).unwrap();
        board.take_traffic();
        let begin = Instant::now();
        assert_eq!(same.call::<Value>((&value,)).unwrap(), value);
        println!(
            "32 KiB there and back: {:?}, {:?}",
            begin.elapsed(),
            board.take_traffic()
        );
        let length = device.eval::<Value>("bytes(1 << 16)").unwrap();
        assert_eq!(length, Value::Bytes(vec![0; 1 << 16]));
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        let deep = piton::literal::parse(deep.as_bytes()).unwrap();
        assert_eq!(same.call::<Value>((&deep,)).unwrap(), deep);
    }
}

#[cfg(unix)]
mod pico {
    use super::*;

    #[test]
    fn a_pico_has_functions() {
        let pico = test_programs::EmulatedPico::start();
        let begin = Instant::now();
        let device = connect(pico.port());
        println!("pico: connect {:?}", begin.elapsed());
        works(&device);
        println!("pico: no-op {:?}", median(&device, 50));
    }
}
