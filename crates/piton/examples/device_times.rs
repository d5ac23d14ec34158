//! Prints how long the operations of a session take on a board: `cargo run -p piton --example device_times -- PORT CALLS FOLDER`.
//!
//! Each line is a name and seconds: of one operation, of one item for `item`. After each it waits for a line on stdin, if that is open.
//! `cargo xtask bench device` compares them with belay's, and counts bytes meanwhile.

use std::error::Error;
use std::io::{Write as _, stdin, stdout};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use piton::device::{Device, DeviceOptions};
use piton::fs::remote::RemoteFs;
use piton::literal::Value;
use piton::repl::Entry;
use piton::sync::{self, Options};
use piton::{Board, deadline::Deadline};

/// Time for one step on an emulated board beside other work.
const STEP_TIME: Duration = Duration::from_secs(120);

fn main() -> Result<(), Box<dyn Error>> {
    let words = std::env::args().skip(1).collect::<Vec<String>>();
    let [port, calls, folder] = words.as_slice() else {
        return Err("expected a board, a number of calls and a folder to sync".into());
    };
    let calls: u32 = calls.parse()?;
    let mut options = DeviceOptions::default();
    options.keep_state = true;
    options.step_time = STEP_TIME;
    let begin = Instant::now();
    let device = Device::connect(&port.parse()?, &Default::default(), options)?;
    print("connect", begin.elapsed())?;

    let noop = device.task("def noop():\n    pass\n", "noop")?;
    for _ in 0..3 {
        noop.call::<()>(())?;
    }
    let mut times = Vec::new();
    for _ in 0..calls {
        let begin = Instant::now();
        noop.call::<()>(())?;
        times.push(begin.elapsed());
    }
    times.sort();
    let median = times.get(times.len() / 2).copied();
    print("no-op", median.unwrap_or_default())?;

    let source = "def count(n):\n    for i in range(n):\n        yield i\n";
    let count = device.task(source, "count")?;
    for (name, ahead) in [("item", 1), ("item, ahead", 64)] {
        let items = count.iterate::<u32>((calls,))?.ahead(ahead);
        let begin = Instant::now();
        for item in items {
            item?;
        }
        print(name, begin.elapsed() / calls)?;
    }

    let same = device.task("def same(x):\n    return x\n", "same")?;
    let bytes = (0..32_u32 << 10).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes());
    let value = Value::Bytes(bytes.map(|[byte, ..]| byte).collect());
    let begin = Instant::now();
    if same.call::<Value>((&value,))? != value {
        return Err("the bytes came back changed".into());
    }
    print("32 KiB", begin.elapsed())?;

    for name in ["sync", "sync again"] {
        let begin = Instant::now();
        device.with_board(|board| sync_folder(board, folder))?;
        print(name, begin.elapsed())?;
    }
    Ok(())
}

fn sync_folder(board: &mut Board, folder: &str) -> Result<(), Box<dyn Error>> {
    let mut raw = board.raw_repl(Entry::KeepState, Deadline::after(STEP_TIME))?;
    let mut remote = RemoteFs::new(&mut raw);
    let push = sync::push(
        &mut remote,
        Path::new(folder),
        &"bench".parse()?,
        &Options::default(),
    )?;
    push.apply(&mut remote, &mut |_| ControlFlow::Continue(()))?;
    Ok(())
}

fn print(name: &str, time: Duration) -> std::io::Result<()> {
    writeln!(stdout(), "{name}: {}", time.as_secs_f64())?;
    stdin().read_line(&mut String::new()).map(drop)
}
