//! Which versions of everything take part.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use model::Seen;

use super::Part;
use crate::live::Live;
use crate::request::BundleRequest;

const PATH: &str = "versions.txt";
const ABOUT: &str = "versions of the cluster, helm, chart, database, images and this program";

pub(crate) fn part(request: &BundleRequest<'_>, live: &Live) -> Part {
    let observation = &request.observed.observation;
    let mut missing = Vec::new();
    let mut text = String::new();
    let mut line = |what: &str, version: &str| {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{what:<14} {version}");
    };
    line("this program", request.version);
    line("cluster", &observation.cluster.version);
    match &request.helm {
        Ok(version) => line("helm", version),
        Err(why) => {
            line("helm", &format!("not known: {why}"));
            missing.push(format!("helm: {why}"));
        }
    }
    match &observation.release {
        Seen::Present(release) => {
            let chart = &release.chart;
            line(
                "revision",
                &format!("{} ({})", release.revision, release.status.word()),
            );
            line("chart", &format!("{} {}", chart.name, chart.version));
            line(
                "application",
                chart
                    .app_version
                    .as_deref()
                    .unwrap_or("the chart names no version"),
            );
        }
        Seen::Absent => line("chart", "none"),
        Seen::Unreadable(why) => missing.push(format!("chart: {why}")),
    }
    if let Some((_, target)) = request.target {
        let chart = &target.chart;
        line("target chart", &format!("{} {}", chart.name, chart.version));
        line(
            "target",
            chart
                .app_version
                .as_deref()
                .unwrap_or("the chart names no version"),
        );
    }
    match &observation.database {
        Seen::Present(facts) => line("PostgreSQL", &facts.server.version),
        Seen::Absent => line("PostgreSQL", "no database was found"),
        Seen::Unreadable(why) => {
            line("PostgreSQL", &format!("not known: {why}"));
            missing.push(format!("PostgreSQL: {why}"));
        }
    }
    for (image, id) in images(live) {
        line("image", &format!("{image}  {id}"));
    }
    Part::partial(PATH, ABOUT, text, &missing)
}

/// The images of all containers, with the digest of what runs.
fn images(live: &Live) -> BTreeSet<(String, String)> {
    let running = live
        .pods
        .iter()
        .filter_map(|pod| pod.pod.status.as_ref())
        .flat_map(|status| {
            let init = status.init_container_statuses.iter().flatten();
            init.chain(status.container_statuses.iter().flatten())
        })
        .map(|container| (container.image.clone(), container.image_id.clone()));
    let written = live
        .workloads
        .iter()
        .flat_map(|workload| &workload.containers)
        .map(|container| (container.image.clone(), String::new()));
    let mut images: BTreeSet<(String, String)> = running.filter(|(_, id)| !id.is_empty()).collect();
    let known: BTreeSet<String> = images.iter().map(|(image, _)| image.clone()).collect();
    images.extend(written.filter(|(image, _)| !known.contains(image)));
    images
}
