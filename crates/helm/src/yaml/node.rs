//! The tree.

/// A scalar as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    /// The text after unescaping and unfolding.
    pub(crate) text: String,
    /// Whether it was written without quotes and not as a block: only then may it be something else than a string.
    pub(crate) plain: bool,
    /// A tag of YAML's own, such as `str` for `!!str`.
    pub(crate) tag: Option<String>,
}

/// A node. Aliases are replaced by what they stand for and merge keys are merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// A scalar.
    Scalar(Scalar),
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping in its written order; of keys written twice the last is in force.
    Mapping(Vec<(Scalar, Node)>),
}

impl Node {
    /// A scalar without quotes: a number, a truth value.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::Scalar(Scalar::plain(text))
    }

    /// A string.
    pub(crate) fn string(text: impl Into<String>) -> Self {
        Self::Scalar(Scalar::string(text))
    }

    /// The value of a key; `None` for other nodes than mappings too.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        match self {
            Self::Mapping(entries) => entries
                .iter()
                .rev()
                .find(|(name, _)| name.text == key)
                .map(|(_, value)| value),
            Self::Scalar(_) | Self::Sequence(_) => None,
        }
    }

    /// The value of a key, to change it.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match self {
            Self::Mapping(entries) => entries
                .iter_mut()
                .rev()
                .find(|(name, _)| name.text == key)
                .map(|(_, value)| value),
            Self::Scalar(_) | Self::Sequence(_) => None,
        }
    }

    /// The node at the end of a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text of a scalar at the end of a path.
    pub(crate) fn text_at(&self, path: &[&str]) -> Option<&str> {
        match self.at(path)? {
            Self::Scalar(scalar) => Some(&scalar.text),
            Self::Sequence(_) | Self::Mapping(_) => None,
        }
    }

    /// Sets a key of a mapping, in its place if it has one, and drops other writings of it. An empty scalar (`spec:`)
    /// becomes a mapping.
    pub(crate) fn set(&mut self, key: &str, value: Node) {
        self.become_mapping();
        if let Self::Mapping(entries) = self {
            match entries.iter().position(|(name, _)| name.text == key) {
                Some(first) => {
                    entries[first].1 = value;
                    let mut place = 0;
                    entries.retain(|(name, _)| {
                        place += 1;
                        place - 1 == first || name.text != key
                    });
                }
                None => entries.push((Scalar::string_key(key), value)),
            }
        }
    }

    /// Takes a key out of a mapping, in all its writings. Whether there was one.
    pub(crate) fn remove(&mut self, key: &str) -> bool {
        match self {
            Self::Mapping(entries) => {
                let before = entries.len();
                entries.retain(|(name, _)| name.text != key);
                entries.len() != before
            }
            Self::Scalar(_) | Self::Sequence(_) => false,
        }
    }

    /// The mapping under a key, made where it is missing or empty.
    pub(crate) fn child(&mut self, key: &str) -> &mut Node {
        if !matches!(self.get(key), Some(Self::Mapping(_))) {
            self.set(key, Self::Mapping(Vec::new()));
        }
        // The key has just been set.
        match self {
            Self::Mapping(entries) => {
                let place = entries
                    .iter()
                    .rposition(|(name, _)| name.text == key)
                    .unwrap_or(0);
                &mut entries[place].1
            }
            other => other,
        }
    }

    /// How many nodes the tree has.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Scalar(_) => 1,
            Self::Sequence(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Self::Mapping(entries) => 1 + entries.iter().map(|(_, value)| value.size()).sum::<usize>(),
        }
    }

    fn become_mapping(&mut self) {
        if !matches!(self, Self::Mapping(_)) {
            *self = Self::Mapping(Vec::new());
        }
    }
}

impl Scalar {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            plain: true,
            tag: None,
        }
    }

    pub(crate) fn string(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            plain: false,
            tag: None,
        }
    }

    /// A key: plain where every reader takes it for a string.
    fn string_key(text: &str) -> Self {
        let simple = text.len() > 1 && text.chars().all(|c| c.is_ascii_alphabetic());
        Self {
            text: text.to_owned(),
            plain: simple,
            tag: None,
        }
    }
}
