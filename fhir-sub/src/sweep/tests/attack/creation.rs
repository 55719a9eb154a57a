//! The versions that count as creations.

use crate::interaction::Interactions;
use crate::sandbox::Behaviour;
use crate::sweep::tests::kit::{Kit, encounter as made, encounters, on};

/// 25: the test `of_creates_only_updates_are_left_out`, on the sandbox's HAPI instead of its Medplum.
#[tokio::test(start_paused = true)]
async fn t25_made_anew_on_hapi() {
    let creates = Interactions { create: true, update: false, delete: false };
    let kit = Kit::of(Behaviour::Hapi, on(encounters(), creates));
    kit.register().await;
    kit.turn("off").await;
    for id in ["1", "2", "3"] {
        kit.create(id).await;
    }
    kit.test.sandbox().update(&made("2", "arrived", "a reason")).await.unwrap();
    kit.test.sandbox().delete("Encounter/3").await.unwrap();
    kit.create("3").await;
    kit.later().await;
    kit.sweep("").await;
    assert_eq!(kit.ran(), ["Encounter/1@1 create", "Encounter/3@3 create"]);
}
