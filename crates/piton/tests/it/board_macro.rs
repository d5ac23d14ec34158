//! What `#[piton::board]` writes, on a virtual board.

use piton::device::{DeviceError, Generator};

use crate::device::pair;

/// A reading, as a tuple or a named tuple of the board gives it.
#[derive(Debug, PartialEq, serde::Deserialize)]
struct Reading(u32, Option<f32>);

/// Functions of a file and of literals.
#[piton::board(file = "tests/it/board/sensor.py")]
#[derive(Clone)]
pub(crate) trait Sensor {
    fn read(&self, channel: u8, count: u32) -> Result<Vec<f32>, DeviceError>;
    #[py(fn = "read")]
    fn read_scaled(&self, channel: u8, count: u32, scale: f32) -> Result<Vec<f32>, DeviceError>;
    fn stream(&mut self, count: u32) -> Result<Generator<Reading>, DeviceError>;
    #[py(fn = "fail")]
    fn r#type(&self, message: &str) -> Result<(), Box<dyn std::error::Error>>;
    #[py(
        r#"
        import math

        def total(*values):
            return math.fsum(values) if hasattr(math, "fsum") else sum(values)

        def boom():

            # The line of this is a line of the Rust file.
            return 1 / 0
    "#,
        fn = "total"
    )]
    fn sum_of_three(&self, a: i32, b: i32, c: i32) -> Result<f64, DeviceError>;
    #[py("def caller(function): return globals()[function]()")]
    fn caller(&self, function: &str) -> Result<i64, DeviceError>;
    #[setup("offset = base + 1\nnames = list(extra)")]
    fn prepare(&self, base: u8, extra: Vec<String>) -> Result<(), DeviceError>;
    #[py("def state():\n\treturn offset, names")]
    fn state(&self) -> Result<(u8, Vec<String>), DeviceError>;
}

#[test]
fn methods_call_functions_with_typed_values() {
    let pair = pair();
    let mut sensor = Sensor::attach(&pair.device).unwrap();
    assert_eq!(sensor.read(1, 2).unwrap(), [1.0, 1.0]);
    assert_eq!(sensor.read_scaled(2, 1, 0.5).unwrap(), [1.0]);
    assert_eq!(sensor.sum_of_three(1, 2, 3).unwrap(), 6.0);
    let readings: Result<Vec<Reading>, DeviceError> = sensor.stream(2).unwrap().collect();
    assert_eq!(readings.unwrap(), [Reading(0, None), Reading(1, Some(0.5))]);
    sensor.prepare(4, vec!["it's".to_owned()]).unwrap();
    assert_eq!(sensor.state().unwrap(), (5, vec!["it's".to_owned()]));
}

#[test]
fn a_reset_restores_the_sources_and_the_setups() {
    let pair = pair();
    let sensor = Sensor::attach(&pair.device).unwrap();
    sensor.prepare(1, Vec::new()).unwrap();
    pair.device.soft_reset().unwrap();
    assert_eq!(sensor.clone().state().unwrap(), (2, Vec::new()));
    assert_eq!(sensor.read(7, 1).unwrap(), [7.0]);
}

#[test]
fn exceptions_name_lines_of_the_host() {
    let pair = pair();
    let sensor = Sensor::attach(&pair.device).unwrap();
    let error = sensor.r#type("too cold").unwrap_err();
    let error = error.downcast::<DeviceError>().unwrap();
    let raised = error.raised().unwrap();
    assert_eq!(raised.exception.type_name, "ValueError");
    let frame = raised.frames.last().unwrap();
    assert_eq!(frame.file, "tests/it/board/sensor.py");
    assert_eq!(frame.line, 15);
    assert_eq!(
        frame.source_line.as_deref().map(str::trim),
        Some("raise ValueError(message)")
    );

    let error = sensor.caller("boom").unwrap_err();
    let frame = error.raised().unwrap().frames.last().unwrap();
    let text = include_str!("board_macro.rs");
    let index = usize::try_from(frame.line).unwrap() - 1;
    assert!(frame.file.ends_with("board_macro.rs"), "{frame:?}");
    assert_eq!(text.lines().nth(index).map(str::trim), Some("return 1 / 0"));
}

#[test]
fn a_method_may_have_a_deadline() {
    #[piton::board(
        "import time\ndef wait(ms):\n    time.sleep_ms(ms)\n    return ms\ndef waits(ms):\n    yield 1\n    yield wait(ms)\n"
    )]
    trait Slow {
        #[py(deadline_ms = 2000)]
        fn wait(&self, ms: u32) -> Result<u32, DeviceError>;
        #[py(deadline_ms = 2000)]
        fn waits(&self, ms: u32) -> Result<Generator<u32>, DeviceError>;
        #[setup("wait(ms)", deadline_ms = 2000)]
        fn prepare(&self, ms: u32) -> Result<(), DeviceError>;
    }
    let pair = pair();
    let slow = Slow::attach(&pair.device).unwrap();
    assert_eq!(slow.wait(1).unwrap(), 1);
    assert!(matches!(slow.wait(20_000), Err(DeviceError::Timeout)));
    let mut items = slow.waits(20_000).unwrap();
    assert_eq!(items.next().unwrap().unwrap(), 1);
    assert!(matches!(items.next(), Some(Err(DeviceError::Timeout))));
    assert!(matches!(slow.prepare(20_000), Err(DeviceError::Timeout)));
    slow.prepare(1).unwrap();
    assert_eq!(slow.wait(1).unwrap(), 1);
}

#[test]
fn a_value_of_another_type_is_an_error() {
    #[piton::board]
    trait Wrong {
        #[py("def name(): return 'x'")]
        fn name(&self) -> Result<u8, DeviceError>;
    }
    let pair = pair();
    let wrong = Wrong::attach(&pair.device).unwrap();
    let error = wrong.name().unwrap_err();
    assert!(matches!(error, DeviceError::Value { .. }), "{error}");
}
