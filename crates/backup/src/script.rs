//! The shell scripts that run beside the server. They are constant: values only ever arrive as arguments.

/// What the scripts are called in process lists and in their own error messages.
pub(crate) const COMMAND_NAME: &str = "safe-upgrade";
