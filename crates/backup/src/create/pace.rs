//! How long a dump will take: before it begins by its size and the way, while it runs by what is done.

use std::time::Duration;

use crate::transfer::size_in_words;

use super::watch::Sight;

/// What one session of Postgres dumps and one core packs with zstd at level 1 in a second, in bytes of tables: assumed,
/// for a guess before the first bytes have come.
const DUMP_RATE: f64 = 150.0 * 1024.0 * 1024.0;

/// How much smaller a packed dump is than the tables: usual rows pack three to four times smaller.
const PACKED: f64 = 3.0;

/// What a dump may take before somebody should think of another kind of backup: its one transaction keeps the server
/// from cleaning up for all that time, and its restore will take longer still.
pub const LONG_DUMP: Duration = Duration::from_secs(2 * 60 * 60);

/// From this size on the way is measured before: below, the dump is done sooner than a guess is of use.
pub(super) const MEASURED_FROM: u64 = 1 << 30;

/// The time that a dump of tables of this size should take, over a way that carries so many bytes a second.
pub(super) fn expected(bytes: u64, way: Option<f64>, packed: bool) -> Duration {
    let smaller = if packed { PACKED } else { 1.0 };
    let rate = way.map_or(DUMP_RATE, |way| (way * smaller).min(DUMP_RATE));
    Duration::from_secs_f64(bytes as f64 / rate.max(1.0))
}

/// The share of a dump that is done: pg_dump takes tables in the order of schema and name, so all before the one at
/// work are done. `tables` has schema, name and size in that order; `at` is the table at work with its bytes so far.
pub(super) fn share(tables: &[(String, String, u64)], total: u64, at: (&str, &str, u64)) -> Option<f64> {
    let (schema, name, bytes) = at;
    let index = tables
        .binary_search_by(|(one, other, _)| (one.as_str(), other.as_str()).cmp(&(schema, name)))
        .ok()?;
    let before: u64 = tables[..index].iter().map(|(_, _, bytes)| bytes).sum();
    (total > 0).then(|| ((before + bytes.min(tables[index].2)) as f64 / total as f64).min(1.0))
}

/// What is left of a time, by the share that is done.
pub(super) fn left(elapsed: Duration, share: f64) -> Option<Duration> {
    /// With less than this done, the guess is worse than none.
    const ENOUGH: f64 = 0.02;
    (share >= ENOUGH).then(|| elapsed.mul_f64((1.0 - share).max(0.0) / share))
}

/// What is said before a long dump begins.
pub(super) fn outlook(bytes: u64, way: Option<f64>, expected: Duration) -> String {
    let rate = way.map_or_else(String::new, |way| {
        format!(", {}/s measured on the way", size_in_words(way as u64))
    });
    let mut told = format!(
        "{} of tables{rate}: about {} are to be expected",
        size_in_words(bytes),
        words(expected)
    );
    if expected > LONG_DUMP {
        told.push_str(&format!(
            ", more than {}: for a database of this size `kubectl pgbackup base`, or the operator's own backups with \
             recovery to a point in time, load the server less and restore sooner",
            words(LONG_DUMP)
        ));
    }
    told
}

/// What is said while a dump works, and the share that is done.
pub(super) fn told(
    tables: &[(String, String, u64)],
    total: u64,
    sight: &Sight,
    received: u64,
    elapsed: Duration,
) -> (String, Option<f64>) {
    let rate = received as f64 / elapsed.as_secs_f64().max(0.001);
    let mut told = format!(
        "received {}, {}/s",
        size_in_words(received),
        size_in_words(rate as u64)
    );
    if let Some(holder) = sight.holders.first() {
        told.push_str(&format!(
            "; waits for {}, held by {}",
            holder.table.as_deref().unwrap_or("a table"),
            holder.words()
        ));
    }
    let Some((schema, table, bytes)) = &sight.copying else {
        return (told, None);
    };
    told.push_str(&format!("; {schema}.{table}"));
    let share = share(tables, total, (schema, table, *bytes));
    if let Some(left) = share.and_then(|share| left(elapsed, share)) {
        told.push_str(&format!("; about {} left", words(left)));
    }
    (told, share)
}

/// A time as people say it.
pub(super) fn words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=89 => format!("{seconds} s"),
        seconds @ 90..=5399 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_of_way_and_dump_decides() {
        let gib = 1u64 << 30;
        assert_eq!(expected(150 * gib, None, true).as_secs(), 1024);
        let slow = 10.0 * 1024.0 * 1024.0;
        assert_eq!(expected(30 * gib, Some(slow), true).as_secs(), 1024);
        assert_eq!(expected(10 * gib, Some(slow), false).as_secs(), 1024);
        assert!(expected(1000 * gib, Some(slow), true) > LONG_DUMP);
    }

    #[test]
    fn tables_before_the_one_at_work_are_done() {
        let table = |schema: &str, name: &str, bytes| (schema.to_owned(), name.to_owned(), bytes);
        let tables = [table("a", "Z", 10), table("a", "b", 30), table("b", "a", 60)];
        assert_eq!(share(&tables, 100, ("a", "b", 15)), Some(0.25));
        assert_eq!(
            share(&tables, 100, ("b", "a", 500)),
            Some(1.0),
            "rows may be longer as text"
        );
        assert_eq!(share(&tables, 100, ("b", "unknown", 5)), None);
    }

    #[test]
    fn time_left_is_said_once_it_can_be() {
        let minute = Duration::from_secs(60);
        assert_eq!(left(minute, 0.01), None);
        assert_eq!(left(minute, 0.25), Some(Duration::from_secs(180)));
        assert_eq!(
            [words(minute), words(3 * minute), words(150 * minute)],
            ["60 s", "3 min", "2.5 h"]
        );
    }
}
