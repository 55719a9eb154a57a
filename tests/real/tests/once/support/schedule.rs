//! [`schedule`]: what dies, and when.

/// A disturbance of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// An instance is killed, and another one is started.
    KillOne(usize),
    KillAll,
    /// The server is stopped, and started again. It is not killed: its database would lose the last confirmed
    /// writes, and the server would assign the same versions again.
    RestartServer,
    /// The store refuses connections.
    Refuse,
    /// The store does not answer.
    Hang,
    Restore,
    /// An instance sweeps.
    Sweep,
}

/// The disturbances by the number of written changes, in order: more changes have more disturbances.
pub(crate) fn schedule(dice: &mut fastrand::Rng, changes: usize) -> Vec<(usize, Act)> {
    let (outage, percent) = (changes * 7 / 100, changes / 100);
    let mut acts = Vec::new();
    for _ in 0..changes / 50 {
        acts.push((dice.usize(percent..changes), Act::KillOne(dice.usize(..))));
    }
    for _ in 0..2 {
        acts.push((dice.usize(percent..changes), Act::KillAll));
    }
    for _ in 0..changes / 250 {
        acts.push((dice.usize(percent..changes), Act::Sweep));
    }
    acts.push((dice.usize(45 * percent..60 * percent), Act::RestartServer));
    for (act, from, to) in [(Act::Refuse, 20, 30), (Act::Hang, 70, 80)] {
        let begin = dice.usize(from * percent..to * percent);
        acts.push((begin, act));
        acts.push((begin + outage, Act::Restore));
    }
    acts.sort_by_key(|(number, _)| *number);
    acts
}
