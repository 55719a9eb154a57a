//! A place where a handler waits until the test releases it.

use tokio::net::{TcpListener, TcpStream};

use super::within;

/// The listener for the handler `waits`.
pub(crate) struct Gate(TcpListener);

impl Gate {
    pub(crate) async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port"))
    }

    /// The value of `GATE` for the program.
    pub(crate) fn address(&self) -> String {
        self.0.local_addr().expect("it is bound").to_string()
    }

    /// The next handler at the gate; to drop it releases the handler.
    pub(crate) async fn arrival(&self) -> TcpStream {
        within("a handler at the gate", self.0.accept()).await.expect("loopback accepts").0
    }
}
