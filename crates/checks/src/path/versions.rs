//! Which version runs and which one is wanted, as the path says where to read them.

use model::path::{ReadFrom, RunningVersion, UpgradePath};
use model::{ChartIdentity, Release, Seen, Target, Version, Workload};

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
        ReadFrom::ImageTag => {
            let workloads = match workloads {
                Seen::Present(workloads) => workloads.as_slice(),
                Seen::Absent => &[],
                Seen::Unreadable(why) => {
                    return Err(format!("the release's workloads could not be read: {why}"));
                }
            };
            let images = workloads
                .iter()
                .flat_map(|workload| &workload.containers)
                .map(|container| container.image.as_str());
            of_images(images, &path.running)?
        }
    };
    read(&text, "the running version")
}

/// The version that the target brings, or why it cannot be told.
pub(crate) fn wanted(target: &Target, path: &UpgradePath) -> Result<Version, String> {
    let text = match path.running.read {
        ReadFrom::AppVersion | ReadFrom::ChartVersion => of_chart(&target.chart, path.running.read),
        ReadFrom::ImageTag => {
            let images = target
                .workloads
                .iter()
                .flat_map(|workload| &workload.containers)
                .map(|container| container.image.as_str());
            of_images(images, &path.running)?
        }
    };
    read(&text, "the version of the target")
}

fn read(text: &str, what: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| format!("{what} is `{text}`, which cannot be put in order"))
}

fn of_chart(chart: &ChartIdentity, read: ReadFrom) -> String {
    match (read, &chart.app_version) {
        (ReadFrom::AppVersion, Some(version)) => version.clone(),
        (ReadFrom::AppVersion, None) | (ReadFrom::ChartVersion | ReadFrom::ImageTag, _) => {
            chart.version.clone()
        }
    }
}

/// The one tag that all containers with the image have.
fn of_images<'a>(images: impl Iterator<Item = &'a str>, running: &RunningVersion) -> Result<String, String> {
    let repository = running.image.as_deref().unwrap_or_default();
    let mut tags: Vec<&str> = images
        .map(Image::parse)
        .filter(|image| image.is_repository(repository))
        .map(|image| image.tag.unwrap_or("latest"))
        .collect();
    tags.sort_unstable();
    tags.dedup();
    match tags.as_slice() {
        [tag] => Ok((*tag).to_owned()),
        [] => Err(format!(
            "no container has the image {repository}, whose tag is the version"
        )),
        tags => Err(format!(
            "image {repository} has more tags than one: {}",
            tags.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_containers_must_have_one_tag() {
        let running = RunningVersion {
            read: ReadFrom::ImageTag,
            image: Some("team/app".into()),
        };
        let of = |images: &[&str]| of_images(images.iter().copied(), &running);
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
}
