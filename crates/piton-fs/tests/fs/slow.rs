//! Transfers on boards that are late, slow or both: whole files, whatever the line does meanwhile. Nothing here depends on the
//! host's speed: each case ends when all is there.

use std::time::Duration;

use piton_fs::transfer::{Arrival, Candidate, SendOptions, Step};
use virtual_board::{
    BoardOptions, ByteErrors, Direction, Fault, Interrupt, LineOptions, Overrun, Processor,
    StallAfter,
};

use crate::support::{Board, noise, path, soon};

const MS: Duration = Duration::from_millis(1);

/// A line like USB, whose queue holds the host.
fn usb() -> LineOptions {
    LineOptions {
        receive_ring: Some(512),
        overrun: Overrun::Wait,
        ..LineOptions::default()
    }
}

/// Send two files, look, and bring them back.
#[track_caller]
fn check(what: &str, line: LineOptions, processor: Processor, faults: Vec<Fault>) {
    let mut board = Board::start(BoardOptions {
        line,
        processor,
        ..BoardOptions::default()
    });
    board.run("pass");
    for fault in &faults {
        board.board.inject(fault);
    }
    let contents = [noise(30_000), b"print('hello')\n".repeat(200)];
    let names = ["/a.bin", "/b.py"];
    let steps = names
        .iter()
        .zip(&contents)
        .map(|(name, content)| {
            Step::Write(piton_fs::transfer::Outgoing::from_bytes(
                path(name),
                content,
            ))
        })
        .collect();
    let sent = board.fs(|fs| fs.send(steps, &SendOptions::default(), &mut |_| {}, soon()));
    sent.unwrap_or_else(|error| panic!("{what}: {error}"));
    let candidates: Vec<Candidate> = names
        .iter()
        .zip(&contents)
        .map(|(name, content)| Candidate {
            path: path(name),
            size: content.len() as u64,
        })
        .collect();
    let survey = board
        .fs(|fs| fs.survey(&[path("/")], &candidates, soon()))
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let hashed = survey.entries.iter().filter(|entry| entry.digest.is_some());
    assert_eq!(hashed.count(), 2, "{what}");
    let mut received = vec![Vec::new(); 2];
    let mut sink = |arrival: Arrival<'_>| {
        match arrival {
            Arrival::Begin { index, .. } => received[index].clear(),
            Arrival::Content { index, bytes } => received[index].extend_from_slice(bytes),
            Arrival::End { .. } => {}
        }
        Ok(())
    };
    board
        .fs(|fs| fs.receive(&names.map(path), &mut sink, &mut |_| {}, soon()))
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(received == contents, "{what}");
}

#[test]
fn files_arrive_after_pauses_in_either_direction() {
    for direction in [Direction::ToBoard, Direction::ToHost] {
        let pause = Fault::Pause {
            direction,
            after: 3000,
            length: 700 * MS,
            times: 3,
        };
        check(
            &format!("{pause:?}"),
            usb(),
            Processor::Unlimited,
            vec![pause],
        );
    }
}

#[test]
fn files_arrive_after_a_pause_while_the_program_is_sent() {
    let pause = Fault::Pause {
        direction: Direction::ToBoard,
        after: 1500,
        length: 2500 * MS,
        times: 1,
    };
    check("a long pause", usb(), Processor::Unlimited, vec![pause]);
}

#[test]
fn a_pause_inside_the_program_costs_its_time_and_no_turns() {
    let turns = |pause: Option<Duration>| {
        let mut board = Board::start(BoardOptions {
            line: usb(),
            ..BoardOptions::default()
        });
        board.run("pass");
        if let Some(length) = pause {
            board.board.inject(&Fault::Pause {
                direction: Direction::ToBoard,
                after: 1000,
                length,
                times: 1,
            });
        }
        let (written, traffic) = board
            .traffic_from_here(|fs| fs.write(&path("/f"), &noise(60_000), &mut |_| {}, soon()));
        written.unwrap();
        traffic.turns
    };
    let without = turns(None);
    let with = turns(Some(2500 * MS));
    assert!(with * 5 <= without * 6, "{with} turns instead of {without}");
}

#[test]
fn files_arrive_after_a_late_answer() {
    let late = Fault::Late {
        at: 20,
        by: 1500 * MS,
    };
    check("a late answer", usb(), Processor::Unlimited, vec![late]);
}

#[test]
fn files_arrive_on_a_slow_processor() {
    check("slow", usb(), Processor::TimesSlower(20), Vec::new());
}

#[test]
fn files_arrive_where_an_interrupt_does_not_clear_the_queue() {
    let line = LineOptions {
        interrupt: Interrupt::KeepsRing,
        ..usb()
    };
    let pause = Fault::Pause {
        direction: Direction::ToBoard,
        after: 8000,
        length: 2000 * MS,
        times: 2,
    };
    check(
        "a queue that is kept",
        line,
        Processor::Unlimited,
        vec![pause],
    );
}

#[test]
fn files_arrive_on_a_uart_while_the_board_erases_flash() {
    let line = LineOptions {
        bytes_per_second: Some(92_160),
        receive_ring: Some(256),
        ..LineOptions::default()
    };
    let stall = Fault::Stall {
        after: StallAfter::FileBytes(4096),
        length: 45 * MS,
        times: 8,
    };
    check("late and lossy", line, Processor::Unlimited, vec![stall]);
}

#[test]
fn files_arrive_on_a_line_with_errors() {
    for per_billion in [10_000, 100_000, 300_000] {
        let line = LineOptions {
            errors: Some(ByteErrors {
                per_billion,
                seed: 1,
            }),
            ..usb()
        };
        let mut board = Board::start(BoardOptions::default());
        board.run("pass");
        board.board.set_line(line);
        let content = noise(44_000);
        let step = Step::Write(piton_fs::transfer::Outgoing::from_bytes(
            path("/f"),
            &content,
        ));
        let sent = board.fs(|fs| fs.send(vec![step], &SendOptions::default(), &mut |_| {}, soon()));
        sent.unwrap_or_else(|error| panic!("{per_billion}: {error}"));
        board.board.set_line(LineOptions::default());
        assert!(board.read("/f").unwrap() == content, "{per_billion}");
    }
}
