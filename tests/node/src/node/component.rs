//! The node's processes and how each is started.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::folders::{Folders, socket};
use super::network::{NODE_ADDRESS, POD_RANGE, SERVICE_RANGE, port};
use super::settings::NODE_NAME;

const DNS_PORT: u16 = 53;

/// One process of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Component {
    /// Runs containers.
    Containerd,
    /// Stores the cluster's objects.
    Etcd,
    /// The Kubernetes API.
    ApiServer,
    /// Controllers of built-in kinds, and the provisioner of volumes.
    ControllerManager,
    /// Assigns pods to the node.
    Scheduler,
    /// Starts pods.
    Kubelet,
    /// Makes Services reachable, by nftables.
    KubeProxy,
    /// Names of Services.
    CoreDns,
    /// Opens new volumes to users other than root.
    VolumeOpener,
}

impl Component {
    /// Every component in the order in which they start.
    pub const ALL: [Self; 9] = [
        Self::Containerd,
        Self::Etcd,
        Self::ApiServer,
        Self::ControllerManager,
        Self::Scheduler,
        Self::VolumeOpener,
        Self::Kubelet,
        Self::KubeProxy,
        Self::CoreDns,
    ];

    /// The component's name: that of its program and log file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Kubelet => "kubelet",
            Self::KubeProxy => "kube-proxy",
            Self::CoreDns => "coredns",
            Self::VolumeOpener => "volume-opener",
        }
    }

    /// The component of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|component| component.name() == name)
    }

    /// Where its process is recorded.
    pub(super) fn record(self, folders: &Folders) -> PathBuf {
        folders.processes().join(format!("{}.json", self.name()))
    }

    /// Where its output goes.
    pub(super) fn log(self, folders: &Folders) -> PathBuf {
        folders.logs().join(format!("{}.log", self.name()))
    }

    /// Where it can be reached once it serves.
    pub(super) fn address(self) -> Option<SocketAddr> {
        let local = |port| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        match self {
            Self::Containerd | Self::VolumeOpener => None,
            Self::Etcd => local(port::ETCD_CLIENT),
            Self::ApiServer => local(port::API_SERVER),
            Self::ControllerManager => local(port::CONTROLLER_MANAGER),
            Self::Scheduler => local(port::SCHEDULER),
            Self::Kubelet => local(port::KUBELET),
            Self::KubeProxy => local(port::PROXY_HEALTH),
            Self::CoreDns => Some(SocketAddr::from((
                NODE_ADDRESS.parse::<Ipv4Addr>().ok()?,
                DNS_PORT,
            ))),
        }
    }

    /// The program to start and its arguments.
    pub(super) fn launch(self, folders: &Folders) -> (PathBuf, Vec<String>) {
        let program = if self == Self::Containerd {
            PathBuf::from(self.name())
        } else {
            folders.programs().join(self.name())
        };
        (program, self.arguments(folders))
    }

    fn arguments(self, folders: &Folders) -> Vec<String> {
        let pki = |file: &str| folders.pki().join(file).display().to_string();
        let config = |file: &str| folders.config().join(file).display().to_string();
        let kubeconfig = folders.kubeconfig().display().to_string();
        match self {
            Self::Containerd => vec!["--config".to_owned(), config("containerd.toml")],
            Self::Etcd => {
                let client = format!("http://127.0.0.1:{}", port::ETCD_CLIENT);
                let peer = format!("http://127.0.0.1:{}", port::ETCD_PEER);
                vec![
                    format!("--data-dir={}", folders.etcd().display()),
                    format!("--listen-client-urls={client}"),
                    format!("--advertise-client-urls={client}"),
                    format!("--listen-peer-urls={peer}"),
                    format!("--initial-advertise-peer-urls={peer}"),
                    format!("--initial-cluster=default={peer}"),
                    // Nothing here has to survive a power cut, and a test machine's disk is slow.
                    "--unsafe-no-fsync".to_owned(),
                ]
            }
            Self::ApiServer => vec![
                format!("--etcd-servers=http://127.0.0.1:{}", port::ETCD_CLIENT),
                format!("--secure-port={}", port::API_SERVER),
                format!("--advertise-address={NODE_ADDRESS}"),
                format!("--service-cluster-ip-range={SERVICE_RANGE}"),
                "--authorization-mode=Node,RBAC".to_owned(),
                "--allow-privileged=true".to_owned(),
                format!("--client-ca-file={}", pki("ca.crt")),
                format!("--tls-cert-file={}", pki("apiserver.crt")),
                format!("--tls-private-key-file={}", pki("apiserver.key")),
                format!("--kubelet-client-certificate={}", pki("admin.crt")),
                format!("--kubelet-client-key={}", pki("admin.key")),
                format!("--kubelet-certificate-authority={}", pki("ca.crt")),
                "--kubelet-preferred-address-types=InternalIP".to_owned(),
                "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
                format!("--service-account-key-file={}", pki("service-account.pub")),
                format!(
                    "--service-account-signing-key-file={}",
                    pki("service-account.key")
                ),
                format!("--audit-policy-file={}", config("audit-policy.yaml")),
                format!("--audit-log-path={}", folders.audit_log().display()),
                "--audit-log-maxsize=200".to_owned(),
                "--audit-log-maxbackup=2".to_owned(),
            ],
            Self::ControllerManager => vec![
                format!("--kubeconfig={kubeconfig}"),
                format!("--secure-port={}", port::CONTROLLER_MANAGER),
                "--bind-address=127.0.0.1".to_owned(),
                "--leader-elect=false".to_owned(),
                "--use-service-account-credentials=true".to_owned(),
                format!(
                    "--service-account-private-key-file={}",
                    pki("service-account.key")
                ),
                format!("--root-ca-file={}", pki("ca.crt")),
                format!("--cluster-signing-cert-file={}", pki("ca.crt")),
                format!("--cluster-signing-key-file={}", pki("ca.key")),
                "--enable-hostpath-provisioner=true".to_owned(),
                // At the usual 20 requests a second it takes seconds to make the controllers' own accounts.
                "--kube-api-qps=500".to_owned(),
                "--kube-api-burst=1000".to_owned(),
                format!(
                    "--flex-volume-plugin-dir={}",
                    folders.state().join("volume-plugins").display()
                ),
            ],
            Self::Scheduler => vec![
                format!("--kubeconfig={kubeconfig}"),
                format!("--secure-port={}", port::SCHEDULER),
                "--bind-address=127.0.0.1".to_owned(),
                "--leader-elect=false".to_owned(),
            ],
            Self::Kubelet => vec![
                format!("--config={}", config("kubelet.yaml")),
                format!("--kubeconfig={}", config("kubelet.kubeconfig")),
                format!("--root-dir={}", folders.kubelet().display()),
                format!("--cert-dir={}", folders.pki().display()),
                format!("--hostname-override={NODE_NAME}"),
                format!("--node-ip={NODE_ADDRESS}"),
            ],
            Self::KubeProxy => vec![
                format!("--kubeconfig={kubeconfig}"),
                format!("--hostname-override={NODE_NAME}"),
                "--proxy-mode=nftables".to_owned(),
                format!("--cluster-cidr={POD_RANGE}"),
                format!("--metrics-bind-address=127.0.0.1:{}", port::PROXY_METRICS),
                format!("--healthz-bind-address=127.0.0.1:{}", port::PROXY_HEALTH),
                // The machine's connection tracking stays as it is.
                "--conntrack-max-per-core=0".to_owned(),
                "--conntrack-tcp-timeout-established=0".to_owned(),
                "--conntrack-tcp-timeout-close-wait=0".to_owned(),
            ],
            Self::CoreDns => vec!["-conf".to_owned(), config("Corefile")],
            Self::VolumeOpener => vec![folders.volumes().display().to_string()],
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `ctr` for the node's containerd and the namespace that Kubernetes uses in it.
pub(super) fn ctr() -> std::process::Command {
    let mut ctr = std::process::Command::new("ctr");
    ctr.arg("--address").arg(socket()).args(["--namespace", "k8s.io"]);
    ctr
}
