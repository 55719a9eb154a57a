//! The page that a program has printed.

use std::net::SocketAddr;

use super::program::Program;

/// The URL of the page that `program` has printed.
pub(crate) async fn page(program: &Program) -> (SocketAddr, String) {
    let line =
        program.output.line("the URL of the page", |line| line.contains("send it again: http://")).await;
    let url = line.split("http://").nth(1).expect("a URL");
    let (address, path) = url.split_once('/').expect("a path");
    (address.parse().expect("an address"), format!("/{path}"))
}
