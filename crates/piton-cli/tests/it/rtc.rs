//! `rtc`: the board's clock.

use insta::assert_snapshot;

use crate::support::Sandbox;

#[test]
fn the_clock_is_printed_and_set() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.piton();
    // In this zone the day begins fourteen hours before that of the board, which knows no zones.
    command.env("TZ", "Etc/GMT-14");
    command.args([
        "connect",
        "virtual",
        "exec",
        "import machine; machine.RTC().datetime((2001, 2, 3, 5, 4, 5, 6, 7))",
        "rtc",
        "rtc",
        "--set",
        "rtc",
    ]);
    let outcome = crate::support::run(command);
    assert_eq!(outcome.stderr(), "");
    let stdout = outcome.stdout();
    let lines = stdout.lines().collect::<Vec<&str>>();
    assert!(lines[0].starts_with("(2001, 2, 3, 5, 4, 5, "), "{stdout}");
    let fields = lines[1]
        .trim_matches(['(', ')'])
        .split(", ")
        .map(|field| field.parse::<u64>().unwrap())
        .collect::<Vec<u64>>();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
        + 14 * 3600;
    let of_day = fields[4] * 3600 + fields[5] * 60 + fields[6];
    let late = (now % 86400 + 86400 - of_day) % 86400;
    assert!(late < 60, "{stdout}: {late} s late");
    // 1 January 1970 was a Thursday.
    assert_eq!(fields[3], ((now - late) / 86400 + 3) % 7, "{stdout}");
}

#[test]
fn json_and_a_board_without_a_clock() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run("--json connect virtual rtc");
    assert!(outcome.stdout().starts_with("[20"), "{}", outcome.stdout());
    let line = "connect virtual exec 'import machine; del machine.RTC' rtc";
    assert_snapshot!(sandbox.show(line), @r"
    $ piton connect virtual exec 'import machine; del machine.RTC' rtc
    --- stderr
    piton: rtc: the board has no `machine.RTC`: module 'machine' has no attribute 'RTC'
    --- exit 1
    ");
}
