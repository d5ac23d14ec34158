//! The list of serial ports, against mpremote's.

use piton_board::discovery::list_serial_ports;

#[test]
fn the_list_is_the_same_as_mpremotes() {
    let output = test_programs::mpremote()
        .args(["connect", "list"])
        .output()
        .unwrap();
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "None".to_owned());
    let ours: String = list_serial_ports()
        .iter()
        .map(|port| {
            let (vid, pid) = (port.vid.unwrap_or(0), port.pid.unwrap_or(0));
            let serial_number = or_none(&port.serial_number);
            let (manufacturer, product) = (or_none(&port.manufacturer), or_none(&port.product));
            format!(
                "{} {serial_number} {vid:04x}:{pid:04x} {manufacturer} {product}\n",
                port.path
            )
        })
        .collect();
    assert_eq!(ours, String::from_utf8(output.stdout).unwrap());
}
