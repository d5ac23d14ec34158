//! The REPLs, byte by byte.

use insta::assert_snapshot;
use virtual_board::BoardOptions;

use crate::support::{Talk, raw_board, start};

/// The transcript without what differs between builds of the firmware.
fn transcript(talk: &mut Talk) -> String {
    let text = talk.transcript();
    let lines = text.lines().map(|line| match line.find("MicroPython v") {
        Some(at) => format!("{}MicroPython (version)\\r\\n", &line[..at]),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn friendly_repl() {
    let board = start(BoardOptions::default());
    let mut talk = Talk::with(&board);
    talk.prompt();
    talk.send(b"1 + 1\r").prompt();
    talk.send(b"for i in range(2):\r").expect(b"...     ");
    talk.send(b"print(i)\r").expect(b"...     ");
    talk.send(b"\x08\r").prompt();
    talk.send(b"1/0\r").prompt();
    talk.send(b"\x05").expect(b"=== ");
    talk.send(b"x = 3\rprint(x)\r\x04").prompt();
    talk.send(b"half a line\x03").prompt();
    assert_snapshot!(transcript(&mut talk));
}

/// As on boards: the arrows find lines again, and a key that leaves the line empty brings no second prompt.
#[test]
fn keys_on_an_empty_line() {
    let board = start(BoardOptions::default());
    let mut talk = Talk::with(&board);
    talk.prompt().send(b"a = 7\r").prompt();
    talk.send(b"\x1b[A").expect(b"a = 7");
    talk.send(b"1\r").prompt();
    talk.send(b"\x1b[A\x1bOA").expect(b"a = 7");
    talk.send(b"\x1b[B\x1b[B\x1b[D\x1b[1;5C\x1b[3~\x08\x1bx");
    talk.send(b"b\x08a\r").expect(b"71\r\n>>> ");
    assert_snapshot!(transcript(&mut talk));
}

#[test]
fn ctrl_d_at_the_prompt_clears_the_state_and_keeps_the_files() {
    let board = start(BoardOptions::default());
    let mut talk = Talk::with(&board);
    talk.prompt().send(b"x = 1\r").prompt();
    talk.send(b"f = open('kept', 'w'); f.write('k'); f.close()\r")
        .prompt();
    talk.send(b"\x04").prompt();
    talk.send(b"'x' in dir()\r").prompt();
    talk.send(b"import os; os.listdir()\r").prompt();
    assert_snapshot!(transcript(&mut talk));
}

#[test]
fn raw_repl() {
    let board = start(BoardOptions::default());
    let mut talk = Talk::with(&board);
    talk.prompt().transcript();
    talk.send(b"\x01").expect(b"CTRL-B to exit\r\n>");
    talk.send(b"print('hello')\x04").expect(b"\x04>");
    talk.send(b"print('before')\n1/0\x04").expect(b"\x04>");
    talk.send(b"not python\x04").expect(b"\x04>");
    // Ctrl-C forgets what was typed, Ctrl-A does too and says where it is.
    talk.send(b"print('forgotten'\x03print(2)\x04")
        .expect(b"\x04>");
    talk.send(b"print('forgotten'\x01").expect(b">");
    talk.send(b"\x02").prompt();
    assert_snapshot!(transcript(&mut talk));
}

#[test]
fn raw_soft_reset_stays_raw() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    talk.run("x = 1");
    talk.transcript();
    talk.send(b"\x04").expect(b"CTRL-B to exit\r\n>");
    talk.send(b"print('x' in dir())\x04").expect(b"\x04>");
    // sys.exit() is a soft reset, too.
    talk.send(b"import sys\nsys.exit()\x04")
        .expect(b"CTRL-B to exit\r\n>");
    talk.send(b"\x02").prompt();
    assert_snapshot!(transcript(&mut talk));
}

#[test]
fn ctrl_a_in_a_typed_line_is_not_raw_mode() {
    let board = start(BoardOptions::default());
    let mut talk = Talk::with(&board);
    // Home, insert, run; then raw-paste's first byte, which is friendly paste mode here.
    talk.prompt().send(b"2\x01+1\x05\r").prompt();
    talk.send(b"\x05").expect(b"=== ").send(b"\x03").prompt();
    talk.send(b"x = '\x1b[D\x01").send(b"\x03").prompt();
    talk.send(b"\x01").expect(b"CTRL-B to exit\r\n>");
    assert_eq!(talk.run("print(1)"), "1\n");
}

#[test]
fn raw_paste() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    talk.send(b"\x05A\x01").expect(b"R\x01\x80\x00\x01");
    talk.send(b"print('pasted')\n1/0\x04").expect(b"\x04>");
    talk.send(b"\x05A\x01").expect(b"R\x01\x80\x00\x01");
    talk.send(b"\x04").expect(b"\x04>");
    talk.send(b"\x05A\x01").expect(b"R\x01\x80\x00\x01");
    talk.send(b"print('given up')\x03").expect(b"\x04>");
    // An unknown command, and what only begins like one.
    talk.send(b"\x05B\x01").expect(b"R\x00>");
    talk.send(b"\x05A\x04").expect(b"\x04>");
    talk.send(b"print(3)\x04").expect(b"\x04>");
    talk.send(b"\x05A\x01").expect(b"R\x01\x80\x00\x01");
    talk.send(b"import sys\nsys.exit()\x04")
        .expect(b"CTRL-B to exit\r\n>");
    assert_snapshot!(transcript(&mut talk));
}

#[test]
fn raw_paste_gives_a_window_for_every_128_bytes() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    talk.send(b"\x05A\x01").expect(b"R\x01\x80\x00\x01");
    let mut source = b"x = '".to_vec();
    source.resize(128 * 20 - 1, b'a');
    source.extend_from_slice(b"'\nprint(len(x))");
    let (mut sent, mut window) = (0, 256);
    while sent < source.len() {
        let end = source.len().min(sent + window);
        talk.send(&source[sent..end]);
        (sent, window) = (end, 128);
        talk.expect(b"\x01");
    }
    let answer = talk.send(b"\x04").take(b"\x04>");
    assert_eq!(
        answer.escape_ascii().to_string(),
        "\\x042554\\r\\n\\x04\\x04>"
    );
}

#[test]
fn ctrl_c_interrupts_whatever_runs() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    let programs = [
        "print('go')\nwhile True: pass",
        "import time\nprint('go')\ntime.sleep(1000)",
        "import time\nprint('go')\ntime.sleep_ms(1000000)",
        "import time\nprint('go')\nwhile True: time.sleep_ms(1)",
        "import sys\nprint('go')\nsys.stdin.read(1)",
        "import sys\nprint('go')\nsys.stdin.buffer.read(10)",
        "print('go')\ninput('? ')",
        "import select, sys\np = select.poll()\np.register(sys.stdin, 1)\nprint('go')\np.poll()",
        "import select, sys\np = select.poll()\np.register(sys.stdin, 1)\nprint('go')\np.poll(1000000)",
        "import asyncio\nasync def main(): await asyncio.sleep(1000)\nprint('go')\nasyncio.run(main())",
        "import machine\nprint('go')\nmachine.lightsleep()",
        "print('go')\nwhile True: print('flood', end='')",
        "print('go')\nl = list(range(2000))\nwhile True: sorted(l)",
    ];
    for program in programs {
        talk.send(program.as_bytes())
            .send(b"\x04")
            .expect(b"go\r\n");
        talk.send(b"\x03");
        talk.expect(b"KeyboardInterrupt: \r\n\x04>");
        assert_eq!(talk.run("print('alive')"), "alive\n", "after {program}");
    }
}

#[test]
fn ctrl_c_in_the_same_write_as_the_program() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    for _ in 0..20 {
        talk.send(b"while True: pass\x04\x03")
            .expect(b"KeyboardInterrupt: \r\n\x04>");
    }
}

#[test]
fn ctrl_c_can_be_caught() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    let source = "import time\ntry:\n print('go')\n time.sleep(1000)\nexcept KeyboardInterrupt:\n print('caught')\ntime.sleep_ms(1)\nprint('slept')\n";
    talk.send(source.as_bytes()).send(b"\x04").expect(b"go\r\n");
    talk.send(b"\x03").expect(b"caught\r\nslept\r\n\x04\x04>");
}

#[test]
fn a_program_that_ignores_ctrl_c_needs_a_reset() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    let source = "while True:\n try:\n  print('go')\n  while True: pass\n except KeyboardInterrupt: print('no')\n";
    talk.send(source.as_bytes()).send(b"\x04").expect(b"go\r\n");
    talk.send(b"\x03").expect(b"no\r\ngo\r\n");
    board.reset();
    talk.prompt();
}

#[test]
fn boot_and_main_run_at_a_friendly_start_and_boot_alone_at_a_raw_one() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    talk.run("f = open('boot.py', 'w'); f.write('print(\"booting\")\\nb = 1\\n'); f.close()");
    talk.run("f = open('main.py', 'w'); f.write('print(\"main\", b)\\nm = 2\\n1/0\\n'); f.close()");
    talk.transcript();
    talk.send(b"\x04").expect(b"CTRL-B to exit\r\n>");
    talk.send(b"print(b, 'm' in dir())\x04").expect(b"\x04>");
    talk.send(b"\x02").prompt().send(b"\x04").prompt();
    talk.send(b"b, m\r").prompt();
    assert_snapshot!(transcript(&mut talk));
}

#[test]
fn main_can_be_interrupted_and_can_end_with_a_soft_reset() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    let main = "import sys, os\\nif not 'again' in os.listdir():\\n open('again', 'w').close()\\n sys.exit()\\nprint('running')\\nwhile True: pass\\n";
    talk.run(&format!(
        "f = open('main.py', 'w'); f.write('{}'); f.close()",
        main.replace('\'', "\"")
    ));
    talk.send(b"\x02").prompt().transcript();
    talk.send(b"\x04").expect(b"running\r\n");
    talk.send(b"\x03").prompt();
    assert_snapshot!(transcript(&mut talk));
}

#[test]
fn every_byte_comes_through_both_ways() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    let every: Vec<u8> = (0..=255).collect();
    let source = "\
import micropython, sys
micropython.kbd_intr(-1)
print('go')
data = sys.stdin.buffer.read(256)
micropython.kbd_intr(3)
sys.stdout.buffer.write(data)
print(data == bytes(range(256)))
";
    talk.send(source.as_bytes()).send(b"\x04").expect(b"go\r\n");
    let answer = talk.send(&every).take(b"\x04\x04>");
    assert_eq!(&answer[..256], &every[..]);
    assert_eq!(&answer[256..], b"True\r\n\x04\x04>");
}

#[test]
fn another_interrupt_character() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    talk.send(b"import micropython\nmicropython.kbd_intr(33)\nprint('go')\nwhile True: pass\x04");
    talk.expect(b"go\r\n")
        .send(b"abc!")
        .expect(b"KeyboardInterrupt: \r\n\x04>");
}

#[test]
fn text_gets_cr_lf_and_bytes_do_not() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    let (stdout, _) = talk.exec("import sys\nprint('a\\nb')\nsys.stdout.write('c\\n')\nsys.stdout.buffer.write(b'd\\n')\nsys.stderr.write('e\\n')");
    assert_eq!(
        stdout.escape_ascii().to_string(),
        "a\\r\\nb\\r\\nc\\r\\nd\\ne\\r\\n"
    );
}

#[test]
fn input_reads_a_line() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    talk.send(b"print(repr(input('name? ')))\x04")
        .expect(b"name? ");
    talk.send("mi\u{7f}\u{7f}päule\r".as_bytes())
        .expect(b"'p\xc3\xa4ule'\r\n\x04\x04>");
    talk.send(b"input()\x04")
        .expect(b"OK")
        .send(b"\x04")
        .expect(b"EOFError: \r\n\x04>");
}

#[test]
fn stdin_is_read_as_it_comes() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    let source = "\
import select, sys
poll = select.poll()
poll.register(sys.stdin, select.POLLIN)
print(poll.poll(0), len(poll.poll(1)))
print('go')
poll.poll()
print(sys.stdin.read(3))
print(sys.stdin.readline().strip())
";
    talk.send(source.as_bytes()).send(b"\x04").expect(b"go\r\n");
    talk.send(b"ab")
        .send(b"cline\n")
        .expect(b"abc\r\nline\r\n\x04\x04>");
    assert!(talk.transcript().contains("< OK[] 0\\r\\n"));
}

#[test]
fn a_deep_recursion_is_an_exception() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    let programs = [
        "def f(n): return f(n + 1)\nf(0)",
        "l = []\nfor i in range(5000): l = [l]\nrepr(l)",
        "class A:\n def __lt__(self, other): return sorted([A(), A()])\nsorted([A(), A()])",
        "def g(): yield from g()\nlist(g())",
    ];
    for program in programs {
        let raised = talk.raises(program);
        assert_eq!(
            raised, "RuntimeError: maximum recursion depth exceeded",
            "{program}"
        );
    }
    assert_eq!(talk.run("print('alive')"), "alive\n");
}

#[test]
fn the_heap_has_a_limit() {
    for heap_limit in [2 << 20, 32 << 20] {
        let (_board, mut talk) = raw_board(BoardOptions {
            heap_limit,
            ..BoardOptions::default()
        });
        assert_eq!(talk.run("print(len(bytearray(500000)))"), "500000\n");
        let raised = talk.raises(&format!("bytearray({heap_limit})"));
        assert!(
            raised.starts_with("MemoryError: memory allocation failed"),
            "{raised}"
        );
        let raised =
            talk.raises("def fill():\n l = []\n while True: l.append(bytes(1000))\nfill()");
        assert!(raised.starts_with("MemoryError"), "{raised}");
        assert_eq!(talk.run("print('alive')"), "alive\n");
    }
}

#[test]
fn a_crash_of_the_firmware_is_a_reboot() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    talk.run("open('kept', 'w').close()");
    talk.send(b"import uctypes\nuctypes.bytearray_at(0x7fff0000, 16)[0] = 1\x04");
    talk.expect(b"virtual board: the firmware crashed").raw();
    assert_eq!(talk.run("import os\nprint(os.listdir())"), "['kept']\n");
}

#[test]
fn a_long_output_arrives_whole() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    let (stdout, _) = talk.exec("for i in range(20000): print('%050d' % i)");
    assert_eq!(stdout.len(), 20_000 * 52);
}
