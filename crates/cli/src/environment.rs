//! The environment, read once.

use std::collections::BTreeMap;

/// Environment variables as a program was started with. Helm hands a plugin everything by these.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// This process's own; variables that are no text are left out.
    pub fn of_this_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// A given one, for tests.
    pub fn of(variables: &[(&str, &str)]) -> Self {
        Self(
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    /// A variable that is set to something.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Who types, as `user@machine`, for notes that outlive the command.
    pub fn person(&self) -> String {
        let user = self
            .get("USER")
            .or_else(|| self.get("USERNAME"))
            .or_else(|| self.get("LOGNAME"));
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname")
            .ok()
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .or_else(|| {
                self.get("HOSTNAME")
                    .or_else(|| self.get("COMPUTERNAME"))
                    .map(str::to_owned)
            });
        format!(
            "{}@{}",
            user.unwrap_or("somebody"),
            machine.as_deref().unwrap_or("somewhere")
        )
    }

    /// Whether Helm started this process as its plugin.
    pub fn is_helm_plugin(&self) -> bool {
        self.get("HELM_PLUGIN_NAME").is_some()
    }
}
