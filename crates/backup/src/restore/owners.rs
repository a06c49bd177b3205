//! To whom what is restored belongs, and the roles that have to be there for it.

use model::{BackupManifest, RestoreOptions};
use postgres_room::Admin;

use super::RestoreError;
use crate::ask::ask;
use crate::compare::session;
use crate::fill::{Layout, Owner, Ownership};
use crate::server::Probe;
use crate::{Progress, Server};

/// What a person's answers mean for whoever restores. Text says itself who owns what.
pub(super) fn ownership(probe: &Probe, options: &RestoreOptions, layout: &Layout) -> Ownership {
    let as_was = probe.superuser || *layout == Layout::Plain;
    Ownership {
        owner: match &options.owner {
            Some(role) => Owner::Role(role.clone()),
            None if options.no_owner || !as_was => Owner::Restorer,
            None => Owner::AsWas,
        },
        privileges: as_was && !options.no_acl,
    }
}

/// The choice in words.
pub(super) fn words(ownership: &Ownership, user: &str) -> String {
    let owner = match &ownership.owner {
        Owner::AsWas => "owners as they were".to_owned(),
        Owner::Restorer => format!("everything belongs to {user}, who restores"),
        Owner::Role(role) => format!("everything belongs to {role}"),
    };
    let privileges = if ownership.privileges {
        "privileges as they were"
    } else {
        "privileges left out"
    };
    format!("{owner}, {privileges}")
}

/// The roles that a restore needs, each once.
fn needed<'a>(manifest: Option<&'a BackupManifest>, ownership: &'a Ownership) -> Vec<&'a str> {
    let mut roles: Vec<&str> = Vec::new();
    if let Owner::Role(role) = &ownership.owner {
        roles.push(role);
    }
    if let Some(manifest) = manifest {
        if ownership.owner == Owner::AsWas {
            roles.extend(manifest.owners.iter().map(String::as_str));
        }
        if ownership.privileges {
            roles.extend(manifest.grantees.iter().map(String::as_str));
        }
    }
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// The roles that a restore needs and that are not there.
pub(super) async fn missing(
    server: &Server,
    manifest: Option<&BackupManifest>,
    ownership: &Ownership,
) -> Result<Vec<String>, RestoreError> {
    let roles = needed(manifest, ownership);
    if roles.is_empty() {
        return Ok(Vec::new());
    }
    let session = session(&server.connector, &server.location.database).await?;
    let query = "select wanted from pg_catalog.unnest($1::text[]) wanted
        where not exists (select from pg_catalog.pg_roles where rolname = wanted) order by 1";
    let rows = ask(&session, "read the roles", query, &[&roles]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Whether everybody is there whom the restore needs; where a person said so, who is missing is created. Gives what was
/// created, in words.
pub(super) async fn roles_are_there(
    server: &Server,
    admin: &Admin,
    manifest: Option<&BackupManifest>,
    ownership: &Ownership,
    create: bool,
    progress: Progress<'_>,
) -> Result<Vec<String>, RestoreError> {
    let missing = missing(server, manifest, ownership).await?;
    if !missing.is_empty() && !create {
        return Err(RestoreError::MissingRoles(missing));
    }
    let mut notes = Vec::new();
    for role in missing {
        progress(&format!("creating role {role}, without login and password"), None);
        admin.create_role(&role).await?;
        notes.push(format!(
            "role {role} was created without login, password and memberships; globals.sql beside the dump says what it had"
        ));
    }
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(superuser: bool, layout: &Layout, change: impl FnOnce(&mut RestoreOptions)) -> String {
        let mut options = RestoreOptions::default();
        change(&mut options);
        let probe = Probe::of_test("pg_dump (PostgreSQL) 15.18", superuser);
        words(&ownership(&probe, &options, layout), "app")
    }

    #[test]
    fn answers_choose_and_the_choice_is_told() {
        let custom = Layout::Custom;
        assert_eq!(
            chosen(true, &custom, |_| ()),
            "owners as they were, privileges as they were"
        );
        assert_eq!(
            chosen(false, &custom, |_| ()),
            "everything belongs to app, who restores, privileges left out"
        );
        assert_eq!(
            chosen(true, &custom, |options| options.owner = Some("shop".into())),
            "everything belongs to shop, privileges as they were"
        );
        assert_eq!(
            chosen(true, &custom, |options| {
                options.no_owner = true;
                options.no_acl = true;
            }),
            "everything belongs to app, who restores, privileges left out"
        );
        assert_eq!(
            chosen(false, &Layout::Plain, |_| ()),
            "owners as they were, privileges as they were"
        );
    }
}
