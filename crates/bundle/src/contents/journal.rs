//! The runs of `helm safe-upgrade` on the release, by their journals.

use engine::RunHead;
use engine::journal::ClusterStore;
use model::causes;

use super::Part;
use crate::redact::Language;
use crate::request::BundleRequest;

pub(crate) async fn parts(request: &BundleRequest<'_>) -> Vec<Part> {
    let about = "runs of helm safe-upgrade";
    let store = ClusterStore::new(request.cluster, request.namespace);
    match engine::runs(&store, request.release).await {
        Ok(runs) if runs.is_empty() => vec![Part::unavailable("runs", about, "there is none on record")],
        Ok(runs) => runs.iter().flat_map(of_run).collect(),
        Err(error) => {
            let why = format!(
                "{} (needs list secrets in namespace {})",
                causes(&error),
                request.namespace
            );
            vec![Part::unread("runs", about, why)]
        }
    }
}

fn of_run(head: &RunHead) -> Vec<Part> {
    let path = |name: &str| format!("runs/{}/{name}", head.run);
    let document = match &head.document {
        Ok(document) => document,
        Err(why) => {
            let why = format!("the journal cannot be understood: {why}");
            return vec![Part::unread(&path("journal.json"), "the journal of a run", why)];
        }
    };
    let report = upgrade::journal_report(document);
    vec![
        Part::written(
            &path("report.html"),
            "the report of a run, a page",
            Language::Html,
            |out| render::run_page(out, &report),
        ),
        Part::json(
            &path("journal.json"),
            "the journal of a run, step by step",
            document,
        ),
    ]
}
