//! Bringing the node up: from nothing, or what is missing of it.

use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::component::Component;
use super::folders::{Folders, remove};
use super::process::Process;
use super::{certificates, containers, down, health, leftovers, machine, network, settings, sysctl};
use crate::cache::Cache;
use crate::command;
use crate::image::{self, PackedImage, PostgresImage};
use crate::prerequisites;
use crate::progress::{Progress, Stage};
use crate::tools::Tools;

/// Brings the node up or repairs it; the caller holds the node's lock.
pub(super) fn up(cache: &Cache, folders: &Folders, progress: &Progress) -> Result<Tools> {
    machine::refuse_other_owner(folders)?;
    prerequisites::ensure(progress)?;
    let tools = Tools::build(cache, progress)?;
    let images = images(cache, progress)?;
    let status = health::status(folders)?;
    if status.healthy() {
        containers::import(&images)?;
        health::wait_for_node(folders)?;
        return Ok(tools);
    }
    if !status.down() && network::interface_exists() {
        let dead: Vec<&str> = status.dead().into_iter().map(Component::name).collect();
        progress.say(format!("the node is half dead; not running: {}", dead.join(", ")));
        match progress.run("repair the node", |_| repair(folders, &status.dead(), &images)) {
            Ok(()) => return Ok(tools),
            Err(error) => progress.say(format!(
                "could not repair it, starting afresh with an empty cluster: {error:#}"
            )),
        }
    }
    if !leftovers::find(folders)?.is_empty() {
        progress.run("clear away what is left of an earlier node", |_| {
            down::down(folders)
        })?;
    }
    progress.run("start the node", |stage| start(folders, &tools, &images, stage))?;
    Ok(tools)
}

/// Kills (if it runs) and starts one component again.
pub(super) fn restart(folders: &Folders, component: Component) -> Result<()> {
    stop(folders, component)?;
    launch(folders, component)
}

/// Kills one component.
pub(super) fn stop(folders: &Folders, component: Component) -> Result<()> {
    Process::recorded(&component.record(folders)).map_or(Ok(()), |process| process.kill())
}

/// Starts one component.
pub(super) fn launch(folders: &Folders, component: Component) -> Result<()> {
    let (program, arguments) = component.launch(folders);
    Process::start(
        &program,
        &arguments,
        folders.state(),
        &component.log(folders),
        &component.record(folders),
    )
    .map(drop)
    .with_context(|| format!("start {component}"))
}

fn images(cache: &Cache, progress: &Progress) -> Result<Vec<PackedImage>> {
    let mut images = vec![image::pause(cache, progress)?];
    for version in PostgresImage::ALL {
        images.push(image::postgres(version, cache, progress)?);
    }
    Ok(images)
}

fn repair(folders: &Folders, dead: &[Component], images: &[PackedImage]) -> Result<()> {
    for component in Component::ALL
        .into_iter()
        .filter(|component| dead.contains(component))
    {
        launch(folders, component)?;
    }
    containers::wait_until_answering()?;
    containers::import(images)?;
    health::wait_for_api(folders)?;
    health::wait_for_node(folders)
}

fn start(folders: &Folders, tools: &Tools, images: &[PackedImage], stage: &Stage) -> Result<()> {
    machine::refuse_rivals()?;
    folders.create()?;
    machine::claim(folders)?;
    sysctl::remember(&folders.kernel_settings())?;
    sysctl::forward_packets()?;
    settings::write(folders)?;
    certificates::write(&folders.pki())?;
    link_programs(folders, tools)?;
    remove(&folders.audit_log())?;
    network::set_up(&folders.config().join("masquerade.nft").display().to_string())?;

    for component in [Component::Containerd, Component::Etcd, Component::ApiServer] {
        launch(folders, component)?;
    }
    containers::wait_until_answering()?;
    // Containers of an earlier life that ended without `down` are unknown to the new, empty cluster.
    containers::remove_all()?;
    stage.note("import images");
    containers::import(images)?;
    stage.note("wait for the API server");
    health::wait_for_api(folders)?;
    stage.note("start the other components");
    let others = Component::ALL.into_iter().filter(|component| {
        !matches!(
            component,
            Component::Containerd | Component::Etcd | Component::ApiServer
        )
    });
    for component in others {
        launch(folders, component)?;
    }
    let storage_class = folders.config().join("storage-class.yaml");
    command::run(health::kubectl(folders).args(["create", "-f"]).arg(storage_class))?;
    health::wait_for_node(folders)
}

fn link_programs(folders: &Folders, tools: &Tools) -> Result<()> {
    let components = Component::ALL
        .into_iter()
        .filter(|component| *component != Component::Containerd);
    let links = components
        .map(|component| (component.name(), &tools.kubelite))
        .chain([
            ("kubectl", &tools.kubelite),
            ("helm3", &tools.helm3),
            ("helm4", &tools.helm4),
        ]);
    for (name, program) in links {
        link(program, &folders.programs().join(name))?;
    }
    Ok(())
}

fn link(program: &Path, link: &Path) -> Result<()> {
    remove(link)?;
    symlink(program, link).with_context(|| format!("link {}", link.display()))
}
