//! `minify`: to a file, to standard output, and what is no Python.

use insta::assert_snapshot;

use crate::support::Sandbox;

#[test]
fn text_without_effect_is_removed() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "a.py",
        "# Greets.\n\ndef greet( name ):\n    '''Say hello.'''\n    print( 'hello',\n          name )\n",
    );
    assert_snapshot!(sandbox.show("minify a.py"));
    assert_snapshot!(sandbox.show("minify --keep-docstrings a.py --join-lines"));
    assert_eq!(sandbox.run("minify a.py -o b.py").code, Some(0));
    assert_eq!(
        sandbox.read("b.py"),
        b"\n\ndef greet(name):\n\n print('hello',\nname)\n"
    );
}

#[test]
fn what_is_no_python_is_shown() {
    let sandbox = Sandbox::new();
    sandbox.write("a.py", "x = 1\ny = 'a\n");
    assert_snapshot!(sandbox.show("minify a.py -o b.py"));
    assert!(!sandbox.path().join("b.py").exists());
}
