//! The application's start on the restored copy, from handing the copy over to the last question.

use std::time::{Duration, Instant};

use cluster::HttpGetError;
use model::{Seen, SmokeAnswer, WithApp, causes};

use super::deeds::Deeds;
use super::fill::fill_volumes;
use super::ground::Ground;
use super::judge::{Evidence, Judged, judge};
use super::live::sessions_from;
use super::own_copy::{globals, hand_over};
use super::pod::AppServer;
use super::start::Start;
use super::words::{LINES, last_words};
use crate::helper_pod::HelperPodError;
use crate::settings::Settings;
use crate::verify::{Findings, VerifyError};
use crate::{Backup, Progress, Server};

/// Boots the application on the restored database and judges what it does. Comes last: it changes the database.
///
/// # Errors
/// When the pod or the server fails us, or the application turns up on the database in use.
pub(in crate::verify) async fn boot(
    pod: &AppServer,
    server: &Server,
    backup: &Backup,
    settings: Option<&Settings>,
    findings: &mut Findings,
    progress: Progress<'_>,
) -> Result<(), VerifyError> {
    let request = &pod.request;
    let door = &request.app.door;
    progress("making the restored database the application's", None);
    let globals = globals(backup).await?;
    hand_over(server, globals, &backup.manifest, settings, door).await?;
    let filled = match fill_volumes(pod, backup, progress).await {
        Ok(filled) => filled,
        Err(error) => {
            findings
                .unjudged
                .push(not_booted(&request.workload, &causes(&error)));
            return Ok(());
        }
    };
    let ground = match Ground::look(pod, server).await? {
        Ok(ground) => ground,
        Err(words) => {
            findings.unjudged.push(not_booted(&request.workload, &words));
            return Ok(());
        }
    };
    let before = Deeds::look(server, door).await?;
    progress(
        &format!("starting {} on the restored copy", request.words()),
        None,
    );
    let begun = Instant::now();
    pod.open_gate().await?;
    let start = pod.started(|_| ()).await.map_err(HelperPodError::Start)?;
    let ready = (start == Start::Ready).then(|| begun.elapsed());
    progress("asking the application", None);
    let evidence = evidence(pod, start, backup.id.as_str()).await;
    if let Seen::Present(count) = evidence.on_live
        && count > 0
    {
        return Err(VerifyError::ReachedLive(count));
    }
    let did = match ready {
        Some(_) => Deeds::look(server, door).await?.since(&before),
        None => Vec::new(),
    };
    let Judged {
        compared,
        differences,
        unjudged,
        on_the_copy,
    } = judge(&request.workload, &evidence);
    findings.compared.extend(compared);
    findings.differences.extend(differences);
    findings.unjudged.extend(unjudged);
    let mut isolation = vec![ground.words()];
    isolation.extend(
        filled
            .into_iter()
            .map(|words| format!("{words} is from the same backup")),
    );
    isolation.extend(pod.volumes.notes.iter().chain(&request.notes).cloned());
    findings.with_app = Some(WithApp {
        workload: request.workload.clone(),
        container: request.app.container.clone(),
        image: request.image.clone(),
        version: request.version.clone(),
        ready_seconds: ready.as_ref().map(Duration::as_secs_f64),
        smoke: evidence.answers,
        on_the_copy,
        isolation,
        did,
    });
    Ok(())
}

fn not_booted(workload: &str, why: &str) -> String {
    format!("{workload} was not booted on the restored copy: {why}")
}

/// Looks at everything that tells how it does, as long as its pod is there.
async fn evidence(pod: &AppServer, mut start: Start, id: &str) -> Evidence {
    let request = &pod.request;
    let app = &request.app;
    let (mut answers, mut unasked) = (Vec::new(), Vec::new());
    if start == Start::Ready {
        for question in &app.questions {
            let (port, path) = (question.port, question.path.as_str());
            let asked = pod
                .cluster
                .http_get_from_pod(request.namespace(), pod.pod(), port, path)
                .await;
            let (status, error) = match asked {
                Ok(status) => (Some(status), None),
                Err(error @ HttpGetError::Open { .. }) => {
                    unasked.push(causes(&error));
                    continue;
                }
                Err(error) => (None, Some(causes(&error))),
            };
            answers.push(SmokeAnswer {
                port,
                path: path.to_owned(),
                status,
                error,
            });
        }
    }
    let on_copy = if start == Start::Ready {
        pod.session_on_copy().await
    } else {
        Seen::Absent
    };
    let on_live = match pod.address().await {
        Ok(Some(address)) => sessions_from(&pod.cluster, &request.live, &app.door, &address, id).await,
        Ok(None) => Seen::Unreadable("its pod has no address".into()),
        Err(error) => Seen::Unreadable(causes(&error)),
    };
    if start == Start::Ready {
        // Whoever has no probe is ready at once, and may have ended since.
        match pod.looked_at().await {
            Start::Ready | Start::Waits { .. } => {}
            ended @ (Start::Ended { .. } | Start::Cannot(_)) => start = ended,
        }
    }
    let talks = match &start {
        Start::Ended { container, .. } => container,
        Start::Ready | Start::Waits { .. } | Start::Cannot(_) => &app.container,
    };
    // Whoever said nothing yet has no last words.
    let log = pod.log(talks, LINES).await.unwrap_or_default();
    Evidence {
        start,
        limit: request.limit.as_secs(),
        last_words: last_words(&log, &request.secrets),
        answers,
        unasked,
        on_copy,
        on_live,
    }
}
