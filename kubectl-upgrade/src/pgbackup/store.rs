//! `kubectl pgbackup store`: stores with names, and whether one can do what a backup needs.

use backup::{Store, StoreAct, StoreError, StoreFinding};
use clap::{Args, Subcommand};
use cli::{Config, Environment, NamedStore, Output, OutputFlags, store_place};
use model::{API_VERSION, ExitCode, StoreActResult, StoreListReport, StoreTestReport};

use super::act::{ActEnd, act};
use super::stored::{Words, open_store};
use crate::session::{Common, could_not_begin};

/// Everything that is tried, in order.
const ACTS: [StoreAct; 6] = [
    StoreAct::Write,
    StoreAct::Read,
    StoreAct::CreateOnly,
    StoreAct::List,
    StoreAct::Multipart,
    StoreAct::Delete,
];

/// What to do with stores.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum StoreVerb {
    /// Give a store a name; credentials stay in the environment
    Add(AddFlags),
    /// List the stores that have names
    List(ListFlags),
    /// Write, read back, compare and delete files of our own, and say what works
    Test(Box<TestFlags>),
}

/// Flags of `store add`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AddFlags {
    /// The name that --to, --from and --backup-to take
    #[arg(value_name = "NAME")]
    name: String,
    /// A folder, s3://bucket/prefix, pvc://namespace/claim/path, or gs://… and az://… (both untested)
    #[arg(value_name = "FOLDER|URL")]
    url: String,
    /// Another S3 server than Amazon's
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Region of the bucket
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Whether the bucket stands in the path (true) or in the host's name (false)
    #[arg(long, value_name = "BOOL")]
    path_style: Option<bool>,
    #[command(flatten)]
    output: OutputFlags,
}

/// Flags of `store list`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ListFlags {
    #[command(flatten)]
    output: OutputFlags,
}

/// Flags of `store test`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TestFlags {
    /// The store
    #[arg(value_name = "NAME|FOLDER|URL")]
    store: String,
    #[command(flatten)]
    common: Common,
}

/// Does what the words say.
pub(crate) async fn run(verb: &StoreVerb, environment: &Environment) -> ExitCode {
    match verb {
        StoreVerb::Add(flags) => add(flags, environment),
        StoreVerb::List(flags) => list(flags, environment),
        StoreVerb::Test(flags) => test(flags, environment).await,
    }
}

fn add(flags: &AddFlags, environment: &Environment) -> ExitCode {
    let output = Output::new(&flags.output, environment);
    let store = NamedStore {
        url: flags.url.clone(),
        endpoint: flags.endpoint.clone(),
        region: flags.region.clone(),
        path_style: flags.path_style,
    };
    let added = Config::read(environment).and_then(|config| {
        config.add(&flags.name, &store)?;
        Config::read(environment)
    });
    match added {
        Ok(config) => {
            let mut report = report(&config);
            report.items.retain(|item| item.name == flags.name);
            let name = &flags.name;
            let told = output.talk(|err, _| {
                writeln!(
                    err,
                    "added to {}; next: kubectl pgbackup store test {name}",
                    report.file
                )
            });
            let written =
                told.and_then(|()| output.result(&report, |out, _| render::store_list(out, &report)));
            cli::end_with(&output, written, ExitCode::Done)
        }
        Err(error) => could_not_begin(&output, &error),
    }
}

fn list(flags: &ListFlags, environment: &Environment) -> ExitCode {
    let output = Output::new(&flags.output, environment);
    match Config::read(environment) {
        Ok(config) => {
            let report = report(&config);
            let written = output.result(&report, |out, _| render::store_list(out, &report));
            cli::end_with(&output, written, ExitCode::Done)
        }
        Err(error) => could_not_begin(&output, &error),
    }
}

fn report(config: &Config) -> StoreListReport {
    StoreListReport {
        api_version: API_VERSION.into(),
        kind: "StoreList".into(),
        file: config.path().display().to_string(),
        items: config.summaries(),
    }
}

async fn test(flags: &TestFlags, environment: &Environment) -> ExitCode {
    let output = Output::new(&flags.common.output, environment);
    let place = match store_place(Some(&flags.store), environment) {
        Ok(place) => place,
        Err(words) => return could_not_begin(&output, &Words(words)),
    };
    let store = match open_store(&place, &flags.common, environment).await {
        Ok(store) => store,
        Err(code) => return code,
    };
    let title = format!("try {store}");
    let tested = act(&output, &title, async |_| Ok::<_, StoreError>(store.test().await)).await;
    match tested {
        ActEnd::Ended(Ok(findings)) => {
            let report = tested_report(&store, &findings);
            let code = if report.works {
                ExitCode::Done
            } else {
                ExitCode::Blocked
            };
            let written = output.result(&report, |out, style| render::store_test(out, style, &report));
            cli::end_with(&output, written, code)
        }
        ActEnd::Ended(Err(error)) => could_not_begin(&output, &error),
        ActEnd::Interrupted => cli::fail(
            &output,
            &Words("interrupted".into()),
            "A folder probe-… of ours may be left in the store; it can be deleted.",
            None,
            ExitCode::Stopped,
        ),
    }
}

fn tested_report(store: &Store, findings: &[StoreFinding]) -> StoreTestReport {
    let result = |act: StoreAct| {
        let found = findings.iter().find(|finding| finding.act == act);
        StoreActResult {
            act: name(act).into(),
            works: found.map(|finding| finding.result.is_ok()),
            message: found
                .and_then(|finding| finding.result.as_ref().err())
                .map(|error| model::causes(error)),
        }
    };
    let acts: Vec<StoreActResult> = ACTS.into_iter().map(result).collect();
    StoreTestReport {
        api_version: API_VERSION.into(),
        kind: "StoreTest".into(),
        url: store.to_string(),
        works: acts.iter().all(|act| act.works == Some(true)),
        acts,
    }
}

fn name(act: StoreAct) -> &'static str {
    match act {
        StoreAct::Write => "write",
        StoreAct::Read => "read",
        StoreAct::CreateOnly => "createOnly",
        StoreAct::List => "list",
        StoreAct::Multipart => "multipart",
        StoreAct::Delete => "delete",
    }
}
