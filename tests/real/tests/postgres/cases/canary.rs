//! Texts that no line of any program may contain.

use fhir_sub_real::expect_no_canary;

use crate::world::World;

pub(crate) async fn no_line_holds_a_secret_or_a_resource(world: &mut World) {
    expect_no_canary(&world.transcript);
}
