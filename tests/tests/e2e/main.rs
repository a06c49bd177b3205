//! The programs against real releases on the test node. One binary: every test shares one queue, so that none waits for the
//! slowest of another file, and all of it is linked once.

mod backup;
mod bad_input;
mod boot_run;
mod checks;
mod cluster;
mod custom_kinds;
mod engine;
mod examples;
mod faults;
mod fleet;
mod helm;
mod hook_run;
mod killed;
mod meddling;
mod notes;
mod pgbackup;
mod pgbackup_artefacts;
mod pgbackup_base;
mod pgbackup_create;
mod pgbackup_faults;
mod pgbackup_files;
mod pgbackup_matrix;
mod pgbackup_restore;
mod pgbackup_schedule;
mod pgbackup_status;
mod pgbackup_with_app;
mod postgres;
mod profiles;
mod quiesce;
mod rehearse;
mod rollback;
mod unlock;
mod upgrade_check;
mod upgrade_path;
mod windows;
