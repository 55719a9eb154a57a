//! A model of a store that is simple enough to be evidently right, and actors that do at random what
//! instances do: begin, complete, release, die, sweep, give up. The store must always answer like the model.

mod actors;
mod events;

use super::timed::Timed;
use actors::Actors;

/// Runs so many steps against an empty store. `FHIR_SUB_SEED` repeats a run: use the seed that it printed.
pub(crate) async fn check(store: &Timed, steps: usize) {
    let seed =
        std::env::var("FHIR_SUB_SEED").ok().map(|seed| seed.parse().expect("FHIR_SUB_SEED is a number"));
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    let told = OnPanic(seed);
    let mut actors = Actors::new(seed);
    for _ in 0..steps {
        actors.step(store).await;
    }
    drop(told);
}

struct OnPanic(u64);

impl Drop for OnPanic {
    #[allow(clippy::print_stderr)] // It is for whoever runs the tests.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("FHIR_SUB_SEED={} runs this again", self.0);
        }
    }
}
