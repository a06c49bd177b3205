//! `helm upgrade` and `helm rollback` of a run.

use std::path::Path;
use std::time::Duration;

use crate::{Helm, HelmError, PostRenderSpec, Running};

/// One `helm upgrade` with everything pinned.
#[derive(Debug, Clone, Copy)]
pub struct PassRequest<'a> {
    /// The release.
    pub release: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// The pinned archive.
    pub chart: &'a Path,
    /// The pinned values.
    pub values: &'a Path,
    /// [`crate::UpgradeLine::passed`], as the plan has it.
    pub flags: &'a [String],
    /// Leave hooks out: the second pass.
    pub no_hooks: bool,
    /// Park and gate workloads: the first pass of gate `traffic` and `schema`.
    pub post_render: Option<&'a PostRenderSpec>,
    /// helm's `--timeout`, for each hook.
    pub timeout: Duration,
}

/// One `helm rollback` to a named revision, without hooks.
#[derive(Debug, Clone, Copy)]
pub struct RollbackRequest<'a> {
    /// The release.
    pub release: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// The revision; helm's own default would be the one before the newest, even if that one failed.
    pub revision: u32,
    /// `--force-conflicts`: Helm 4 only, for server-side applied releases with foreign field owners.
    pub force_conflicts: bool,
    /// helm's `--timeout`.
    pub timeout: Duration,
}

impl Helm {
    /// Starts `helm upgrade RELEASE ARCHIVE --reset-values -f VALUES …` under the supervisor.
    ///
    /// # Errors
    /// It cannot be started, or the user's post-renderer cannot run before ours.
    pub async fn upgrade(&self, _request: PassRequest<'_>) -> Result<Running, HelmError> {
        todo!()
    }

    /// Starts `helm rollback RELEASE REVISION --no-hooks` under the supervisor.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn rollback(&self, _request: RollbackRequest<'_>) -> Result<Running, HelmError> {
        todo!()
    }
}
