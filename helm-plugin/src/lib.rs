//! helm-plugin
