use std::fmt::Write as _;

use super::*;

/// Numbers that look random, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// A tree over few names, so that two trees have much in common and much in conflict.
    fn tree(&mut self, with_foreign: bool) -> Tree {
        let names = ["a", "b", "c", "lib", "boot.py", "main.py"];
        let mut tree = Tree::new();
        for _ in 0..self.below(10) {
            let depth = 1 + self.below(3);
            let path = (0..depth)
                .map(|_| names[self.below(names.len() as u64) as usize])
                .collect::<Vec<&str>>()
                .join("/");
            let node = match self.below(8) {
                0 | 1 => Node::Folder,
                2 if with_foreign => Node::Foreign,
                number => file(number % 3),
            };
            // A path that does not fit the tree so far is left out.
            let _ = tree.insert(path.parse().unwrap(), node);
        }
        tree
    }
}

fn file(content: u64) -> Node {
    Node::File {
        size: Some(content),
        digest: Some(vec![content as u8]),
    }
}

fn tree(text: &str) -> Tree {
    let mut tree = Tree::new();
    for word in text.split_whitespace() {
        let (path, node) = match word.split_once('=') {
            Some((path, "foreign")) => (path, Node::Foreign),
            Some((path, content)) => (path, file(content.parse().unwrap())),
            None => (word.trim_end_matches('/'), Node::Folder),
        };
        tree.insert(path.parse().unwrap(), node).unwrap();
    }
    tree
}

/// A file system that refuses what a real one refuses. `folded` makes it one that takes upper and lower case for the
/// same.
struct Model {
    nodes: BTreeMap<RelativePath, Node>,
    folded: bool,
}

impl Model {
    fn new(tree: &Tree, folded: bool) -> Model {
        let nodes = tree.iter().map(|(path, node)| (path.clone(), node.clone()));
        let mut model = Model {
            nodes: BTreeMap::new(),
            folded,
        };
        for (path, node) in nodes {
            let path = model.place(&path);
            model.nodes.insert(path, node);
        }
        model
    }

    fn place(&self, path: &RelativePath) -> RelativePath {
        match self.folded {
            true => path.as_str().to_lowercase().parse().unwrap(),
            false => path.clone(),
        }
    }

    fn apply(&mut self, step: &Step, source: &Tree) {
        let path = self.place(&step.path);
        let existing = self.nodes.get(&path).cloned();
        let parent = path.parent();
        let parent = parent.map_or(Some(Node::Folder), |parent| {
            self.nodes.get(&parent).cloned()
        });
        assert_eq!(parent, Some(Node::Folder), "the folder of {step}");
        match step.action {
            Action::MakeFolder => {
                assert!(existing.is_none() || self.folded, "{step}");
                self.nodes.insert(path, Node::Folder);
            }
            Action::Create | Action::Replace => {
                let replaces = step.action == Action::Replace;
                assert!(
                    self.folded || existing.is_some() == replaces,
                    "{step}: {existing:?}"
                );
                assert!(
                    !matches!(existing, Some(Node::Folder | Node::Foreign)),
                    "{step}: {existing:?}"
                );
                let content = source.get(&step.path).unwrap().clone();
                self.nodes.insert(path, content);
            }
            Action::Delete => {
                assert!(
                    matches!(existing, Some(Node::File { .. })),
                    "{step}: {existing:?}"
                );
                self.nodes.remove(&path);
            }
            Action::DeleteFolder => {
                assert_eq!(existing, Some(Node::Folder), "{step}");
                let below = self.nodes.keys().any(|other| other.is_below(&path));
                assert!(!below, "{step}: it is not empty");
                self.nodes.remove(&path);
            }
        }
    }
}

/// What has to be there in the end, found out without a plan.
fn wanted(
    source: &Tree,
    destination: &Tree,
    options: &Options<'_>,
    kept: &[RelativePath],
) -> BTreeMap<RelativePath, Node> {
    let protection = |path: &RelativePath, node: &Node| {
        options
            .protection
            .map_or(Protection::None, |protection| protection(path, node))
    };
    let mut wanted = BTreeMap::new();
    let mut add = |path: &RelativePath, node: &Node| {
        let mut folder = path.parent();
        while let Some(path) = folder {
            folder = path.parent();
            wanted.entry(path).or_insert(Node::Folder);
        }
        wanted.insert(path.clone(), node.clone());
    };
    for (path, node) in source.iter() {
        match destination.get(path) {
            Some(existing) if kept.contains(path) => add(path, existing),
            _ => add(path, node),
        }
    }
    let in_the_way = |path: &RelativePath| {
        source
            .iter()
            .any(|(other, node)| !node.is_folder() && path.is_below(other))
    };
    for (path, node) in destination.iter() {
        if source.get(path).is_some() || in_the_way(path) {
            continue;
        }
        let superseded = options
            .superseded
            .is_some_and(|superseded| superseded.contains(path));
        let stays = !options.delete && !superseded
            || *node == Node::Foreign
            || protection(path, node) != Protection::None;
        if stays {
            add(path, node);
        }
    }
    wanted
}

#[test]
fn a_plan_makes_the_wanted_tree_and_changes_nothing_else() {
    let mut numbers = Numbers(20_261_121);
    let (mut plans, mut refused) = (0, 0);
    for round in 0..2000 {
        let source = numbers.tree(false);
        let destination = numbers.tree(true);
        let protected_name = ["a", "lib", "main.py", "none"][numbers.below(4) as usize];
        let how = [Protection::Kept, Protection::Ignored][numbers.below(2) as usize];
        let protection =
            |path: &RelativePath, _: &Node| match path.names().any(|name| name == protected_name) {
                true => how,
                false => Protection::None,
            };
        let superseded = ["b".parse().unwrap(), "lib/c".parse().unwrap()].into();
        let options = Options {
            delete: numbers.below(3) > 0,
            force: numbers.below(4) == 0,
            delete_first: numbers.below(4) == 0,
            protection: (numbers.below(2) == 0).then_some(&protection),
            superseded: (numbers.below(2) == 0).then_some(&superseded),
        };
        let Ok(plan) = plan(&source, &destination, &options) else {
            refused += 1;
            continue;
        };
        plans += 1;
        let mut model = Model::new(&destination, false);
        for step in &plan.steps {
            let existing = destination.get(&step.path);
            if let (Some(protection), Some(existing)) = (options.protection, existing) {
                let protection = protection(&step.path, existing);
                assert_eq!(protection, Protection::None, "round {round}: {step}");
            }
            model.apply(step, &source);
        }
        let wanted = wanted(&source, &destination, &options, &plan.kept);
        assert_eq!(
            model.nodes, wanted,
            "round {round}\n{source:?}\n{destination:?}\n{plan}"
        );
        // A second run has nothing to do.
        if !options.force && plan.kept.is_empty() {
            let mut done = Tree::new();
            for (path, node) in model.nodes {
                done.insert(path, node).unwrap();
            }
            assert_eq!(super::plan(&source, &done, &options).unwrap().steps, []);
        }
    }
    assert!(
        plans > 700 && refused > 100,
        "{plans} plans, {refused} refused"
    );
}

#[test]
fn names_that_differ_only_by_case_are_safe_on_fat() {
    let mut numbers = Numbers(7);
    for _ in 0..800 {
        let source = numbers.tree(false);
        let mut destination = Tree::new();
        for (path, node) in numbers.tree(false).iter() {
            let path = match numbers.below(2) {
                0 => path.as_str().to_uppercase(),
                _ => path.as_str().to_owned(),
            };
            let known = |tree: &Tree| {
                tree.iter().any(|(other, _)| {
                    other.as_str() != path && other.as_str().to_lowercase() == path.to_lowercase()
                })
            };
            // A file system of this kind holds one of the two only.
            let mut with_it = destination.clone();
            if with_it.insert(path.parse().unwrap(), node.clone()).is_ok()
                && !known(&with_it)
                && !with_it.iter().any(|(one, _)| {
                    with_it.iter().any(|(other, _)| {
                        one != other && one.as_str().to_lowercase() == other.as_str().to_lowercase()
                    })
                })
            {
                destination = with_it;
            }
        }
        let options = Options {
            delete: true,
            ..Options::default()
        };
        let plan = plan(&source, &destination, &options).unwrap();
        let mut model = Model::new(&destination, true);
        for step in &plan.steps {
            model.apply(step, &source);
        }
        assert_eq!(
            model.nodes,
            Model::new(&source, true).nodes,
            "{destination:?}\n{plan}"
        );
    }
}

/// The plan for these trees as text, or the conflicts.
fn check(source: &str, destination: &str, options: &Options<'_>, expected: &str) {
    let text = match plan(&tree(source), &tree(destination), options) {
        Ok(plan) => plan.to_string(),
        Err(conflicts) => conflicts.iter().fold(String::new(), |mut text, conflict| {
            writeln!(text, "{conflict}").unwrap();
            text
        }),
    };
    let expected = expected
        .lines()
        .map(|line| format!("{}\n", line.trim()))
        .collect::<String>();
    assert_eq!(text, expected);
}

const DELETE: Options<'_> = Options {
    delete: true,
    force: false,
    delete_first: false,
    protection: None,
    superseded: None,
};

#[test]
fn modules_are_written_before_the_program_that_imports_them() {
    check(
        "main.py=1 boot.py=1 app.py=1 lib/deep/x.py=1 lib/y.py=1",
        "old/z=1 main.py=2",
        &DELETE,
        "mkdir    lib/
         mkdir    lib/deep/
         create   lib/deep/x.py
         create   lib/y.py
         create   app.py
         create   boot.py
         replace  main.py
         delete   old/z
         rmdir    old/",
    );
    check(
        "main.py=1 a=2",
        "old/z=1",
        &Options {
            delete_first: true,
            ..DELETE
        },
        "delete   old/z
         rmdir    old/
         create   a
         create   main.py",
    );
}

#[test]
fn nothing_is_removed_without_the_option() {
    check(
        "a=1 b=1",
        "a=1 b=2 c=3 d/e=1",
        &Options::default(),
        "replace  b",
    );
    check(
        "a/b=1 c=1",
        "a=1 c/d=1",
        &Options::default(),
        "`a` is a file at the destination, and a folder at the source
         `c` is a folder at the destination, and a file at the source",
    );
    check(
        "a/b=1 c=1",
        "a=1 c/d/e=1",
        &DELETE,
        "delete   a
         delete   c/d/e
         rmdir    c/d/
         rmdir    c/
         mkdir    a/
         create   a/b
         create   c",
    );
}

#[test]
fn kept_and_foreign_entries_stay_with_their_folders() {
    let protection = |path: &RelativePath, _: &Node| match path.as_str() {
        "data/log" | "config" => Protection::Kept,
        _ => Protection::None,
    };
    let options = Options {
        protection: Some(&protection),
        ..DELETE
    };
    check(
        "config=1",
        "config=2 data/log=1 data/old=1 sd=foreign x/sd=foreign",
        &options,
        "delete   data/old
         keep     config
         keep     data/log",
    );
    check(
        "data=1 sd/a=1",
        "data/log=1 sd=foreign",
        &options,
        "`data` at the destination is protected and in the way
         `sd` at the destination is protected and in the way",
    );
}

#[test]
fn a_superseded_file_is_removed_unless_it_is_kept() {
    let superseded = ["a.py".parse().unwrap()].into();
    let options = Options {
        superseded: Some(&superseded),
        ..Options::default()
    };
    check(
        "a.mpy=1",
        "a.py=2 b.py=2",
        &options,
        "create   a.mpy
         delete   a.py",
    );
    let protection = |_: &RelativePath, _: &Node| Protection::Kept;
    let options = Options {
        protection: Some(&protection),
        ..options
    };
    check(
        "a.mpy=1",
        "a.py=2",
        &options,
        "create   a.mpy
         keep     a.py",
    );
}

#[test]
fn a_file_with_an_unknown_hash_is_sent() {
    let mut source = tree("a=1 b=0");
    let unknown = |size| Node::File {
        size: Some(size),
        digest: None,
    };
    let mut destination = Tree::new();
    destination
        .insert("a".parse().unwrap(), unknown(1))
        .unwrap();
    destination
        .insert("b".parse().unwrap(), unknown(0))
        .unwrap();
    let planned = plan(&source, &destination, &DELETE).unwrap();
    assert_eq!(planned.to_string(), "replace  a\n");
    assert_eq!(planned.bytes(), 1);
    // A hash of another kind of size is no help; the right one is.
    destination.set_digest(&"a".parse().unwrap(), vec![1]);
    assert!(plan(&source, &destination, &DELETE).unwrap().is_empty());
    source.set_digest(&"a".parse().unwrap(), vec![2]);
    assert_eq!(
        plan(&source, &destination, &DELETE).unwrap().counts(),
        [("replace", 1)].into()
    );
}
