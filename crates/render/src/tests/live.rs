//! A run while it goes on.

use model::{Event, LogSource, MigrationSample, StepState};

use crate::{Live, LiveOutput, Style};

#[test]
fn a_run_in_lines_tells_changes_once() {
    #[derive(Clone, Default)]
    struct Paper(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
    impl std::io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let paper = Paper::default();
    let mut live = Live::new(Style::plain(), LiveOutput::Lines(Box::new(paper.clone())));
    let sample = |version: &str| {
        let version = Some(version.to_owned());
        Event::Migration(MigrationSample {
            seconds: 1.0,
            active: Vec::new(),
            blocked: Vec::new(),
            version,
        })
    };
    let step = |state, seconds| Event::Step {
        id: "01-helm-pass".into(),
        title: "helm upgrade".into(),
        state,
        detail: None,
        seconds,
    };
    let events = [
        Event::RunStarted {
            run: "r1".into(),
            steps: vec![("a".into(), "b".into())],
            resumed: false,
        },
        step(StepState::Running, None),
        sample("3"),
        sample("3"),
        sample("4"),
        Event::Log {
            source: Some(LogSource {
                pod: "migrate-x".into(),
                container: "migrate".into(),
            }),
            line: "OK 00004.sql".into(),
        },
        Event::Notice {
            message: "slower than usual".into(),
        },
        step(StepState::Failed, Some(12.0)),
        Event::TurningBack {
            reason: "helm failed".into(),
        },
    ];
    for event in &events {
        live.show(event).unwrap();
    }
    live.end();
    let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    insta::assert_snapshot!(text);
}
