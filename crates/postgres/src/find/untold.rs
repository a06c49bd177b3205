//! What no message may show of the Secrets that a workload refers to.

use model::Secret;

use super::environment::Referenced;

/// Every value of every Secret that was read, each line and item of it, and what those give a name to: a program shows the line
/// or the password that it takes offence at, and not its whole file.
pub(super) fn values(referenced: &Referenced) -> Vec<Secret> {
    let read = referenced.secrets.values().filter_map(|data| data.as_ref().ok());
    let values = read.flatten().flat_map(|data| data.values());
    values
        .flat_map(|value| parts(value.expose()))
        .map(Secret::new)
        .collect()
}

fn parts(value: &str) -> Vec<&str> {
    let mut parts = vec![value];
    for item in value.split(['\n', ',']) {
        let named = item.split_once([':', '=']).map(|(_, named)| named);
        // The last field of libpq's password file, and of files like it.
        let last = item.rsplit_once(':').map(|(_, last)| last);
        parts.extend([Some(item), named, last].into_iter().flatten().map(bare));
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// What stands between quotes and braces.
fn bare(text: &str) -> &str {
    text.trim().trim_matches(['"', '\'', '{', '}', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposed(referenced: &Referenced) -> Vec<String> {
        let values = values(referenced);
        values.iter().map(|value| value.expose().to_owned()).collect()
    }

    #[test]
    fn values_of_all_secrets_are_kept_from_messages_whoever_mounts_them() {
        let mut referenced = Referenced::default();
        let data = |value: &str| Ok(Some([("key".to_owned(), Secret::new(value))].into()));
        referenced.secrets.insert("token".into(), data("open sesame"));
        referenced.secrets.insert("gone".into(), Ok(None));
        referenced.secrets.insert("hidden".into(), Err("no right".into()));
        referenced
            .config_maps
            .insert("plain".into(), data("known to all"));
        let kept = exposed(&referenced);
        assert!(
            !kept.is_empty() && kept.iter().all(|value| value == "open sesame"),
            "{kept:?}"
        );
    }

    #[test]
    fn lines_of_a_file_are_kept_and_what_they_give_a_name_to() {
        let mut referenced = Referenced::default();
        let file =
            "db:\n  password: \"a:b=c\"\nkey=xyz\ndb:5432:*:app:hunter22\n{\"a\":1,\"token\": \"t0ken\"}\n";
        let data = [("app.yaml".to_owned(), Secret::new(file))].into();
        referenced.secrets.insert("conf".into(), Ok(Some(data)));
        let parts = exposed(&referenced);
        for part in [file, "a:b=c", "key=xyz", "xyz", "hunter22", "t0ken"] {
            assert!(parts.iter().any(|found| found == part), "{part}: {parts:?}");
        }
    }
}
