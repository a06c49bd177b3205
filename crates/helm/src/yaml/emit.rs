//! From the tree to text: block style, each scalar as it was written or in double quotes.

use std::fmt::Write;

use super::{Node, Scalar};

/// Writes a node as a document without markers, ending with a line end.
pub(crate) fn emit(node: &Node) -> String {
    let mut out = String::new();
    match node {
        Node::Scalar(scalar) => {
            out.push_str(&scalar_text(scalar));
            out.push('\n');
        }
        Node::Sequence(items) if items.is_empty() => out.push_str("[]\n"),
        Node::Mapping(entries) if entries.is_empty() => out.push_str("{}\n"),
        Node::Sequence(_) | Node::Mapping(_) => emit_block(node, 0, &mut out),
    }
    out
}

fn emit_block(node: &Node, indent: usize, out: &mut String) {
    match node {
        Node::Scalar(_) => {}
        Node::Sequence(items) => {
            for item in items {
                out.push_str(&" ".repeat(indent));
                out.push('-');
                emit_value(item, indent + 2, out);
            }
        }
        Node::Mapping(entries) => {
            for (key, value) in entries {
                out.push_str(&" ".repeat(indent));
                out.push_str(&scalar_text(key));
                out.push(':');
                emit_value(value, indent + 2, out);
            }
        }
    }
}

fn emit_value(value: &Node, indent: usize, out: &mut String) {
    match value {
        Node::Scalar(scalar) => {
            out.push(' ');
            out.push_str(&scalar_text(scalar));
            out.push('\n');
        }
        Node::Sequence(items) if items.is_empty() => out.push_str(" []\n"),
        Node::Mapping(entries) if entries.is_empty() => out.push_str(" {}\n"),
        Node::Sequence(_) | Node::Mapping(_) => {
            out.push('\n');
            emit_block(value, indent, out);
        }
    }
}

fn scalar_text(scalar: &Scalar) -> String {
    let tag = scalar
        .tag
        .as_ref()
        .map(|tag| format!("!!{tag} "))
        .unwrap_or_default();
    let text = if !scalar.plain || scalar.text.contains(['\n', '\r']) {
        quoted(&scalar.text)
    } else if scalar.text.is_empty() && scalar.tag.is_none() {
        "null".to_owned()
    } else {
        scalar.text.clone()
    };
    tag + &text
}

/// Double quotes, with every character escaped that YAML 1.1 readers take for a line break or refuse.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
