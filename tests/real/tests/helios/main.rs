//! A program of this workspace with a real Helios FHIR server; `helios/test` runs it.
//!
//! The output of the program is kept. In the end it is searched for the canaries in every secret and every
//! resource.

mod cases;
mod support;

use std::process::ExitCode;

use fhir_sub_real::{Suite, cases};

use support::World;

fn main() -> ExitCode {
    let suite = Suite {
        server: "Helios FHIR server",
        enabled_by: "FHIR_SUB_REAL_HELIOS",
        command: "tests/real/helios/test",
        cases: cases![
            World;
            events::of_r4,
            events::of_r4b,
            events::of_r5,
            outages::a_program_that_was_down_is_told_later,
            outages::a_restart_of_the_server_is_no_gap,
            activation::a_handshake_that_is_not_answered_is_told,
            activation::a_subscription_in_error_is_armed_again,
            canary::no_line_holds_a_secret_or_a_resource,
        ],
    };
    suite.main(World::start, World::end)
}
