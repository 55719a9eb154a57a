//! HTTP as bytes, because some requests of these tests are malformed.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::launch::{HEADER, SECRET};
use super::within;

/// A request, for any way into a program.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A request with the secret.
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self::of_a_stranger(method, path).header(HEADER, SECRET)
    }

    /// A request without a secret.
    pub(crate) fn of_a_stranger(method: &str, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// With `body`, as FHIR JSON.
    pub(crate) fn json(self, body: impl AsRef<[u8]>) -> Self {
        self.header("content-type", "application/fhir+json").body(body)
    }

    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// The bytes on the wire, for a connection of its own.
    fn to_bytes(&self, prefix: &str) -> Vec<u8> {
        let Self { method, path, query, headers, body } = self;
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        let length = body.len();
        let host = if headers.iter().any(|(name, _)| name == "host") { "" } else { "host: localhost\r\n" };
        let mut bytes = format!(
            "{method} {prefix}{path}{query} HTTP/1.1\r\n{host}connection: close\r\ncontent-length: {length}\r\n"
        )
        .into_bytes();
        for (name, value) in headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        bytes
    }

    /// Sends it to `address`, with `prefix` before its path.
    pub(crate) async fn send_behind(&self, prefix: &str, address: SocketAddr) -> Answer {
        let answer = exchange(address, &self.to_bytes(prefix)).await;
        Answer::parse(&answer).unwrap_or_else(|| panic!("no HTTP answer to {self:?}: {answer:?}"))
    }

    /// Sends it to a program that may end meanwhile: then there is no answer.
    pub(crate) async fn try_send(&self, address: SocketAddr) -> Option<Answer> {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(&self.to_bytes("")).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        Answer::parse(&answer)
    }

    pub(crate) async fn send(&self, address: SocketAddr) -> Answer {
        self.send_behind("", address).await
    }
}

/// Sends `bytes` and reads until the other side closes.
///
/// The answer may arrive, and the connection may close, before everything is sent: that is no error here.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let stream = within("a connection", TcpStream::connect(address)).await.expect("the program listens");
    let (mut reader, mut writer) = stream.into_split();
    let mut answer = Vec::new();
    let write = async {
        let _ = writer.write_all(bytes).await;
    };
    let read = async {
        // The bytes that were read before the connection broke are kept.
        let _ = reader.read_to_end(&mut answer).await;
    };
    within("an answer", async { tokio::join!(write, read) }).await;
    answer
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        Some(Self { status, headers: lines.filter_map(header).collect(), body: bytes[end + 4..].to_vec() })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// Whether it is an OperationOutcome, like every refusal of ours.
    pub(crate) fn is_outcome(&self) -> bool {
        self.header("content-type") == Some("application/fhir+json") && {
            let outcome = self.json();
            let issue = &outcome["issue"][0];
            outcome["resourceType"] == "OperationOutcome"
                && issue["severity"] == "error"
                && issue["code"].is_string()
                && issue["details"]["text"].as_str().is_some_and(|text| !text.is_empty())
        }
    }
}
