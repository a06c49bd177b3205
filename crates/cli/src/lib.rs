//! What the three programs share between their arguments and their exit: connection flags, Helm's environment, output,
//! consent, signals. It holds no judgement of its own.

mod act;
mod cache;
mod completion;
mod config;
mod connection;
mod consent;
mod database;
mod ending;
mod environment;
mod live;
mod mixed_line;
mod output;
mod own_flags;
mod profile;
mod run;
mod store;
mod usage;
mod watched;

pub use act::{ActEnd, act, act_until};
pub use cache::cache_folder;
pub use completion::print_completion;
pub use config::{Config, ConfigError, NamedStore};
pub use connection::{ConnectionFlags, ManyConnectionsFlags};
pub use consent::{Consent, ask};
pub use database::DatabaseFlags;
pub use ending::{end_with, fail};
pub use environment::Environment;
pub use live::{Interrupts, interrupted, interrupts, show_events};
pub use mixed_line::{MixedLine, MixedLineError, mixed_line};
pub use output::{Format, Output, OutputFlags};
pub use own_flags::own_flags;
pub use profile::{DeployerFlags, PackFlags, ProfileFlags};
pub use run::run;
pub use store::{default_store, store_place};
pub use usage::{nearest, parse};
pub use watched::watched;
