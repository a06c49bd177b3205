//! kubectl's connection flags, and what Helm says instead of them.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use cluster::ConnectOptions;
use model::Secret;

use crate::Environment;

/// How to reach the cluster. The names are kubectl's; `--kube-…` are Helm's for the same.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionFlags {
    /// Context of the kubeconfig
    #[arg(long, alias = "kube-context", value_name = "NAME")]
    context: Option<String>,
    #[command(flatten)]
    way: WayFlags,
}

/// How to reach several clusters, for a command that looks at more than one.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ManyConnectionsFlags {
    /// Context of the kubeconfig; may be repeated
    #[arg(long = "context", alias = "kube-context", value_name = "NAME")]
    contexts: Vec<String>,
    #[command(flatten)]
    way: WayFlags,
}

/// All of it but the context.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
struct WayFlags {
    /// Namespace of the release
    #[arg(short = 'n', long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Kubeconfig file
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Cluster of the kubeconfig
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// User of the kubeconfig
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Address of the API server
    #[arg(short = 's', long, alias = "kube-apiserver", value_name = "URL")]
    server: Option<String>,
    /// Bearer token; better kept in the kubeconfig, since arguments are seen by others
    #[arg(long, alias = "kube-token", value_name = "TOKEN")]
    token: Option<String>,
    /// File with the certificate authority of the API server
    #[arg(long, alias = "kube-ca-file", value_name = "FILE")]
    certificate_authority: Option<PathBuf>,
    /// Do not check the API server's certificate
    #[arg(long, alias = "kube-insecure-skip-tls-verify")]
    insecure_skip_tls_verify: bool,
    /// Name that the API server's certificate must bear
    #[arg(long, alias = "kube-tls-server-name", value_name = "NAME")]
    tls_server_name: Option<String>,
    /// User to act as
    #[arg(long = "as", alias = "kube-as-user", value_name = "USER")]
    as_user: Option<String>,
    /// Group to act as; may be repeated
    #[arg(long = "as-group", alias = "kube-as-group", value_name = "GROUP")]
    as_groups: Vec<String>,
    /// Longest time for one request, such as 30s; 0 means no limit
    #[arg(long, value_name = "TIME", value_parser = duration)]
    request_timeout: Option<Duration>,
}

fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    helm::parse_duration(text).ok_or_else(|| format!("{text:?} is no time; write 30s, 5m or 1h"))
}

impl ConnectionFlags {
    /// Whether a cluster is named on the line itself: then it is meant, and no other will do.
    pub fn names_a_cluster(&self) -> bool {
        self.context.is_some() || self.way.names_a_cluster()
    }

    /// The namespace that is named on the line itself.
    pub fn namespace(&self) -> Option<&str> {
        self.way.namespace.as_deref()
    }

    /// The flags that mean the same cluster again, by the same identity, for a command that is proposed. The namespace is for
    /// whoever knows the one in force; a token never stands in a command.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(context) = &self.context {
            words.extend(["--context".to_owned(), context.clone()]);
        }
        words.extend(self.way.words());
        words
    }

    /// The options: flags first, then what Helm handed over if Helm started this program. Helm takes its own flags out of
    /// a plugin's arguments and says them in the environment.
    pub fn options(&self, environment: &Environment) -> ConnectOptions {
        self.way.options(self.context.as_deref(), environment)
    }
}

impl ManyConnectionsFlags {
    /// The options of each cluster, as [`ConnectionFlags::options`] has them; of one where no context is named.
    ///
    /// # Errors
    /// In words, where an address or a cluster is named for several contexts: all of them would be the same one.
    pub fn options(&self, environment: &Environment) -> Result<Vec<ConnectOptions>, String> {
        let mut contexts: Vec<&str> = Vec::new();
        for context in &self.contexts {
            if !contexts.contains(&context.as_str()) {
                contexts.push(context);
            }
        }
        if contexts.is_empty() {
            return Ok(vec![self.way.options(None, environment)]);
        }
        if contexts.len() > 1 && (self.way.server.is_some() || self.way.cluster.is_some()) {
            return Err("--server and --cluster name one cluster: give one --context with them".into());
        }
        Ok(contexts
            .into_iter()
            .map(|context| self.way.options(Some(context), environment))
            .collect())
    }
}

impl WayFlags {
    fn names_a_cluster(&self) -> bool {
        self.kubeconfig.is_some()
            || self.cluster.is_some()
            || self.server.is_some()
            || self.namespace.is_some()
    }

    fn words(&self) -> Vec<String> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let flags = [
            ("--kubeconfig", path(&self.kubeconfig)),
            ("--cluster", self.cluster.clone()),
            ("--user", self.user.clone()),
            ("--server", self.server.clone()),
            ("--certificate-authority", path(&self.certificate_authority)),
            ("--tls-server-name", self.tls_server_name.clone()),
            ("--as", self.as_user.clone()),
        ];
        let groups = self
            .as_groups
            .iter()
            .map(|group| ("--as-group", Some(group.clone())));
        let mut words: Vec<String> = flags
            .into_iter()
            .chain(groups)
            .filter_map(|(flag, value)| Some([flag.to_owned(), value?]))
            .flatten()
            .collect();
        if self.insecure_skip_tls_verify {
            words.push("--insecure-skip-tls-verify".to_owned());
        }
        words
    }

    fn options(&self, context: Option<&str>, environment: &Environment) -> ConnectOptions {
        let helm = |name: &str| {
            environment
                .is_helm_plugin()
                .then(|| environment.get(name))
                .flatten()
                .map(str::to_owned)
        };
        let groups =
            || helm("HELM_KUBEASGROUPS").map(|groups| groups.split(',').map(str::to_owned).collect());
        let insecure = || helm("HELM_KUBEINSECURE_SKIP_TLS_VERIFY").is_some_and(|value| value == "true");
        let timeout = self.request_timeout.filter(|timeout| !timeout.is_zero());
        ConnectOptions {
            kubeconfig: self.kubeconfig.clone(),
            context: context.map(str::to_owned).or_else(|| helm("HELM_KUBECONTEXT")),
            namespace: self.namespace.clone().or_else(|| helm("HELM_NAMESPACE")),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            server: self.server.clone().or_else(|| helm("HELM_KUBEAPISERVER")),
            token: self
                .token
                .clone()
                .or_else(|| helm("HELM_KUBETOKEN"))
                .map(Secret::new),
            certificate_authority: self
                .certificate_authority
                .clone()
                .or_else(|| helm("HELM_KUBECAFILE").map(PathBuf::from)),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify || insecure(),
            tls_server_name: self
                .tls_server_name
                .clone()
                .or_else(|| helm("HELM_KUBETLS_SERVER_NAME")),
            as_user: self.as_user.clone().or_else(|| helm("HELM_KUBEASUSER")),
            as_groups: if self.as_groups.is_empty() {
                groups().unwrap_or_default()
            } else {
                self.as_groups.clone()
            },
            request_timeout: timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helm_s_environment_counts_only_when_helm_started_the_program() {
        let said = [
            ("HELM_NAMESPACE", "prod"),
            ("HELM_KUBECONTEXT", "east"),
            ("HELM_KUBEASGROUPS", "a,b"),
        ];
        let alone = ConnectionFlags::default().options(&Environment::of(&said));
        assert_eq!((alone.namespace, alone.context), (None, None));
        let mut plugin = said.to_vec();
        plugin.push(("HELM_PLUGIN_NAME", "safe-upgrade"));
        let plugin = ConnectionFlags::default().options(&Environment::of(&plugin));
        assert_eq!(plugin.namespace.as_deref(), Some("prod"));
        assert_eq!(plugin.context.as_deref(), Some("east"));
        assert_eq!(plugin.as_groups, ["a", "b"]);
    }

    #[test]
    fn the_words_mean_the_same_cluster_and_identity_and_hold_no_token() {
        #[derive(Debug, clap::Parser)]
        struct Line {
            #[command(flatten)]
            connection: ConnectionFlags,
        }
        let all = [
            "--context",
            "east",
            "--kubeconfig",
            "/etc/kube config",
            "--cluster",
            "c",
            "--user",
            "u",
            "--server",
            "https://x.example",
            "--certificate-authority",
            "/etc/ca",
            "--tls-server-name",
            "x",
            "--as",
            "admin",
            "--as-group",
            "a",
            "--as-group",
            "b",
            "--insecure-skip-tls-verify",
        ];
        let words = |more: &[&'static str]| {
            let line = ["x"].iter().chain(&all).chain(more);
            <Line as clap::Parser>::try_parse_from(line)
                .unwrap()
                .connection
                .words()
        };
        assert_eq!(words(&[]), all);
        assert_eq!(words(&["--token", "hush", "-n", "prod"]), all);
        assert!(ConnectionFlags::default().words().is_empty());
    }

    #[test]
    fn a_flag_wins_over_helm_s_environment() {
        let environment =
            Environment::of(&[("HELM_NAMESPACE", "prod"), ("HELM_PLUGIN_NAME", "safe-upgrade")]);
        let flags = ConnectionFlags {
            way: WayFlags {
                namespace: Some("dev".into()),
                ..WayFlags::default()
            },
            ..ConnectionFlags::default()
        };
        assert_eq!(flags.options(&environment).namespace.as_deref(), Some("dev"));
    }

    #[test]
    fn each_context_is_a_cluster_and_an_address_is_one_alone() {
        let contexts = |contexts: &[&str], server: Option<&str>| {
            let flags = ManyConnectionsFlags {
                contexts: contexts.iter().map(|context| (*context).to_owned()).collect(),
                way: WayFlags {
                    server: server.map(str::to_owned),
                    ..WayFlags::default()
                },
            };
            let options = flags.options(&Environment::default())?;
            Ok::<_, String>(
                options
                    .into_iter()
                    .map(|options| options.context)
                    .collect::<Vec<_>>(),
            )
        };
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(
            contexts(&["east", "west", "east"], None),
            Ok(vec![named("east"), named("west")])
        );
        assert_eq!(contexts(&[], Some("https://x.example")), Ok(vec![None]));
        assert_eq!(
            contexts(&["east"], Some("https://x.example")),
            Ok(vec![named("east")])
        );
        assert!(contexts(&["east", "west"], Some("https://x.example")).is_err());
    }
}
