//! A session of twenty calls on a line that fails anywhere, from its first byte to its last: each call gives a correct value or says
//! what happened.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use piton::deadline::set_timeout_factor;
use piton::device::{Device, DeviceError, ProxyValue, Task};
use piton::literal::Value;
use piton::virtual_board::{BoardOptions, Fault, VirtualBoard};

use crate::device::{open, start};

/// How long a session may take, whatever happens to it.
const LIMIT: Duration = Duration::from_secs(120);

const SOURCE: &str = "\
def same(x):
    return x
def count(n):
    for i in range(n):
        yield i
def fails(key):
    return {'a': 1}[key]
class Motor:
    speed = 3
motor = Motor()
";

/// How long a board that vanishes is away.
const AWAY: Duration = Duration::from_millis(30);

/// What became of the calls of a session, by kind.
type Outcomes = BTreeMap<&'static str, u32>;

/// Adds the outcome of a call: a value, which is checked, or an error that a fault explains.
fn note<T: PartialEq + std::fmt::Debug>(
    outcomes: &mut Outcomes,
    result: Result<T, DeviceError>,
    expected: &T,
) {
    if let Err(error) = &result {
        // Shown when a test fails.
        println!("{error:?}");
    }
    let kind = match result {
        Ok(value) => {
            assert_eq!(&value, expected);
            "value"
        }
        Err(DeviceError::Lost(_) | DeviceError::NotConnected(_)) => "lost",
        Err(DeviceError::BoardReset) => "reset",
        Err(DeviceError::Damaged(_)) => "damaged",
        Err(DeviceError::ObjectLost) => "object lost",
        Err(error) => panic!("{error:?}"),
    };
    *outcomes.entry(kind).or_default() += 1;
}

/// Turns the exception that a call is to raise into a value.
fn exception(result: Result<i64, DeviceError>) -> Result<String, DeviceError> {
    match result {
        Err(DeviceError::Raised(raised)) => {
            let exception = &raised.exception;
            Ok(format!("{}: {}", exception.type_name, exception.message))
        }
        Ok(value) => Ok(format!("the value {value}")),
        Err(error) => Err(error),
    }
}

/// Begins a session, and makes its twenty calls.
fn session(board: &Arc<VirtualBoard>, outcomes: &mut Outcomes) {
    let begin = Instant::now();
    let device = match open(board) {
        Ok(device) => device,
        Err(error) => return note(outcomes, Err::<(), _>(error), &()),
    };
    match device.tasks(SOURCE, ["same", "count", "fails"]) {
        Ok(tasks) => {
            note(outcomes, Ok(()), &());
            calls(&device, &tasks, outcomes);
        }
        Err(error) => note(outcomes, Err(error), &()),
    }
    assert!(begin.elapsed() < LIMIT, "{:?}", begin.elapsed());
}

fn calls(device: &Device, [same, count, fails]: &[Task; 3], outcomes: &mut Outcomes) {
    note(outcomes, device.eval::<i64>("6 * 7"), &42);
    let executed = device.exec("x = [1, 2]");
    let mut has_state = executed.is_ok();
    note(outcomes, executed, &());
    for number in [0, -5, 1 << 40] {
        note(outcomes, same.call::<i64>((number,)), &number);
    }
    for length in [10, 100, 300] {
        let text = "t\u{e4}\n\x03\x04".repeat(length / 5);
        note(outcomes, same.call::<String>((&text,)), &text);
        let bytes = Value::Bytes((0..length).map(|n| (n * 37) as u8).collect());
        note(outcomes, same.call::<Value>((&bytes,)), &bytes);
    }
    let raised = "KeyError: b".to_owned();
    note(outcomes, exception(fails.call::<i64>(("b",))), &raised);
    let items = count.iterate::<i64>((3,)).and_then(Iterator::collect);
    note(outcomes, items, &vec![0, 1, 2]);
    let ahead = count.iterate::<i64>((40,)).map(|items| items.ahead(16));
    let expected: Vec<i64> = (0..40).collect();
    note(outcomes, ahead.and_then(Iterator::collect), &expected);
    let speed = device
        .proxy("motor")
        .and_then(|motor| motor.attribute("speed"))
        .map(|value| match value {
            ProxyValue::Value(value) => value.to_string(),
            ProxyValue::Object(_) => "an object".to_owned(),
        });
    note(outcomes, speed, &"3".to_owned());
    let set_up = device.setup("y = pin + 1", Pin { pin: 4 });
    has_state &= set_up.is_ok();
    note(outcomes, set_up, &());
    // Code whose outcome is not known is not declared.
    if has_state {
        note(outcomes, device.eval("y, x"), &(5, vec![1, 2]));
    }
    note(outcomes, device.eval::<i64>("print('talk') or 7"), &7);
    note(outcomes, same.call::<bool>((true,)), &true);
}

#[derive(serde::Serialize)]
struct Pin {
    pin: u8,
}

/// Runs a session with a fault at places all over it, and one without a fault after each. `PITON_FAULT_STEP=1` takes every byte,
/// for hours.
fn sweep(length: impl Fn(&VirtualBoard) -> u64, fault: impl Fn(u64) -> Fault) -> Outcomes {
    /// How many places are taken otherwise.
    const PLACES: u64 = 7;
    // The waits of the protocol are for boards that are slower than this one.
    set_timeout_factor(0.2);
    let board = start(None, BoardOptions::default());
    let mut outcomes = Outcomes::new();
    session(&board, &mut outcomes);
    assert_eq!(outcomes, BTreeMap::from([("value", CALLS)]));
    let length = length(&board);
    let step = std::env::var("PITON_FAULT_STEP").ok();
    let step = step.map_or(length / PLACES, |step| step.parse().unwrap());
    let mut all = Outcomes::new();
    for at in (step / 2..length).step_by(usize::try_from(step).unwrap()) {
        let fault = fault(at);
        board.inject(&fault);
        println!("{fault:?}");
        session(&board, &mut all);
        // On a busy computer a board that restarts as it vanishes takes its time to come back.
        let begin = Instant::now();
        while !board.is_there() && begin.elapsed() < LIMIT {
            thread::sleep(AWAY);
        }
        let mut after = Outcomes::new();
        session(&board, &mut after);
        // A fault that the session before did not reach, because it took another way.
        if after.get("value") != Some(&CALLS) {
            session(&board, &mut after);
            assert!(after.get("value") >= Some(&CALLS), "{fault:?}: {after:?}");
        }
    }
    println!("{all:?}");
    all
}

/// How many outcomes a session without a fault notes.
const CALLS: u32 = 20;

#[test]
fn a_session_of_a_board_that_is_unplugged() {
    let outcomes = sweep(
        |board| board.traffic().to_host,
        |at| Fault::Vanish {
            after_bytes_to_host: at,
            returns_after: AWAY,
        },
    );
    assert!(outcomes.contains_key("lost"), "{outcomes:?}");
}

#[test]
fn a_session_of_a_board_that_is_reset() {
    let outcomes = sweep(
        |board| board.traffic().to_board,
        |at| Fault::ResetAfter { bytes_to_board: at },
    );
    assert!(outcomes.contains_key("reset"), "{outcomes:?}");
}

#[test]
fn a_session_with_damage_to_the_board() {
    let outcomes = sweep(
        |board| board.traffic().to_board,
        |at| Fault::CorruptToBoard {
            at,
            mask: 1 << (at % 8),
        },
    );
    assert!(outcomes.contains_key("value"), "{outcomes:?}");
}

#[test]
fn a_session_with_damage_to_the_host() {
    let outcomes = sweep(
        |board| board.traffic().to_host,
        |at| Fault::CorruptToHost {
            at,
            mask: 1 << (at % 8),
        },
    );
    assert!(outcomes.contains_key("value"), "{outcomes:?}");
}
