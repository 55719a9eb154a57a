//! The end of a program that cannot start. A stack that waits for the program is told why.

use std::time::Duration;

use bytes::Bytes;
use http::Request;

use super::cloudformation::{asked, tell_that_it_cannot_start};
use crate::client::transport::{Connection, Limits, Network, Transport};

/// How long to wait for the event that the function was started for. It is there already, if there is one.
const PATIENCE: Duration = Duration::from_secs(2);

/// The largest event of Lambda, base64 and all.
const EVENT: Limits = Limits { answer_bytes: 6 * 1024 * 1024 };

/// Takes the event that the function was started for, and tells CloudFormation the problems if the event is its request.
///
/// The process ends after it, so Lambda counts the event as failed, as it does without this. Without an answer, a stack waits
/// for an hour, and its log does not say why.
pub(crate) async fn tell_a_stack(problems: &str) {
    let Ok(api) = std::env::var("AWS_LAMBDA_RUNTIME_API") else { return };
    let next = Request::get(format!("http://{api}/2018-06-01/runtime/invocation/next")).body(Bytes::new());
    let Ok(next) = next else { return };
    let network = Network::new(Connection::default(), PATIENCE);
    let Ok(Ok(event)) = tokio::time::timeout(PATIENCE, network.send(next, EVENT)).await else { return };
    if let Some(asked) = asked(event.body()) {
        tell_that_it_cannot_start(&asked, problems).await;
    }
}
