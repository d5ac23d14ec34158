//! The same host code runs every supported version of the firmware.

use test_programs::{VM_VERSIONS, vm_version};
use virtual_board::{BoardOptions, VirtualBoard, VmError, VmImage};

use crate::support::Talk;

#[test]
fn every_version_behaves_like_a_board() {
    for version in VM_VERSIONS {
        // The other tests run what `open` returns; this one goes on with the memory that it keeps for another process.
        let start = VmImage::open(&vm_version(version))
            .expect(version)
            .started();
        let wasm = std::fs::read(vm_version(version)).expect(version);
        let image = VmImage::resume(&wasm, &start).expect(version);
        let image = image.expect("it is the start of this firmware");
        let board = VirtualBoard::start(&image, BoardOptions::default()).expect(version);
        let mut talk = Talk::with(&board);
        let banner = String::from_utf8(talk.take(b">>> ")).expect("text");
        let release = version.split('-').next().unwrap_or(version);
        assert!(banner.starts_with("MicroPython v"), "{version}: {banner}");
        assert!(banner.contains(release), "{version}: {banner}");
        talk.send(b"\x01").expect(b"CTRL-B to exit\r\n>");
        talk.send(b"\x05A\x01").expect(b"R\x01\x80\x00\x01");
        talk.send(b"print(6 * 7)\x04")
            .expect(b"\x0442\r\n\x04\x04>");
        for program in [
            "while True: pass",
            "import time\ntime.sleep(1000)",
            "import sys\nsys.stdin.read(1)",
        ] {
            talk.send(b"print('go')\n")
                .send(program.as_bytes())
                .send(b"\x04")
                .expect(b"go\r\n");
            talk.send(b"\x03").expect(b"KeyboardInterrupt: \r\n\x04>");
        }
        talk.run("import os\nos.mkdir('lib')\nwith open('lib/m.py', 'w') as f: f.write('x = 5')");
        assert_eq!(
            talk.run("import m\nprint(m.x, os.listdir(), list(os.ilistdir('lib')))"),
            "5 ['lib'] [('m.py', 32768, 0, 5)]\n"
        );
        assert_eq!(
            talk.run("s = os.statvfs('/')\nprint(s[1] * s[2], s[3] == s[4] > 0, s[9])"),
            "2097152 True 255\n",
            "{version}"
        );
        assert!(talk.raises("open('none')").contains("ENOENT"), "{version}");
        talk.run("x = 1");
        talk.send(b"\x04")
            .expect(b"MPY: soft reboot\r\n")
            .expect(b"CTRL-B to exit\r\n>");
        assert_eq!(talk.run("print('x' in dir())"), "False\n");
        let every: Vec<u8> = (0..=255).collect();
        talk.send(b"import micropython, sys\nmicropython.kbd_intr(-1)\nprint('go')\nsys.stdout.buffer.write(sys.stdin.buffer.read(256))\x04").expect(b"go\r\n");
        talk.send(&every);
        assert_eq!(talk.take(b"\x04\x04>")[..256], every[..], "{version}");
        assert_eq!(
            talk.run("import machine\nprint(machine.Pin(1, machine.Pin.OUT, value=1)())"),
            "1\n"
        );
        assert_eq!(talk.run("import asyncio\nasync def f():\n await asyncio.sleep_ms(1)\n return 3\nprint(asyncio.run(f()))"), "3\n");
        assert!(
            talk.raises("def f(n): f(n + 1)\nf(0)")
                .starts_with("RuntimeError"),
            "{version}"
        );
        assert!(
            talk.raises("l = list(range(100))\nwhile True: l = l + l")
                .starts_with("MemoryError"),
            "{version}"
        );
    }
}

#[test]
fn invalid_firmware_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing.wasm");
    let error = VmImage::open(&missing).err().expect("no file");
    assert!(matches!(error, VmError::Read(_)));
    assert!(error.to_string().contains("missing.wasm"), "{error}");
    let whole = std::fs::read(test_programs::vm()).expect("the VM file");
    for bytes in [
        &b""[..],
        b"garbage",
        &whole[..whole.len() / 2],
        &whole[..100],
    ] {
        let error = VmImage::from_bytes(bytes).err().expect("no module");
        assert!(matches!(error, VmError::NotWasm(_)), "{error}");
    }
    let empty_module = b"\0asm\x01\0\0\0";
    let error = VmImage::from_bytes(empty_module)
        .err()
        .expect("no firmware");
    assert!(matches!(error, VmError::NotMicroPython(_)), "{error}");
    // A kept start that is damaged is none.
    let image = VmImage::resume(&whole, b"garbage").expect("a module");
    assert!(image.is_none());
    // Flipped bytes may go unseen or not; they must never panic.
    for at in (0..whole.len()).step_by(whole.len() / 23) {
        let mut broken = whole.clone();
        broken[at] ^= 0x55;
        let _ = VmImage::from_bytes(&broken);
    }
}
