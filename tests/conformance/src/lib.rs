//! A server that imitates the conformance suites for subscribers over HTTP: their routes, answers, timing and
//! order.
//!
//! - Inferno's Subscriptions test kit 0.12.1, client suite (R4, Backport 1.1.0);
//! - Inferno's Da Vinci PAS test kit, client suites 2.0.1 and 2.2.1.
//!
//! The suites wait for seconds; this server waits for hundredths of a second. The tests name each check of a
//! suite by the letter and number in `docs/servers.md`.

mod checks;
mod client;
mod notification;
mod suite;
mod wire;

pub use checks::violations;
pub use client::{Client, SECRET, Seen};
pub use notification::{Told, event, notification};
pub use suite::{Asked, Session, Suite, Token};
pub use wire::{Answer, request};
