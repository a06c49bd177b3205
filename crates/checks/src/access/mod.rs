//! The rights that the programs need, as one table: asked of the API server before anything begins, and printed as
//! Roles for whoever grants rights.

mod acts;
mod need;
mod role;
mod upgrade;

pub use acts::{ActNeeds, ActRights, BackupAct, act_rights};
pub use role::{Grantee, roles};
pub use upgrade::{AccessNeeds, access_requests, bring_back_rights};
