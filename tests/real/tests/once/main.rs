//! The promises of `docs/once.md`, with a real HAPI FHIR server and each store; `once/test` runs it.

mod support;
mod cases;

use std::process::ExitCode;

use fhir_sub_real::{Suite, cases};

use support::World;

fn main() -> ExitCode {
    let suite = Suite {
        server: "HAPI FHIR server with DynamoDB's emulator, PostgreSQL and SQLite",
        enabled_by: "FHIR_SUB_REAL_ONCE",
        command: "tests/real/once/test",
        cases: cases![
            World;
            sweep::what_no_notification_told_of_is_found_once,
            sweep::a_deletion_that_was_told_is_not_found_again,
            sweep::a_subscription_in_error_is_armed_again,
            sweep::a_program_that_sweeps_by_itself_needs_no_schedule,
            storm::whatever_dies_every_final_version_is_handled_and_every_effect_is_there_once,
            storm::the_same_with_postgresql,
            storm::the_same_with_a_file_that_the_instances_share,
            canary::no_line_holds_a_secret_or_a_resource,
        ],
    };
    suite.main(World::start, World::end)
}
