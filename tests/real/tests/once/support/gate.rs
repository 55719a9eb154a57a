//! [`Gate`]: stands before the store, and may disconnect it.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    Open,
    /// It is closed, and so is each new one.
    Refused,
    /// Nothing passes in either direction.
    Hanging,
}

/// Passes connections on to a port.
pub(crate) struct Gate {
    port: u16,
    passage: watch::Sender<Passage>,
}

impl Gate {
    pub(crate) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let passage = watch::Sender::new(Passage::Open);
        let changes = passage.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, server, changes.subscribe()));
            }
        });
        Self { port, passage }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Takes effect at once, also for existing connections.
    pub(crate) fn set(&self, passage: Passage) {
        self.passage.send_replace(passage);
    }
}

async fn pass(mut stream: TcpStream, server: u16, mut passage: watch::Receiver<Passage>) {
    if *passage.borrow_and_update() == Passage::Open {
        let Ok(mut there) = TcpStream::connect(("127.0.0.1", server)).await else { return };
        tokio::select! {
            _ = copy_bidirectional(&mut stream, &mut there) => return,
            _ = passage.changed() => {}
        }
    }
    // An answer that was on its way is lost, so the connection is useless after it is released.
    let _ = passage.wait_for(|passage| *passage != Passage::Hanging).await;
}
