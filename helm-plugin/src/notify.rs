//! The flags about who is told of a run.

use std::path::PathBuf;

use clap::Args;
use cli::Environment;
use model::Secret;
use upgrade::notify::Notify;

use crate::upgrade::Refusal;

/// The variable that holds the webhook's address.
const VARIABLE: &str = "SAFE_UPGRADE_NOTIFY_URL";

/// Who is told at start, gate, turning back and end, and when the run waits for a person.
#[derive(Debug, Clone, Args)]
pub(crate) struct NotifyFlags {
    /// File with the address of a webhook (JSON by POST) that is told of the run; else $SAFE_UPGRADE_NOTIFY_URL
    #[arg(long, value_name = "FILE")]
    notify_url_file: Option<PathBuf>,
    /// Command that is told of the run, with the same JSON on its standard input
    #[arg(long, value_name = "COMMAND")]
    notify_command: Option<String>,
}

impl NotifyFlags {
    /// Who is told. The file goes before the variable.
    pub(crate) fn notify(&self, environment: &Environment) -> Result<Notify, Refusal> {
        let url = match &self.notify_url_file {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| Refusal::Words(format!("failed to read {}: {error}", file.display())))?;
                Some(text.trim().to_owned())
            }
            None => environment.get(VARIABLE).map(|url| url.trim().to_owned()),
        };
        Notify::new(url.map(Secret::new), self.notify_command.clone())
            .map_err(|error| Refusal::Words(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(file: Option<&str>, variable: &str) -> Result<Notify, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url");
        let flags = NotifyFlags {
            notify_url_file: file.map(|text| {
                std::fs::write(&path, text).unwrap();
                path.clone()
            }),
            notify_command: None,
        };
        let environment = Environment::of(&[(VARIABLE, variable)]);
        flags.notify(&environment).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn the_address_is_never_shown_whether_it_is_one_or_not() {
        let good = format!("{:?}", told(Some("https://hooks.example/s3cret\n"), "").unwrap());
        assert!(!good.contains("s3cret"), "{good}");
        let bad = told(Some("hooks.example/s3cret"), "").unwrap_err();
        assert!(!bad.contains("s3cret") && bad.contains("https://"), "{bad}");
        assert!(told(None, "https://hooks.example/s3cret").is_ok());
        assert!(
            told(Some("https://hooks.example/a"), "no address").is_ok(),
            "the file goes first"
        );
        assert!(told(None, "").is_ok());
    }
}
