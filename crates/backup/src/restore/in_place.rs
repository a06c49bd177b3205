//! Restoring where no second database may be made: what the role owns is dropped and filled anew, in one transaction.
//!
//! It is the last resort: the database is shut while it runs, and what was there before is only in the backup that is
//! made first. So it is offered only where nothing else can be done, and only for what certainly belongs to the role.

use postgres_room::{Admin, AdminError};

use super::{RestoreError, RestoreFrom, RestoreReport, analyze, check_id, compared, may_be_restored};
use crate::ask::ask;
use crate::compare::session;
use crate::fill::{Dump, Layout};
use crate::{Backup, Progress, RestoreRequest, Server};

/// What restoring in place cannot promise, for the person who has to agree.
pub const IN_PLACE_LIMITS: [&str; 3] = [
    "in place: tables are locked from the first drop to the end, so readers wait as well",
    "what was there before is not kept beside it: only the backup that is made first can bring it back, the same way",
    "what the dump does not hold and the role owns is gone; owners and privileges become those of who restores",
];

/// Whether nothing but a restore in place can be done; `Err` tells why it need not or must not be.
///
/// # Errors
/// When a second database can be made, or something in this one belongs to somebody else.
pub async fn only_in_place(server: &Server, from: RestoreFrom<'_>) -> Result<(), RestoreError> {
    let database = server.location.database.clone();
    let refused = |why: String| RestoreError::NotInPlace {
        database: database.clone(),
        why,
    };
    match Admin::open(&server.connector).await {
        Err(AdminError::NoIdentity { .. }) => {}
        Ok(admin) => {
            let who = admin.identity().to_owned();
            return Err(refused(format!(
                "{who} may make a second database, which loses nothing"
            )));
        }
        Err(error) => return Err(error.into()),
    }
    if from.dump()?.layout != Layout::Custom {
        return Err(refused(
            "only an archive in custom format can be restored so".into(),
        ));
    }
    if !server.probe.has("psql-restricted") {
        return Err(refused(
            "psql is older than its restricted mode, so names in the dump could run commands".into(),
        ));
    }
    let session = session(&server.connector, &database).await?;
    let query = "select distinct pg_catalog.pg_get_userbyid(c.relowner)::text || ' (' || c.oid::regclass || ')'
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relowner <> current_user::regrole
          and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and not exists (select from pg_catalog.pg_depend d
            where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e') limit 5";
    let others = ask(&session, "read who owns what", query, &[]).await?;
    if others.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = others.iter().map(|row| row.get(0)).collect();
    Err(refused(format!(
        "others own something in it: {}",
        names.join(", ")
    )))
}

/// Replaces what the role owns by what is in the dump: all of it or nothing. `before` is the backup of what is there now,
/// which is all that can bring it back.
///
/// # Errors
/// See [`RestoreError`]. Only [`RestoreError::Differs`] and a failure to gather statistics come after the change.
pub async fn restore_in_place(
    server: &Server,
    from: RestoreFrom<'_>,
    before: &Backup,
    request: &RestoreRequest,
    progress: Progress<'_>,
) -> Result<RestoreReport, RestoreError> {
    let database = server.location.database.clone();
    check_id(&request.id)?;
    may_be_restored(server, from, request.options.foreign)?;
    only_in_place(server, from).await?;
    progress("reading the dump from end to end before it is used", None);
    let dump: Dump = from.dump()?;
    let checked = dump.check(server).await?;
    checked.read_to_end(server).await?;
    progress(
        &format!("replacing what {} owns in {database}", server.probe.user),
        None,
    );
    checked.replace(server, &database).await?;
    progress(
        &format!("comparing {database} with what it was filled from"),
        None,
    );
    let (comparison, content) = compared(server, from, &database).await?;
    if !comparison.differences.is_empty() {
        return Err(RestoreError::Differs(comparison.differences));
    }
    progress("gathering statistics for the planner", None);
    analyze(server, &database).await?;
    Ok(RestoreReport {
        database,
        kept_as: String::new(),
        compared: comparison.compared,
        content,
        ownership: format!(
            "everything belongs to {}, who restores, privileges left out",
            server.probe.user
        ),
        notes: vec![format!(
            "restored in place: what was there before is in backup {} alone",
            before.id
        )],
        done_before: false,
    })
}
