//! YAML as a tree that keeps every scalar as it was written.
//!
//! helm and kubectl read manifests by YAML 1.1 words and numbers (`on` is true, `0644` is 420, `1.10` is 1.1), most YAML
//! libraries by YAML 1.2. An edit that goes through typed values would change what it does not touch. Here a scalar
//! stays the text it was, plain or quoted, and is only given a meaning when somebody asks for JSON.

mod documents;
mod emit;
mod node;
mod parse;
mod resolve;

pub(crate) use documents::documents;
pub(crate) use emit::emit;
pub(crate) use node::{Node, Scalar};
pub(crate) use parse::parse;

#[cfg(test)]
mod tests;
