//! The programs of this workspace against a real HAPI FHIR server: see `hapi/test`, which runs it.
//!
//! The cases run one after another against one server, each with a program of its own; arguments choose those whose
//! names contain one of them. Whatever a program prints is kept, and in the end looked through for the canaries that
//! are in every secret and every resource.

mod cases;
mod support;

use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use support::World;

/// What `hapi/test` sets. Without it `cargo test --workspace` needs neither Java nor a network.
const ENABLED: &str = "FHIR_SUB_REAL_HAPI";

type Case = for<'w> fn(&'w mut World) -> LocalBoxFuture<'w, ()>;

macro_rules! cases {
    ($($module:ident :: $case:ident),* $(,)?) => {
        [$((concat!(stringify!($module), "::", stringify!($case)), (|world| cases::$module::$case(world).boxed_local()) as Case)),*]
    };
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    if std::env::var_os(ENABLED).is_none() {
        say("skipped: the tests against a real HAPI FHIR server, which tests/real/hapi/test runs");
        return ExitCode::SUCCESS;
    }
    let chosen: Vec<_> = arguments.into_iter().filter(|argument| !argument.starts_with('-')).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("threads, timers and sockets").block_on(run(&chosen))
}

async fn run(chosen: &[String]) -> ExitCode {
    let cases = cases![
        // At HAPI's own pace, which the restart quickens for the others.
        main_job::an_arrival_begins_one_encounter,
        crowd::ten_at_once_leave_one_subscription_an_endpoint,
        restart::a_restart_of_the_server_loses_nothing,
        registration::registering_again_writes_nothing,
        registration::what_differs_is_mended_once,
        registration::a_refused_criteria_stops_no_other,
        registration::a_write_in_between_is_planned_anew,
        notifications::a_create_and_an_update_reach_the_handler,
        notifications::a_notification_without_payload_reaches_the_handler,
        notifications::a_deletion_reaches_the_handler,
        retries::a_handler_that_fails_twice_has_one_effect,
        client::reading_and_writing,
        client::conditions_and_conflicts,
        client::pages_of_a_search,
        client::transactions_and_operations,
        canary::no_line_holds_a_secret_or_a_resource,
    ];
    let started = Instant::now();
    let mut world = World::start().await;
    say(&format!("HAPI FHIR answers after {:.1} s", started.elapsed().as_secs_f32()));
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|part| name.contains(part.as_str()));
    let mut failed = 0;
    for (name, case) in cases.into_iter().filter(|(name, _)| is_chosen(name)) {
        let begun = Instant::now();
        // A case that fails says why by its panic; the others are still worth running.
        let outcome = AssertUnwindSafe(case(&mut world)).catch_unwind().await;
        failed += u32::from(outcome.is_err());
        let outcome = if outcome.is_ok() { "ok" } else { "FAILED" };
        say(&format!("{name} ... {outcome} ({:.1} s)", begun.elapsed().as_secs_f32()));
    }
    say(&format!("{failed} failed, in {:.1} s", started.elapsed().as_secs_f32()));
    world.end(failed == 0).await;
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn say(text: &str) {
    // A reader that has gone is no failure of the tests.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
