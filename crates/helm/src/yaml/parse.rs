//! From text to the tree.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};

use super::{Node, Scalar};

/// How many nodes a document may have once its aliases are replaced. A Kubernetes object is at most 1.5 MiB; a document
/// beyond this was made to exhaust memory.
const MOST_NODES: usize = 1_000_000;

const YAML_TAGS: &str = "tag:yaml.org,2002:";

/// Reads one document; `None` when it holds nothing but comments.
///
/// # Errors
/// What is wrong and where, in words.
pub(crate) fn parse(document: &str) -> Result<Option<Node>, String> {
    let mut builder = Builder::default();
    let mut roots = Vec::new();
    for next in Parser::new_from_str(document) {
        let (event, span) = next.map_err(|error| error.to_string())?;
        if let Some(root) = builder
            .take(event)
            .map_err(|reason| format!("{reason} on line {}", span.start.line()))?
        {
            roots.push(root);
        }
    }
    match roots.len() {
        0 => Ok(None),
        1 => Ok(roots.pop().filter(|root| !is_empty(root))),
        _ => Err("more than one document without a `---` line between them".to_owned()),
    }
}

fn is_empty(node: &Node) -> bool {
    node.to_json().is_null()
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

enum Open {
    Sequence(usize, Vec<Node>),
    Mapping(usize, Vec<(Scalar, Node)>, Option<Scalar>),
}

impl Builder {
    /// Takes one event; gives the document's root once it is complete.
    fn take(&mut self, event: Event<'_>) -> Result<Option<Node>, String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let scalar = Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain,
                    tag: tag.map(|tag| own_tag(&tag)).transpose()?,
                };
                self.finish(anchor, Node::Scalar(scalar))
            }
            Event::SequenceStart(_, anchor, tag) => {
                refuse_foreign_tag(tag.as_deref())?;
                self.open.push(Open::Sequence(anchor, Vec::new()));
                Ok(None)
            }
            Event::MappingStart(_, anchor, tag) => {
                refuse_foreign_tag(tag.as_deref())?;
                self.open.push(Open::Mapping(anchor, Vec::new(), None));
                Ok(None)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::Sequence(anchor, items)) => self.finish(anchor, Node::Sequence(items)),
                Some(Open::Mapping(anchor, entries, _)) => {
                    self.finish(anchor, Node::Mapping(merged(entries)?))
                }
                None => Err("a collection ends that never began".to_owned()),
            },
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).ok_or("an alias stands for itself")?;
                self.nodes += node.size();
                if self.nodes > MOST_NODES {
                    return Err(format!("more than {MOST_NODES} nodes"));
                }
                let node = node.clone();
                self.finish(0, node)
            }
            Event::UnresolvedAlias(name) => Err(format!("unknown alias {name}")),
            Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(..)
            | Event::DocumentEnd
            | Event::Anchor(..)
            | Event::Comment(..) => Ok(None),
            // The parser's enum may grow; an event nobody knows must not be lost quietly.
            other => Err(format!("something unknown ({other:?})")),
        }
    }

    fn finish(&mut self, anchor: usize, node: Node) -> Result<Option<Node>, String> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(format!("more than {MOST_NODES} nodes"));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => return Ok(Some(node)),
            Some(Open::Sequence(_, items)) => items.push(node),
            Some(Open::Mapping(_, entries, key)) => match key.take() {
                Some(key) => entries.push((key, node)),
                None => match node {
                    Node::Scalar(scalar) => *key = Some(scalar),
                    Node::Sequence(_) | Node::Mapping(_) => {
                        return Err("a key that is no scalar".to_owned());
                    }
                },
            },
        }
        Ok(None)
    }
}

/// Replaces merge keys (`<<: *defaults`) by what they bring: keys that the mapping does not have itself.
fn merged(entries: Vec<(Scalar, Node)>) -> Result<Vec<(Scalar, Node)>, String> {
    let is_merge = |key: &Scalar| key.plain && key.text == "<<";
    if !entries.iter().any(|(key, _)| is_merge(key)) {
        return Ok(entries);
    }
    let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, _)| is_merge(key));
    for (_, source) in merges {
        let sources = match source {
            Node::Sequence(sources) => sources,
            single => vec![single],
        };
        for source in sources {
            let Node::Mapping(brought) = source else {
                return Err("a merge key that brings no mapping".to_owned());
            };
            for (key, value) in brought {
                if !own.iter().any(|(name, _)| name.text == key.text) {
                    own.push((key, value));
                }
            }
        }
    }
    Ok(own)
}

fn own_tag(tag: &Tag) -> Result<String, String> {
    tag.suffix_in_namespace(YAML_TAGS)
        .map(|suffix| suffix.into_owned())
        .or_else(|| (tag.handle() == "!" && tag.suffix().is_empty()).then(|| "str".to_owned()))
        .ok_or_else(|| format!("the tag {}{} is none of YAML's own", tag.handle(), tag.suffix()))
}

fn refuse_foreign_tag(tag: Option<&Tag>) -> Result<(), String> {
    tag.map_or(Ok(()), |tag| own_tag(tag).map(drop))
}
