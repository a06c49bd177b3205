//! A line of `helm upgrade` as it may be written down, for a plan that is run later.

use super::UpgradeLine;

/// A line without what may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenLine {
    /// Release, chart and flags, each one word.
    pub words: Vec<String>,
    /// What is left out: the flag, and for one that sets a value its path.
    pub left_out: Vec<String>,
}

impl UpgradeLine {
    /// The line as it may be written down. Values that stand on the line itself are left out, as are logins and what may
    /// hold one; the names of files stay.
    pub fn written(&self) -> WrittenLine {
        let mut written = WrittenLine {
            words: std::iter::once(self.release.clone())
                .chain(self.chart.clone())
                .collect(),
            left_out: Vec::new(),
        };
        for word in self.location.iter().chain(&self.values).chain(&self.passed) {
            match left_out(word) {
                Some(name) => written.left_out.push(name),
                None => written.words.push(word.clone()),
            }
        }
        if let Some(timeout) = self.timeout {
            written
                .words
                .push(format!("--timeout={}s", timeout.as_secs_f64()));
        }
        written
    }

    /// Whether the chart is named by an address that holds a login or a token.
    pub fn chart_holds_a_login(&self) -> bool {
        self.chart.as_deref().is_some_and(holds_a_login)
    }
}

/// How a flag is told that is left out; `None` for one that may be written down.
fn left_out(word: &str) -> Option<String> {
    let (flag, value) = word.split_once('=')?;
    match flag {
        // A JSON text as a whole has no path.
        "--set" | "--set-string" | "--set-literal" | "--set-json" => {
            let path = value.split_once('=').map(|(path, _)| path);
            let path = path.filter(|path| !path.starts_with(['{', '[']));
            Some(match path {
                Some(path) => format!("{flag} {path}"),
                None => flag.to_owned(),
            })
        }
        "--password" => Some(flag.to_owned()),
        "--values" | "--repo" if value == "-" || holds_a_login(value) => Some(flag.to_owned()),
        _ => None,
    }
}

/// Whether a text is an address with a user or with parameters, which may be a token.
fn holds_a_login(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    authority.contains('@') || rest.contains('?')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HelmMajor;

    fn written(words: &str) -> WrittenLine {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        UpgradeLine::parse(&words, HelmMajor::Four).unwrap().written()
    }

    #[test]
    fn no_value_of_the_line_is_written_down() {
        let line = written(
            "shop ./shop -f a.yaml --set db.password=hunter2 --set-json {\"a\":\"hunter2=\"} --set-file ca=ca.pem \
             --set-literal x=hunter2 --repo https://example.org --username ann --password hunter2 --version 1.2.3 \
             --reset-then-reuse-values --skip-crds --timeout 90s",
        );
        assert_eq!(
            line.words,
            [
                "shop",
                "./shop",
                "--repo=https://example.org",
                "--username=ann",
                "--version=1.2.3",
                "--values=a.yaml",
                "--set-file=ca=ca.pem",
                "--reset-then-reuse-values",
                "--skip-crds",
                "--timeout=90s"
            ]
        );
        assert_eq!(
            line.left_out,
            ["--password", "--set db.password", "--set-json", "--set-literal x"]
        );
    }

    #[test]
    fn an_address_with_a_login_is_left_out() {
        let line = written("shop ./shop -f https://ann:hunter2@example.org/v.yaml --values -");
        assert_eq!(line.left_out, ["--values", "--values"]);
        let line = written("shop ./shop --repo https://example.org/charts?token=hunter2");
        assert_eq!(line.left_out, ["--repo"]);
        for (chart, holds) in [
            ("oci://example.org/shop@sha256:00", false),
            ("https://ann:x@example.org/shop.tgz", true),
            ("./a@b/shop", false),
        ] {
            assert_eq!(super::holds_a_login(chart), holds, "{chart}");
        }
    }

    #[test]
    fn what_is_written_down_reads_as_the_same_line() {
        let line = written("shop ./shop -f a.yaml --no-hooks --history-max 5 --timeout 1h30m");
        assert_eq!(written(&line.words.join(" ")), line);
    }
}
