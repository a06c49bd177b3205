//! Contestants that run in turn.

use anyhow::Result;

use super::measure::Taken;
use super::ratio::{Spread, spread};

/// What all rounds of one contestant took.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    taken: Vec<Taken>,
}

impl Rounds {
    /// Adds a round.
    pub(crate) fn push(&mut self, taken: Taken) {
        self.taken.push(taken);
    }

    /// Seconds, round by round.
    pub(crate) fn seconds(&self) -> Vec<f64> {
        self.taken.iter().map(|taken| taken.seconds).collect()
    }

    /// The highest memory of each round, in MiB.
    pub(crate) fn mib(&self) -> Vec<f64> {
        self.taken.iter().map(|taken| taken.peak_mib).collect()
    }

    /// The highest memory of any round, in MiB.
    pub(crate) fn peak_mib(&self) -> f64 {
        self.taken.iter().map(|taken| taken.peak_mib).fold(0.0, f64::max)
    }

    /// The spread of the seconds.
    pub(crate) fn spread(&self) -> Result<Spread> {
        spread(&self.seconds()).ok_or_else(|| anyhow::anyhow!("no round was run"))
    }
}

/// Lets each contestant run once a round, the first one another each time, so that none always finds the caches warm.
pub(crate) fn in_turn<C: Copy, const N: usize>(
    contestants: [C; N],
    rounds: u32,
    mut run: impl FnMut(C, u32) -> Result<Taken>,
) -> Result<[Rounds; N]> {
    let mut all: [Rounds; N] = std::array::from_fn(|_| Rounds::default());
    for round in 0..rounds {
        for place in 0..N {
            let next = (place + round as usize) % N;
            all[next].push(run(contestants[next], round)?);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_contestant_runs_once_a_round_and_begins_in_its_turn() {
        let mut order = Vec::new();
        let rounds: [Rounds; 3] = in_turn([0_u8, 1, 2], 2, |contestant, round| {
            order.push((round, contestant));
            Ok(Taken {
                seconds: f64::from(contestant),
                peak_mib: 1.0,
            })
        })
        .unwrap();
        assert_eq!(order, [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (1, 0)]);
        assert_eq!(rounds[2].seconds(), [2.0, 2.0]);
    }
}
