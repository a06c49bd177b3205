//! What to render, and what to ask about it.

use std::path::Path;

use cluster::Cluster;
use helm::{Helm, HelmError, HelmMajor, PinnedChart, Rendered, StoredRelease, UpgradeLine};
use model::{Observation, Phase, Target};

use super::target;
use crate::{ObserveError, ObserveRequest, Observed, observe};

/// What to render.
pub struct RenderRequest<'a> {
    /// The user's helm.
    pub helm: &'a Helm,
    /// The line as `helm upgrade` would take it.
    pub line: &'a UpgradeLine,
    /// The release's namespace.
    pub namespace: &'a str,
    /// The folder for the pinned chart.
    pub into: &'a Path,
}

/// A chart pinned and rendered. Has no `Debug`: the manifest holds Secrets.
pub struct Renderable {
    /// The chart.
    pub chart: PinnedChart,
    /// What the user's line renders from it.
    pub rendered: Rendered,
}

/// Pins the chart and renders it by the user's own helm. Needs nothing that was observed.
///
/// A chart that lies on this machine is packed and rendered at the same time; another is fetched once and rendered from
/// what was fetched, so that a repository cannot answer twice in two ways.
///
/// # Errors
/// helm's own words for a chart that cannot be had or does not render.
pub async fn render(request: &RenderRequest<'_>) -> Result<Renderable, HelmError> {
    let RenderRequest {
        helm,
        line,
        namespace,
        into,
    } = request;
    let lies_here = line.chart.as_ref().is_some_and(|chart| Path::new(chart).exists());
    let (chart, rendered) = if lies_here {
        tokio::try_join!(helm.pin_chart(line, into), helm.render(line, None, namespace))?
    } else {
        let chart = helm.pin_chart(line, into).await?;
        let rendered = helm.render(line, Some(&chart), namespace).await?;
        (chart, rendered)
    };
    Ok(Renderable { chart, rendered })
}

/// What to ask about a rendered target.
pub struct TargetRequest<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The release's namespace.
    pub namespace: &'a str,
    /// The line it was rendered from.
    pub line: &'a UpgradeLine,
    /// The line of helm that will apply it.
    pub major: HelmMajor,
    /// The pinned chart.
    pub chart: &'a PinnedChart,
    /// What the line renders.
    pub rendered: &'a Rendered,
    /// The running revision, where it could be read.
    pub stored: Option<&'a StoredRelease>,
}

/// The right without which helm cannot render any target, if the caller lacks it: helm reads the running revision first.
pub fn unreadable_records(seen: &Observation) -> Option<String> {
    let decisions = seen.access.present()?;
    decisions
        .iter()
        .filter(|decision| !decision.allowed)
        .map(|decision| &decision.request)
        .find(|request| {
            request.phase == Phase::Observe
                && request.resource == "secrets"
                && request.namespace == seen.namespace
                && (request.verb == "get" || request.verb == "list")
        })
        .map(ToString::to_string)
}

/// Observes a release and renders its target at the same time, then asks the API server about every object.
/// There is no target where the caller may not read helm's records ([`unreadable_records`]): the observation says so, and
/// all else is judged then.
///
/// # Errors
/// As [`observe`], and [`ObserveError::Target`] where the chart cannot be had or does not render.
pub async fn observe_with_target(
    request: &ObserveRequest,
    wanted: &RenderRequest<'_>,
) -> Result<(Observed, Option<(Renderable, Target)>), ObserveError> {
    let (observed, renderable) = tokio::join!(Box::pin(observe(request)), Box::pin(render(wanted)));
    // An unknown release fails both; the observer's words are the clearer ones.
    let mut observed = observed?;
    let renderable = match (renderable, unreadable_records(&observed.observation)) {
        (Ok(renderable), _) => renderable,
        (Err(_), Some(right)) => {
            observed.observation.target_unread = Some(format!(
                "helm reads the running revision first, and you may not {right}"
            ));
            return Ok((observed, None));
        }
        (Err(error), None) => return Err(ObserveError::Target(error)),
    };
    let target = target(&TargetRequest {
        cluster: &request.cluster,
        namespace: &request.namespace,
        line: wanted.line,
        major: wanted.helm.major(),
        chart: &renderable.chart,
        rendered: &renderable.rendered,
        stored: observed.stored.as_ref(),
    })
    .await
    .map_err(ObserveError::Target)?;
    Ok((observed, Some((renderable, target))))
}
