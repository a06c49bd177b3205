//! Room on the server's volume.

use cluster::{Cluster, ExecRequest};
use model::{DatabaseLocation, DatabaseRoute, Seen};

/// Asks for the volume under the data directory: where the image's variables say it is, else where images of Postgres
/// usually have it.
const SCRIPT: &str = r#"exec df -Pk "${PGDATA:-${POSTGRESQL_DATA_DIR:-/var/lib/postgresql}}""#;

/// Free bytes on the volume under PGDATA, asked with `df` in the pod; `Absent` where the server is not in a pod.
pub async fn free_bytes(cluster: &Cluster, location: &DatabaseLocation) -> Seen<u64> {
    let DatabaseRoute::Pod {
        namespace,
        pod,
        container,
        ..
    } = &location.route
    else {
        return Seen::Absent;
    };
    let request = ExecRequest::new(namespace, pod, container, ["sh", "-c", SCRIPT]);
    match cluster.exec_text(&request, None).await {
        Ok(end) if end.exit_code == 0 => match parse(&end.stdout) {
            Some(bytes) => Seen::Present(bytes),
            None => Seen::Unreadable(format!("df in pod {pod} answered in an unknown form")),
        },
        Ok(end) => Seen::Unreadable(format!("df in pod {pod} failed: {}", end.stderr.trim())),
        Err(error) => Seen::Unreadable(model::causes(&error)),
    }
}

/// The column `Available` of `df -P`, in bytes. Counted from the end of the numbers: a device's name may hold blanks.
fn parse(output: &str) -> Option<u64> {
    let line = output.lines().rfind(|line| !line.trim().is_empty())?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let share = words
        .iter()
        .position(|word| word.ends_with('%') && word.len() > 1)?;
    let kibibytes: u64 = words.get(share.checked_sub(1)?)?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_available_column_is_read_in_bytes() {
        let text =
            "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 100 40 60 40% /var/lib\n";
        assert_eq!(parse(text), Some(60 * 1024));
        assert_eq!(
            parse("Filesystem\nmy share 100 40 60 40% /data 1\n"),
            Some(60 * 1024)
        );
        assert_eq!(parse("df: no such file\n"), None);
        assert_eq!(parse(""), None);
    }
}
