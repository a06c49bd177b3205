//! The node itself: its folders, processes, network, and how it is brought up and taken down.

mod certificates;
mod component;
mod containers;
mod down;
mod existing;
mod folders;
mod health;
mod leftovers;
mod machine;
mod namespace;
mod network;
mod process;
mod settings;
mod sysctl;
mod test_node;
mod up;

pub use component::Component;
pub use existing::{ALLOWED_CONTEXTS_VARIABLE, existing};
pub use health::{ComponentStatus, Status};
pub use leftovers::Leftover;
pub use namespace::{KEEP_VARIABLE, Namespace};
pub use test_node::Node;

/// Whether the CNI plug-ins that the node uses are installed.
pub(crate) fn has_cni_plugins() -> bool {
    settings::cni_folder().is_some()
}
