//! Who else deploys the release.

use model::{Confidence, DeclaredDeployer, Deployer, DeployerActs, DeployerTool, Seen};

use crate::fixture::{Case, flux, hidden};

fn deployer(tool: DeployerTool, object: Option<&str>, acts: DeployerActs) -> Deployer {
    Deployer {
        tool,
        object: object.map(str::to_owned),
        evidence: "a mark on deployment/web".into(),
        confidence: Confidence::Inferred,
        acts,
    }
}

fn with(deployers: Vec<Deployer>) -> Case {
    Case::with(|case| case.seen.owners = Seen::Present(deployers))
}

fn declared(tool: DeployerTool) -> Case {
    Case::with(|case| {
        case.profile.deployer = Some(DeclaredDeployer {
            tool,
            source: Some("infra/shop.tf".into()),
        });
    })
}

fn commands(case: &Case) -> Vec<String> {
    let row = case.row("helm-owner");
    row.remedy
        .into_iter()
        .filter_map(|remedy| remedy.command)
        .collect()
}

#[test]
fn a_controller_that_acts_by_itself_blocks_and_is_told_how_to_hold() {
    Case::healthy().says("helm-owner", "pass", &["anybody but helm"]);
    let case = with(vec![flux()]);
    case.says(
        "helm-owner",
        "fail",
        &[
            "Flux HelmRelease shop/shop would undo the upgrade",
            "label helm.toolkit.fluxcd.io/name on deployment/web",
        ],
    );
    assert_eq!(commands(&case), ["flux suspend helmrelease shop -n shop"]);
    let argo = with(vec![deployer(
        DeployerTool::ArgoCd,
        Some("Application team_shop"),
        DeployerActs::ByItself,
    )]);
    assert_eq!(commands(&argo), ["argocd app set team/shop --sync-policy none"]);
}

#[test]
fn one_of_which_is_not_known_whether_it_acts_blocks_as_well() {
    with(vec![deployer(
        DeployerTool::ArgoCd,
        Some("Application shop"),
        DeployerActs::Unknown("you may not list applications".into()),
    )])
    .says(
        "helm-owner",
        "fail",
        &["could not be told: you may not list applications"],
    );
}

#[test]
fn what_acts_only_later_warns_with_what_would_happen() {
    let warns = |tool, acts, parts: &[&str]| {
        let case = with(vec![deployer(tool, None, acts)]);
        case.says("helm-owner", "warn", parts);
        assert!(!case.row("helm-owner").remedy.is_empty());
    };
    warns(
        DeployerTool::Terraform,
        DeployerActs::WhenRun,
        &["next `terraform apply`"],
    );
    warns(DeployerTool::Pulumi, DeployerActs::WhenRun, &["next `pulumi up`"]);
    warns(
        DeployerTool::ArgoCd,
        DeployerActs::OnChange,
        &["next change of its source"],
    );
    warns(DeployerTool::ArgoCd, DeployerActs::WhenRun, &["next sync"]);
    warns(DeployerTool::Flux, DeployerActs::Suspended, &["is suspended"]);
}

#[test]
fn of_several_the_worst_decides_and_all_are_told() {
    with(vec![
        deployer(DeployerTool::Terraform, None, DeployerActs::WhenRun),
        flux(),
    ])
    .says("helm-owner", "fail", &["Flux HelmRelease", "terraform apply"]);
}

#[test]
fn what_is_declared_counts_where_nothing_tells_of_it() {
    declared(DeployerTool::Helmfile).says(
        "helm-owner",
        "warn",
        &["helmfile undoes", "declared", "infra/shop.tf"],
    );
    declared(DeployerTool::Flux).says("helm-owner", "fail", &["Flux may undo"]);
    // What was found of the same tool says more.
    let mut both = declared(DeployerTool::Flux);
    both.seen.owners = Seen::Present(vec![flux()]);
    let message = both.row("helm-owner").verdict.message().to_owned();
    assert!(!message.contains("declared"), "{message}");
}

#[test]
fn marks_that_could_not_be_read_are_unknown_unless_a_controller_is_declared() {
    Case::with(|case| case.seen.owners = hidden()).says("helm-owner", "unknown", &["the right is missing"]);
    let mut helmfile = declared(DeployerTool::Helmfile);
    helmfile.seen.owners = hidden();
    helmfile.says("helm-owner", "unknown", &[]);
    let mut flux = declared(DeployerTool::Flux);
    flux.seen.owners = hidden();
    flux.says("helm-owner", "fail", &[]);
}
