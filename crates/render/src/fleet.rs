//! Many releases, one line each, written as they come.

use std::borrow::Cow;
use std::io::{self, Write};

use model::text::minutes;
use model::{
    FleetBackup, FleetBackupState, FleetDepth, FleetItem, FleetLockState, FleetLocks, FleetReport,
    FleetUnread, FleetVerdict, NewestKnown, ReleaseStatus,
};

use crate::Style;
use crate::run::next_steps;
use crate::style::Tone;
use crate::words::{age, one_line, seconds};

/// Places that could not be read that are named, of each cluster; the rest is counted.
const NAMED: usize = 3;

/// Which columns there are, and how wide those are that are known before the first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FleetShape {
    /// How closely releases are looked at.
    pub depth: FleetDepth,
    /// Every column, and findings in words.
    pub wide: bool,
    /// Characters of the longest context; `None` where there is one cluster.
    pub context: Option<usize>,
    /// Characters of the longest namespace; `None` where there is one.
    pub namespace: Option<usize>,
    /// Characters of the longest name.
    pub name: usize,
}

/// What a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Context,
    Namespace,
    Name,
    Revision,
    Chart,
    App,
    Newest,
    Backup,
    Locks,
    Status,
    Updated,
    Verdict,
}

/// A table whose lines are written one by one. A cell that is wider than its column moves the rest of its line.
#[derive(Debug, Clone)]
pub struct FleetTable {
    style: Style,
    wide: bool,
    columns: Vec<(Column, usize)>,
}

impl FleetTable {
    /// An empty table.
    pub fn new(style: Style, shape: &FleetShape) -> Self {
        let mut columns = Vec::new();
        columns.extend(shape.context.map(|width| (Column::Context, width)));
        columns.extend(shape.namespace.map(|width| (Column::Namespace, width)));
        columns.push((Column::Name, shape.name));
        columns.push((Column::Revision, 3));
        let quick = shape.depth == FleetDepth::Quick;
        if quick || shape.wide {
            columns.push((Column::Chart, 16));
        }
        columns.extend([(Column::App, 8), (Column::Newest, 8), (Column::Backup, 8)]);
        if !quick {
            columns.push((Column::Locks, 6));
        }
        if shape.wide {
            columns.push((Column::Updated, 17));
        }
        if quick || shape.wide {
            columns.push((Column::Status, 8));
        }
        if !quick || shape.wide {
            columns.push((Column::Verdict, 0));
        }
        for (column, width) in &mut columns {
            *width = (*width).max(column.title().len());
        }
        Self {
            style,
            wide: shape.wide,
            columns,
        }
    }

    /// Writes the first line.
    ///
    /// # Errors
    /// The writer's own.
    pub fn header(&self, out: &mut dyn Write) -> io::Result<()> {
        self.line(out, |column| (column.title().into(), None))
    }

    /// Writes a release's line.
    ///
    /// # Errors
    /// The writer's own.
    pub fn row(&self, out: &mut dyn Write, item: &FleetItem) -> io::Result<()> {
        // The last column has room for what went wrong, whichever it is.
        let last = self.columns.last().map(|(column, _)| *column);
        self.line(out, |column| match column {
            Column::Context => plain(&item.context),
            Column::Namespace => plain(&item.namespace),
            Column::Name => plain(&item.name),
            Column::Revision => plain(&item.revision.to_string()),
            Column::Chart => plain(item.chart.as_deref().unwrap_or("?")),
            Column::App => match (&item.app_version, &item.chart) {
                (Some(version), _) => plain(version),
                (None, Some(_)) => plain("-"),
                (None, None) => plain("?"),
            },
            Column::Newest => newest(item.newest_known.as_ref()),
            Column::Backup => backup(&item.backup),
            Column::Locks => locks(&item.locks),
            Column::Updated => plain(&item.updated.as_deref().map_or("?".into(), minutes)),
            Column::Status if last == Some(Column::Status) => {
                trouble(item).unwrap_or_else(|| status(item.status))
            }
            Column::Status => status(item.status),
            Column::Verdict => verdict(item, self.wide),
        })
    }

    fn line(&self, out: &mut dyn Write, cell: impl Fn(Column) -> Cell) -> io::Result<()> {
        let last = self.columns.len().saturating_sub(1);
        for (place, (column, width)) in self.columns.iter().enumerate() {
            let (text, tone) = cell(*column);
            let padded = if place == last {
                text.into_owned()
            } else {
                format!("{text:<width$}  ")
            };
            match tone {
                Some(tone) => write!(out, "{}", self.style.paint(tone, &padded))?,
                None => out.write_all(padded.as_bytes())?,
            }
        }
        writeln!(out)
    }
}

impl Column {
    fn title(self) -> &'static str {
        match self {
            Self::Context => "CONTEXT",
            Self::Namespace => "NAMESPACE",
            Self::Name => "NAME",
            Self::Revision => "REV",
            Self::Chart => "CHART",
            Self::App => "APP",
            Self::Newest => "NEWEST",
            Self::Backup => "BACKUP",
            Self::Locks => "LOCKS",
            Self::Status => "STATUS",
            Self::Updated => "UPDATED",
            Self::Verdict => "VERDICT",
        }
    }
}

/// A cell's text, and what it means.
type Cell = (Cow<'static, str>, Option<Tone>);

fn plain(text: &str) -> Cell {
    (one_line(text).into(), None)
}

fn toned(text: impl Into<Cow<'static, str>>, tone: Tone) -> Cell {
    (text.into(), Some(tone))
}

fn newest(known: Option<&NewestKnown>) -> Cell {
    match known {
        None => toned("-", Tone::Faint),
        Some(known) => {
            let tone = match known.newer {
                Some(true) => Some(Tone::Care),
                Some(false) => Some(Tone::Faint),
                None => None,
            };
            (one_line(&known.version).into(), tone)
        }
    }
}

fn backup(backup: &FleetBackup) -> Cell {
    let newest = backup
        .grade
        .zip(backup.age_seconds)
        .map(|(grade, seconds)| format!("{grade:?} {}", age(seconds)));
    match (backup.state, newest) {
        (FleetBackupState::Fresh, newest) => toned(newest.unwrap_or_else(|| "fresh".into()), Tone::Good),
        (FleetBackupState::Stale, Some(newest)) => toned(newest, Tone::Care),
        (FleetBackupState::Stale, None) => toned("none", Tone::Care),
        (FleetBackupState::Failing, _) => toned("FAILING", Tone::Bad),
        (FleetBackupState::Unknown, Some(newest)) => toned(format!("{newest}?"), Tone::Care),
        (FleetBackupState::Unknown, None) => toned("?", Tone::Care),
        (FleetBackupState::NoDatabase, _) => toned("-", Tone::Faint),
    }
}

fn locks(locks: &FleetLocks) -> Cell {
    match locks.state {
        FleetLockState::Free => toned("free", Tone::Good),
        FleetLockState::Waiting => {
            let longest = locks.longest_seconds.map(seconds).unwrap_or_default();
            let waiting = locks.waiting.unwrap_or(1);
            toned(
                format!("{waiting} wait {longest}").trim_end().to_owned(),
                Tone::Bad,
            )
        }
        FleetLockState::Unknown => toned("?", Tone::Care),
        FleetLockState::NoDatabase | FleetLockState::NotAsked => toned("-", Tone::Faint),
    }
}

fn status(status: ReleaseStatus) -> Cell {
    match status {
        ReleaseStatus::Deployed => plain(status.word()),
        ReleaseStatus::PendingInstall | ReleaseStatus::PendingUpgrade | ReleaseStatus::PendingRollback => {
            toned(status.word(), Tone::Bad)
        }
        ReleaseStatus::Failed
        | ReleaseStatus::Unknown
        | ReleaseStatus::Uninstalled
        | ReleaseStatus::Uninstalling
        | ReleaseStatus::Superseded => toned(status.word(), Tone::Care),
    }
}

/// Why a release could not be looked at.
fn trouble(item: &FleetItem) -> Option<Cell> {
    let why = item.unreadable.as_deref()?;
    Some(toned(format!("UNKNOWN: {}", one_line(why)), Tone::Bad))
}

fn verdict(item: &FleetItem, wide: bool) -> Cell {
    let in_the_way = |word: &str| {
        let names: Vec<String> = item
            .findings
            .iter()
            .filter(|finding| finding.blocks())
            .map(|finding| {
                if wide {
                    format!("{}: {}", finding.id, one_line(&finding.message))
                } else {
                    finding.id.clone()
                }
            })
            .collect();
        let separator = if wide { "; " } else { ", " };
        toned(
            format!("{word} {}", names.join(separator)).trim_end().to_owned(),
            Tone::Bad,
        )
    };
    match item.verdict {
        FleetVerdict::Ready => toned("ready", Tone::Good),
        FleetVerdict::Warnings => toned(format!("warnings ({})", item.findings.len()), Tone::Care),
        FleetVerdict::Blocked => in_the_way("BLOCKED"),
        FleetVerdict::Incomplete => trouble(item).unwrap_or_else(|| in_the_way("UNKNOWN")),
        FleetVerdict::NoDatabase => toned("no database", Tone::Faint),
        FleetVerdict::NotJudged => toned("not judged", Tone::Faint),
    }
}

/// Writes what stands below the table: the counts, what could not be read, and the code that the program ends with.
///
/// # Errors
/// The writer's own.
pub fn fleet_end(out: &mut dyn Write, style: Style, report: &FleetReport, code: u8) -> io::Result<()> {
    if !report.items.is_empty() {
        writeln!(out)?;
    }
    let (words, tone) = counts(report);
    writeln!(out, "{} (exit code {code})", style.paint(tone, &words))?;
    let uninstalled: usize = report.clusters.iter().map(|cluster| cluster.uninstalled).sum();
    if uninstalled > 0 {
        writeln!(out, "left out: {uninstalled} uninstalled with their history kept")?;
    }
    unread(out, style, report)?;
    next_steps(out, style, &report.next)
}

fn counts(report: &FleetReport) -> (String, Tone) {
    let counts = &report.summary;
    let parts: Vec<String> = [
        (counts.blocked, "blocked"),
        (counts.incomplete, "unknown"),
        (counts.warnings, "with warnings"),
        (counts.ready, "ready"),
        (counts.no_database, "without a database"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, words)| format!("{count} {words}"))
    .collect();
    let all = match counts.releases {
        0 if counts.unread > 0 => "no release could be seen".to_owned(),
        0 => "no releases".to_owned(),
        1 => "1 release".to_owned(),
        many => format!("{many} releases"),
    };
    let judged = if parts.is_empty() {
        String::new()
    } else {
        format!(": {}", parts.join(", "))
    };
    let hint = match report.depth {
        FleetDepth::Quick if counts.not_judged > 0 => "; --full judges them",
        FleetDepth::Quick | FleetDepth::Full => "",
    };
    let tone = if counts.blocked > 0 {
        Tone::Bad
    } else if counts.incomplete + counts.unread + counts.warnings > 0 {
        Tone::Care
    } else {
        Tone::Strong
    };
    (format!("{all}{judged}{hint}"), tone)
}

fn unread(out: &mut dyn Write, style: Style, report: &FleetReport) -> io::Result<()> {
    if report.summary.unread == 0 {
        return Ok(());
    }
    writeln!(out, "not read:")?;
    let mark = style.paint(Tone::Care, "?").into_owned();
    for cluster in &report.clusters {
        let places: Vec<&FleetUnread> = report
            .unread
            .iter()
            .filter(|place| place.context == cluster.context)
            .collect();
        let prefix = if report.clusters.len() > 1 {
            format!("{}: ", one_line(&cluster.context))
        } else {
            String::new()
        };
        if let Some(why) = &cluster.unreachable {
            writeln!(out, "  {mark} {prefix}{}", one_line(why))?;
        }
        for place in places.iter().take(NAMED) {
            writeln!(out, "  {mark} {prefix}{}", one_line(&place.why))?;
        }
        let more = places.len().saturating_sub(NAMED);
        if more > 0 {
            writeln!(out, "  {mark} {prefix}and {more} more; -o json names them")?;
        }
    }
    Ok(())
}

/// Draws on one line how far the look has come.
///
/// # Errors
/// The writer's own.
pub fn fleet_progress(err: &mut dyn Write, done: usize, known: usize) -> io::Result<()> {
    write!(err, "\r{done} of {known} releases\u{1b}[K")
}

/// Takes that line away.
///
/// # Errors
/// The writer's own.
pub fn fleet_progress_end(err: &mut dyn Write) -> io::Result<()> {
    write!(err, "\r\u{1b}[K")
}

#[cfg(test)]
mod tests {
    use model::{BackupGrade, FleetCluster, FleetFinding, Mechanism, Severity};

    use super::*;

    fn item(name: &str, verdict: FleetVerdict) -> FleetItem {
        FleetItem {
            context: "east".into(),
            namespace: "prod".into(),
            name: name.into(),
            revision: 7,
            status: ReleaseStatus::Deployed,
            updated: Some("2026-02-03T04:05:06.7Z".into()),
            chart: Some("web-1.2.3".into()),
            app_version: Some("4.5.0".into()),
            newest_known: Some(NewestKnown {
                version: "4.6.1".into(),
                source: "path web, built in".into(),
                as_of: None,
                newer: Some(true),
            }),
            backup: FleetBackup {
                state: FleetBackupState::Fresh,
                grade: Some(BackupGrade::B),
                age_seconds: Some(25_200),
                made_by: Some(Mechanism::Pgbackup),
                reason: None,
            },
            locks: FleetLocks {
                waiting: Some(0),
                ..FleetLocks::plainly(FleetLockState::Free)
            },
            verdict,
            findings: Vec::new(),
            unreadable: None,
        }
    }

    fn blocked() -> FleetItem {
        let finding = |id: &str, severity| FleetFinding {
            id: id.into(),
            severity,
            verdict: "fail".into(),
            message: "pid 9 holds\norders".into(),
        };
        FleetItem {
            locks: FleetLocks {
                waiting: Some(2),
                longest_seconds: Some(12.0),
                ..FleetLocks::plainly(FleetLockState::Waiting)
            },
            findings: vec![
                finding("lock-waits", Severity::Block),
                finding("backup-fresh", Severity::Warn),
            ],
            ..item("shop", FleetVerdict::Blocked)
        }
    }

    fn broken() -> FleetItem {
        FleetItem {
            chart: None,
            app_version: None,
            newest_known: None,
            updated: None,
            backup: FleetBackup::unknown("not looked for"),
            locks: FleetLocks::plainly(FleetLockState::NotAsked),
            unreadable: Some("record sh.helm.release.v1.odd.v1: it is not base64\u{1b}[2J".into()),
            ..item("odd", FleetVerdict::Incomplete)
        }
    }

    fn shown(shape: &FleetShape, items: &[FleetItem]) -> String {
        let table = FleetTable::new(Style::plain(), shape);
        let mut out = Vec::new();
        table.header(&mut out).unwrap();
        for item in items {
            table.row(&mut out, item).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    fn shape(depth: FleetDepth, wide: bool) -> FleetShape {
        FleetShape {
            depth,
            wide,
            context: None,
            namespace: Some(4),
            name: 5,
        }
    }

    #[test]
    fn a_quick_look_fits_eighty_columns_and_tells_what_is_broken() {
        let items = [item("books", FleetVerdict::NotJudged), broken()];
        let text = shown(&shape(FleetDepth::Quick, false), &items);
        assert_eq!(
            text,
            "NAMESPACE  NAME   REV  CHART             APP       NEWEST    BACKUP    STATUS\n\
             prod       books  7    web-1.2.3         4.5.0     4.6.1     B 7 h     deployed\n\
             prod       odd    7    ?                 ?         -         ?         UNKNOWN: record sh.helm.release.v1.odd.v1: it is not base64 [2J\n"
        );
        assert!(text.lines().next().unwrap().len() <= 80);
    }

    #[test]
    fn a_full_look_names_what_stands_in_the_way() {
        let items = [item("books", FleetVerdict::Ready), blocked()];
        let text = shown(&shape(FleetDepth::Full, false), &items);
        assert_eq!(
            text,
            "NAMESPACE  NAME   REV  APP       NEWEST    BACKUP    LOCKS   VERDICT\n\
             prod       books  7    4.5.0     4.6.1     B 7 h     free    ready\n\
             prod       shop   7    4.5.0     4.6.1     B 7 h     2 wait 12 s  BLOCKED lock-waits\n"
        );
    }

    #[test]
    fn the_wide_table_has_every_column_and_the_finding_in_words() {
        let wide = FleetShape {
            context: Some(4),
            ..shape(FleetDepth::Full, true)
        };
        let text = shown(&wide, &[blocked()]);
        let (header, row) = text.split_once('\n').unwrap();
        for title in ["CONTEXT", "CHART", "UPDATED", "STATUS", "VERDICT"] {
            assert!(header.contains(title), "no {title} in {header}");
        }
        for words in [
            "east",
            "web-1.2.3",
            "2026-02-03 04:05Z",
            "lock-waits: pid 9 holds orders",
        ] {
            assert!(row.contains(words), "no {words} in {row}");
        }
        assert!(!row.contains("backup-fresh"), "{row}");
    }

    #[test]
    fn the_end_counts_and_names_what_was_not_read() {
        let cluster = |context: &str, unreachable: Option<&str>| FleetCluster {
            context: context.into(),
            releases: 2,
            uninstalled: 1,
            unreachable: unreachable.map(str::to_owned),
        };
        let unread = (1..=5)
            .map(|number| FleetUnread {
                context: "east".into(),
                namespace: Some(format!("n{number}")),
                why: format!("permission missing: list secrets in namespace n{number}"),
            })
            .collect();
        let report = FleetReport::new(
            "2026-11-29T00:00:00Z".into(),
            FleetDepth::Full,
            vec![cluster("east", None), cluster("west", Some("nobody answers"))],
            vec![blocked(), broken()],
            unread,
        );
        let mut out = Vec::new();
        fleet_end(&mut out, Style::plain(), &report, 2).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\n2 releases: 1 blocked, 1 unknown (exit code 2)\n\
             left out: 2 uninstalled with their history kept\n\
             not read:\n\
             \x20 ? east: permission missing: list secrets in namespace n1\n\
             \x20 ? east: permission missing: list secrets in namespace n2\n\
             \x20 ? east: permission missing: list secrets in namespace n3\n\
             \x20 ? east: and 2 more; -o json names them\n\
             \x20 ? west: nobody answers\n\
             next:\n\
             \x20 kubectl upgrade-check --release shop -n prod --context east  # see what stands in its way\n"
        );
    }

    #[test]
    fn what_could_not_be_read_is_not_said_to_be_empty() {
        let unread = FleetUnread {
            context: "east".into(),
            namespace: Some("prod".into()),
            why: "permission missing: list secrets in namespace prod".into(),
        };
        let empty = |unread: Vec<FleetUnread>| {
            let report = FleetReport::new(String::new(), FleetDepth::Quick, Vec::new(), Vec::new(), unread);
            counts(&report).0
        };
        assert_eq!(empty(Vec::new()), "no releases");
        assert_eq!(empty(vec![unread]), "no release could be seen");
    }

    #[test]
    fn a_quick_look_says_how_to_judge() {
        let report = FleetReport::new(
            String::new(),
            FleetDepth::Quick,
            Vec::new(),
            vec![item("books", FleetVerdict::NotJudged)],
            Vec::new(),
        );
        assert_eq!(counts(&report).0, "1 release; --full judges them");
    }
}
