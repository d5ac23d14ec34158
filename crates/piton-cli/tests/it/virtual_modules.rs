//! The virtual board as somebody meets it who learns: scripts for hardware and networks.

use crate::support::{Sandbox, run};

/// The program that `docs/virtual-board.md` shows, with the sum that is expected in place of its own.
fn documented_test(expected: &str) -> String {
    let page = include_str!("../../../../docs/virtual-board.md");
    let program = page.split("```python\n").nth(1).unwrap();
    let program = program.split("```").next().unwrap();
    assert!(program.contains("1 + 1, 2)"), "{program}");
    program.replace("1 + 1, 2)", &format!("1 + 1, {expected})"))
}

#[test]
fn the_exit_code_of_tests_is_as_documented() {
    let sandbox = Sandbox::new();
    for (expected, code) in [("2", 0), ("3", 1)] {
        sandbox.write("test_sums.py", documented_test(expected));
        let mut command = sandbox.piton();
        command.args(["connect", "virtual", "run", "test_sums.py"]);
        let outcome = run(command);
        assert_eq!(outcome.code, Some(code), "{}", outcome.stdout());
        assert!(
            outcome.stdout().contains("Ran 1 tests"),
            "{}",
            outcome.stdout()
        );
    }
}

/// What a first script for a board with a network does.
const WEB_SERVER: &str = "
try:
  import usocket as socket
except ImportError:
  import socket
import esp
import network
import uasyncio
from machine import Pin
esp.osdebug(None)
led = Pin(2, Pin.OUT)
station = network.WLAN(network.STA_IF)
station.active(True)
station.connect('network', 'password')
while station.isconnected() == False:
  pass
print('Connection successful', station.ifconfig()[0])
async def serve(reader, writer):
  request = await reader.readline()
  led.value('/?led=on' in str(request))
  writer.write('HTTP/1.0 200 OK\\r\\n\\r\\nled is {}'.format(led.value()))
  await writer.drain()
  await writer.wait_closed()
async def main():
  await uasyncio.start_server(serve, '0.0.0.0', 80)
  for path in ('/', '/?led=on'):
    reader, writer = await uasyncio.open_connection(station.ifconfig()[0], 80)
    writer.write('GET {} HTTP/1.0\\r\\n\\r\\n'.format(path))
    await writer.drain()
    print((await reader.read()).split(b'\\r\\n')[-1])
uasyncio.run(main())
";

#[test]
fn a_web_server_serves_itself() {
    let sandbox = Sandbox::new();
    sandbox.write("server.py", WEB_SERVER);
    let mut command = sandbox.piton();
    command.args(["connect", "virtual", "run", "server.py"]);
    let outcome = run(command);
    assert_eq!(
        outcome.stdout(),
        "Connection successful 192.0.2.10\r\nb'led is 0'\r\nb'led is 1'\r\n"
    );
    assert_eq!(outcome.code, Some(0));
}

#[test]
fn settings_of_an_esp32_stay_in_the_folder_of_the_board() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path().join("board")).unwrap();
    let exec = |source: &str| {
        let mut command = sandbox.piton();
        command.args(["connect", "virtual:board", "exec", source]);
        let outcome = run(command);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stdout());
        outcome.stdout()
    };
    exec("import esp32\nnvs = esp32.NVS('boots')\nnvs.set_i32('count', 41)\nnvs.commit()");
    let source =
        "import esp32, os\nprint(esp32.NVS('boots').get_i32('count') + 1, os.listdir('/'))";
    assert_eq!(exec(source), "42 ['.nvs.json']\r\n");
}

#[test]
fn a_mounted_module_is_found_before_a_stand_in() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path().join("project")).unwrap();
    sandbox.write("project/network.py", "about = 'mine'\n");
    let mut command = sandbox.piton();
    command.args(["connect", "virtual", "mount", "project", "exec"]);
    command.arg("import network, socket\nprint(network.about, socket.AF_INET)");
    let outcome = run(command);
    assert!(
        outcome.stdout().ends_with("mine 2\r\n"),
        "{}",
        outcome.stdout()
    );
}
