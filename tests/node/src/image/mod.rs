//! Container images without a container engine: a folder or a handful of files packed as an OCI image archive.

mod archive;
mod layer;
mod mirror;
mod pause;
mod postgres;

pub use archive::{ImageSpec, PackedImage, pack};
pub use layer::Layer;
pub(crate) use pause::PAUSE_IMAGE;
pub use pause::pause;
pub use postgres::{PostgresImage, postgres};
