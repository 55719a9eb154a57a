//! Texts that no line of any program may contain.

use crate::support::{World, expect_no_canary};

pub(crate) async fn no_line_holds_a_secret_or_a_resource(world: &mut World) {
    expect_no_canary(&world.transcript);
}
