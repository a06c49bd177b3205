//! What stands in the way of an upgrade: facts gathered once, judged by a table of pure functions.
//!
//! [`observe`] and [`target`] are the only parts that ask anybody. Everything they could not read is `Unreadable` with
//! the reason, and a row of the registry that needs it says `unknown`, which blocks where the row blocks.

mod access;
mod assign;
mod check;
mod evaluate;
pub mod fleet;
mod image;
mod locks;
mod observe;
pub mod path;
pub mod profiles;
mod rows;
mod rules;
mod saved;
mod target;
mod words;

pub use access::{
    AccessNeeds, ActNeeds, ActRights, BackupAct, Grantee, access_requests, act_rights, bring_back_rights,
    roles,
};
pub use assign::{Assigned, assign, hook_migrates};
pub use check::{Check, Judged, Judgement, Unjudged};
pub use evaluate::{evaluate, evaluate_by, registry};
pub use locks::{Ending, LockFacts, find_party, judge_locks, may_end, observe_locks};
pub use observe::{ObserveError, ObserveRequest, Observed, observe};
pub use rules::{Rules, RulesError, read_waivers};
pub use saved::{SavedError, load_observation, save_observation};
pub use target::{
    RenderRequest, Renderable, TargetRequest, observe_with_target, render, target, unreadable_records,
};
