//! [`Recorded`]: a delivery in a file, as `record` writes it, `replay` sends it, and a test reads it.

mod pretty;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub(crate) use pretty::pretty;

/// A request to the program, and its outcome. It has no secret: a later sender adds its own.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Recorded {
    /// The outcome at the time of the recording, for readers of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seen: Option<Seen>,
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// A body that is JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
    /// A body that is another text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// A body that is not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// The outcome of a delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seen {
    /// A FHIR instant.
    pub(crate) at: String,
    pub(crate) status: u16,
    /// The outcome of each event, in the words of the log.
    pub(crate) outcomes: Vec<String>,
}

/// A request as it is sent, without a secret.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: Method,
    /// Without a query, which may have a secret in it.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Recorded {
    pub(crate) fn new(sent: &Sent, seen: Option<Seen>) -> Self {
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        let recorded = Self {
            seen,
            method: sent.method.to_string(),
            path: sent.path.clone(),
            headers: sent.headers.iter().filter_map(header).collect(),
            ..Self::default()
        };
        match std::str::from_utf8(&sent.body) {
            Ok("") => recorded,
            Ok(text) => match serde_json::from_str(text) {
                Ok(json) => Self { body: Some(json), ..recorded },
                Err(_) => Self { text: Some(text.to_owned()), ..recorded },
            },
            Err(_) => Self { base64: Some(STANDARD.encode(&sent.body)), ..recorded },
        }
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// The text is not a recorded delivery. The error says why, and quotes nothing of the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| {
            // Its own message may quote a value.
            let (line, column) = (error.line(), error.column());
            format!(
                "this is no recorded delivery, from line {line}, column {column} on: `record DIR` writes one"
            )
        })
    }

    /// The request.
    ///
    /// # Errors
    ///
    /// A member cannot be part of a request. The error names the member.
    pub(crate) fn sent(&self) -> Result<Sent, String> {
        let method = self.method.parse().map_err(|_| "`method` is not one of HTTP".to_owned())?;
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let wrong = || "`headers` has a name or a value that cannot stand in a header".to_owned();
            let name: HeaderName = name.parse().map_err(|_| wrong())?;
            headers.append(name, value.parse().map_err(|_| wrong())?);
        }
        let body = match (&self.body, &self.text, &self.base64) {
            (None, None, None) => Bytes::new(),
            (Some(json), None, None) => Bytes::copy_from_slice(json.get().as_bytes()),
            (None, Some(text), None) => Bytes::copy_from_slice(text.as_bytes()),
            (None, None, Some(coded)) => {
                STANDARD.decode(coded).map_err(|_| "`base64` is not base64".to_owned())?.into()
            }
            _ => return Err("it has more than one of `body`, `text` and `base64`".to_owned()),
        };
        let path = self.path.split('?').next().unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Sent { method, path, headers, body })
    }

    /// The text of a file.
    pub(crate) fn to_text(&self) -> String {
        let text = serde_json::to_string(self).expect("texts, numbers, and JSON that was read");
        let mut text = pretty(&text).unwrap_or(text);
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(body: &'static [u8]) -> Sent {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/fhir+json"));
        let path = "/patients/Patient/1".to_owned();
        Sent { method: Method::PUT, path, headers, body: Bytes::from_static(body) }
    }

    #[test]
    fn every_body_comes_back_and_json_with_its_numbers_and_order() {
        for (body, written) in [
            (&br#"{"b":1.50,"a":[]}"#[..], "\"body\": {\n    \"b\": 1.50,\n    \"a\": []\n  }"),
            (b"not json {", "\"text\": \"not json {\""),
            (b"\xff\xfe", "\"base64\": \"//4=\""),
            (b"", "\"headers\""),
        ] {
            let text = Recorded::new(&sent(body), None).to_text();
            assert!(text.contains(written), "{text}");
            let back = Recorded::parse(&text).unwrap().sent().unwrap();
            assert_eq!((back.method, &*back.path), (Method::PUT, "/patients/Patient/1"));
            assert_eq!(back.headers["content-type"], "application/fhir+json");
            match serde_json::from_slice::<serde_json::Value>(body) {
                Ok(json) => {
                    assert_eq!(serde_json::from_slice::<serde_json::Value>(&back.body).unwrap(), json)
                }
                Err(_) => assert_eq!(&back.body[..], body),
            }
        }
    }

    #[test]
    fn a_file_that_is_none_is_refused_without_a_word_of_it() {
        for text in ["", "[]", r#"{"method":"PUT"}"#, r#"{"method":1,"path":"canary"}"#, r#"{"canary":1}"#] {
            let error = Recorded::parse(text).unwrap_err();
            assert!(error.contains("no recorded delivery") && !error.contains("canary"), "{error}");
        }
        for text in [
            r#"{"method":"P T","path":"/a"}"#,
            r#"{"method":"PUT","path":"/a","headers":{"a b":"c"}}"#,
            r#"{"method":"PUT","path":"/a","headers":{"a":"c\nd"}}"#,
            r#"{"method":"PUT","path":"/a","base64":"%"}"#,
            r#"{"method":"PUT","path":"/a","text":"a","body":{}}"#,
        ] {
            assert!(Recorded::parse(text).unwrap().sent().is_err(), "{text}");
        }
        assert_eq!(
            Recorded::parse(r#"{"method":"PUT","path":"a?secret=1"}"#).unwrap().sent().unwrap().path,
            "/a"
        );
    }
}
