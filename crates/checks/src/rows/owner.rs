//! Who else deploys the release: controllers and tools that would undo the upgrade, or do their own.

use model::{Confidence, Deployer, DeployerActs, DeployerTool, Observation, Profile, Seen};

use crate::check::{Judged, Judgement, listed};

/// A controller that acts by itself blocks, and so does one of which that is not known. What acts only when somebody runs
/// it, or lets it go on, is a warning: the upgrade can be done, and will be undone one day.
pub(crate) fn judge(seen: &Observation, profile: &Profile) -> Judgement {
    let declared = declared(profile);
    let marked: &[Deployer] = match (&seen.owners, &declared) {
        // A controller that somebody names is enough to block, whatever else there is.
        (Seen::Unreadable(_), Some(deployer)) if blocks(&deployer.acts) => &[],
        _ => listed(&seen.owners, "the marks of other deployers")?,
    };
    let mut found: Vec<Deployer> = marked.to_vec();
    if let Some(declared) = declared
        && !found.iter().any(|one| one.tool == declared.tool)
    {
        found.push(declared);
    }
    // The worst first: its remedy is the one to type.
    found.sort_by_key(|deployer| !blocks(&deployer.acts));
    let Some(worst) = found.first() else {
        return Ok(Judged::pass("nothing tells of anybody but helm"));
    };
    let message = found.iter().map(words).collect::<Vec<_>>().join("; ");
    let judged = if blocks(&worst.acts) {
        Judged::fail(message)
    } else {
        Judged::warn(message)
    };
    let judged = judged
        .sure(worst.confidence)
        .with("deployers", serde_json::to_value(&found).unwrap_or_default());
    Ok(remedies(judged, &found))
}

/// What the profile or `--deployer` names. Whether a controller acts nobody has asked then.
fn declared(profile: &Profile) -> Option<Deployer> {
    let declared = profile.deployer.as_ref()?;
    let acts = match declared.tool {
        DeployerTool::Flux | DeployerTool::ArgoCd => {
            DeployerActs::Unknown("nothing on what runs tells which of its objects it is".into())
        }
        DeployerTool::Pulumi | DeployerTool::Terraform | DeployerTool::Helmfile => DeployerActs::WhenRun,
    };
    let source = declared
        .source
        .as_ref()
        .map(|source| format!(", with its source in {source}"))
        .unwrap_or_default();
    Some(Deployer {
        tool: declared.tool,
        object: None,
        evidence: format!("declared by the profile or by --deployer{source}"),
        confidence: Confidence::Reported,
        acts,
    })
}

fn blocks(acts: &DeployerActs) -> bool {
    match acts {
        DeployerActs::ByItself | DeployerActs::Unknown(_) => true,
        DeployerActs::OnChange | DeployerActs::WhenRun | DeployerActs::Suspended => false,
    }
}

/// Who it is, what it would do, and what tells of it.
fn words(deployer: &Deployer) -> String {
    let what = match &deployer.acts {
        DeployerActs::ByItself => "would undo the upgrade or do its own, without being asked".to_owned(),
        DeployerActs::OnChange => {
            "undoes the upgrade at the next change of its source, unless that brings the same version"
                .to_owned()
        }
        DeployerActs::WhenRun => format!(
            "undoes the upgrade at the next {}, unless its source brings the same version",
            run(deployer.tool)
        ),
        DeployerActs::Suspended => {
            "is suspended; it undoes the upgrade when it goes on, unless its source brings the same version"
                .to_owned()
        }
        DeployerActs::Unknown(why) => {
            format!("may undo the upgrade or do its own; whether it acts could not be told: {why}")
        }
    };
    format!("{deployer} {what} ({})", deployer.evidence)
}

/// What somebody types to make it act.
fn run(tool: DeployerTool) -> &'static str {
    match tool {
        DeployerTool::Flux => "reconciliation",
        DeployerTool::ArgoCd => "sync",
        DeployerTool::Pulumi => "`pulumi up`",
        DeployerTool::Terraform => "`terraform apply`",
        DeployerTool::Helmfile => "`helmfile apply`",
    }
}

fn remedies(mut judged: Judged, found: &[Deployer]) -> Judged {
    for deployer in found {
        if blocks(&deployer.acts)
            && let Some((text, command)) = hold(deployer)
        {
            judged = judged.command(text, command);
        }
    }
    judged.advise("bring its source to the version of the upgrade as well, before it acts again")
}

/// How a controller is held for the time of the upgrade.
fn hold(deployer: &Deployer) -> Option<(&'static str, String)> {
    let (kind, name) = deployer.object.as_deref()?.split_once(' ')?;
    match (deployer.tool, kind, name.split_once('/')) {
        (DeployerTool::Flux, "HelmRelease", Some((namespace, name))) => Some((
            "suspend it for the time of the upgrade",
            format!("flux suspend helmrelease {name} -n {namespace}"),
        )),
        (DeployerTool::Flux, "Kustomization", Some((namespace, name))) => Some((
            "suspend it for the time of the upgrade",
            format!("flux suspend kustomization {name} -n {namespace}"),
        )),
        (DeployerTool::ArgoCd, "Application", None) => Some((
            "let it sync only when asked, for the time of the upgrade",
            // One outside of Argo CD's own namespace is called NAMESPACE_NAME on what it deploys.
            format!("argocd app set {} --sync-policy none", name.replace('_', "/")),
        )),
        _ => None,
    }
}
