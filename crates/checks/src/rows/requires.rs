//! What the profile requires of the cluster: kinds of objects, operators, webhooks.

use model::profile::{RequiredOperator, RequiredWebhook};
use model::{Category, Confidence, Observation, Profile, Seen, Severity, Version, Workload};

use crate::check::{Check, Judged, Judgement, Unjudged};
use crate::image::Image;

pub(crate) const ROWS: &[Check] = &[
    Check {
        id: "requires-crds",
        category: Category::Cluster,
        title: "the API server has the kinds of objects that the application needs",
        severity: Severity::Block,
        judge: |seen, _, profile| crds(seen, profile),
    },
    Check {
        id: "requires-operators",
        category: Category::Cluster,
        title: "the operators that the application needs run, in a version that will do",
        severity: Severity::Block,
        judge: |seen, _, profile| operators(seen, profile),
    },
    Check {
        id: "requires-webhooks",
        category: Category::Cluster,
        title: "the Services behind the webhooks that the application meets have ready endpoints",
        severity: Severity::Block,
        judge: |seen, _, profile| webhooks(seen, profile),
    },
];

/// What came out for one requirement.
enum Found {
    Fine(String),
    Care(String),
    Missing(String),
    Unknown(String),
}

/// The worst decides, and all of its kind are told.
fn judge(found: &[Found], remedy: (&str, String)) -> Judged {
    let texts = |pick: fn(&Found) -> Option<&String>| -> Vec<&str> {
        found.iter().filter_map(pick).map(String::as_str).collect()
    };
    let missing = texts(|one| match one {
        Found::Missing(text) => Some(text),
        Found::Fine(_) | Found::Care(_) | Found::Unknown(_) => None,
    });
    let unknown = texts(|one| match one {
        Found::Unknown(text) => Some(text),
        Found::Fine(_) | Found::Care(_) | Found::Missing(_) => None,
    });
    let care = texts(|one| match one {
        Found::Care(text) => Some(text),
        Found::Fine(_) | Found::Missing(_) | Found::Unknown(_) => None,
    });
    let fine = texts(|one| match one {
        Found::Fine(text) => Some(text),
        Found::Care(_) | Found::Missing(_) | Found::Unknown(_) => None,
    });
    let (advice, command) = remedy;
    let judged = if !missing.is_empty() {
        Judged::fail(missing.join("; "))
    } else if !unknown.is_empty() {
        return Judged::unknown(unknown.join("; ")).command(advice, command);
    } else if !care.is_empty() {
        Judged::warn(care.join("; "))
    } else {
        return Judged::pass(fine.join("; ")).sure(Confidence::Observed);
    };
    judged.sure(Confidence::Observed).command(advice, command)
}

/// A look that was kept before the profile required it.
fn not_asked(what: &str) -> Found {
    Found::Unknown(format!("{what} was not looked for in this observation"))
}

fn crds(seen: &Observation, profile: &Profile) -> Judgement {
    let wanted = &profile.requires.crds;
    let Some(first) = wanted.first() else {
        return Err(nothing("kind of objects"));
    };
    let found: Vec<Found> = wanted
        .iter()
        .map(|crd| {
            let name = &crd.name;
            let fact = seen.requirements.crds.iter().find(|fact| fact.name == *name);
            match fact.map(|fact| &fact.served) {
                None => not_asked(name),
                Some(Seen::Unreadable(why)) => Found::Unknown(format!("{name}: {why}")),
                Some(Seen::Absent) => Found::Missing(format!("{name} is not served")),
                Some(Seen::Present(versions)) => {
                    let served = versions.join(", ");
                    match &crd.version {
                        Some(version) if !versions.contains(version) => {
                            Found::Missing(format!("{name} is served as {served} and not as {version}"))
                        }
                        Some(_) | None => Found::Fine(format!("{name} is served as {served}")),
                    }
                }
            }
        })
        .collect();
    let remedy = (
        "install what brings the kind before the upgrade; then this lists it",
        format!("kubectl get crd {}", first.name),
    );
    Ok(judge(&found, remedy))
}

fn operators(seen: &Observation, profile: &Profile) -> Judgement {
    let wanted = &profile.requires.operators;
    let Some(first) = wanted.first() else {
        return Err(nothing("operator"));
    };
    let found: Vec<Found> = wanted
        .iter()
        .flat_map(|operator| {
            let name = &operator.name;
            let fact = seen.requirements.operators.iter().find(|fact| fact.name == *name);
            match fact.map(|fact| &fact.deployments) {
                None => vec![not_asked(name)],
                Some(Seen::Unreadable(why)) => vec![Found::Unknown(format!("{name}: {why}"))],
                Some(Seen::Absent) => vec![Found::Missing(no_deployment(operator))],
                Some(Seen::Present(deployments)) => of_deployments(operator, deployments),
            }
        })
        .collect();
    let labels: Vec<String> = first
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let place = match &first.namespace {
        Some(namespace) => format!("-n {namespace}"),
        None => "-A".to_owned(),
    };
    let remedy = (
        "install or upgrade the operator, or see why it is not ready",
        format!("kubectl get deployments {place} -l {} -o wide", labels.join(",")),
    );
    Ok(judge(&found, remedy))
}

fn no_deployment(operator: &RequiredOperator) -> String {
    match &operator.namespace {
        Some(namespace) => format!(
            "no Deployment in namespace {namespace} carries the labels of {}",
            operator.name
        ),
        None => format!("no Deployment carries the labels of {}", operator.name),
    }
}

/// Other Deployments of the same product may carry the same labels: where an image is named, it decides.
fn of_deployments(operator: &RequiredOperator, deployments: &[Workload]) -> Vec<Found> {
    let runs = |deployment: &&Workload| {
        operator
            .image
            .as_ref()
            .is_none_or(|image| images(deployment).any(|one| one.is_repository(image)))
    };
    let meant: Vec<&Workload> = deployments.iter().filter(runs).collect();
    if meant.is_empty() {
        return vec![Found::Missing(format!(
            "no Deployment with the labels of {} runs {}",
            operator.name,
            operator.image.as_deref().unwrap_or_default()
        ))];
    }
    meant
        .into_iter()
        .map(|deployment| of_deployment(operator, deployment))
        .collect()
}

fn images(deployment: &Workload) -> impl Iterator<Item = Image<'_>> {
    deployment
        .containers
        .iter()
        .filter(|container| !container.init)
        .map(|container| Image::parse(&container.image))
}

fn of_deployment(operator: &RequiredOperator, deployment: &Workload) -> Found {
    let name = format!(
        "{} ({} in {})",
        operator.name, deployment.name, deployment.name.namespace
    );
    let version = match version(operator, deployment) {
        Ok(version) => version,
        Err(found) => return found,
    };
    let told = version.map(|version| format!(" {version}")).unwrap_or_default();
    let (ready, desired) = (deployment.ready, deployment.desired.unwrap_or(1));
    if ready < 1 {
        Found::Missing(format!("{name}{told} has no ready pod"))
    } else if ready < desired {
        Found::Care(format!("{name}{told} has {ready} of {desired} pods ready"))
    } else {
        Found::Fine(format!("{name}{told} is ready"))
    }
}

/// The version that runs, where the profile asks for one, or what is wrong with it.
fn version(operator: &RequiredOperator, deployment: &Workload) -> Result<Option<Version>, Found> {
    let Some(range) = &operator.version else {
        return Ok(None);
    };
    let name = &operator.name;
    let all: Vec<Image<'_>> = images(deployment).collect();
    let image = match (&operator.image, all.as_slice()) {
        (Some(wanted), all) => all.iter().find(|image| image.is_repository(wanted)),
        (None, [only]) => Some(only),
        (None, _) => {
            return Err(Found::Unknown(format!(
                "{name}: its {} has several containers, and the profile does not say which `image` is the operator",
                deployment.name
            )));
        }
    };
    let tag = image.and_then(|image| image.tag);
    let Some(version) = tag.and_then(Version::parse) else {
        return Err(Found::Unknown(format!(
            "{name}: its version cannot be told by its image, whose tag is {}",
            tag.unwrap_or("not written")
        )));
    };
    if range.contains(&version) {
        Ok(Some(version))
    } else {
        Err(Found::Missing(format!(
            "{name} runs in version {version}, and {range} is needed"
        )))
    }
}

fn webhooks(seen: &Observation, profile: &Profile) -> Judgement {
    let wanted = &profile.requires.webhooks;
    let Some(first) = wanted.first() else {
        return Err(nothing("webhook"));
    };
    let namespace = |webhook: &RequiredWebhook| {
        webhook
            .namespace
            .clone()
            .unwrap_or_else(|| seen.namespace.clone())
    };
    let found: Vec<Found> = wanted
        .iter()
        .map(|webhook| {
            let (service, namespace) = (&webhook.service, namespace(webhook));
            let name = format!("service {service} in {namespace}");
            let fact = seen
                .requirements
                .webhooks
                .iter()
                .find(|fact| fact.service == *service && fact.namespace == namespace);
            match fact.map(|fact| &fact.ready) {
                None => not_asked(&name),
                Some(Seen::Unreadable(why)) => Found::Unknown(format!("{name}: {why}")),
                Some(Seen::Absent) => Found::Missing(format!("there is no {name}")),
                Some(Seen::Present(0)) => Found::Missing(format!("{name} has no ready endpoint")),
                Some(Seen::Present(1)) => Found::Fine(format!("{name} has 1 ready endpoint")),
                Some(Seen::Present(count)) => Found::Fine(format!("{name} has {count} ready endpoints")),
            }
        })
        .collect();
    let remedy = (
        "see why the pods behind the Service are not ready: the API server refuses what their webhook cannot judge",
        format!(
            "kubectl get endpointslices -n {} -l kubernetes.io/service-name={}",
            namespace(first),
            first.service
        ),
    );
    Ok(judge(&found, remedy))
}

fn nothing(what: &str) -> Unjudged {
    Unjudged::Skip(format!("the profile requires no {what}"))
}
