//! What piton writes, mpremote reads, and the other way round.

use std::path::Path;

use piton_fs::hash::HashAlgorithm;
use piton_fs::listing::{Kind, Sizes};
use virtual_board::{BoardOptions, serve};

use crate::support::{Board, noise, path, soon};

/// What `mpremote resume ARGUMENTS` prints, run in `folder` against the board's pty.
#[track_caller]
fn mpremote(board: &Board, folder: &Path, arguments: &[&str]) -> String {
    let server = serve::pty(board.board.clone()).unwrap();
    let output = test_programs::mpremote()
        .current_dir(folder)
        .args(["connect", server.path().to_str().unwrap(), "resume"])
        .args(arguments)
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "mpremote {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn files_of_mpremote_and_piton_are_the_same() {
    let host = tempfile::tempdir().unwrap();
    let mut board = Board::start(BoardOptions::default());
    let all_bytes: Vec<u8> = (0..=255).cycle().take(2000).collect();
    let contents = [
        ("noise.bin", noise(5000)),
        ("it's all.bin", all_bytes),
        ("empty", Vec::new()),
    ];
    board.fs(|fs| fs.make_dir(&path("/ours"), soon())).unwrap();
    for (name, content) in &contents {
        board.write(&format!("/ours/{name}"), content).unwrap();
        std::fs::write(host.path().join(name), content).unwrap();
    }
    board.disconnect();
    mpremote(&board, host.path(), &["mkdir", ":/theirs"]);
    for (name, content) in &contents {
        let (ours, copy) = (format!(":/ours/{name}"), format!("copy of {name}"));
        mpremote(&board, host.path(), &["cp", &ours, &copy]);
        assert!(
            std::fs::read(host.path().join(&copy)).unwrap() == *content,
            "{name}"
        );
        mpremote(
            &board,
            host.path(),
            &["cp", name, &format!(":/theirs/{name}")],
        );
    }
    board.reconnect();
    for (name, content) in &contents {
        assert!(
            board.read(&format!("/theirs/{name}")).unwrap() == *content,
            "{name}"
        );
    }
}

#[test]
fn listings_hashes_and_space_agree_with_mpremote() {
    let host = tempfile::tempdir().unwrap();
    let mut board = Board::start(BoardOptions::default());
    board.run("import os\nos.mkdir('/d')\nos.mkdir('/d/empty')");
    for (name, size) in [("/d/a.py", 10), ("/d/b.bin", 1000), ("/c", 0)] {
        board.write(name, &noise(size)).unwrap();
    }
    let list = |fs: &mut piton_fs::remote::RemoteFs<'_, '_>, folder: &str| {
        let entries = fs.list(&path(folder), Sizes::AsListed, soon()).unwrap();
        let lines = entries.iter().map(|entry| {
            let slash = if entry.kind == Kind::Directory {
                "/"
            } else {
                ""
            };
            format!("{:12} {}{slash}\n", entry.size.unwrap_or(0), entry.name)
        });
        format!("ls :{folder}\n{}", lines.collect::<String>())
    };
    let listed = ["/", "/d", "/d/empty"].map(|folder| board.fs(|fs| list(fs, folder)));
    let digest = board
        .fs(|fs| fs.hash(&path("/d/b.bin"), HashAlgorithm::Sha256, soon()))
        .unwrap();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let space: String = board
        .fs(|fs| fs.disk_free(soon()))
        .unwrap()
        .iter()
        .map(|row| {
            format!(
                "{:<10}{:>9}{:>9}{:>9}{:>5} {}\n",
                row.filesystem, row.size, row.used, row.available, row.used_percent, row.mounted_on
            )
        })
        .collect();
    board.disconnect();
    for (folder, listed) in ["/", "/d", "/d/empty"].iter().zip(listed) {
        assert_eq!(
            mpremote(&board, host.path(), &["ls", &format!(":{folder}")]),
            listed
        );
    }
    assert_eq!(
        mpremote(&board, host.path(), &["sha256sum", ":/d/b.bin"]),
        format!("sha256sum :/d/b.bin\n{digest}\n")
    );
    let theirs = mpremote(&board, host.path(), &["df"]).replace("\r\n", "\n");
    let rows: Vec<&str> = theirs.split_inclusive('\n').skip(1).collect();
    assert_eq!(rows.concat(), space);
}
