//! [`Suite`]: cases that share a world, and run in order.

use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

/// A test case in a world.
pub type Case<W> = for<'w> fn(&'w mut W) -> LocalBoxFuture<'w, ()>;

/// The cases for a server. They run one after another in one world. Arguments select the cases with names
/// that contain one of them.
pub struct Suite<W: 'static> {
    /// The name of the server.
    pub server: &'static str,
    /// The variable that the suite's own command sets. Without it, `cargo test --workspace` needs no server.
    pub enabled_by: &'static str,
    /// The suite's own command.
    pub command: &'static str,
    pub cases: &'static [(&'static str, Case<W>)],
}

/// The cases of a suite with their names: `cases![World; restart::nothing_is_lost]`.
#[macro_export]
macro_rules! cases {
    ($world:ty; $($module:ident :: $case:ident),* $(,)?) => {
        &[$((
            concat!(stringify!($module), "::", stringify!($case)),
            (|world| futures_util::FutureExt::boxed_local(cases::$module::$case(world))) as $crate::Case<$world>,
        )),*]
    };
}

impl<W: 'static> Suite<W> {
    /// Runs the suite if it is enabled. `start` creates the world, and `end` learns whether all cases passed.
    pub fn main(&self, start: impl AsyncFnOnce() -> W, end: impl AsyncFnOnce(W, bool)) -> ExitCode {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        if arguments.iter().any(|argument| argument == "--list") {
            return ExitCode::SUCCESS;
        }
        if std::env::var_os(self.enabled_by).is_none() {
            say(&format!("skipped: the tests against a real {}, which {} runs", self.server, self.command));
            return ExitCode::SUCCESS;
        }
        let chosen: Vec<_> = arguments.into_iter().filter(|argument| !argument.starts_with('-')).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("threads, timers and sockets");
        let started = Instant::now();
        let failed = runtime.block_on(async {
            let mut world = start().await;
            say(&format!("{} answers after {:.1} s", self.server, started.elapsed().as_secs_f32()));
            let failed = self.run(&mut world, &chosen).await;
            end(world, failed == 0).await;
            failed
        });
        say(&format!("{failed} failed, in {:.1} s", started.elapsed().as_secs_f32()));
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// How many cases failed.
    async fn run(&self, world: &mut W, chosen: &[String]) -> u32 {
        let is_chosen =
            |name: &str| chosen.is_empty() || chosen.iter().any(|part| name.contains(part.as_str()));
        let mut failed = 0;
        for (name, case) in self.cases.iter().filter(|(name, _)| is_chosen(name)) {
            let begun = Instant::now();
            // The panic of a failed case says why it failed. The other cases still run.
            let outcome = AssertUnwindSafe(case(world)).catch_unwind().await;
            failed += u32::from(outcome.is_err());
            let outcome = if outcome.is_ok() { "ok" } else { "FAILED" };
            say(&format!("{name} ... {outcome} ({:.1} s)", begun.elapsed().as_secs_f32()));
        }
        failed
    }
}

/// Prints a line. If the reader has gone, that is no failure of the tests.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
