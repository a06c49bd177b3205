//! The engine on a real cluster: journal, lease and the shared steps, judged by the cluster itself.

mod running;
mod stage;
mod storing;
mod waiting;
