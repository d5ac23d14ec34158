//! Simulated hardware.

use std::time::Duration;

use virtual_board::{BoardOptions, Reset};

use crate::support::{Talk, raw_board, start};

/// Run source on a fresh board.
fn check(source: &str, expected: &str) {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    assert_eq!(
        talk.run(&format!("import machine, time\n{source}")),
        expected,
        "{source}"
    );
}

#[test]
fn pins_store_their_values() {
    check(
        "from machine import Pin
a = Pin(25, Pin.OUT, value=1)
b = Pin(25)
print(b(), b.value(), b)
b.toggle(); print(a.value()); a.on(); print(b()); a.off(); b(1); print(a())
print(Pin('LED', Pin.IN, Pin.PULL_UP)(), Pin('LED').mode(), Pin(Pin('LED')).pull())
s = machine.Signal(Pin(1, Pin.OUT), invert=True); s.on(); print(Pin(1)(), s.value())
try: Pin(-1)
except ValueError as error: print(error)
try: Pin(1, 99)
except ValueError as error: print(error)
",
        "1 1 Pin(25, mode=OUT)\n0\n1\n1\n1 0 1\n0 1\ninvalid pin\ninvalid pin mode\n",
    );
}

#[test]
fn pins_interrupt() {
    check(
        "from machine import Pin
p = Pin(3, Pin.IN)
p.irq(lambda pin: print(pin, pin.value()), Pin.IRQ_RISING)
p(1); p(1); p(0); p(1)
",
        "Pin(3, mode=IN) 1\nPin(3, mode=IN) 1\n",
    );
}

#[test]
fn analog_values() {
    check(
        "adc = machine.ADC(machine.Pin(26)); print(adc.read_u16(), adc.read_uv())
machine.Pin(26, machine.Pin.OUT, value=1); print(adc.read_u16())
pwm = machine.PWM(machine.Pin(2), freq=1000, duty_u16=32768)
print(pwm.freq(), pwm.duty_u16(), pwm.duty_ns()); pwm.duty_ns(250000); print(pwm.duty_u16())
pwm.deinit(); print(pwm.duty_u16())
",
        "32768 1650025\n65535\n1000 32768 500007\n16383\n0\n",
    );
}

#[test]
fn timers_fire_while_the_program_waits() {
    check(
        "from machine import Timer
fired = []
periodic = Timer(period=5, callback=lambda timer: fired.append('p'))
once = Timer(-1); once.init(mode=Timer.ONE_SHOT, period=12, callback=lambda timer: fired.append('once'))
while fired.count('p') < 4: time.sleep_ms(100)
periodic.deinit()
count = len(fired); time.sleep_ms(30)
print(fired.count('once'), len(fired) == count)
",
        "1 True\n",
    );
}

#[test]
fn timers_fire_at_the_prompt_and_in_a_read() {
    let board = start(BoardOptions::default());
    let mut talk = Talk::with(&board);
    talk.prompt().send(b"import machine, sys\r").prompt();
    let once = b"t = machine.Timer(mode=0, period=20, callback=lambda t: print('fired'))\r";
    talk.send(once).prompt().expect(b"fired\r\n");
    talk.send(b"t.init(mode=0, period=20, callback=lambda t: print('fired')); sys.stdin.read(1)\r");
    talk.expect(b"fired\r\n").send(b"x").prompt();
    talk.send(b"t.init(mode=0, period=20, callback=lambda t: 1 // 0)\r")
        .prompt();
    talk.expect(b"ZeroDivisionError: divide by zero\r\n");
}

#[test]
fn buses() {
    check(
        "from machine import I2C, SPI, Pin, SoftI2C, SoftSPI, UART
i2c = I2C(0, scl=Pin(1), sda=Pin(0), freq=100000)
print(i2c.scan(), i2c)
i2c.writeto_mem(0x50, 16, b'abc'); print(i2c.readfrom_mem(0x50, 16, 3))
print(i2c.writeto(0x50, b'\\x11'), i2c.readfrom(0x50, 2))
print(SoftI2C(scl=Pin(1), sda=Pin(0)).readfrom_mem(0x50, 17, 1))
try: i2c.writeto(0x20, b'')
except OSError as error: print(error)
spi = SPI(0, baudrate=400000); buf = bytearray(3)
spi.write(b'x'); spi.write_readinto(b'abc', buf); print(buf, spi.read(2, 0x55), SoftSPI(sck=Pin(1), mosi=Pin(2), miso=Pin(3)).read(1))
uart = UART(1, 9600); print(uart.write(b'line\\nrest'), uart.any(), uart.readline(), uart.read(), uart.read())
",
        "[80] I2C(0, freq=100000)\nb'abc'\n1 b'bc'\nb'b'\n[Errno 5] EIO\nbytearray(b'abc') b'UU' b'\\x00'\n9 9 b'line\\n' b'rest' None\n",
    );
}

#[test]
fn the_clock() {
    check(
        "rtc = machine.RTC()
rtc.datetime((2031, 2, 3, 0, 4, 5, 6, 0))
now = rtc.datetime(); print(now[:7], time.gmtime()[:5])
",
        "(2031, 2, 3, 0, 4, 5, 6) (2031, 2, 3, 4, 5)\n",
    );
}

#[test]
fn sleep_sleeps() {
    check(
        "t = time.ticks_ms(); time.sleep(0.05); time.sleep_ms(20); time.sleep(0); time.sleep_ms(-5)
print(time.ticks_diff(time.ticks_ms(), t) >= 70)
",
        "True\n",
    );
}

#[test]
fn other_functions_of_machine() {
    check(
        "import os
print(os.uname().machine, os.uname()[0], machine.freq() > 0, machine.reset_cause() == machine.PWRON_RESET)
state = machine.disable_irq(); machine.enable_irq(state); machine.idle(); machine.lightsleep(1)
machine.mem32[16] = 0x1ffffffff; print(hex(machine.mem32[16]))
",
        "JS with Emscripten webassembly True True\n0xffffffff\n",
    );
}

#[test]
fn unique_id_is_that_of_the_options() {
    let (_board, mut talk) = raw_board(BoardOptions {
        unique_id: vec![0, 1, 254, 255],
        ..BoardOptions::default()
    });
    assert_eq!(
        talk.run("import machine\nprint(machine.unique_id())"),
        "b'\\x00\\x01\\xfe\\xff'\n"
    );
    talk.send(b"\x04").expect(b"CTRL-B to exit\r\n>");
    assert_eq!(
        talk.run("import machine\nprint(machine.unique_id())"),
        "b'\\x00\\x01\\xfe\\xff'\n"
    );
}

#[test]
fn resets_and_their_causes() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    talk.run("open('kept', 'w').close()\nx = 1");
    for (source, cause) in [
        ("machine.reset()", "HARD_RESET"),
        ("machine.deepsleep(1)", "DEEPSLEEP_RESET"),
        (
            "machine.WDT(timeout=20).feed()\nwhile True: pass",
            "WDT_RESET",
        ),
    ] {
        talk.send(format!("import machine\n{source}\x04").as_bytes())
            .raw();
        let source = format!(
            "import machine, os\nprint(machine.reset_cause() == machine.{cause}, os.listdir(), 'x' in dir())"
        );
        assert_eq!(talk.run(&source), "True ['kept'] False\n");
    }
    talk.send(b"import machine\nmachine.soft_reset()\x04")
        .expect(b"CTRL-B to exit\r\n>");
    assert_eq!(
        talk.run("import machine\nprint(machine.reset_cause() == machine.SOFT_RESET)"),
        "True\n"
    );
}

#[test]
fn a_fed_watchdog_does_not_reset() {
    check(
        "w = machine.WDT(timeout=1000)
for i in range(5): time.sleep_ms(5); w.feed()
print('alive')
",
        "alive\n",
    );
}

#[test]
fn a_reset_can_disconnect_the_line() {
    let (board, mut talk) = raw_board(BoardOptions {
        reset: Reset::Vanish(Duration::from_millis(20)),
        ..BoardOptions::default()
    });
    talk.send(b"import machine\nmachine.reset()\x04");
    crate::support::wait_eof(&talk.line);
    let mut talk = Talk::on(crate::support::reopen(&board));
    // The first prompt is lost if the board was faster.
    talk.send(b"\r").raw();
    assert_eq!(talk.run("print('back')"), "back\n");
}

#[test]
fn asyncio_runs() {
    check(
        "import asyncio
async def worker(name, n):
    for i in range(n): await asyncio.sleep_ms(1)
    return name
async def forever():
    while True: await asyncio.sleep(0)
async def main():
    background = asyncio.create_task(forever())
    event = asyncio.Event()
    machine.Timer(mode=machine.Timer.ONE_SHOT, period=5, callback=lambda t: event.set())
    await event.wait()
    try: await asyncio.wait_for(worker('slow', 1000), 0.01)
    except asyncio.TimeoutError: print('timeout')
    return await asyncio.gather(worker('a', 3), worker('b', 1))
print(asyncio.run(main()))
async def fails(): raise ValueError('out of run')
try: asyncio.run(fails())
except ValueError as error: print(error)
print(asyncio.get_event_loop().run_until_complete(worker('loop', 1)))
",
        "timeout\n['a', 'b']\nout of run\nloop\n",
    );
}
