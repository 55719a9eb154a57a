//! The end of a program that cannot start. If a stack waits for the program, it gets the reason.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;

use super::cloudformation::{asked, tell_that_it_cannot_start};
use crate::client::transport::{Connection, Limits, Network, Transport};
use crate::settings::{Variables, connection_so_far};

/// How long to wait for the event that started the function. If there is one, it is there already.
const PATIENCE: Duration = Duration::from_secs(2);

/// The largest event of Lambda, including base64.
const EVENT: Limits = Limits { answer_bytes: 6 * 1024 * 1024 };

/// Takes the event that started the function. If it is a request of CloudFormation, the answer contains the
/// problems.
///
/// The process then ends, so Lambda counts the event as failed, as it would without this. Without an answer,
/// a stack waits for an hour, and its log does not say why.
pub(crate) async fn tell_a_stack(problems: &str) {
    let Ok(api) = std::env::var("AWS_LAMBDA_RUNTIME_API") else { return };
    let next = Request::get(format!("http://{api}/2018-06-01/runtime/invocation/next")).body(Bytes::new());
    let Ok(next) = next else { return };
    let network = Network::new(Connection::default(), PATIENCE);
    let Ok(Ok(event)) = tokio::time::timeout(PATIENCE, network.send(next, EVENT)).await else { return };
    Ending::default().tell(event.body(), problems).await;
}

/// Tells a stack, without the settings, that the program cannot start.
#[derive(Default)]
pub(super) struct Ending {
    /// How the answer is sent: by the network, unless a test says otherwise.
    pub(super) transport: Option<Arc<dyn Transport>>,
}

impl Ending {
    /// Tells CloudFormation the problems if the event `payload` is its request.
    pub(super) async fn tell(&self, payload: &[u8], problems: &str) {
        let Some(asked) = asked(payload) else { return };
        // The settings may be wrong, but the answer still needs their proxy.
        let connection = || connection_so_far(&Variables::from_environment());
        let transport =
            self.transport.clone().unwrap_or_else(|| Arc::new(Network::new(connection(), PATIENCE)));
        tell_that_it_cannot_start(&asked, problems, &*transport).await;
    }
}
