//! How many turns each operation takes: the price of an operation on a real line.

use piton_fs::hash::HashAlgorithm;
use piton_fs::listing::Sizes;
use virtual_board::BoardOptions;

use crate::support::{Board, noise, path, soon};

#[test]
fn each_operation_takes_its_number_of_turns() {
    let mut board = Board::start(BoardOptions::default());
    board.run(
        "import os\nfor i in range(50):\n f = open('/f%d' % i, 'w')\n f.write('x' * i)\n f.close()\nos.mkdir('/d')",
    );
    let (listed, list) = board.traffic(|fs| fs.list(&path("/"), Sizes::Measured, soon()).unwrap());
    assert_eq!(listed.len(), 51);
    let (_, tree) = board.traffic(|fs| fs.tree(&path("/"), Sizes::Measured, soon()).unwrap());
    let (_, stat) = board.traffic(|fs| fs.stat(&path("/f1"), soon()).unwrap());
    let (_, write) = board.traffic(|fs| {
        fs.write(&path("/s"), b"x = 1\n", &mut |_| {}, soon())
            .unwrap()
    });
    let content = noise(100 * 1024);
    let (_, write_large) = board.traffic(|fs| {
        fs.write(&path("/l"), &content, &mut |_| {}, soon())
            .unwrap()
    });
    let (_, read_large) = board.traffic(|fs| fs.read(&path("/l"), &mut |_| {}, soon()).unwrap());
    let (_, hash) =
        board.traffic(|fs| fs.hash(&path("/l"), HashAlgorithm::Sha256, soon()).unwrap());
    // What goes to the board is the same each time; how its windows' acknowledgements fall into reads is not.
    let all = [list, tree, stat, write, write_large, read_large, hash];
    let sent = all.map(|traffic| traffic.to_board);
    insta::assert_debug_snapshot!(sent);
    for traffic in [list, tree, stat, write, read_large, hash] {
        // Two windows of 128 bytes are free at first; each one after them waits for its acknowledgement.
        assert!(traffic.turns <= 1 + traffic.to_board / 128, "{traffic:?}");
    }
}
