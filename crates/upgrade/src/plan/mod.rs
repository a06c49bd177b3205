//! The plan: a pure function from what was seen to what will be done.

mod build;
mod choose_gate;
mod gate_steps;
mod input;
mod refusal;

pub use build::plan;
pub use choose_gate::{GateChoice, choose_gate};
pub use input::PlanInput;
pub use refusal::PlanRefusal;

#[cfg(test)]
mod tests;
