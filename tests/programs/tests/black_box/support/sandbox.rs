//! The sandbox of a program without settings.

use std::net::SocketAddr;

use serde_json::Value;

use super::program::Program;
use super::wire::Request;

/// The request in the command that `program` prints for pasting.
pub(crate) async fn printed(program: &Program) -> (Request, SocketAddr) {
    let line = program.output.line("the curl command", |line| line.trim_start().starts_with("curl ")).await;
    let rest = line.trim_start().strip_prefix("curl -H '").expect("a header first");
    let (header, rest) = rest.split_once("' -d '").expect("then the body");
    let (body, url) = rest.split_once("' ").expect("and the address last");
    let (name, value) = header.split_once(": ").expect("a header has a value");
    let (address, path) = url.strip_prefix("http://").expect("loopback").split_once('/').expect("a path");
    let request = Request::of_a_stranger("POST", &format!("/{path}")).header(name, value).body(body);
    (request, address.parse().expect("an address"))
}

/// The sandbox's answer to a `GET`.
pub(crate) async fn search(address: SocketAddr, path: &str) -> Value {
    let answer = Request::of_a_stranger("GET", path).send(address).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}
