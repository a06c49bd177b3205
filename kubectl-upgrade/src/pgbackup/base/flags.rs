//! The command line of `base`.

use std::time::Duration;

use backup::{BackupId, Conf, DEFAULT_RATE, Owner};
use clap::{Args, Subcommand};

use crate::pgbackup::arguments::{StoreFlags, TargetFlags, time};
use crate::session::Common;

/// Flags of `base`.
#[derive(Debug, Clone, Args)]
pub(crate) struct BaseFlags {
    #[command(subcommand)]
    pub(super) act: BaseAct,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum BaseAct {
    /// Copy a whole server with pg_basebackup and prove every file of the copy against the server's own list
    Create(CreateFlags),
    /// Unpack a copy in a throw-away pod, check it with pg_verifybackup, start it and read every database
    Verify(VerifyFlags),
    /// Put a copy into a PersistentVolumeClaim that no pod uses; the data directory that is there is moved aside
    Restore(RestoreFlags),
}

/// Flags of `base create`.
#[derive(Debug, Clone, Args)]
pub(super) struct CreateFlags {
    #[command(flatten)]
    pub(super) target: TargetFlags,
    /// Where the copy goes [default: safe-upgrade/backups in the user's data folder]
    #[arg(long, value_name = "STORE")]
    pub(super) to: Option<String>,
    /// Why, for whoever reads the manifest
    #[arg(long, value_name = "TEXT", default_value = "made by hand")]
    pub(super) reason: String,
    /// What may leave the server in a second: 32k to 1024M; 0 is as fast as it goes
    #[arg(long, value_name = "RATE", default_value_t = MaxRate(Some(DEFAULT_RATE)))]
    pub(super) max_rate: MaxRate,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Flags of `base verify`.
#[derive(Debug, Clone, Args)]
pub(super) struct VerifyFlags {
    /// The backup
    #[arg(value_name = "ID")]
    pub(super) id: BackupId,
    #[command(flatten)]
    pub(super) target: TargetFlags,
    /// Image of the throw-away pod, where the server that was copied is gone
    #[arg(long, value_name = "IMAGE")]
    pub(super) image: Option<String>,
    /// User id that servers of the image run under
    #[arg(long, value_name = "UID", default_value_t = 999, requires = "image")]
    pub(super) run_as: i64,
    /// How long all of it may take
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time)]
    pub(super) timeout: Duration,
    #[command(flatten)]
    pub(super) store: StoreFlags,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Flags of `base restore`.
#[derive(Debug, Clone, Args)]
pub(super) struct RestoreFlags {
    /// The backup
    #[arg(value_name = "ID")]
    pub(super) id: BackupId,
    /// The claim
    #[arg(long, value_name = "NAMESPACE/CLAIM", value_parser = claim)]
    pub(super) pvc: (String, String),
    /// Data directory in the volume, where there are several or none
    #[arg(long, value_name = "PATH")]
    pub(super) path: Option<String>,
    /// Whose pg_hba.conf, pg_ident.conf and postgresql*.conf are in force afterwards
    #[arg(long, value_name = "WHOSE", default_value = "keep", value_parser = conf)]
    pub(super) conf: Conf,
    /// Owner of the files [default: that of the data directory that is there]
    #[arg(long, value_name = "UID:GID")]
    pub(super) owner: Option<Owner>,
    /// Image of the pod that does it [default: that of the workload that uses the claim]
    #[arg(long, value_name = "IMAGE")]
    pub(super) image: Option<String>,
    /// Move the data directory back that a restore of this backup moved aside
    #[arg(long)]
    pub(super) undo: bool,
    /// Put the copy into the place of another server's data
    #[arg(long)]
    pub(super) foreign: bool,
    /// Hibernate the CloudNativePG cluster that the claim belongs to, and wake it up afterwards
    #[arg(long)]
    pub(super) hibernate: bool,
    /// How long all of it may take
    #[arg(long, value_name = "TIME", default_value = "2h", value_parser = time)]
    pub(super) timeout: Duration,
    /// Do not ask
    #[arg(short = 'y', long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) store: StoreFlags,
    #[command(flatten)]
    pub(super) common: Common,
}

fn claim(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((namespace, claim)) if !namespace.is_empty() && !claim.is_empty() && !claim.contains('/') => {
            Ok((namespace.to_owned(), claim.to_owned()))
        }
        _ => Err(format!("{text:?} names no claim; write NAMESPACE/CLAIM")),
    }
}

fn conf(text: &str) -> Result<Conf, String> {
    match text {
        "keep" => Ok(Conf::Keep),
        "from-backup" => Ok(Conf::FromBackup),
        _ => Err(format!("{text:?}: write keep or from-backup")),
    }
}

/// KiB a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MaxRate(pub(super) Option<u32>);

impl std::fmt::Display for MaxRate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            None => write!(f, "0"),
            Some(rate) if rate % 1024 == 0 => write!(f, "{}M", rate / 1024),
            Some(rate) => write!(f, "{rate}k"),
        }
    }
}

impl std::str::FromStr for MaxRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        /// What pg_basebackup takes, in KiB a second.
        const RANGE: std::ops::RangeInclusive<u32> = 32..=1 << 20;
        let wrong = || format!("{text:?} is no rate between 32k and 1024M");
        if text == "0" {
            return Ok(Self(None));
        }
        let (number, unit) = match text.strip_suffix(['M', 'm']) {
            Some(number) => (number, 1024),
            None => (text.strip_suffix(['k', 'K']).unwrap_or(text), 1),
        };
        let rate = number
            .parse::<u32>()
            .ok()
            .and_then(|number| number.checked_mul(unit));
        rate.filter(|rate| RANGE.contains(rate))
            .map(|rate| Self(Some(rate)))
            .ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_what_pg_basebackup_takes() {
        assert_eq!("300M".parse(), Ok(MaxRate(Some(300 << 10))));
        assert_eq!("32k".parse(), Ok(MaxRate(Some(32))));
        assert_eq!("0".parse(), Ok(MaxRate(None)));
        for text in ["31k", "1025M", "fast", "", "-1", "99999999M"] {
            assert!(text.parse::<MaxRate>().is_err(), "{text}");
        }
        assert_eq!(MaxRate(Some(DEFAULT_RATE)).to_string(), "300M");
    }

    #[test]
    fn a_claim_has_a_namespace() {
        assert_eq!(claim("shop/data"), Ok(("shop".into(), "data".into())));
        for text in ["data", "/data", "shop/", "a/b/c"] {
            assert!(claim(text).is_err(), "{text}");
        }
    }
}
