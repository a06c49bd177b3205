//! The status of a command, as the last frame of its stream says it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;

/// What the status says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CommandStatus {
    /// It ran and ended with this code.
    Ended(i32),
    /// It did not run; the runtime's words.
    NotRun(String),
}

/// Reads the status frame. `None` when it is no status that can be understood.
///
/// A code other than 0 comes as reason `NonZeroExitCode` with a cause `ExitCode` whose message is the number.
pub(super) fn command_status(frame: &[u8]) -> Option<CommandStatus> {
    let status: Status = serde_json::from_slice(frame).ok()?;
    match status.status.as_deref() {
        Some("Success") => Some(CommandStatus::Ended(0)),
        Some("Failure") if status.reason.as_deref() == Some("NonZeroExitCode") => status
            .details
            .iter()
            .flat_map(|details| details.causes.iter().flatten())
            .find(|cause| cause.reason.as_deref() == Some("ExitCode"))
            .and_then(|cause| cause.message.as_deref()?.parse().ok())
            .map(CommandStatus::Ended),
        Some("Failure") => Some(CommandStatus::NotRun(
            status
                .message
                .or(status.reason)
                .unwrap_or_else(|| "no reason given".to_owned()),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{CommandStatus, command_status};

    #[test]
    fn success_is_code_0() {
        assert_eq!(
            command_status(br#"{"metadata":{},"status":"Success"}"#),
            Some(CommandStatus::Ended(0))
        );
    }

    #[test]
    fn the_code_of_a_failure_stands_in_its_cause() {
        let frame =
            br#"{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code",
            "reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"141"}]}}"#;
        assert_eq!(command_status(frame), Some(CommandStatus::Ended(141)));
    }

    #[test]
    fn a_command_that_did_not_run_has_no_code() {
        let frame = br#"{"status":"Failure","reason":"InternalError","message":"executable file not found"}"#;
        assert_eq!(
            command_status(frame),
            Some(CommandStatus::NotRun("executable file not found".to_owned()))
        );
    }

    #[test]
    fn a_failure_without_its_code_is_not_understood() {
        assert_eq!(
            command_status(br#"{"status":"Failure","reason":"NonZeroExitCode"}"#),
            None
        );
        assert_eq!(command_status(b"{}"), None);
        assert_eq!(command_status(b"not json"), None);
    }
}
