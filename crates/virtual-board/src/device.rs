//! The Python side of the board: what is missing from the firmware, in `device/*.py`.

/// The start-up code, by file name: seen while the board starts.
const START_FILES: &[(&str, &[u8])] = &[
    ("startup.py", include_bytes!("../device/startup.py")),
    ("event_loop.py", include_bytes!("../device/event_loop.py")),
    ("machine.py", include_bytes!("../device/machine.py")),
    (
        "_micropython.py",
        include_bytes!("../device/_micropython.py"),
    ),
];

/// Stand-ins for modules that the firmware lacks, by file name: the last folder of `sys.path`, so that a file of the
/// user's is found first. None of them is read before a program imports it.
const MODULES: &[(&str, &[u8])] = &[
    (
        "_asyncio_streams.py",
        include_bytes!("../device/modules/_asyncio_streams.py"),
    ),
    (
        "_machine_buses.py",
        include_bytes!("../device/modules/_machine_buses.py"),
    ),
    (
        "_machine_rest.py",
        include_bytes!("../device/modules/_machine_rest.py"),
    ),
    (
        "_program.py",
        include_bytes!("../device/modules/_program.py"),
    ),
    ("_thread.py", include_bytes!("../device/modules/_thread.py")),
    (
        "bluetooth.py",
        include_bytes!("../device/modules/bluetooth.py"),
    ),
    ("dht.py", include_bytes!("../device/modules/dht.py")),
    ("ds18x20.py", include_bytes!("../device/modules/ds18x20.py")),
    ("esp.py", include_bytes!("../device/modules/esp.py")),
    ("esp32.py", include_bytes!("../device/modules/esp32.py")),
    (
        "neopixel.py",
        include_bytes!("../device/modules/neopixel.py"),
    ),
    ("network.py", include_bytes!("../device/modules/network.py")),
    ("ntptime.py", include_bytes!("../device/modules/ntptime.py")),
    ("onewire.py", include_bytes!("../device/modules/onewire.py")),
    (
        "requests.py",
        include_bytes!("../device/modules/requests.py"),
    ),
    ("rp2.py", include_bytes!("../device/modules/rp2.py")),
    ("socket.py", include_bytes!("../device/modules/socket.py")),
    ("ssl.py", include_bytes!("../device/modules/ssl.py")),
    ("tls.py", include_bytes!("../device/modules/tls.py")),
    (
        "uasyncio.py",
        include_bytes!("../device/modules/uasyncio.py"),
    ),
    (
        "ubluetooth.py",
        include_bytes!("../device/modules/ubluetooth.py"),
    ),
    (
        "urequests.py",
        include_bytes!("../device/modules/urequests.py"),
    ),
    ("usocket.py", include_bytes!("../device/modules/usocket.py")),
    ("ussl.py", include_bytes!("../device/modules/ussl.py")),
];

/// Runs the start-up code; a module of its own, so that `__main__` stays empty.
pub(crate) const START: &str = "\
import sys
sys.path.insert(0, '/.virtual-board')
import startup
sys.path.append(sys.path.pop(0))
del sys.modules['startup'], sys.modules['event_loop'], sys.modules['_micropython'], startup, sys
";

/// Returns all of the code that runs before `boot.py`.
pub(crate) fn start_code() -> impl Iterator<Item = &'static [u8]> {
    let files = START_FILES.iter().map(|(_, content)| *content);
    [START.as_bytes()].into_iter().chain(files)
}

/// Returns the content of a file of the Python side; of the start-up code only while the board `boots`.
pub(crate) fn file(name: &str, boots: bool) -> Option<&'static [u8]> {
    let start = if boots { START_FILES } else { &[] };
    let file = start
        .iter()
        .chain(MODULES)
        .find(|(known, _)| *known == name);
    file.map(|(_, content)| *content)
}
