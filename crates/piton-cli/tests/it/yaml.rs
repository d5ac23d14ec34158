//! Documents of YAML, with every scalar as text: GitHub hands all values on as text.

use yaml_rust2::YamlLoader;

/// A node of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Yaml {
    Text(String),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    /// Reads a file of one document.
    pub(crate) fn parse(document: &str) -> Yaml {
        let documents = YamlLoader::load_from_str(document).unwrap();
        let [document] = documents.as_slice() else {
            panic!("{} documents", documents.len());
        };
        Yaml::from_node(document)
    }

    fn from_node(node: &yaml_rust2::Yaml) -> Yaml {
        use yaml_rust2::Yaml as Node;
        match node {
            Node::String(text) | Node::Real(text) => Yaml::Text(text.clone()),
            Node::Integer(number) => Yaml::Text(number.to_string()),
            Node::Boolean(value) => Yaml::Text(value.to_string()),
            Node::Null => Yaml::Text(String::new()),
            Node::Array(items) => Yaml::List(items.iter().map(Yaml::from_node).collect()),
            Node::Hash(pairs) => {
                let pairs = pairs.iter();
                let pairs = pairs.map(|(key, value)| {
                    let key = Yaml::from_node(key).text().to_owned();
                    (key, Yaml::from_node(value))
                });
                Yaml::Map(pairs.collect())
            }
            Node::Alias(_) | Node::BadValue => panic!("{node:?}"),
        }
    }

    /// Returns the value of a key, if there is one.
    pub(crate) fn find(&self, key: &str) -> Option<&Yaml> {
        let mut pairs = self.pairs().iter();
        pairs.find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Returns the value of a key.
    #[track_caller]
    pub(crate) fn get(&self, key: &str) -> &Yaml {
        self.find(key)
            .unwrap_or_else(|| panic!("no `{key}` in {self:?}"))
    }

    #[track_caller]
    pub(crate) fn pairs(&self) -> &[(String, Yaml)] {
        match self {
            Yaml::Map(pairs) => pairs,
            other => panic!("{other:?} is not a mapping"),
        }
    }

    pub(crate) fn keys(&self) -> Vec<&str> {
        self.pairs().iter().map(|(key, _)| key.as_str()).collect()
    }

    #[track_caller]
    pub(crate) fn items(&self) -> &[Yaml] {
        match self {
            Yaml::List(items) => items,
            other => panic!("{other:?} is not a list"),
        }
    }

    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        match self {
            Yaml::Text(text) => text,
            other => panic!("{other:?} is not text"),
        }
    }
}
