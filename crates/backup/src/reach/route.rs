//! The ways from here to a server's client programs.

/// Which way a dump takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// The client programs of the server's own container.
    Exec,
    /// A Job of ours with the server's image, which connects to the server over the cluster's network.
    Job,
    /// The client programs of this machine, through the API server to the pod's port.
    PortForward,
    /// The client programs of this machine, straight to the server's address.
    Direct,
}

impl Route {
    /// All of them, in the order in which they are preferred where the server runs in a pod.
    pub const ALL: [Self; 4] = [Self::Exec, Self::Job, Self::PortForward, Self::Direct];

    /// Its word on the command line and in a manifest.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::Job => "job",
            Self::PortForward => "port-forward",
            Self::Direct => "direct",
        }
    }
}
