//! The user's helm binary: which one, of which line, and how it reaches the cluster.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use cluster::ConnectOptions;
use tokio::process::Command;

use crate::supervise::{self, error_line};
use crate::{HelmError, Running};

/// The oldest Helm 3 that is supported: `--reset-then-reuse-values`, `--hide-notes` and `--take-ownership` exist in it.
const OLDEST: semver::Version = semver::Version::new(3, 17, 0);

/// The two lines of Helm that are supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HelmMajor {
    /// Helm 3: client-side apply, a post-renderer is an executable.
    Three,
    /// Helm 4: server-side apply by default, a post-renderer is a plugin.
    Four,
}

/// One helm binary with the connection that its children get.
#[derive(Debug, Clone)]
pub struct Helm {
    program: PathBuf,
    version: semver::Version,
    major: HelmMajor,
    connection: Vec<(&'static str, OsString)>,
    own_program: PathBuf,
}

impl Helm {
    /// Finds helm: `explicit`, else `$HELM_BIN` (which Helm sets for plugins, perhaps relative), else PATH; asks it for
    /// its version. The connection is handed to every child by environment variables, so that no token is in an argument.
    ///
    /// # Errors
    /// No helm, a helm that does not answer, one older than 3.17, or a connection that helm cannot make.
    pub async fn find(explicit: Option<&Path>, options: &ConnectOptions) -> Result<Self, HelmError> {
        let named = explicit
            .map(|path| path.as_os_str().to_owned())
            .or_else(|| std::env::var_os("HELM_BIN").filter(|name| !name.is_empty()))
            .unwrap_or_else(|| "helm".into());
        let program = which::which(&named)
            .and_then(|path| std::path::absolute(path).map_err(|_| which::Error::CannotFindBinaryPath))
            .map_err(|_| HelmError::NotFound)?;
        let own_program = std::env::current_exe().map_err(|source| HelmError::File {
            act: "find",
            path: PathBuf::from("this program"),
            source,
        })?;
        let mut helm = Self {
            program,
            version: OLDEST,
            major: HelmMajor::Three,
            connection: connection(options)?,
            own_program,
        };
        let answer = helm
            .capture("version", ["version", "--template", "{{.Version}}"])
            .await?;
        let word = String::from_utf8_lossy(&answer).trim().to_owned();
        helm.version =
            semver::Version::parse(word.trim_start_matches('v')).map_err(|_| HelmError::Version {
                program: helm.program.clone(),
                answer: word.chars().take(100).collect(),
            })?;
        helm.major = match helm.version.major {
            3 if helm.version >= OLDEST => HelmMajor::Three,
            4 => HelmMajor::Four,
            _ => {
                return Err(HelmError::Unsupported {
                    version: helm.version,
                });
            }
        };
        Ok(helm)
    }

    /// Names the program that has the hidden subcommands. By default the running program itself; tests name another.
    pub fn with_own_program(mut self, program: PathBuf) -> Self {
        self.own_program = program;
        self
    }

    /// The line of Helm.
    pub fn major(&self) -> HelmMajor {
        self.major
    }

    /// The exact version.
    pub fn version(&self) -> &semver::Version {
        &self.version
    }

    /// The binary's absolute path.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The program that has the hidden subcommands.
    pub(crate) fn own_program(&self) -> &Path {
        &self.own_program
    }

    /// Runs a short helm command to its end and gives its standard output. `act` names it in errors, which hold helm's
    /// own last error but none of the arguments.
    pub(crate) async fn capture<I, S>(&self, act: &str, args: I) -> Result<Vec<u8>, HelmError>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let output = Command::new(&self.program)
            .args(args)
            .envs(self.connection.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|source| self.cannot_start(source))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = stderr.lines().collect();
        Err(HelmError::Failed {
            act: act.to_owned(),
            message: error_line(&lines).unwrap_or_else(|| output.status.to_string()),
        })
    }

    /// Starts a long helm command under the supervisor.
    pub(crate) fn start<I, S>(&self, args: I, environment: &[(&str, OsString)]) -> Result<Running, HelmError>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new(&self.own_program);
        command
            .arg(supervise::WORD)
            .arg(&self.program)
            .args(args)
            .envs(self.connection.iter().map(|(name, value)| (name, value)))
            .envs(environment.iter().map(|(name, value)| (name, value)));
        Running::start(command).map_err(|source| HelmError::Start {
            program: self.own_program.clone(),
            source,
        })
    }

    fn cannot_start(&self, source: std::io::Error) -> HelmError {
        HelmError::Start {
            program: self.program.clone(),
            source,
        }
    }
}

/// kubectl's connection flags as the variables that helm reads. What is not given stays as the environment has it, which
/// is how a plugin of Helm gets what the user told Helm.
fn connection(options: &ConnectOptions) -> Result<Vec<(&'static str, OsString)>, HelmError> {
    let ConnectOptions {
        kubeconfig,
        context,
        namespace,
        cluster,
        user,
        server,
        token,
        certificate_authority,
        insecure_skip_tls_verify,
        tls_server_name,
        as_user,
        as_groups,
        request_timeout: _,
    } = options;
    for (flag, given) in [("--cluster", cluster), ("--user", user)] {
        if given.is_some() {
            return Err(HelmError::NoSuchConnection { flag });
        }
    }
    let mut variables: Vec<(&'static str, OsString)> = Vec::new();
    let mut add = |name, value: Option<OsString>| variables.extend(value.map(|value| (name, value)));
    add("KUBECONFIG", kubeconfig.clone().map(OsString::from));
    add("HELM_KUBECONTEXT", context.clone().map(OsString::from));
    add("HELM_NAMESPACE", namespace.clone().map(OsString::from));
    add("HELM_KUBEAPISERVER", server.clone().map(OsString::from));
    add(
        "HELM_KUBETOKEN",
        token.as_ref().map(|token| token.expose().into()),
    );
    add(
        "HELM_KUBECAFILE",
        certificate_authority.clone().map(OsString::from),
    );
    add(
        "HELM_KUBEINSECURE_SKIP_TLS_VERIFY",
        insecure_skip_tls_verify.then(|| "true".into()),
    );
    add(
        "HELM_KUBETLS_SERVER_NAME",
        tls_server_name.clone().map(OsString::from),
    );
    add("HELM_KUBEASUSER", as_user.clone().map(OsString::from));
    add(
        "HELM_KUBEASGROUPS",
        (!as_groups.is_empty()).then(|| as_groups.join(",").into()),
    );
    Ok(variables)
}
