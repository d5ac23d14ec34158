//! Makes a folder of a board like a folder of this computer, and prints the changes:
//! `cargo run -p piton --example copy_folder -- virtual:flash src /lib`.

use std::error::Error;
use std::io::{Write as _, stdout};
use std::ops::ControlFlow;
use std::path::Path;

use piton::fs::remote::RemoteFs;
use piton::sync::{self, Options};
use piton::{Session, SessionOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let words = std::env::args().skip(1).collect::<Vec<String>>();
    let [board, folder, root] = words.as_slice() else {
        return Err("expected a board, a folder of this computer and a folder of the board".into());
    };
    let mut session = Session::connect(&board.parse()?, SessionOptions::default())?;
    let mut raw_repl = session.raw_repl()?;
    let mut remote = RemoteFs::new(&mut raw_repl);
    // Comparing the folders changes nothing on the board.
    let push = sync::push(
        &mut remote,
        Path::new(folder),
        &root.parse()?,
        &Options::default(),
    )?;
    let plan = push.plan();
    for step in &plan.steps {
        writeln!(stdout(), "{}", step.path)?;
    }
    push.apply(&mut remote, &mut |_| ControlFlow::Continue(()))?;
    writeln!(stdout(), "{} changed", plan.steps.len())?;
    Ok(())
}
