//! [`Recording`]: a recorded request of a server.

use std::path::PathBuf;

use fhir_sub::testing::TestRequest;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Deserialize)]
pub(crate) struct Recording {
    method: String,
    path: String,
    headers: serde_json::Map<String, Value>,
    /// JSON as it arrived, in its own order; any other body as a string.
    body: Box<RawValue>,
}

impl Recording {
    pub(crate) fn read(server: &str, name: &str) -> Self {
        let text = std::fs::read_to_string(directory(server).join(format!("{name}.json"))).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) fn request(&self) -> TestRequest {
        let request = TestRequest::new(self.method.parse().unwrap(), &self.path);
        // The request already has the app's own secret.
        let headers = self.headers.iter().filter(|(name, _)| *name != "x-subscription-auth");
        let request = headers.fold(request, |request, (name, value)| match value {
            Value::Array(values) => {
                values.iter().fold(request, |request, value| request.header(name, value.as_str().unwrap()))
            }
            value => request.header(name, value.as_str().unwrap()),
        });
        match serde_json::from_str(self.body()).unwrap() {
            Value::Null => request,
            Value::String(text) => request.body(text),
            _ => request.body(self.body().to_owned()),
        }
    }

    pub(crate) fn body(&self) -> &str {
        self.body.get()
    }
}

/// The names of all recordings of a server, sorted.
pub(crate) fn names(server: &str) -> Vec<String> {
    let files = std::fs::read_dir(directory(server)).unwrap().map(|file| file.unwrap().path());
    let mut names: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn directory(server: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "data", server].iter().collect()
}
