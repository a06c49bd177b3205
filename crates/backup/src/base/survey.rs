//! What is in a volume.

/// A data directory in a volume.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataDirectory {
    /// Its path in the volume; `.` is the volume itself.
    pub path: String,
    /// `uid:gid` of its files.
    pub owner: String,
    /// Its server's major version.
    pub version: String,
    /// Its system identifier; empty where it could not be read.
    pub system: String,
    /// `Database cluster state` of its control file, such as `shut down`; empty where it could not be read.
    pub state: String,
    /// Configuration files in it.
    pub configuration: Vec<String>,
}

/// What a look into a volume found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// Data directories.
    pub data: Vec<DataDirectory>,
    /// Folders that we may not look into, with their owners.
    pub closed: Vec<(String, String)>,
    /// Bytes free.
    pub free_bytes: u64,
    /// The last restore in this volume and how far it came: id, data directory, phase.
    pub journal: Option<(String, String, String)>,
}

impl Survey {
    /// Reads what `base_survey.sh` said.
    pub(super) fn read(text: &str) -> Self {
        let mut survey = Self::default();
        let mut journal = (String::new(), String::new(), String::new());
        for (key, value) in text.lines().filter_map(|line| line.split_once(' ')) {
            let value = value.to_owned();
            let data = survey.data.last_mut();
            match (key, data) {
                ("free", _) => {
                    const KIB: u64 = 1024;
                    survey.free_bytes = value.parse().unwrap_or(0) * KIB;
                }
                ("closed", _) => {
                    if let Some((owner, path)) = value.split_once(' ') {
                        survey.closed.push((path.to_owned(), owner.to_owned()));
                    }
                }
                ("journal", _) => match value.split_once(' ') {
                    Some(("id", id)) => journal.0 = id.to_owned(),
                    Some(("data", data)) => journal.1 = data.to_owned(),
                    Some(("phase", phase)) => journal.2 = phase.to_owned(),
                    _ => {}
                },
                ("data", _) => survey.data.push(DataDirectory {
                    path: value,
                    ..DataDirectory::default()
                }),
                ("owner", Some(data)) => data.owner = value,
                ("version", Some(data)) => data.version = value,
                ("system", Some(data)) => data.system = value,
                ("state", Some(data)) => data.state = value,
                ("conf", Some(data)) => data.configuration.push(value),
                _ => {}
            }
        }
        survey.journal = (!journal.0.is_empty()).then_some(journal);
        survey
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_read() {
        let survey = Survey::read(
            "us 999:999\nfree 2\njournal id x\njournal data pgdata\njournal phase aside\nclosed 26:26 other one\n\
             data pgdata\nowner 999:999\nversion 17\nsystem 72\nstate shut down\nconf pg_hba.conf\n",
        );
        assert_eq!(survey.free_bytes, 2048);
        assert_eq!(survey.closed, [("other one".to_owned(), "26:26".to_owned())]);
        assert_eq!(survey.journal.unwrap().2, "aside");
        assert_eq!(survey.data[0].state, "shut down");
        assert_eq!(survey.data[0].configuration, ["pg_hba.conf"]);
    }
}
