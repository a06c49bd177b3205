//! Every verdict and state as it is shown, on plain paper.

mod check;
mod live;
mod notes;
mod path;
mod plan;
mod plan_markdown;
mod restore;
mod run;
mod words;

use model::{ChartIdentity, ReleaseIdentity};

fn shown(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut paper = Vec::new();
    write(&mut paper).unwrap();
    String::from_utf8(paper).unwrap()
}

fn release() -> ReleaseIdentity {
    ReleaseIdentity {
        name: "shop".into(),
        namespace: "prod".into(),
        revision: 7,
        chart: "shop-1.4.0".into(),
        app_version: Some("1.4.0".into()),
    }
}

fn target() -> ChartIdentity {
    ChartIdentity {
        name: "shop".into(),
        version: "2.0.0".into(),
        app_version: Some("2.0.0".into()),
    }
}
