//! Naming the database instead of letting it be found.

use clap::Args;
use postgres_room::{FindOptions, SecretKey};

/// Which database.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseFlags {
    /// Address of the database, without password (that is taken from PGPASSWORD or ~/.pgpass)
    #[arg(long, value_name = "URL", conflicts_with = "secret")]
    dsn: Option<String>,
    /// Secret and key that hold the address of the database
    #[arg(long, value_name = "NAME/KEY")]
    secret: Option<SecretKey>,
    /// Environment variable that names the database, where the release uses several
    #[arg(long, value_name = "VARIABLE")]
    database_env: Option<String>,
}

impl DatabaseFlags {
    /// The flags as they have to be typed again, for a command that is proposed. An address holds no password.
    pub fn words(&self) -> Vec<String> {
        let secret = self
            .secret
            .as_ref()
            .map(|secret| format!("{}/{}", secret.name, secret.key));
        let flags = [
            ("--dsn", self.dsn.clone()),
            ("--secret", secret),
            ("--database-env", self.database_env.clone()),
        ];
        flags
            .into_iter()
            .filter_map(|(flag, value)| Some([flag.to_owned(), value?]))
            .flatten()
            .collect()
    }

    /// Whether an address was given.
    pub fn is_address(&self) -> bool {
        self.dsn.is_some()
    }

    /// What was said.
    pub fn options(&self) -> FindOptions {
        FindOptions {
            dsn: self.dsn.clone(),
            secret: self.secret.clone(),
            env: self.database_env.clone(),
            ..FindOptions::default()
        }
    }
}
