//! The programs of this workspace with a real HAPI FHIR server; `hapi/test` runs it.
//!
//! Each case has its own program. The output of all programs is kept. In the end it is searched for the
//! canaries in every secret and every resource.

mod cases;
mod support;

use std::process::ExitCode;

use fhir_sub_real::{Suite, cases};

use support::World;

fn main() -> ExitCode {
    let suite = Suite {
        server: "HAPI FHIR server",
        enabled_by: "FHIR_SUB_REAL_HAPI",
        command: "tests/real/hapi/test",
        cases: cases![
            World;
            // These run at HAPI's own pace. The restart makes the server quicker for the other cases.
            main_job::an_arrival_begins_one_encounter,
            topics::a_topic_that_is_not_there_is_told,
            crowd::four_at_once_leave_one_subscription_an_endpoint,
            restart::a_restart_of_the_server_loses_nothing,
            topics::what_happens_reaches_the_handler,
            criteria::the_sandbox_fires_as_hapi_does,
            registration::registering_again_writes_nothing,
            registration::the_server_is_recognised,
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
        ],
    };
    suite.main(World::start, World::end)
}
