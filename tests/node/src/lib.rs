//! A real Kubernetes node on this machine for tests and demonstrations, made from source: no container engine,
//! no image registry. Build results are cached outside the checkout, so only the first start is slow.

pub mod cache;
pub mod command;
pub mod golang;
pub mod image;
pub mod progress;
pub mod tools;
