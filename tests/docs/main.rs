//! Checks the documents: their links, their commands, their code, the names that they share with the code, and how they
//! read. It also checks the comments of the sources, and the order in which the modules are read.
//!
//! `docs/test` runs these checks, the commands that need only the workspace, and the spelling. The Rust
//! examples of the README and of the guide are doctests of fhir-sub (`lib.rs`, `mod guide`).

// The tests print their findings, for the person who mends the texts.
#![allow(clippy::print_stdout)]

mod commands;
mod compilers;
mod examples;
mod links;
mod manifests;
mod names;
mod page;
mod prose;
mod reading_order;
mod source;
