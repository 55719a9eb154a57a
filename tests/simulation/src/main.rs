//! Runs schedules in virtual time. A schedule has instances of a program, a FHIR server and a store, and all
//! of them fail by one seed.
//!
//! `tests/simulation/test` runs it, and documents how.

mod handlers;
mod ledger;
mod life;
mod moment;
mod plan;
mod schedule;
mod server;
mod shelf;
mod shrink;
mod world;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use plan::Plan;

const USAGE: &str = "simulation [COUNT] [--from SEED]    runs so many schedules, or 100000
simulation COUNT --from SEED --brief    the same, without the trace of one that fails
simulation --seed SEED              repeats one that failed";

#[expect(clippy::print_stderr, reason = "it is a program to be run by hand")]
fn main() -> ExitCode {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panicked| {
        // Handlers panic as planned.
        if panicked.payload().downcast_ref::<&str>().is_none_or(|text| !handlers::PANICS.contains(text)) {
            hook(panicked);
        }
    }));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |text: &String| text.parse::<u64>().ok();
    let is_found = match &*arguments.iter().map(String::as_str).collect::<Vec<_>>() {
        [] => many(fastrand::u64(..) >> 16, 100_000, true),
        [count] if count.parse::<u64>().is_ok() => {
            many(fastrand::u64(..) >> 16, number(&arguments[0]).unwrap_or(0), true)
        }
        [_, "--from", _] if number(&arguments[0]).is_some() && number(&arguments[2]).is_some() => {
            many(number(&arguments[2]).unwrap_or(0), number(&arguments[0]).unwrap_or(0), true)
        }
        [_, "--from", _, "--brief"] if number(&arguments[0]).is_some() && number(&arguments[2]).is_some() => {
            many(number(&arguments[2]).unwrap_or(0), number(&arguments[0]).unwrap_or(0), false)
        }
        ["--seed", _] if number(&arguments[1]).is_some() => show(number(&arguments[1]).unwrap_or(0)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    if is_found { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Runs so many schedules on all cores, and prints the first failure: with its trace if `is_shown`. Returns whether
/// there was one.
#[expect(clippy::print_stdout, reason = "it is a program to be run by hand")]
fn many(from: u64, count: u64, is_shown: bool) -> bool {
    let begun = Instant::now();
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
    let wanted = std::env::var("FHIR_SUB_CORES").ok().and_then(|cores| cores.parse().ok());
    let cores = wanted.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1);
    println!("simulation: {count} schedules from seed {from} on, on {cores} cores");
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    if place >= count || place > failed.load(Ordering::Relaxed) {
                        return;
                    }
                    if schedule::run(&Plan::of(from + place), false).violation.is_some() {
                        failed.fetch_min(place, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    match failed.into_inner() {
        u64::MAX => {
            println!("simulation: no promise was broken in {count} schedules, in {seconds:.1} s");
            false
        }
        place => {
            println!("simulation: schedule {} breaks a promise, after {seconds:.1} s", place + 1);
            if is_shown {
                show(from + place);
            }
            true
        }
    }
}

/// Repeats a schedule, shrinks it if it breaks a promise, and prints what happens in it. Returns whether it
/// broke one.
#[expect(clippy::print_stdout, reason = "it is a program to be run by hand")]
fn show(seed: u64) -> bool {
    let plan = Plan::of(seed);
    let ended = schedule::run(&plan, true);
    let Some(violation) = ended.violation else {
        println!("{plan:#?}\n{}\nseed {seed} breaks no promise", ended.trace);
        return false;
    };
    let plan = shrink::shrink(plan);
    let ended = schedule::run(&plan, true);
    println!("\n{:?}\n", plan.setup);
    plan.steps.iter().for_each(|step| println!("{step:?}"));
    println!();
    plan.faults.iter().for_each(|fault| println!("{fault:?}"));
    println!("\n{}", ended.trace);
    println!("seed {seed} breaks a promise: {violation}");
    println!("with the fewest faults: {}", ended.violation.unwrap_or_default());
    println!("repeat it: tests/simulation/test --seed {seed}");
    true
}

#[cfg(test)]
mod tests;
