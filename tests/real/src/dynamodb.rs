//! [`DynamoDb`]: a DynamoDB emulator for this run.

use std::path::Path;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::send;
use crate::server_process::ServerProcess;

/// A DynamoDB emulator, with its tables in a directory of the run.
pub struct DynamoDb(ServerProcess);

impl DynamoDb {
    /// Starts an emulator on any free port.
    pub async fn start(directory: &Path) -> Self {
        let tables = directory.join("tables");
        std::fs::create_dir_all(&tables).expect("a directory in the temporary directory");
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/dynamodb/run"));
        command.arg("serve").arg(&tables).arg("0");
        Self(ServerProcess::start(&mut command, &tables.join("log")).await)
    }

    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// Creates a table as `docs/dynamodb.md` says.
    pub async fn make_table(&self, name: &str) {
        let table = json!({
            "TableName": name,
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
            "BillingMode": "PAY_PER_REQUEST",
        });
        self.call("CreateTable", &table).await;
        let expiration = json!({
            "TableName": name,
            "TimeToLiveSpecification": { "Enabled": true, "AttributeName": "expiration" },
        });
        self.call("UpdateTimeToLive", &expiration).await;
    }

    pub async fn stop(&mut self) {
        self.0.stop().await;
    }

    /// A call without an SDK, so that the suites need none. The server checks only the form of a signature.
    async fn call(&self, operation: &str, input: &Value) {
        let request = Request::post("/")
            .header("Host", format!("127.0.0.1:{}", self.port()))
            .header("Content-Type", "application/x-amz-json-1.0")
            .header("X-Amz-Target", format!("DynamoDB_20120810.{operation}"))
            .header("X-Amz-Date", "20260101T000000Z")
            .header(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/dynamodb/aws4_request, \
                 SignedHeaders=host, Signature=none",
            )
            .body(Full::new(Bytes::from(input.to_string())))
            .expect("a request");
        let answer = send(self.port(), request).await.expect("an answer of the server");
        let status = answer.status();
        let body = answer.into_body().collect().await.expect("a whole answer").to_bytes();
        assert!(status.is_success(), "{operation}: {status} {}", String::from_utf8_lossy(&body));
    }
}
