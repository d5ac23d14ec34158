//! A board that means no good, and what it gets.

use super::*;

const EPERM: i16 = -1;
const ENOENT: i16 = -2;

/// A folder `in` with files, beside a file `secret`.
struct Place {
    outer: tempfile::TempDir,
    server: Server,
}

fn place(options: MountOptions) -> Place {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("in");
    fs::create_dir_all(inner.join("sub")).unwrap();
    fs::write(outer.path().join("secret"), "secret").unwrap();
    fs::write(inner.join("file"), "content").unwrap();
    let root = Root::new(&inner, options.unsafe_links).unwrap();
    let mut server = Server::new(root, options);
    server.set_up(774, true);
    server.set_window(255);
    Place { outer, server }
}

impl Place {
    fn inner(&self) -> PathBuf {
        self.outer.path().join("in")
    }

    #[track_caller]
    fn check(&mut self, kind: u8, content: &[u8], status: i16) {
        let answer = self.server.serve(kind, content).unwrap();
        assert_eq!(answer.status, status, "{kind} {}", content.escape_ascii());
    }

    /// Whether all that is beside the mounted folder is as it was.
    #[track_caller]
    fn check_outside(&self) {
        let mut names = fs::read_dir(self.outer.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect::<Vec<_>>();
        names.sort();
        assert_eq!(names, ["in", "secret"]);
        let secret = fs::read(self.outer.path().join("secret")).unwrap();
        assert_eq!(secret, b"secret");
    }
}

/// Every request with a path, and what goes around the path.
const WITH_PATH: [(u8, &str, &str); 13] = [
    (kind::CHANGE_FOLDER, "", ""),
    (kind::STAT, "", ""),
    (kind::LIST, "", "\0"),
    (kind::OPEN, "\0rb\0", ""),
    (kind::OPEN, "\0wb\0", ""),
    (kind::OPEN, "\x01rb\0", ""),
    (kind::REMOVE, "", ""),
    (kind::RENAME, "", "\0/other"),
    (kind::RENAME, "/file\0", ""),
    (kind::MAKE_FOLDER, "", ""),
    (kind::REMOVE_FOLDER, "", ""),
    (kind::SPACE, "", ""),
    (kind::RENAME, "/sub\0", ""),
];

#[test]
fn no_path_leads_out_of_the_folder() {
    let mut place = place(MountOptions::default());
    for path in [
        "/../secret",
        "..",
        "../..",
        "/sub/../../secret",
        "/./..//secret",
    ] {
        for (kind, before, after) in WITH_PATH {
            place.check(kind, format!("{before}{path}{after}").as_bytes(), EPERM);
        }
    }
    // The folder itself stays.
    for (kind, content) in [
        (kind::REMOVE_FOLDER, "/"),
        (kind::RENAME, "/\0/x"),
        (kind::RENAME, "/sub\0/sub/.."),
    ] {
        place.check(kind, content.as_bytes(), EPERM);
    }
    // An absolute path begins at the folder.
    let secret = place.outer.path().join("secret");
    place.check(kind::STAT, secret.to_str().unwrap().as_bytes(), ENOENT);
    place.check_outside();
}

#[cfg(unix)]
#[test]
fn links_to_other_folders_are_refused() {
    use std::os::unix::fs::symlink;

    let mut place = place(MountOptions::default());
    let inner = place.inner();
    symlink("../secret", inner.join("link")).unwrap();
    symlink("..", inner.join("up")).unwrap();
    symlink("../missing", inner.join("nowhere")).unwrap();
    symlink("file", inner.join("sub/inside")).unwrap();
    symlink("../file", inner.join("sub/fine")).unwrap();
    for path in ["/link", "/up", "/up/secret", "/up/in/file", "/nowhere"] {
        for (kind, before, after) in WITH_PATH {
            // What acts on the link itself: see below.
            let on_itself = matches!(
                kind,
                kind::REMOVE | kind::RENAME | kind::MAKE_FOLDER | kind::REMOVE_FOLDER
            );
            // Through a link back into the folder nothing is refused.
            if !path.starts_with("/up/") && on_itself || path == "/up/in/file" {
                continue;
            }
            place.check(kind, format!("{before}{path}{after}").as_bytes(), EPERM);
        }
    }
    assert!(!place.outer.path().join("missing").exists());
    place.check(kind::OPEN, b"\0rb\0/sub/fine", i16::from(COMPLETE));
    // A link that is moved may lead elsewhere.
    symlink("../secret", inner.join("sub/later")).unwrap();
    place.check(kind::STAT, b"/sub/later", EPERM);
    place.check(kind::RENAME, b"/sub/later\0/later", 0);
    place.check(kind::OPEN, b"\0rb\0/later", EPERM);
    // They are listed as files without size, and can be removed.
    let listed = place.server.serve(kind::LIST, b"/\0").unwrap();
    assert!(listed.content.windows(4).any(|window| window == b"link"));
    for path in ["/link", "/up", "/nowhere", "/later"] {
        place.check(kind::REMOVE, path.as_bytes(), 0);
    }
    place.check_outside();
}

#[cfg(unix)]
#[test]
fn links_are_followed_if_they_are_declared_safe() {
    let options = MountOptions {
        unsafe_links: true,
        ..MountOptions::default()
    };
    let mut place = place(options);
    std::os::unix::fs::symlink("../secret", place.inner().join("link")).unwrap();
    place.check(kind::OPEN, b"\0rb\0/link", i16::from(COMPLETE));
    place.check(kind::OPEN, b"\0rb\0/../secret", EPERM);
}

#[cfg(unix)]
#[test]
fn no_pipe_is_opened() {
    let mut place = place(MountOptions::default());
    let pipe = place.inner().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    place.check(kind::OPEN, b"\0rb\0/pipe", EPERM);
    place.check(kind::OPEN, b"\0r+\0/pipe", EPERM);
}

#[test]
fn a_read_only_mount_refuses_all_changes() {
    let options = MountOptions {
        read_only: true,
        ..MountOptions::default()
    };
    let mut place = place(options);
    for (kind, content) in [
        (kind::OPEN, "\0w\0/new"),
        (kind::OPEN, "\0a\0/file"),
        (kind::OPEN, "\0r+\0/file"),
        (kind::OPEN, "\0x\0/new"),
        (kind::REMOVE, "/file"),
        (kind::RENAME, "/file\0/new"),
        (kind::MAKE_FOLDER, "/new"),
        (kind::REMOVE_FOLDER, "/sub"),
    ] {
        place.check(kind, content.as_bytes(), -30);
    }
    place.check(kind::OPEN, b"\0rb\0/file", i16::from(COMPLETE));
    assert_eq!(fs::read(place.inner().join("file")).unwrap(), b"content");
}

#[test]
fn invalid_requests_are_refused() {
    let mut place = place(MountOptions::default());
    // Numbers that look random and are the same on every run.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize
    };
    let parts: [&[u8]; 12] = [
        b"/", b"..", b"\0", b"file", b"sub", b"secret", b"\xff", b"w", b"rb", b"\x01", b".", b"\\",
    ];
    for _ in 0..20_000 {
        let content = (0..next() % 8)
            .flat_map(|_| parts.get(next() % parts.len()).copied().unwrap_or_default())
            .copied()
            .collect::<Vec<u8>>();
        let kind = (next() % 16) as u8;
        if let Some(answer) = place.server.serve(kind, &content) {
            assert!(answer.content.len() <= 255, "{kind} {content:?}");
        }
    }
    place.check_outside();
}

#[test]
fn long_listings_are_divided_into_pages() {
    let mut place = place(MountOptions::default());
    for number in 0..60 {
        fs::write(place.inner().join(format!("a longer name {number:02}")), "").unwrap();
    }
    let mut names = Vec::new();
    let mut after = String::new();
    loop {
        // Listing another folder in between does not matter.
        place.check(kind::LIST, b"/sub\0", 0);
        let page = format!("/\0{after}");
        let answer = place.server.serve(kind::LIST, page.as_bytes()).unwrap();
        assert!(answer.content.len() + ANSWER_OVERHEAD <= 255);
        let mut rest = answer.content.as_slice();
        while let Some((head, behind)) = rest.split_first_chunk::<7>() {
            let (name, behind) = behind.split_at(usize::from(head[6]));
            after = String::from_utf8(name.to_vec()).unwrap();
            names.push(after.clone());
            rest = behind;
        }
        if answer.status == 0 {
            break;
        }
    }
    assert_eq!(names.len(), 62);
    assert!(names.is_sorted());
}

#[test]
fn a_name_longer_than_the_window_is_listed() {
    let mut place = place(MountOptions::default());
    place.server.set_window(64);
    let name = "n".repeat(250);
    fs::write(place.inner().join(&name), "").unwrap();
    let first = place.server.serve(kind::LIST, b"/\0").unwrap();
    assert_eq!(first.status, 1);
    let second = place.server.serve(kind::LIST, b"/\0file").unwrap();
    assert_eq!((second.status, second.content.len()), (1, 257));
    let page = format!("/\0{name}");
    let third = place.server.serve(kind::LIST, page.as_bytes()).unwrap();
    assert_eq!((third.status, &third.content[7..]), (0, &b"sub"[..]));
}

#[test]
fn an_answer_that_was_too_long_is_replaced_by_a_shorter_one() {
    let mut place = place(MountOptions::default());
    let content: Vec<u8> = (0..3000_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    fs::write(place.inner().join("noise"), &content).unwrap();
    place.server.set_up(774, false);
    place.server.set_window(500);
    let request = b"\0rb\0/noise";
    let long = place.server.serve(kind::OPEN, request).unwrap();
    place.server.set_window(100);
    let short = place.server.serve_again(kind::OPEN, request).unwrap();
    assert_eq!(short.status, long.status);
    assert_eq!(long.content[..short.content.len()], short.content);
    let mut read = short.content[1..].to_vec();
    let number = [short.status as u8];
    for window in [700, 300].into_iter().cycle() {
        place.server.set_window(window);
        let mut answer = place.server.serve(kind::READ, &number).unwrap();
        place.server.set_window(window / 2);
        if read.len().is_multiple_of(2) {
            answer = place.server.serve_again(kind::READ, &number).unwrap();
        }
        read.extend(answer.content);
        if answer.status == 1 {
            break;
        }
    }
    assert_eq!(read, content);
    // Nothing else is done twice.
    place.server.serve(kind::MAKE_FOLDER, b"/new").unwrap();
    let again = place.server.serve_again(kind::MAKE_FOLDER, b"/new");
    assert_eq!(again, None);
}
