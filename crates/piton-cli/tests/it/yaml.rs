//! As much of YAML as our action and our example workflow are written in. Anything else is refused, so that nothing is
//! read otherwise than GitHub reads it.

/// A node of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Yaml {
    Text(String),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    /// Read a document.
    pub(crate) fn parse(document: &str) -> Yaml {
        let mut lines = Lines {
            lines: document.lines().map(str::to_owned).collect(),
            at: 0,
        };
        let root = lines.node(0);
        assert_eq!(lines.peek(), None, "what comes after the document");
        root
    }

    /// The value of a key, if there is one.
    pub(crate) fn find(&self, key: &str) -> Option<&Yaml> {
        let pairs = self.pairs();
        pairs
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// The value of a key.
    #[track_caller]
    pub(crate) fn get(&self, key: &str) -> &Yaml {
        self.find(key)
            .unwrap_or_else(|| panic!("no `{key}` in {self:?}"))
    }

    #[track_caller]
    pub(crate) fn pairs(&self) -> &[(String, Yaml)] {
        match self {
            Yaml::Map(pairs) => pairs,
            other => panic!("{other:?} is no mapping"),
        }
    }

    pub(crate) fn keys(&self) -> Vec<&str> {
        self.pairs().iter().map(|(key, _)| key.as_str()).collect()
    }

    #[track_caller]
    pub(crate) fn items(&self) -> &[Yaml] {
        match self {
            Yaml::List(items) => items,
            other => panic!("{other:?} is no list"),
        }
    }

    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        match self {
            Yaml::Text(text) => text,
            other => panic!("{other:?} is no text"),
        }
    }
}

struct Lines {
    lines: Vec<String>,
    at: usize,
}

impl Lines {
    /// The next line with something in it: its indentation and its text.
    fn peek(&mut self) -> Option<(usize, String)> {
        loop {
            let line = self.lines.get(self.at)?;
            let text = line.trim_start_matches(' ');
            assert!(!text.starts_with('\t'), "a tab indents: {line}");
            if !text.is_empty() && !text.starts_with('#') {
                return Some((line.len() - text.len(), text.to_owned()));
            }
            self.at += 1;
        }
    }

    /// The mapping or list that is indented by `indent`.
    fn node(&mut self, indent: usize) -> Yaml {
        let mut items = Vec::new();
        let mut pairs = Vec::new();
        while let Some((found, text)) = self.peek() {
            if found < indent {
                break;
            }
            assert_eq!(found, indent, "indentation: {text}");
            if let Some(item) = text.strip_prefix("- ") {
                // Its first key stands where the others do.
                self.lines[self.at] = format!("{}{item}", " ".repeat(indent + 2));
                items.push(self.node(indent + 2));
                continue;
            }
            let (key, value) = text
                .split_once(':')
                .unwrap_or_else(|| panic!("no key: {text}"));
            let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
            assert!(!key.is_empty() && key.chars().all(plain), "key: {text}");
            assert!(pairs.iter().all(|(other, _)| other != key), "twice: {key}");
            self.at += 1;
            let value = match value {
                "" => self.below(indent),
                " |" => Yaml::Text(self.block(indent)),
                _ => scalar(value.strip_prefix(' ').unwrap()),
            };
            pairs.push((key.to_owned(), value));
        }
        assert!(items.is_empty() || pairs.is_empty(), "list and mapping");
        match items.is_empty() {
            true => Yaml::Map(pairs),
            false => Yaml::List(items),
        }
    }

    /// What stands below a key, or nothing.
    fn below(&mut self, indent: usize) -> Yaml {
        match self.peek() {
            Some((found, _)) if found > indent => self.node(found),
            _ => Yaml::Text(String::new()),
        }
    }

    /// Lines as they are.
    fn block(&mut self, indent: usize) -> String {
        let mut depth = None;
        let mut text = String::new();
        while let Some(line) = self.lines.get(self.at) {
            let found = line.len() - line.trim_start_matches(' ').len();
            if line.trim().is_empty() {
                text.push('\n');
            } else {
                let depth = *depth.get_or_insert(found);
                if found <= indent {
                    break;
                }
                text.push_str(&line[depth..]);
                text.push('\n');
            }
            self.at += 1;
        }
        format!("{}\n", text.trim_end_matches('\n'))
    }
}

fn scalar(text: &str) -> Yaml {
    if let Some(items) = text.strip_prefix('[') {
        let items = items.strip_suffix(']').expect("a list on one line");
        return Yaml::List(items.split(", ").map(scalar).collect());
    }
    if let Some(text) = text.strip_prefix('"') {
        let text = text.strip_suffix('"').expect("a closing quote");
        assert!(!text.contains(['"', '\\']), "escapes: {text}");
        return Yaml::Text(text.to_owned());
    }
    let special = text.starts_with(['\'', '&', '*', '!', '|', '>', '%', '@', '`', '{', '-', '?']);
    let cut = text.contains(" #") || text.contains(": ") || text.ends_with([':', ' ']);
    assert!(!special && !cut, "no plain text: {text}");
    Yaml::Text(text.to_owned())
}
