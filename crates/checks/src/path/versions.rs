//! Which version runs and which one is wanted, as the path says where to read them.

use std::collections::BTreeMap;

use model::path::{ReadFrom, RunningVersion, UpgradePath};
use model::text::line;
use model::{ChartIdentity, ContainerFacts, Release, Seen, Target, Version, Workload};

use crate::image::Image;

/// The version that runs, or why it cannot be told.
pub(crate) fn running(
    release: &Seen<Release>,
    workloads: &Seen<Vec<Workload>>,
    path: &UpgradePath,
) -> Result<Version, String> {
    let text = match path.running.read {
        ReadFrom::AppVersion | ReadFrom::ChartVersion => match release {
            Seen::Present(release) => of_chart(&release.chart, path.running.read),
            Seen::Absent => return Err("there is no such release".into()),
            Seen::Unreadable(why) => return Err(format!("the release's record could not be read: {why}")),
        },
        ReadFrom::ImageTag | ReadFrom::Label => {
            let workloads = match workloads {
                Seen::Present(workloads) => workloads.as_slice(),
                Seen::Absent => &[],
                Seen::Unreadable(why) => {
                    return Err(format!("the release's workloads could not be read: {why}"));
                }
            };
            let workloads: Vec<Labelled<'_>> = workloads
                .iter()
                .map(|workload| Labelled {
                    labels: &workload.labels,
                    containers: &workload.containers,
                })
                .collect();
            of_workloads(&workloads, &path.running)?
        }
    };
    read(&text, "the running version")
}

/// The version that a chart alone tells; `None` where it cannot be put in order, or stands in an image's tag or a label.
pub(crate) fn by_chart(chart: &ChartIdentity, path: &UpgradePath) -> Option<Version> {
    match path.running.read {
        ReadFrom::AppVersion | ReadFrom::ChartVersion => Version::parse(&of_chart(chart, path.running.read)),
        ReadFrom::ImageTag | ReadFrom::Label => None,
    }
}

/// The version that the target brings, or why it cannot be told. Versions of the chart and of the application are not
/// compared with each other: what runs and the target must be read at the same place.
pub(crate) fn wanted(
    target: &Target,
    release: &Seen<Release>,
    path: &UpgradePath,
) -> Result<Version, String> {
    let text = match path.running.read {
        ReadFrom::AppVersion => {
            let has = |chart: &ChartIdentity| chart.app_version.is_some();
            match release.present().map(|release| has(&release.chart)) {
                Some(true) if !has(&target.chart) => {
                    return Err(one_sided("the running chart", "the target's"));
                }
                Some(false) if has(&target.chart) => {
                    return Err(one_sided("the target's chart", "the running one"));
                }
                Some(_) | None => of_chart(&target.chart, path.running.read),
            }
        }
        ReadFrom::ChartVersion => of_chart(&target.chart, path.running.read),
        ReadFrom::ImageTag | ReadFrom::Label => {
            let workloads: Vec<Labelled<'_>> = target
                .workloads
                .iter()
                .map(|workload| Labelled {
                    labels: &workload.labels,
                    containers: &workload.containers,
                })
                .collect();
            of_workloads(&workloads, &path.running)?
        }
    };
    read(&text, "the version of the target")
}

fn one_sided(with: &str, without: &str) -> String {
    format!("{with} has an appVersion and {without} has none, so their versions cannot be compared")
}

fn read(text: &str, what: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| format!("{what} is `{}`, which cannot be put in order", line(text)))
}

fn of_chart(chart: &ChartIdentity, read: ReadFrom) -> String {
    match (read, &chart.app_version) {
        (ReadFrom::AppVersion, Some(version)) => version.clone(),
        (ReadFrom::AppVersion, None) | (ReadFrom::ChartVersion | ReadFrom::ImageTag | ReadFrom::Label, _) => {
            chart.version.clone()
        }
    }
}

/// What a version is read from of a workload, be it live or rendered.
#[derive(Debug, Clone, Copy)]
struct Labelled<'a> {
    labels: &'a BTreeMap<String, String>,
    containers: &'a [ContainerFacts],
}

impl<'a> Labelled<'a> {
    /// Its images of a repository.
    fn images(self, repository: &str) -> impl Iterator<Item = Image<'a>> {
        self.containers
            .iter()
            .map(|container| Image::parse(&container.image))
            .filter(move |image| image.is_repository(repository))
    }
}

/// The one version that all the workloads tell by which it is read.
fn of_workloads(workloads: &[Labelled<'_>], running: &RunningVersion) -> Result<String, String> {
    let image = running.image.as_deref();
    let (mut found, told): (Vec<&str>, String) = match &running.label {
        Some(label) if running.read == ReadFrom::Label => {
            let found = workloads
                .iter()
                .filter(|workload| image.is_none_or(|image| workload.images(image).next().is_some()))
                .filter_map(|workload| workload.labels.get(label))
                .map(String::as_str)
                .collect();
            (found, format!("label {label}"))
        }
        Some(_) | None => {
            let image = image.unwrap_or_default();
            let found = workloads
                .iter()
                .flat_map(|workload| workload.images(image))
                .map(|image| image.tag.unwrap_or("latest"))
                .collect();
            (found, format!("tag of image {image}"))
        }
    };
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [version] => Ok((*version).to_owned()),
        [] => Err(format!("no workload has the {told}, which is the version")),
        several => Err(format!(
            "the {told} is the version, and there are several: {}",
            line(&several.join(", "))
        )),
    }
}

#[cfg(test)]
mod tests {
    use model::ProbeBudget;

    use super::*;

    fn workload(label: Option<&str>, images: &[&str]) -> (BTreeMap<String, String>, Vec<ContainerFacts>) {
        let container = |image: &&str| ContainerFacts {
            name: "app".into(),
            image: (*image).into(),
            budget: ProbeBudget {
                start_seconds: None,
                from_startup_probe: false,
            },
            http_probe: None,
            secrets: Vec::new(),
            init: false,
        };
        let labels = label.map(|version| ("version".to_owned(), version.to_owned()));
        (
            labels.into_iter().collect(),
            images.iter().map(container).collect(),
        )
    }

    fn of(
        running: &RunningVersion,
        workloads: &[(BTreeMap<String, String>, Vec<ContainerFacts>)],
    ) -> Result<String, String> {
        let workloads: Vec<Labelled<'_>> = workloads
            .iter()
            .map(|(labels, containers)| Labelled { labels, containers })
            .collect();
        of_workloads(&workloads, running)
    }

    #[test]
    fn all_containers_must_have_one_tag() {
        let running = RunningVersion {
            read: ReadFrom::ImageTag,
            image: Some("team/app".into()),
            label: None,
        };
        let of = |images: &[&str]| of(&running, &[workload(None, images)]);
        assert_eq!(
            of(&[
                "registry.example/team/app:v1.2.0",
                "postgres:17",
                "team/app:v1.2.0"
            ])
            .unwrap(),
            "v1.2.0"
        );
        assert!(of(&["postgres:17"]).unwrap_err().contains("team/app"));
        assert!(of(&["team/app:1", "team/app:2"]).unwrap_err().contains("1, 2"));
        assert_eq!(of(&["team/app"]).unwrap(), "latest");
    }

    #[test]
    fn the_workloads_that_are_meant_must_have_one_label() {
        let running = |image: Option<&str>| RunningVersion {
            read: ReadFrom::Label,
            image: image.map(str::to_owned),
            label: Some("version".into()),
        };
        let app = workload(Some("1.2.0"), &["team/app@sha256:0123"]);
        let database = workload(Some("17.2"), &["postgres"]);
        let bare = workload(None, &["team/app"]);
        let all = [app.clone(), database.clone(), bare.clone()];
        assert_eq!(of(&running(Some("team/app")), &all).unwrap(), "1.2.0");
        let told = of(&running(None), &all).unwrap_err();
        assert!(
            told.contains("label version") && told.contains("1.2.0, 17.2"),
            "{told}"
        );
        assert!(of(&running(None), &[bare]).unwrap_err().contains("no workload"));
        assert!(of(&running(Some("team/web")), &[app, database]).is_err());
    }
}
