//! The kubeconfig in force, with the flags laid over it.

use std::path::{Path, PathBuf};

use kube::config::{
    AuthInfo, Cluster, Context, Kubeconfig, KubeconfigError, NamedAuthInfo, NamedCluster, NamedContext,
};

use super::{ConnectError, ConnectOptions};

/// The name of what flags alone describe.
const FROM_FLAGS: &str = "flags";

/// A kubeconfig and where it came from.
pub(super) struct Found {
    pub(super) kubeconfig: Kubeconfig,
    pub(super) place: String,
}

/// Where kubeconfigs are, in kubectl's order: the flag, `$KUBECONFIG`, the home folder.
pub(super) enum Places {
    /// A file the user named; it must exist.
    Named(PathBuf),
    /// Files that may be missing, as kubectl ignores those.
    Usual(Vec<PathBuf>),
}

impl Places {
    /// From the flag and the environment.
    pub(super) fn of(options: &ConnectOptions) -> Self {
        if let Some(path) = &options.kubeconfig {
            return Self::Named(path.clone());
        }
        let listed: Vec<PathBuf> = std::env::var_os("KUBECONFIG")
            .map(|list| {
                std::env::split_paths(&list)
                    .filter(|path| !path.as_os_str().is_empty())
                    .collect()
            })
            .unwrap_or_default();
        if listed.is_empty() {
            let home = std::env::home_dir();
            Self::Usual(
                home.map(|home| home.join(".kube").join("config"))
                    .into_iter()
                    .collect(),
            )
        } else {
            Self::Usual(listed)
        }
    }

    /// All of them, for messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Named(path) => path.display().to_string(),
            Self::Usual(paths) => joined(paths.iter().map(|path| path.display().to_string())),
        }
    }

    /// Reads and merges them; `None` when none of the usual ones is there.
    pub(super) fn read(&self) -> Result<Option<Found>, ConnectError> {
        let paths: Vec<&Path> = match self {
            Self::Named(path) => vec![path.as_path()],
            Self::Usual(paths) => paths
                .iter()
                .map(PathBuf::as_path)
                .filter(|path| path.exists())
                .collect(),
        };
        if paths.is_empty() {
            return Ok(None);
        }
        let mut merged = Kubeconfig::default();
        for path in &paths {
            merged = Kubeconfig::read_from(path)
                .and_then(|next| merged.merge(next))
                .map_err(|error| unusable(path.display().to_string(), &error))?;
        }
        Ok(Some(Found {
            kubeconfig: merged,
            place: joined(paths.iter().map(|path| path.display().to_string())),
        }))
    }
}

/// Why a kubeconfig cannot be used. A parser shows the lines around a mistake, which may hold a token: only their number
/// is told.
pub(super) fn unusable(place: String, error: &KubeconfigError) -> ConnectError {
    let reason = match error {
        KubeconfigError::Parse(error) => match error.location() {
            Some(location) => {
                format!("mistake at line {} column {}", location.line(), location.column())
            }
            None => "it is no YAML of a kubeconfig".to_owned(),
        },
        KubeconfigError::ReadConfig(error, _) => error.to_string(),
        other => other.to_string(),
    };
    ConnectError::Kubeconfig { place, reason }
}

/// Lays the flags over a kubeconfig. The result has one context, which is current.
pub(super) fn with_flags(found: &Found, options: &ConnectOptions) -> Result<Kubeconfig, ConnectError> {
    let Found { kubeconfig, place } = found;
    let unknown = |kind, name: &str, known: Vec<&String>| ConnectError::UnknownName {
        kind,
        name: name.to_owned(),
        place: place.clone(),
        known: joined(known.into_iter().cloned()),
    };
    let contexts = || {
        kubeconfig
            .contexts
            .iter()
            .map(|named| &named.name)
            .collect::<Vec<_>>()
    };
    let chosen = options
        .context
        .as_deref()
        .or(kubeconfig.current_context.as_deref())
        .filter(|name| !name.is_empty());
    let (context_name, mut context) = match chosen {
        Some(name) => {
            let context = kubeconfig
                .contexts
                .iter()
                .find(|named| named.name == name)
                .and_then(|named| named.context.clone())
                .ok_or_else(|| unknown("context", name, contexts()))?;
            (name.to_owned(), context)
        }
        None if options.server.is_some() || options.cluster.is_some() => {
            let context = Context {
                cluster: FROM_FLAGS.to_owned(),
                ..Context::default()
            };
            (FROM_FLAGS.to_owned(), context)
        }
        None => {
            return Err(ConnectError::NoContext {
                place: place.clone(),
                known: joined(contexts().into_iter().cloned()),
            });
        }
    };

    if let Some(name) = &options.cluster {
        context.cluster.clone_from(name);
    }
    let stored = kubeconfig
        .clusters
        .iter()
        .find(|named| named.name == context.cluster)
        .and_then(|named| named.cluster.clone());
    let mut cluster = match stored {
        Some(cluster) => cluster,
        None if options.server.is_some() && options.cluster.is_none() => Cluster::default(),
        None => {
            let known = kubeconfig.clusters.iter().map(|named| &named.name).collect();
            return Err(unknown("cluster", &context.cluster, known));
        }
    };
    lay_over_cluster(&mut cluster, options);

    if let Some(name) = &options.user {
        context.user = Some(name.clone());
    }
    let user_name = context.user.clone().unwrap_or_else(|| FROM_FLAGS.to_owned());
    let stored = kubeconfig
        .auth_infos
        .iter()
        .find(|named| named.name == user_name)
        .and_then(|named| named.auth_info.clone());
    let mut user = match stored {
        Some(user) => user,
        None if options.user.is_none() => AuthInfo::default(),
        None => {
            let known = kubeconfig.auth_infos.iter().map(|named| &named.name).collect();
            return Err(unknown("user", &user_name, known));
        }
    };
    lay_over_user(&mut user, options);
    context.user = Some(user_name.clone());

    Ok(Kubeconfig {
        current_context: Some(context_name.clone()),
        clusters: vec![NamedCluster {
            name: context.cluster.clone(),
            cluster: Some(cluster),
            ..NamedCluster::default()
        }],
        auth_infos: vec![NamedAuthInfo {
            name: user_name,
            auth_info: Some(user),
            ..NamedAuthInfo::default()
        }],
        contexts: vec![NamedContext {
            name: context_name,
            context: Some(context),
            ..NamedContext::default()
        }],
        ..Kubeconfig::default()
    })
}

fn lay_over_cluster(cluster: &mut Cluster, options: &ConnectOptions) {
    if let Some(server) = &options.server {
        cluster.server = Some(server.clone());
    }
    if let Some(path) = &options.certificate_authority {
        cluster.certificate_authority = Some(path.display().to_string());
        cluster.certificate_authority_data = None;
        cluster.insecure_skip_tls_verify = None;
    }
    if options.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
        cluster.certificate_authority = None;
        cluster.certificate_authority_data = None;
    }
    if let Some(name) = &options.tls_server_name {
        cluster.tls_server_name = Some(name.clone());
    }
}

fn lay_over_user(user: &mut AuthInfo, options: &ConnectOptions) {
    if let Some(token) = &options.token {
        // The token replaces every other way to log in: two at once leave open which one counts.
        *user = AuthInfo {
            token: Some(token.expose().into()),
            impersonate: user.impersonate.take(),
            impersonate_groups: user.impersonate_groups.take(),
            ..AuthInfo::default()
        };
    }
    if let Some(name) = &options.as_user {
        user.impersonate = Some(name.clone());
        user.impersonate_groups = None;
    }
    if !options.as_groups.is_empty() {
        user.impersonate_groups = Some(options.as_groups.clone());
    }
}

fn joined(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        "none known".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, Places, with_flags};
    use crate::{ConnectError, ConnectOptions};
    use kube::config::Kubeconfig;

    const TWO_CONTEXTS: &str = "
apiVersion: v1
kind: Config
current-context: home
clusters:
- {name: near, cluster: {server: 'https://near:6443', certificate-authority-data: YQ==}}
- {name: far, cluster: {server: 'https://far:6443'}}
contexts:
- {name: home, context: {cluster: near, user: me, namespace: shop}}
- {name: away, context: {cluster: far, user: me}}
users:
- {name: me, user: {token: old, exec: {command: login}}}
";

    fn laid_over(options: &ConnectOptions) -> Result<Kubeconfig, ConnectError> {
        let kubeconfig = Kubeconfig::from_yaml(TWO_CONTEXTS).unwrap();
        with_flags(
            &Found {
                kubeconfig,
                place: "k.yaml".to_owned(),
            },
            options,
        )
    }

    fn server(kubeconfig: &Kubeconfig) -> String {
        kubeconfig.clusters[0].cluster.clone().unwrap().server.unwrap()
    }

    #[test]
    fn without_flags_the_current_context_is_in_force() {
        let result = laid_over(&ConnectOptions::default()).unwrap();
        assert_eq!(result.current_context.as_deref(), Some("home"));
        assert_eq!(server(&result), "https://near:6443");
    }

    #[test]
    fn the_context_flag_wins_over_the_current_context() {
        let options = ConnectOptions {
            context: Some("away".to_owned()),
            ..ConnectOptions::default()
        };
        assert_eq!(server(&laid_over(&options).unwrap()), "https://far:6443");
    }

    #[test]
    fn an_unknown_context_is_refused_with_the_known_ones() {
        let options = ConnectOptions {
            context: Some("nowhere".to_owned()),
            ..ConnectOptions::default()
        };
        let error = laid_over(&options).unwrap_err().to_string();
        assert_eq!(
            error,
            "kubeconfig k.yaml has no context nowhere: choose another with --context (home, away)"
        );
    }

    #[test]
    fn an_unknown_user_or_cluster_is_refused() {
        for options in [
            ConnectOptions {
                user: Some("who".to_owned()),
                ..ConnectOptions::default()
            },
            ConnectOptions {
                cluster: Some("where".to_owned()),
                ..ConnectOptions::default()
            },
        ] {
            assert!(matches!(
                laid_over(&options),
                Err(ConnectError::UnknownName { .. })
            ));
        }
    }

    #[test]
    fn a_token_replaces_every_other_way_to_log_in() {
        let options = ConnectOptions {
            token: Some(model::Secret::new("new")),
            ..ConnectOptions::default()
        };
        let user = laid_over(&options).unwrap().auth_infos[0]
            .auth_info
            .clone()
            .unwrap();
        assert!(user.exec.is_none());
        assert!(user.token.is_some());
    }

    #[test]
    fn skipping_verification_drops_the_authority() {
        let options = ConnectOptions {
            insecure_skip_tls_verify: true,
            ..ConnectOptions::default()
        };
        let cluster = laid_over(&options).unwrap().clusters[0].cluster.clone().unwrap();
        assert_eq!(cluster.insecure_skip_tls_verify, Some(true));
        assert_eq!(cluster.certificate_authority_data, None);
    }

    #[test]
    fn a_mistake_in_a_kubeconfig_does_not_show_its_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, "users:\n- {name: me, user: {token: [top-secret]}}\n").unwrap();
        let Err(error) = Places::Named(path).read() else {
            panic!("a list is no token")
        };
        let told = model::causes(&error);
        assert!(told.contains("line 2") && !told.contains("top-secret"), "{told}");
    }

    #[test]
    fn missing_files_of_the_list_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, TWO_CONTEXTS).unwrap();
        let found = Places::Usual(vec!["/no/such".into(), path])
            .read()
            .unwrap()
            .unwrap();
        assert_eq!(found.kubeconfig.contexts.len(), 2);
        assert!(Places::Usual(vec!["/no/such".into()]).read().unwrap().is_none());
        assert!(Places::Named("/no/such".into()).read().is_err());
    }

    #[test]
    fn a_server_alone_is_enough() {
        let found = Found {
            kubeconfig: Kubeconfig::default(),
            place: "none".to_owned(),
        };
        let options = ConnectOptions {
            server: Some("https://new:6443".to_owned()),
            ..ConnectOptions::default()
        };
        assert_eq!(server(&with_flags(&found, &options).unwrap()), "https://new:6443");
    }
}
