//! Records the server's requests for the quick tests.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::value::RawValue;

use super::front::Received;

/// A recorded request, without the parts that differ between runs.
#[derive(Serialize)]
struct Recording<'a> {
    server: &'static str,
    case: String,
    method: &'static str,
    path: &'a str,
    headers: BTreeMap<&'a str, &'a str>,
    body: &'a RawValue,
}

/// Writes one request of each kind to `tests/data`: by version, level of content, and what happened.
pub(crate) fn write(received: &[Received]) {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../data/helios-0.2.7"));
    std::fs::create_dir_all(directory).expect("a directory");
    let mut written: Vec<String> = Vec::new();
    for one in received.iter().filter(|one| one.status == 204) {
        let case = format!("{}-{}-{}", one.version(), one.content(), one.what());
        if !written.contains(&case) {
            let recording = Recording::of(one, case.clone());
            let text = serde_json::to_string_pretty(&recording).expect("JSON");
            std::fs::write(directory.join(format!("{case}.json")), text + "\n").expect("a file");
            written.push(case);
        }
    }
}

impl<'a> Recording<'a> {
    fn of(received: &'a Received, case: String) -> Self {
        let headers = received.headers.iter().map(|(name, value)| match name.as_str() {
            "host" => ("host", "{receiver}"),
            "x-subscription-auth" => ("x-subscription-auth", "{secret}"),
            name => (name, value.as_str()),
        });
        Self {
            server: "Helios 0.2.7",
            case,
            method: "POST",
            path: &received.path,
            headers: headers.collect(),
            body: serde_json::from_slice(&received.text).expect("JSON"),
        }
    }
}
