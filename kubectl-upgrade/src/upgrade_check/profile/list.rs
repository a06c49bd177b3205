//! `profile list`.

use checks::profiles::{KnownProfile, built_in, known_profiles};
use clap::Args;
use cli::{Environment, Output, OutputFlags, PackFlags, end_with};
use model::{ExitCode, ProfileListReport, ProfileSummary};

use crate::session::could_not_begin;

/// Flags of `profile list`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ListFlags {
    #[command(flatten)]
    pack: PackFlags,
    #[command(flatten)]
    output: OutputFlags,
}

pub(super) fn run(flags: &ListFlags, environment: &Environment) -> ExitCode {
    let output = Output::new(&flags.output, environment);
    let known = match known_profiles(flags.pack.choice(None).folder.as_deref()) {
        Ok(known) => known,
        Err(error) => return could_not_begin(&output, &error),
    };
    let names: Vec<String> = match built_in() {
        Ok(profiles) => profiles.into_iter().map(|profile| profile.name).collect(),
        Err(error) => return could_not_begin(&output, &error),
    };
    let items = known.into_iter().map(|known| summary(known, &names)).collect();
    let report = ProfileListReport::new(items);
    let written = output.result(&report, |out, _| render::profile_list(out, &report));
    end_with(&output, written, ExitCode::Done)
}

fn summary(known: KnownProfile, built_in: &[String]) -> ProfileSummary {
    let KnownProfile {
        profile,
        text: _,
        file,
    } = known;
    ProfileSummary {
        hides_built_in: file.is_some() && built_in.contains(&profile.name),
        file: file.map(|file| file.display().to_string()),
        name: profile.name,
        charts: profile.matches.charts,
        images: profile.matches.images,
        description: profile.description,
    }
}
