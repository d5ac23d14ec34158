//! Program MicroPython and CircuitPython boards from Rust: the library behind the `piton` command.
//!
//! A [`Board`] is a connection to a board, real or virtual. No board at hand? The virtual one is a real
//! MicroPython, in this process:
//!
//! ```
//! use piton::Board;
//!
//! let mut board = Board::connect(&"virtual".parse()?, &Default::default())?;
//!
//! let answer: u32 = board.eval("6 * 7")?;
//! assert_eq!(answer, 42);
//!
//! board.run(b"import os\nwith open('hello.txt', 'w') as file: file.write('hello')")?;
//! let files: Vec<String> = board.eval("__import__('os').listdir()")?;
//! assert!(files.contains(&"hello.txt".to_owned()));
//!
//! let error = board.run(b"1 / 0").unwrap_err();
//! assert_eq!(error.exception().map(|raised| raised.type_name.as_str()), Some("ZeroDivisionError"));
//! # Ok::<(), piton::Error>(())
//! ```
//!
//! # Layout
//!
//! Connecting and talking to a board:
//!
//! - [`Board`] is a connection by any selector, [`session`] what a program on this computer does with one over time,
//!   [`device`] functions of the host that run on it, [`macro@board`] its functions as methods of Rust.
//! - [`vm`] has the VM file of the virtual board.
//! - [`latency`] measures how long a call takes; [`blink`] shows a person which board it is.
//! - [`program`] runs sources and `.mpy` files, [`mount`] serves a folder whose modules are compiled when they are imported.
//!
//! Without a board: [`interpreter`] runs programs on this computer, as the unix port of MicroPython does, [`testing`] unit
//! tests on virtual boards, or on real ones.
//!
//! Files and packages:
//!
//! - [`copy`] copies files and folders, as `cp` does.
//! - [`sync`] makes a folder of a board like one of this computer, or the other way round.
//! - [`mip`] installs packages, over [`http`]. [`workspace`] has those of a project, with a lock.
//! - [`firmware`] evaluates the manifests of firmware. [`romfs`] makes images of read-only file systems.
//! - [`new_project`] makes the files of a project.
//!
//! From sources to what is shipped:
//!
//! - [`compile`] makes `.mpy` files, and is the one door to the compiler and its cache.
//! - [`building`] makes manifests, archives and signatures of a project; [`shipment`] checks and deploys them.
//!
//! What these share:
//!
//! - [`events`] names the board that an event is about, and says what events are in JSON; [`reports`] has the results.
//! - [`board_format`] knows what a board loads.
//! - [`host_tree`] walks folders of this computer; [`patterns`] and [`left_out`] say what of them is left out.
//! - [`host_file`] writes files of this computer; [`cache_folder`] is where Piton keeps its own.
//! - [`spool`] keeps what is too large for memory in a file without a name.
//! - [`times`] says how long a board may take.
//! - [`workers`] is the pool of threads.
//!
//! What is below is re-exported by module: [`repl`] and its neighbours talk to a board, [`fs`] sees its files,
//! [`virtual_board`] is a board, [`compiler`] and [`mpy`] make and read `.mpy` files.
//!
//! # Architecture invariants
//!
//! Nothing here reads `argv`, draws on a terminal or knows Python's C API: the command line tool and the Python
//! package are two thin layers over this one.

pub mod blink;
mod board;
pub mod board_format;
pub mod board_names;
pub mod building;
pub mod cache_folder;
pub mod clock;
pub mod compile;
pub mod copy;
pub mod device;
pub mod doctor;
pub mod environment;
pub mod error;
pub mod events;
pub mod firmware;
mod flushed;
mod folder_lock;
pub mod host_file;
mod host_folder;
mod host_name;
pub mod host_tree;
pub mod http;
pub mod interpreter;
pub mod latency;
pub mod left_out;
pub mod mip;
pub mod mount;
pub mod new_project;
pub mod patterns;
pub mod program;
mod regular;
pub mod reports;
pub mod romfs;
pub mod session;
pub mod shipment;
pub mod spool;
pub mod sync;
#[cfg(test)]
mod test_folder;
pub mod testing;
pub mod times;
pub mod vm;
pub mod workers;
pub mod workspace;

pub use board::{Board, ConnectEvent, ConnectOptions, Reporter, WireLogger, start_virtual};
pub use error::Error;
pub use piton_board::{
    deadline, discovery, exception, facts, literal, open, reopen, repl, selector, stop, transport,
    webrepl_files, wire_log,
};
pub use piton_compiler as compiler;
pub use piton_fs as fs;
pub use piton_macros::board;
pub use piton_mpy as mpy;
pub use piton_path as path;
pub use piton_project as project;
pub use piton_syntax as syntax;
pub use session::{Session, SessionOptions};
pub use virtual_board;

/// The guide, whose code blocks are tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/rust.md")]
struct Guide;
