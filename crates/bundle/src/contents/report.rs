//! The judgement, and what it was made from.

use model::SavedObservation;

use super::Part;
use crate::redact::Language;
use crate::request::BundleRequest;

pub(crate) fn parts(request: &BundleRequest<'_>) -> Vec<Part> {
    let observed = request.observed;
    let target = request.target.map(|(_, target)| target.clone());
    let kept = SavedObservation::new(observed.observation.clone(), target, observed.profile.clone());
    vec![
        Part::written(
            "check.html",
            "the report of the checks, a page",
            Language::Html,
            |out| render::check_page(out, request.report),
        ),
        Part::json(
            "check.json",
            "the report of the checks, for programs",
            request.report,
        ),
        Part::json(
            "observation.json",
            "what was seen, for `kubectl upgrade-check --observation`",
            &kept,
        ),
    ]
}
