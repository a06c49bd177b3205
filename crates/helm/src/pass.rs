//! `helm upgrade` and `helm rollback` of a run.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use crate::flags::UserPostRenderer;
use crate::post_render::Staged;
use crate::{Helm, HelmError, HelmMajor, PostRenderSpec, Running};

/// Flags of `helm upgrade` that `helm rollback` has too and that must hold for it as well: a rollback prunes history.
const ALSO_ON_ROLLBACK: [&str; 8] = [
    "burst-limit",
    "color",
    "colour",
    "debug",
    "force-conflicts",
    "history-max",
    "qps",
    "server-side",
];

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
    /// helm's `--timeout`, for each hook; whole seconds.
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
    /// [`crate::UpgradeLine::passed`], as the plan has it: those that `helm rollback` has too are handed on.
    pub flags: &'a [String],
    /// `--force-conflicts`, on Helm 4: for server-side applied releases with foreign field owners.
    pub force_conflicts: bool,
    /// helm's `--timeout`; whole seconds.
    pub timeout: Duration,
}

impl Helm {
    /// Starts `helm upgrade RELEASE ARCHIVE --reset-values -f VALUES …` under the supervisor. Neither `--wait` nor a
    /// value is ever an argument.
    ///
    /// # Errors
    /// It cannot be started, or the user's post-renderer cannot run before ours.
    pub async fn upgrade(&self, request: PassRequest<'_>) -> Result<Running, HelmError> {
        let mut args: Vec<OsString> = vec![
            "upgrade".into(),
            request.release.into(),
            request.chart.into(),
            "--namespace".into(),
            request.namespace.into(),
            "--reset-values".into(),
            "--values".into(),
            request.values.into(),
            "--timeout".into(),
            go_seconds(request.timeout),
        ];
        let mut environment = Vec::new();
        let mut staged = None;
        match request.post_render {
            None => args.extend(request.flags.iter().map(OsString::from)),
            Some(spec) => {
                let (users, rest) = UserPostRenderer::take_out(request.flags);
                args.extend(rest.iter().map(OsString::from));
                let stage = Staged::new(self, spec, users).await?;
                args.extend(stage.flags());
                environment = stage.environment();
                staged = Some(stage);
            }
        }
        if request.no_hooks && !request.flags.iter().any(|flag| flag == "--no-hooks") {
            args.push("--no-hooks".into());
        }
        let running = self.start(args, &environment)?;
        Ok(match staged {
            Some(stage) => running.keep(stage),
            None => running,
        })
    }

    /// Starts `helm rollback RELEASE REVISION --no-hooks` under the supervisor.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn rollback(&self, request: RollbackRequest<'_>) -> Result<Running, HelmError> {
        let mut args: Vec<OsString> = vec![
            "rollback".into(),
            request.release.into(),
            request.revision.to_string().into(),
            "--namespace".into(),
            request.namespace.into(),
            "--no-hooks".into(),
            "--timeout".into(),
            go_seconds(request.timeout),
        ];
        let is_shared = |flag: &&String| {
            let name = flag.trim_start_matches('-');
            ALSO_ON_ROLLBACK.contains(&name.split_once('=').map_or(name, |(name, _)| name))
        };
        args.extend(request.flags.iter().filter(is_shared).map(OsString::from));
        match self.major() {
            HelmMajor::Four if request.force_conflicts => args.push("--force-conflicts".into()),
            HelmMajor::Three | HelmMajor::Four => {}
        }
        self.start(args, &[])
    }
}

impl Helm {
    /// Starts `helm test RELEASE` under the supervisor: the chart's own test hooks.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn test(&self, release: &str, namespace: &str, timeout: Duration) -> Result<Running, HelmError> {
        let args: [OsString; 6] = [
            "test".into(),
            release.into(),
            "--namespace".into(),
            namespace.into(),
            "--timeout".into(),
            go_seconds(timeout),
        ];
        self.start(args, &[])
    }
}

/// A duration for Go, at least a second: helm takes 0 for no time at all.
fn go_seconds(duration: Duration) -> OsString {
    format!("{}s", duration.as_secs().max(1)).into()
}
