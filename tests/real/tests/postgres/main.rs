//! Several processes of a program share a real PostgreSQL; `postgres/test` runs it.

mod cases;
mod world;

use std::process::ExitCode;

use fhir_sub_real::{Suite, cases};

use world::World;

fn main() -> ExitCode {
    let suite = Suite {
        server: "PostgreSQL server",
        enabled_by: "FHIR_SUB_REAL_POSTGRES",
        command: "tests/real/postgres/test",
        cases: cases![
            World;
            processes::of_four_processes_one_handles_an_event,
            processes::what_a_killed_process_was_at_the_others_handle,
            canary::no_line_holds_a_secret_or_a_resource,
        ],
    };
    suite.main(World::start, World::end)
}
