//! `self check`, with servers that describe releases and servers that do not.

use insta::assert_snapshot;

use crate::support::Sandbox;
use crate::web::{Answer, Web};

#[test]
fn a_release_is_newer_or_not() {
    let sandbox = Sandbox::new();
    let web = Web::start();
    let mut said = String::new();
    for (path, version) in [
        ("/same", env!("CARGO_PKG_VERSION")),
        ("/new", "999.10.0"),
        ("/old", "0.0.9"),
    ] {
        let release = format!("{{\"version\":\"{version}\",\"time\":0,\"files\":[]}}");
        web.put(path, Answer::Body(release.into_bytes()));
        for options in ["", "--json "] {
            let outcome = sandbox.run(&format!("{options}self check --from {}", web.url(path)));
            assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
            said.push_str(&outcome.stdout());
        }
    }
    assert_snapshot!(said, @r#"
    piton 0.1.0 is the newest release
    {"version":"0.1.0","newest":"0.1.0","is_newest":true}
    piton 999.10.0 is out; this is 0.1.0. Update it the way it was installed
    {"version":"0.1.0","newest":"999.10.0","is_newest":false}
    piton 0.1.0 is newer than the newest release, 0.0.9
    {"version":"0.1.0","newest":"0.0.9","is_newest":true}
    "#);
}

#[test]
fn an_answer_that_is_no_release_is_an_error() {
    let sandbox = Sandbox::new();
    let web = Web::start();
    web.put("/page", Answer::Body(b"<html>".to_vec()));
    web.put(
        "/escape",
        Answer::Body(br#"{"version":"1.0\u001b[2J"}"#.to_vec()),
    );
    web.put("/word", Answer::Body(br#"{"version":"newest"}"#.to_vec()));
    web.put("/long", Answer::Body(vec![b' '; 2 << 20]));
    web.put("/missing", Answer::Status(404));
    let mut said = String::new();
    for path in ["/page", "/escape", "/word", "/long", "/missing"] {
        let outcome = sandbox.run(&format!("self check --from {}", web.url(path)));
        assert_eq!((outcome.code, outcome.stdout().as_str()), (Some(1), ""));
        said.push_str(&outcome.stderr().replace(&web.url(""), "WEB"));
    }
    assert_snapshot!(said, @r"
    piton: WEB/page does not describe a release: expected value at line 1 column 1
    piton: WEB/escape does not describe a release: `1.0\x1b[2J` is not a version
    piton: WEB/word does not describe a release: `newest` is not a version
    piton: WEB/long is longer than 1048576 bytes
    piton: WEB/missing does not exist
    ");
}

#[test]
fn the_address_comes_from_the_environment_and_else_is_asked_for() {
    let sandbox = Sandbox::new();
    let web = Web::start();
    web.put("/new", Answer::Body(br#"{"version":"999.0"}"#.to_vec()));
    let run = |address: &str| {
        let mut command = sandbox.piton();
        command
            .env("PITON_RELEASE_URL", address)
            .args(["self", "check"]);
        crate::support::run(command)
    };
    assert!(
        run(&web.url("/new"))
            .stdout()
            .contains("piton 999.0 is out")
    );
    let outcome = run("");
    assert_snapshot!(format!("{}{:?}", outcome.stderr(), outcome.code), @r"
    piton: this program was not built for a release, so it does not know where releases are

    hint: name the `release.json` of the newest release with `--from URL` or PITON_RELEASE_URL
    Some(1)
    ");
}
