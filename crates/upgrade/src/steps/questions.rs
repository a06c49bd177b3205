//! Asking the application's pods whether they are well.

use engine::{StepContext, StepFailure};
use model::{HealthQuestion, PodFacts};

/// Asks one running pod of each question's workload; the first answer that is not 2xx is a failure.
///
/// A gated pod is not Ready, but its containers are: it is asked directly, past any Service.
pub(crate) async fn ask(
    context: &StepContext,
    questions: &[HealthQuestion],
) -> Result<Vec<String>, StepFailure> {
    let mut answers = Vec::new();
    for question in questions {
        let HealthQuestion { workload, port, path } = question;
        let pod = running_pod(context, question).await?;
        let status = context
            .cluster()
            .http_get_from_pod(&workload.namespace, &pod.name, *port, path)
            .await?;
        if !(200..300).contains(&status) {
            return Err(StepFailure::new(format!(
                "{path} on port {port} of pod {} answered {status}",
                pod.name
            )));
        }
        answers.push(format!("{path} of {workload} answered {status}"));
    }
    Ok(answers)
}

async fn running_pod(context: &StepContext, question: &HealthQuestion) -> Result<PodFacts, StepFailure> {
    let name = &question.workload;
    let workload = context
        .cluster()
        .workload(name)
        .await?
        .ok_or_else(|| StepFailure::new(format!("{name} does not exist")))?;
    let pods = context.cluster().pods_of(std::slice::from_ref(&workload)).await?;
    pods.into_iter()
        .find(|pod| pod.phase == "Running" && !pod.terminating)
        .ok_or_else(|| StepFailure::new(format!("{name} has no running pod to ask")))
}
