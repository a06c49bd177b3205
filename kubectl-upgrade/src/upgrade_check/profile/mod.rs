//! `kubectl upgrade-check profile`: what is particular to an application, listed, examined, tried and written.

mod init;
mod lint;
mod list;
mod show;
mod test;

use clap::Subcommand;
use cli::{Environment, Output, OutputFlags, end_with};
use model::ExitCode;

use self::init::InitFlags;
use self::lint::LintFlags;
use self::list::ListFlags;
use self::show::ShowFlags;
use self::test::TestFlags;

/// The schema by which editors help to write a profile.
const SCHEMA: &str = include_str!("../../../../profiles/schema.json");

/// The same for an upgrade path in a file of its own.
const PATH_SCHEMA: &str = include_str!("../../../../profiles/path.schema.json");

/// What can be done with profiles.
#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// List the profiles in the order in which they are tried, and what each fits
    List(ListFlags),
    /// Print a profile
    Show(ShowFlags),
    /// Read files strictly: what is wrong, where, and which key is meant; ends with 2 where one cannot be used
    Lint(LintFlags),
    /// Try a profile on a release: what its selectors match, where the database comes from, what its questions answer
    Test(Box<TestFlags>),
    /// Write a first profile for a release, from what is seen of it
    Init(Box<InitFlags>),
    /// Print the JSON schema of a profile, for editors
    Schema {
        /// That of an upgrade path in a file of its own
        #[arg(long)]
        path: bool,
    },
}

/// Runs one of them.
pub(crate) async fn run(command: ProfileCommand, environment: &Environment) -> ExitCode {
    match command {
        ProfileCommand::List(flags) => list::run(&flags, environment),
        ProfileCommand::Show(flags) => show::run(&flags, environment),
        ProfileCommand::Lint(flags) => lint::run(&flags, environment),
        ProfileCommand::Test(flags) => test::run(&flags, environment).await,
        ProfileCommand::Init(flags) => init::run(&flags, environment).await,
        ProfileCommand::Schema { path } => {
            let output = Output::new(&OutputFlags::default(), environment);
            let schema = if path { PATH_SCHEMA } else { SCHEMA };
            let written = output.data(|out| write!(out, "{schema}"));
            end_with(&output, written, ExitCode::Done)
        }
    }
}
