//! From a release's pod templates to its databases.

mod again;
mod candidates;
mod connection_string;
mod credentials;
mod environment;
mod files;
mod given;
mod keeper;
mod mention;
mod named;
mod number;
mod operators;
mod pgpass;
mod pod;
mod pooler;
mod rendered;
mod resolve;
mod server_image;
mod server_pod;
mod surroundings;
mod template;
#[cfg(test)]
mod tests;
mod untold;

pub use again::{FindAgainError, find_again};
pub use candidates::{Candidate, FindError, FindOptions, SecretKey, find};
pub use connection_string::ConnectionStringError;
pub use credentials::{CredentialError, credentials, credentials_given, password_in};
pub use given::at_address;
pub use keeper::{Keeper, keeper};
pub use named::{Named, NamedError, Operator};
pub use rendered::RenderedData;
pub use server_image::{ServerImage, image_of_a_server};
pub use surroundings::{Leads, Surroundings, ToldAddress, surroundings, surroundings_of};
