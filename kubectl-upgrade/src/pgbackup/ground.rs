//! What an act stands on: a cluster, or only the address of a server.

use backup::{Place, Server};
use cli::{Environment, Output};
use cluster::Cluster;

use super::arguments::TargetFlags;
use super::target::{Target, TargetError, target, target_at_address};
use crate::session::{Common, Session, could_not_begin};

/// A cluster where there is one. A database that is named by its address needs none.
pub(crate) struct Ground {
    pub(crate) output: Output,
    pub(crate) session: Option<Session>,
}

impl Ground {
    /// Connects to the cluster. Where the database is named by its address alone and no cluster can be reached, the
    /// address is taken as it is written.
    pub(crate) async fn open(
        common: &Common,
        flags: &TargetFlags,
        environment: &Environment,
    ) -> Result<Self, model::ExitCode> {
        let output = Output::new(&common.output, environment);
        if !flags.is_address() || common.connection.names_a_cluster() {
            let session = Session::open(common, environment).await?;
            return Ok(Self {
                output,
                session: Some(session),
            });
        }
        let options = common.connection.options(environment);
        let session = match Cluster::connect(&options).await {
            Ok(cluster) => Some(Session {
                namespace: cluster.namespace.clone(),
                cluster,
                output,
                options,
                connection: common.connection.words(),
            }),
            Err(error) => {
                let why = model::causes(&error);
                // Whoever cannot be told is not kept from the act.
                let _ = output.talk(|err, _| {
                    writeln!(err, "no cluster: the address is taken as it is written ({why})")
                });
                None
            }
        };
        Ok(Self { output, session })
    }

    /// The cluster.
    pub(crate) fn cluster(&self) -> Option<&Cluster> {
        self.session.as_ref().map(|session| &session.cluster)
    }

    /// The database that the flags mean; tells a failure and gives the code to end with.
    pub(crate) async fn target(
        &self,
        flags: &TargetFlags,
        release: Option<&str>,
    ) -> Result<Target, model::ExitCode> {
        let found: Result<Target, TargetError> = match &self.session {
            Some(session) => target(session, flags, release).await,
            None => target_at_address(&self.output, flags),
        };
        found.map_err(|error| could_not_begin(&self.output, &error))
    }

    /// Whose backups a server's are.
    pub(crate) async fn place(&self, server: &Server) -> Place {
        Place::observe(self.cluster(), server).await
    }

    /// What is typed to mean the same database again.
    pub(crate) fn words(&self, flags: &TargetFlags) -> String {
        flags.typed(self.session.as_ref())
    }
}
