//! Upgrade paths: which versions must be visited on the way, and what a way meets.

mod answer;
mod file;
mod report;
mod section;

pub use answer::{PathAnswer, PathFacts, PredicateAnswer};
pub use file::{PathFile, PathFileError, parse_path};
pub use report::{Hop, HopJudged, Meeting, MeetingKind, MeetingState, PathReport, PathState};
pub use section::{
    ChartVersions, Hazard, JumpUnit, KnownVersion, LargestJump, MustNotOverlap, PathChart, ReadFrom,
    RunningVersion, Stop, UpgradePath,
};
