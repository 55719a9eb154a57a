//! Signs in at a real Keycloak as a SMART Backend Service, and calls a program with its tokens; `keycloak/test` runs
//! it.
//!
//! The FHIR server is a small one of this suite. It names Keycloak's token endpoint, and asks Keycloak
//! whether a token is valid. Keycloak verifies the assertions: signature, claims, age, and that no `jti` is
//! used twice.

mod cases;
mod hooks;
mod support;

use std::process::ExitCode;

use fhir_sub_real::{Suite, cases};

use support::World;

fn main() -> ExitCode {
    let suite = Suite {
        server: "Keycloak",
        enabled_by: "FHIR_SUB_REAL_KEYCLOAK",
        command: "tests/real/keycloak/test",
        cases: cases![
            World;
            callers::tokens_let_notifications_in,
            callers::no_wrong_token_lets_in,
            tokens::rs384_has_a_token,
            tokens::es384_has_a_token,
            tokens::many_at_once_have_one_token,
            tokens::a_scope_is_granted_where_it_is_asked_for,
            refusals::an_assertion_is_taken_once,
            refusals::another_key_is_refused,
            refusals::another_audience_is_refused,
            callers::keys_that_rotate_let_in_after_one_fetch,
            callers::nothing_of_a_token_is_told,
        ],
    };
    suite.main(World::start, World::end)
}
