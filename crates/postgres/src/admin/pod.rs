//! psql over the socket of the server's own pod.

use cluster::{Cluster, ExecRequest};

use super::AdminError;
use super::quote::Statement;

/// How psql logs in, tried in this order. The passwords are those that the image itself was given; they stay in the
/// container.
pub(crate) const LOGINS: [&str; 3] = ["own", "postgres", "bitnami"];

/// Runs psql with the SQL from its standard input. `$1` login, `$2` port, `$3` application name, `$4` `together` or
/// `apart`; what follows are psql's own arguments. Nothing of it is ever put into a command by text.
const SCRIPT: &str = r#"
login=$1; port=$2; PGAPPNAME=$3; together=$4; shift 4
stored() { if [ -n "$1" ]; then printf %s "$1"; elif [ -n "$2" ] && [ -r "$2" ]; then cat "$2"; fi; }
case $login in
own) PGUSER=${POSTGRES_USER:-${PGUSER:-postgres}}
     PGPASSWORD=$(stored "${POSTGRES_PASSWORD:-$PGPASSWORD}" "$POSTGRES_PASSWORD_FILE") ;;
postgres) PGUSER=postgres
     PGPASSWORD=$(stored "${POSTGRES_POSTGRES_PASSWORD:-$POSTGRESQL_POSTGRES_PASSWORD}" "${POSTGRES_POSTGRES_PASSWORD_FILE:-$POSTGRES_PASSWORD_FILE}") ;;
bitnami) PGUSER=${POSTGRESQL_USERNAME:-postgres}
     PGPASSWORD=$(stored "$POSTGRESQL_PASSWORD" "$POSTGRESQL_PASSWORD_FILE") ;;
*) echo "unknown login" >&2; exit 64 ;;
esac
PGPORT=$port; PGDATABASE=postgres; PGCLIENTENCODING=UTF8; PGOPTIONS='-c lock_timeout=30s -c statement_timeout=600s'
export PGUSER PGPASSWORD PGPORT PGDATABASE PGAPPNAME PGCLIENTENCODING PGOPTIONS
unset PGHOSTADDR PGSERVICE
case $PGHOST in /*) ;; *) unset PGHOST ;; esac
[ -n "$PGPASSWORD" ] || unset PGPASSWORD
if [ "$together" = together ]; then set -- --single-transaction "$@"; fi
exec psql -X -q -A -t -w -v ON_ERROR_STOP=1 "$@" -f -
"#;

/// psql in one container.
#[derive(Debug, Clone)]
pub(crate) struct PodSocket {
    pub(crate) cluster: Cluster,
    pub(crate) namespace: String,
    pub(crate) pod: String,
    pub(crate) container: String,
    pub(crate) port: u16,
    pub(crate) login: &'static str,
    pub(crate) application: String,
}

impl PodSocket {
    /// Runs statements and returns the lines that they print: each must print one line a row, as JSON does.
    pub(crate) async fn run(
        &self,
        doing: &str,
        statement: &Statement<'_>,
        together: bool,
    ) -> Result<Vec<String>, AdminError> {
        let request = ExecRequest::new(
            &self.namespace,
            &self.pod,
            &self.container,
            self.command(statement, together),
        );
        let end = self
            .cluster
            .exec_text(&request, Some(statement.sql.as_bytes()))
            .await
            .map_err(|source| AdminError::Exec {
                doing: doing.to_owned(),
                pod: self.pod.clone(),
                source,
            })?;
        if end.exit_code != 0 {
            return Err(AdminError::Psql {
                doing: doing.to_owned(),
                message: complaint(&end.stderr),
            });
        }
        Ok(end
            .stdout
            .lines()
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect())
    }

    fn command(&self, statement: &Statement<'_>, together: bool) -> Vec<String> {
        let together = if together { "together" } else { "apart" };
        let mut command: Vec<String> = [
            "sh",
            "-c",
            SCRIPT,
            "sh",
            self.login,
            &self.port.to_string(),
            &self.application,
            together,
        ]
        .map(str::to_owned)
        .into();
        for (name, value) in statement.values {
            command.push("-v".to_owned());
            command.push(format!("{name}={value}"));
        }
        command
    }
}

/// What psql says, without the names of its input.
fn complaint(stderr: &str) -> String {
    let lines: Vec<&str> = stderr
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let told = lines
        .iter()
        .filter_map(|line| {
            line.find("ERROR:")
                .or_else(|| line.find("FATAL:"))
                .and_then(|at| line.get(at..))
        })
        .map(|line| line.split_once(':').map_or(line, |(_, words)| words.trim()))
        .collect::<Vec<_>>();
    let shown = if told.is_empty() { lines } else { told };
    shown.join("; ").chars().take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_words_are_told_without_the_names_of_files() {
        let stderr = "psql:<stdin>:1: ERROR:  database \"x\" already exists\n";
        assert_eq!(complaint(stderr), "database \"x\" already exists");
        assert_eq!(complaint("sh: 1: psql: not found\n"), "sh: 1: psql: not found");
    }

    /// The script itself, with the psql of this machine, against names that break careless quoting.
    #[test]
    fn psql_takes_hostile_values_as_they_are() {
        let values = [
            ("one", "we\"ird; drop"),
            ("two", "dbname=x host=evil"),
            ("three", "a'b\\c %s ä"),
        ];
        let statement = Statement {
            sql: "",
            values: &values,
        };
        // echo stands for psql: the arguments arrive whole.
        let script = SCRIPT.replace("exec psql", "exec printf '<%s>'");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script, "sh", "own", "5432", "safe-upgrade/x", "apart"]);
        for (name, value) in statement.values {
            command.args(["-v", &format!("{name}={value}")]);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("<one=we\"ird; drop>"), "{text}");
        assert!(text.contains("<two=dbname=x host=evil>"), "{text}");
        assert!(text.contains("<three=a'b\\c %s ä>"), "{text}");
    }
}
