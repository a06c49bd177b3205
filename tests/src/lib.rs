//! What the end-to-end tests share: the node, a place of one's own, the three programs as they are installed, and what
//! is looked at in the cluster before and after.

mod backed_up;
mod closed_network;
mod frozen;
mod hidden;
mod kubectl_plugins;
mod processes;
mod program;
mod program_image;
mod psql_session;
mod safe_upgrade;
mod stage;
mod state;
mod webhook;
mod world;

pub use backed_up::{Act, BackedUp, HalfWay, MANY, SOME};
pub use closed_network::ClosedNetwork;
pub use frozen::{Freezing, Frozen, Rows};
pub use hidden::{Hidden, files_below};
pub use kubectl_plugins::KubectlPlugins;
pub use processes::{Process, plugin_below, processes, signal, wait_for};
pub use program::{Ended, plugins_folder, program};
pub use program_image::program_image;
pub use psql_session::{PsqlSession, until_answer, until_no_session_of_ours};
pub use safe_upgrade::SafeUpgrade;
pub use stage::Stage;
pub use state::{Left, ReleaseState};
pub use webhook::{WEBHOOK_SECRET, Webhook};
pub use world::{World, connect_options};
