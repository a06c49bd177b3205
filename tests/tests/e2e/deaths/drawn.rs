//! What is left to chance, from a seed that is told, so that it can be had again.

use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};

use anyhow::{Context, Result, ensure};

/// How many pairs of a death and what follows a test run sees, both Helm lines together.
const PAIRS: &str = "SAFE_UPGRADE_KILL_PAIRS";
/// The seed.
const SEED: &str = "SAFE_UPGRADE_KILL_SEED";
/// A pair takes most of a minute.
const FEW: usize = 4;
const MOST: usize = 60;

pub(super) struct Drawn {
    pub(super) pairs: usize,
    pub(super) seed: u64,
}

impl Drawn {
    /// As the environment says, else a few pairs from a new seed.
    pub(super) fn from_environment() -> Result<Self> {
        let pairs = number(PAIRS)?.unwrap_or(FEW);
        ensure!(pairs <= MOST, "{PAIRS} is {pairs}, at most {MOST} are allowed");
        let seed = number(SEED)?.unwrap_or_else(|| RandomState::new().hash_one(0));
        Ok(Self { pairs, seed })
    }

    /// A number below `below`, always the same for the same words.
    pub(super) fn number(&self, words: &str, below: usize) -> usize {
        let mut hasher = DefaultHasher::new();
        (self.seed, words).hash(&mut hasher);
        let below = u64::try_from(below).unwrap_or(u64::MAX).max(1);
        usize::try_from(hasher.finish() % below).unwrap_or(0)
    }
}

fn number<T: std::str::FromStr>(name: &str) -> Result<Option<T>>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let Some(text) = std::env::var(name).ok().filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let number = text
        .parse()
        .with_context(|| format!("{name}={text} is no number"))?;
    Ok(Some(number))
}
