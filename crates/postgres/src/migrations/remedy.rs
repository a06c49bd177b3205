//! What a person does about what a tool left behind.

use model::{MigrationLock, MigrationLockKind, MigrationTool};

use super::tools::of;

/// What a person types to have the tool go on, once the damage that `migration` did was mended by hand. `None` where the
/// tool needs nothing or its table tells of no damage.
pub fn mend_migration(tool: MigrationTool, migration: &str) -> Option<String> {
    Some(of(tool).mend?.replace("{migration}", migration))
}

/// The statement that takes a left-behind lock away. `None` for locks that end with their session.
pub fn release_migration_lock(lock: &MigrationLock) -> Option<String> {
    match lock.kind {
        MigrationLockKind::Row => {
            let row_lock = of(lock.tool).row_lock.as_ref()?;
            Some(row_lock.release.replace("{table}", &lock.table))
        }
        MigrationLockKind::Advisory | MigrationLockKind::Table => None,
    }
}
