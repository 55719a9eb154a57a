//! What is in no line of any program, after all that the others did at `RUST_LOG=trace`.

use crate::support::{CANARY, World};

pub(crate) async fn no_line_holds_a_secret_or_a_resource(world: &mut World) {
    let lines = world.transcript.lines();
    // The programs did speak, and at that level.
    let has = |part| lines.iter().any(|line| line.contains(part));
    assert!(has(r#"outcome="handled""#) && has("TRACE"), "{} lines", lines.len());
    let told = lines.iter().find(|line| line.contains(CANARY));
    assert_eq!(told, None, "among {} lines", lines.len());
}
