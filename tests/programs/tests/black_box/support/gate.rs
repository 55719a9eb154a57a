//! Where a handler waits until the test lets it go.

use tokio::net::{TcpListener, TcpStream};

use super::within;

/// The other end of what the handler `waits` connects to.
pub(crate) struct Gate(TcpListener);

impl Gate {
    pub(crate) async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port"))
    }

    /// What the program needs as `GATE`.
    pub(crate) fn address(&self) -> String {
        self.0.local_addr().expect("it is bound").to_string()
    }

    /// A handler that has come here; dropping it lets it go.
    pub(crate) async fn arrival(&self) -> TcpStream {
        within("a handler at the gate", self.0.accept()).await.expect("loopback accepts").0
    }
}
