//! The vocabulary of safe-upgrade: what is seen, judged, planned, done and told.
//!
//! Everything here is plain data. Nothing reads a file, a cluster or a clock, so every room of the house can speak
//! these words without depending on another room.

mod access;
mod aftermath;
mod artefact;
mod backup;
mod bundle;
mod cause;
mod check;
mod database;
mod deployer;
mod event;
mod exit;
mod fleet;
mod health;
mod inventory;
mod keys;
mod locks;
mod migration;
mod notes;
mod notification;
mod observation;
pub mod path;
mod plan;
pub mod profile;
mod profile_report;
mod prune;
mod rehearsal;
mod release;
mod report;
mod requirement;
mod restore;
mod saved_plan;
mod schedule;
mod secret;
mod seen;
mod store;
mod strict;
mod target;
mod terms;
pub mod text;
mod unlock;
mod version;
mod version_range;
mod waiver;
mod workload;

pub use access::{AccessDecision, AccessRequest, Phase};
pub use aftermath::{Before, LogErrors, ServiceEndpoints, Smoke};
pub use artefact::{Artefact, ArtefactKept, ArtefactOf};
pub use backup::{
    AssertionResult, AssertionVerdict, BackupFile, BackupFormat, BackupGrade, BackupManifest, BackupProof,
    BackupRelease, BackupSummary, BaseFacts, BaseRestoreReport, Encryption, PlainFile, SmokeAnswer,
    TableRows, Verification, WithApp,
};
pub use bundle::{
    BundleArchive, BundleFile, BundleReport, BundleState, HiddenCount, HidingRule, SearchedValues,
    UnreadSecret,
};
pub use cause::causes;
pub use check::{Category, CheckResult, Confidence, Evidence, Remedy, Severity, Verdict};
pub use database::{
    BlockedSession, CredentialSource, DatabaseFacts, DatabaseLocation, DatabaseOrigin, DatabaseRoute,
    HeldLock, LOCK_MODES, LockEdge, PostgresServer, PreparedTransaction, Session, SessionRole,
};
pub use deployer::{DeclaredDeployer, Deployer, DeployerActs, DeployerTool};
pub use event::{Event, LogSource, MigrationSample, StepState};
pub use exit::ExitCode;
pub use fleet::{
    FleetBackup, FleetBackupState, FleetCluster, FleetDepth, FleetFailOn, FleetFinding, FleetItem,
    FleetLockState, FleetLocks, FleetReport, FleetSummary, FleetUnread, FleetVerdict, NewestKnown,
};
pub use health::{DatabaseHealth, IdleSlot, StandbyFacts, TableSize};
pub use inventory::{
    ArchiveWay, ArchiverFacts, BackupDetailsReport, BackupFinding, BackupInventory, BackupState,
    BackupStatusReport, BackupSubject, FindingLevel, FoundBackup, Freshness, FreshnessRule, Mechanism,
    Unread,
};
pub use keys::{
    ComparedKey, KeyFingerprint, KeyFingerprints, KeyStanding, KeyState, KeysListReport, KeysManifest,
    KeysReport,
};
pub use locks::{LockNode, LockParty, LockReport, LockVerdict, LockWait, ProbeOutcome, ProbedTable};
pub use migration::{
    MigrationEnd, MigrationFacts, MigrationHistory, MigrationLock, MigrationLockKind, MigrationState,
    MigrationTool, MigrationTrouble, UnreadableMigrations,
};
pub use notes::{
    ChartDocuments, ChartFile, Highlight, HighlightKind, NotesDirection, NotesLink, NotesReport,
    NotesSourceReport, NotesState, NotesSummary, NotesVerdict, VersionChange, VersionNotes, VersionOf,
};
pub use notification::{Notification, NotificationMoment};
pub use observation::{ClusterFacts, HookJob, LeaseFacts, MeasuredRestore, Observation, SavedObservation};
pub use plan::{
    AnchorDatabase, AnchorRelease, BackUp, Drain, EndSessions, ForgetRevision, Gate, GateMode,
    HealthQuestion, HelmPass, HelmRollback, NamedSession, OpenTraffic, Plan, PlannedStep, PostCheck, Quiesce,
    QuiesceTarget, RestoreDatabase, Resume, Reversal, RollOut, RunPurpose, SettleRevision, StandStill,
    StepSpec, Suspend, SuspendTarget, TimeLimit, WaitIdle,
};
pub use profile::Profile;
pub use profile_report::{
    LintFinding, LintedFile, ProfileLintReport, ProfileListReport, ProfileSummary, ProfileTrialReport,
    QuestionOf, TrialFinding, TrialLevel, TriedDatabase, TriedQuestion, TriedRole, TriedWorkload,
};
pub use prune::{
    BackupPin, FileCopyReport, PinReport, PruneOutcome, PruneReport, PrunedBackup, PrunedRemnant,
};
pub use rehearsal::{
    Rehearsal, RehearsalOutcome, RehearsalReport, RehearsedLock, RehearsedMigration, RehearsedStatement,
};
pub use release::{ApplyMethod, ChartIdentity, Release, ReleaseStatus, RevisionSummary};
pub use report::{
    BackupFailure, BackupListReport, BackupReport, BackupSetReport, CheckChanges, CheckReport, CheckSummary,
    CheckVerdict, NextStep, ReleaseIdentity, RestorePreview, RestoreReport, StepReport, UpgradeOutcome,
    UpgradeReport,
};
pub use requirement::{CrdFacts, OperatorFacts, RequirementFacts, WebhookFacts};
pub use restore::{KeptDatabase, KeptReason, KeptReport, RestoreOptions, RestoreSource};
pub use saved_plan::{
    ExpectedDuration, KnownFrom, Moved, PinnedDatabase, PinnedWorkload, PlanBasis, SavedPlan,
};
pub use schedule::{ScheduleFacts, ScheduleList};
pub use secret::Secret;
pub use seen::Seen;
pub use store::{StoreActResult, StoreListReport, StoreSummary, StoreTestReport};
pub use strict::{StrictError, read_strict};
pub use target::{
    ChangedSecret, ChartDefinition, DefinitionState, DryRunOutcome, FieldConflict, HeavyStatement,
    MigrationFiles, MigrationWork, MountedClaim, ObjectDryRun, RenderedHook, RenderedWorkload, TableWork,
    Target, ValuesHazard,
};
pub use terms::{ExpectedTime, LoadLimit, OnSlow, RunTerms, WindowSpan};
pub use unlock::{PendingEvidence, StandingWorkload, Stands, UnlockReport};
pub use version::Version;
pub use version_range::VersionRange;
pub use waiver::{Waived, Waiver, WaiverFile};
pub use workload::{
    ContainerFacts, HttpProbe, ObjectName, PodFacts, ProbeBudget, Scaler, Sharer, UpdateStrategy, Workload,
    WorkloadKind, WorkloadName,
};

/// The `apiVersion` of every report and record that leaves the programs.
pub const API_VERSION: &str = "safe-upgrade.dev/v1alpha1";
