//! The documents held to what they say: their links, their commands, and how they read.
//!
//! `docs/test` runs these checks, and beside them the commands that need nothing but the workspace, and the spelling. The
//! Rust examples of the README and of the guide are doctests of fhir-sub (`lib.rs`, `mod guide`).

// The lists of what reads badly are for whoever mends them.
#![allow(clippy::print_stdout)]

mod commands;
mod compilers;
mod links;
mod page;
mod prose;
mod source;
