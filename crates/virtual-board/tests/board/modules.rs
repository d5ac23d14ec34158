//! Simulated modules that the firmware lacks.

use test_programs::{VM_VERSIONS, vm_version};
use virtual_board::{BoardOptions, VirtualBoard, VmImage};

use crate::support::{Talk, raw_board};

/// Run source on a fresh board.
fn check(source: &str, expected: &str) {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    assert_eq!(talk.run(source), expected, "{source}");
}

/// Source that must raise on a fresh board: the last line of the traceback.
fn raises(source: &str) -> String {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    talk.raises(source)
}

const NAMES: &str = "network socket usocket ssl ussl tls bluetooth ubluetooth neopixel onewire ds18x20 dht rp2 esp esp32 \
                     _thread uasyncio ntptime requests urequests micropython";

/// One look at each module.
const TOUR: &str = "
import network, socket, asyncio, machine, neopixel, onewire, ds18x20, dht, rp2, esp32, bluetooth, micropython
from uasyncio import StreamReader, sleep_ms
from machine import *
micropython.alloc_emergency_exception_buf(100)
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect('anything', 'password')
while not wlan.isconnected(): pass
print(wlan.ifconfig()[0], len(wlan.scan()))
async def serve(reader, writer):
    writer.write(b'echo ' + await reader.readline())
    await writer.drain()
    await writer.wait_closed()
async def main():
    server = await asyncio.start_server(serve, '0.0.0.0', 80)
    reader, writer = await asyncio.open_connection('127.0.0.1', 80)
    writer.write(b'hello\\n')
    await writer.drain()
    print(await reader.read())
    server.close()
    await server.wait_closed()
    flag = asyncio.ThreadSafeFlag()
    Timer(-1, mode=Timer.ONE_SHOT, period=5, callback=lambda timer: flag.set())
    await flag.wait()
    uart = UART(0, tx=Pin(0), rx=Pin(1))
    stream = asyncio.StreamReader(uart)
    uart.write('line\\n')
    print(await stream.readline())
asyncio.run(main())
strip = neopixel.NeoPixel(Pin(4), 2)
strip[1] = (1, 2, 3)
strip.write()
print(strip)
wire = ds18x20.DS18X20(onewire.OneWire(Pin(3)))
sensor = dht.DHT22(Pin(2))
sensor.measure()
print(wire.read_temp(wire.scan()[0]), sensor.temperature(), sensor.humidity())
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def blink():
    set(pins, 1) [31]
    nop()
print(blink, rp2.bootsel_button())
ble = bluetooth.BLE()
ble.active(True)
((level,),) = ble.gatts_register_services(((bluetooth.UUID(0x180F), ((bluetooth.UUID(0x2A19), bluetooth.FLAG_READ),)),))
ble.gatts_write(level, b'9')
print(ble.gatts_read(level), esp32.Partition(esp32.Partition.RUNNING).info()[4], machine.DAC(Pin(25)))
";

const TOUR_PRINTS: &str = "192.0.2.10 3
b'echo hello\\n'
b'line\\n'
NeoPixel(Pin(4, mode=OUT), 2, shown=[(0, 0, 0), (1, 2, 3)])
21.5 21.5 47.8
<PIO program [0xff01, 0xa042], wrap 0..1> 0
b'9' factory DAC(Pin(25, mode=IN))
";

#[test]
fn every_version_has_them() {
    for version in VM_VERSIONS {
        let image = VmImage::open(&vm_version(version)).expect(version);
        let board = VirtualBoard::start(&image, BoardOptions::default()).expect(version);
        let mut talk = Talk::with(&board);
        talk.raw();
        for name in NAMES.split_whitespace() {
            let place = talk.run(&format!("import {name}\nprint({name})"));
            assert!(
                place.contains("/.virtual-board/"),
                "{version} {name}: {place}"
            );
        }
        assert_eq!(talk.run(TOUR), TOUR_PRINTS, "{version}");
    }
}

#[test]
fn simulated_modules_are_neither_listed_nor_loaded() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    assert_eq!(
        talk.run("import os, sys\nprint(os.listdir('/'), sys.path, [name for name in sys.modules if 'network' in name or name[0] == '_'])"),
        "[] ['', '.frozen', '/lib', '/.virtual-board'] []\n"
    );
    let listed = talk.run("help('modules')");
    assert!(
        !listed.contains("network") && !listed.contains("startup"),
        "{listed}"
    );
    assert!(talk.raises("import startup").starts_with("ImportError"));
    assert!(
        talk.raises("open('/.virtual-board/network.py', 'r+').write('x')")
            .starts_with("OSError")
    );
    // A file of the user's is found first.
    talk.run("with open('network.py', 'w') as f: f.write('own = 1')");
    assert_eq!(talk.run("import network\nprint(network.own)"), "1\n");
}

#[test]
fn help_describes_the_simulation() {
    for name in [
        "machine",
        "network",
        "socket",
        "ssl",
        "bluetooth",
        "rp2",
        "esp32",
        "_thread",
    ] {
        let (_board, mut talk) = raw_board(BoardOptions::default());
        let help = talk.run(&format!("import {name}\nhelp({name})"));
        assert!(help.contains("about -- "), "{help}");
    }
}

#[test]
fn network_interfaces_store_their_settings() {
    check(
        "import network, time
wlan = network.WLAN()
try: wlan.scan()
except OSError as error: print(error)
wlan.active(True)
wlan.connect('home', 'short')
while wlan.status() == network.STAT_CONNECTING: time.sleep_ms(10)
print(wlan.status() == network.STAT_WRONG_PASSWORD, wlan.isconnected(), wlan.ifconfig()[0])
wlan.connect('home', 'long enough')
print(wlan.status() == network.STAT_CONNECTING)
while not wlan.isconnected(): time.sleep_ms(10)
again = network.WLAN(network.STA_IF)
print(again.config('ssid'), again.ipconfig('addr4'), again.status('rssi'))
again.disconnect(); print(wlan.isconnected())
network.hostname('me'); network.country('DE'); print(network.hostname(), network.country())
ap = network.WLAN(network.AP_IF); ap.config(essid='mine', password='12345678', channel=3); ap.active(True)
print(ap.config('essid'), ap.config('channel'), ap.ifconfig()[0], ap.status('stations'))
lan = network.LAN(); lan.active(True); lan.ifconfig(('10.0.0.2', '255.0.0.0', '10.0.0.1', '10.0.0.1')); print(network.LAN().ifconfig())
",
        "[Errno 5] EIO: the interface is not active
True False 0.0.0.0
True
home ('192.0.2.10', '255.255.255.0') -48
False
me DE
mine 3 192.168.4.1 []
('10.0.0.2', '255.0.0.0', '10.0.0.1', '10.0.0.1')
",
    );
}

#[test]
fn sockets_reach_the_board_itself() {
    check(
        "import socket, select
server = socket.socket()
server.bind(('0.0.0.0', 80))
server.listen(1)
client = socket.socket()
client.connect(socket.getaddrinfo('localhost', 80)[0][-1])
client.send('GET / HTTP/1.0\\r\\n\\r\\n')
peer, address = server.accept()
print(address[0], peer.readline(), peer.recv(100))
peer.setblocking(False)
print(peer.read(1))
try: peer.recv(1)
except OSError as error: print(error)
poll = select.poll(); poll.register(client, select.POLLIN); print(poll.poll(0))
peer.sendall(b'answer'); peer.close(); print(len(poll.poll(0)), client.read(), client.recv(1))
server.settimeout(0.01)
try: server.accept()
except OSError as error: print(error)
try: socket.socket().bind(('0.0.0.0', 80))
except OSError as error: print(error)
server.close()
try: socket.socket().connect(('127.0.0.1', 80))
except OSError as error: print(error)
a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); a.bind(('', 5000))
b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); b.sendto(b'datagram', ('127.0.0.1', 5000))
print(a.recvfrom(100)[0])
",
        "127.0.0.1 b'GET / HTTP/1.0\\r\\n' b'\\r\\n'
None
[Errno 11] EAGAIN
[]
1 b'answer' b''
[Errno 110] ETIMEDOUT
[Errno 98] EADDRINUSE
[Errno 111] ECONNREFUSED
b'datagram'
",
    );
}

#[test]
fn functions_outside_of_the_simulation_raise_errors() {
    let alone = "the virtual board has no network, its sockets reach only itself";
    assert_eq!(
        raises("import socket\nsocket.getaddrinfo('micropython.org', 80)"),
        format!("OSError: (-2, '{alone}')")
    );
    assert_eq!(
        raises("import socket\nsocket.socket().connect(('192.0.2.99', 80))"),
        format!("OSError: [Errno 113] EHOSTUNREACH: {alone}")
    );
    assert!(
        raises("import socket, ssl\nssl.wrap_socket(socket.socket())")
            .contains("the virtual board has no TLS")
    );
    assert!(
        raises("import _thread\n_thread.start_new_thread(print, ())").starts_with(
            "RuntimeError: can't start a thread: the virtual board has none; use asyncio"
        )
    );
    assert!(raises("import rp2\nrp2.StateMachine(0).get()").contains("does not run them"));
    assert!(raises("import machine\nmachine.SDCard()").contains("no card"));
    assert!(raises("import machine\nmachine.nonsense").starts_with("AttributeError"));
}

#[test]
fn a_blocked_socket_is_interrupted() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    talk.send(b"import socket\ns = socket.socket()\ns.bind(('', 80))\ns.listen()\nprint('go')\ns.accept()\x04")
        .expect(b"go\r\n")
        .send(b"\x03")
        .expect(b"KeyboardInterrupt: \r\n\x04>");
}

#[test]
fn requests_reach_a_server_of_the_board() {
    check(
        "import asyncio, machine, requests, socket
server = socket.socket(); server.bind(('', 8080)); server.listen()
def answer(timer):
    peer, _ = server.accept()
    length = 0
    while True:
        line = peer.readline().strip()
        if not line: break
        if line.startswith(b'Content-Length'): length = int(line.split()[1])
    body = peer.recv(length) if length else b'nothing'
    peer.send(b'HTTP/1.0 200 OK\\r\\nX-Kind: test\\r\\n\\r\\n[\"' + body + b'\"]'); peer.close()
for data in (None, 'abc'):
    machine.Timer(-1, mode=machine.Timer.ONE_SHOT, period=5, callback=answer)
    response = requests.post('http://127.0.0.1:8080/path', data=data)
    print(response.status_code, response.headers, response.json())
",
        "200 {'X-Kind': 'test'} ['nothing']\n200 {'X-Kind': 'test'} ['abc']\n",
    );
}

#[test]
fn pio_programs_become_the_words_of_the_chip() {
    // The words of `ws2812` and `pwm` are those that `pioasm` of the Pico SDK makes of its examples of these names.
    check(
        "import rp2
from rp2 import PIO, asm_pio
set = 'kept'
@asm_pio(sideset_init=PIO.OUT_LOW, out_shiftdir=PIO.SHIFT_LEFT, autopull=True, pull_thresh=24)
def ws2812():
    T1 = 2; T2 = 5; T3 = 3
    wrap_target()
    label('bitloop')
    out(x, 1).side(0)[T3 - 1]
    jmp(not_x, 'do_zero').side(1)[T1 - 1]
    jmp('bitloop').side(1)[T2 - 1]
    label('do_zero')
    nop().side(0)[T2 - 1]
    wrap()
@asm_pio()
def squarewave():
    label('again')
    set(pins, 1)[1]
    set(pins, 0)
    jmp('again')
@asm_pio(sideset_init=PIO.OUT_LOW)
def pwm():
    pull(noblock).side(0)
    mov(x, osr)
    mov(y, isr)
    label('loop')
    jmp(x_not_y, 'noset')
    jmp('skip').side(1)
    label('noset')
    nop()
    label('skip')
    jmp(y_dec, 'loop')
print(ws2812, squarewave, pwm, set)
@asm_pio()
def rest():
    wait(1, pin, 3)
    wait(0, irq, rel(1))
    in_(null, 32)
    push(iffull, noblock)
    mov(isr, invert(x))
    irq(clear, rel(0))
    irq(block, 4)
print(rest, hex(rp2.asm_pio_encode('out(pins, 8)', 0)))
machine = rp2.StateMachine(0, ws2812, freq=8_000_000); machine.active(1); machine.put(1, 8); machine.put([2, 3])
print(machine.active(), machine.sent)
for wrong in ('jmp(\"nowhere\")', 'out(status, 1)', 'set(x, 32)'):
    try: rp2.asm_pio_encode(wrong, 0)
    except rp2.PIOASMError as error: print(error)
",
        "<PIO program [0x6221, 0x1123, 0x1400, 0xa442], wrap 0..3> <PIO program [0xe101, 0xe000, 0x0000], wrap 0..2> <PIO program [0x9080, 0xa027, 0xa046, 0x00a5, 0x1806, 0xa042, 0x0083], wrap 0..6> kept
<PIO program [0x20a3, 0x2051, 0x4060, 0x8040, 0xa0c9, 0xc050, 0xc024], wrap 0..6> 0x6008
1 [256, 2, 3]
unknown label nowhere
status can't be used here
32 is not from 0 to 31
",
    );
}

#[test]
fn settings_of_an_esp32_are_kept_over_a_reset() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    talk.run("import esp32\nnvs = esp32.NVS('a')\nnvs.set_i32('n', -5)\nnvs.set_blob('b', b'\\x00\\xff')\nnvs.commit()\nnvs.set_i32('n', 6)");
    talk.send(b"import machine\nmachine.reset()\x04").raw();
    assert_eq!(
        talk.run("import esp32\nnvs = esp32.NVS('a')\nbuf = bytearray(2)\nprint(nvs.get_i32('n'), nvs.get_blob('b', buf), buf)"),
        "-5 2 bytearray(b'\\x00\\xff')\n"
    );
    assert_eq!(
        talk.raises("import esp32\nesp32.NVS('a').get_i32('none')"),
        "OSError: (-4354, 'ESP_ERR_NVS_NOT_FOUND')"
    );
}

#[test]
fn bluetooth_reports_to_its_handler() {
    check(
        "import bluetooth, time
ble = bluetooth.BLE()
try: ble.gap_advertise(1000, b'')
except OSError as error: print(error)
ble.active(True)
ble.irq(lambda event, data: print('event', event, data))
ble.gap_advertise(100000, b'\\x02\\x01\\x06')
ble.gap_scan(1000)
ble.gap_connect(0, b'\\x01\\x02\\x03\\x04\\x05\\x06')
time.sleep_ms(1)
service = bluetooth.UUID('6E400001-B5A3-F393-E0A9-E50E24DCCA9E')
rx = (bluetooth.UUID(2), bluetooth.FLAG_WRITE)
tx = (bluetooth.UUID(3), bluetooth.FLAG_NOTIFY)
((a, b),) = ble.gatts_register_services(((service, (tx, rx)),))
ble.gatts_write(a, 'text'); ble.gatts_notify(1, a); print(a, b, ble.gatts_read(a), ble.gatts_read(b), service)
print(ble)
",
        "[Errno 19] ENODEV: the radio is not active
event 6 ()
event 8 (65535, 0, b'\\x01\\x02\\x03\\x04\\x05\\x06')
18 21 b'text' b'' UUID('6e400001-b5a3-f393-e0a9-e50e24dcca9e')
BLE(active=True, advertises=(100000, b'\\x02\\x01\\x06', b'', True), values={21: b'', 18: b'text', 19: b'\\x00\\x00'})
",
    );
}

#[test]
fn locks_work_without_threads() {
    check(
        "import _thread, machine
lock = _thread.allocate_lock()
with lock: print(lock.locked(), lock.acquire(0), lock.acquire(1, 0.01))
lock.acquire()
machine.Timer(-1, mode=machine.Timer.ONE_SHOT, period=5, callback=lambda timer: lock.release())
print(lock.acquire(), _thread.get_ident())
",
        "True False False\nTrue 1\n",
    );
}

#[test]
fn less_common_hardware_stores_its_settings() {
    check(
        "import machine
from machine import Pin
print(Pin.board.LED, machine.PWM(Pin(5), 50, duty=512).duty(), machine.PWM(Pin(5), freq=50, duty=1023).duty())
machine.DAC(Pin(25)).write(255); print(machine.ADC(Pin(25)).read_u16())
adc = machine.ADC(Pin(34), atten=machine.ADC.ATTN_11DB); adc.width(machine.ADC.WIDTH_10BIT); print(adc.read())
print(round(27 - (machine.ADC(machine.ADC.CORE_TEMP).read_u16() * 3.3 / 65535 - 0.706) / 0.001721, 1), machine.ADC(Pin(4)).read_u16())
print(machine.TouchPad(Pin(4)).read(), machine.I2S(0, sck=Pin(1), ws=Pin(2), sd=Pin(3)).write(b'abcd'), machine.RTC().memory())
machine.bitstream(Pin(6), 0, (400, 850, 800, 450), b'abc')
uart = machine.UART(2, 9600, timeout=10); uart.irq(lambda u: print('received', u.any()), machine.UART.IRQ_RX); uart.write('text')
machine.SPI(0, 100_000).write('text'); print(machine.I2C(0).writeto(0x50, 'ab'))
",
        "Pin(LED, mode=IN) 512 1023\n65535\n512\n27.0 32768\n1000 4 b''\nreceived 4\n2\n",
    );
}
