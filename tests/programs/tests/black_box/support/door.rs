//! The ways into a program: its local port, and each kind of Lambda event.

use std::net::SocketAddr;
use std::time::Duration;

use super::event::Sender;
use super::launch::Launch;
use super::program::Program;
use super::runtime_api::{RuntimeApi, USUAL_TIME};
use super::wire::{Answer, Request};

/// A program, and a way into it.
pub(crate) struct Door {
    pub(crate) program: Program,
    way: Way,
}

enum Way {
    Port(SocketAddr),
    Lambda(Sender, RuntimeApi),
}

impl Door {
    /// `launch` under `serve`, behind a prefix.
    pub(crate) async fn local(launch: Launch) -> Self {
        let program = launch.start();
        let address = program.address().await;
        Self { program, way: Way::Port(address) }
    }

    /// `launch` under Lambda, with events of `sender`.
    pub(crate) async fn lambda(sender: Sender, launch: Launch) -> Self {
        let api = RuntimeApi::start().await;
        let program = api.environment(launch).start();
        Self { program, way: Way::Lambda(sender, api) }
    }

    /// Every way into a program, each with a new process.
    pub(crate) async fn all(launch: impl Fn() -> Launch) -> Vec<Self> {
        let mut doors = vec![Self::local(launch()).await];
        for sender in Sender::ALL {
            doors.push(Self::lambda(sender, launch()).await);
        }
        doors
    }

    pub(crate) fn name(&self) -> String {
        match &self.way {
            Way::Port(_) => "the local port".into(),
            Way::Lambda(sender, _) => format!("{sender:?}"),
        }
    }

    /// The kind of event for this way, if it has one.
    pub(crate) fn sender(&self) -> Option<Sender> {
        match &self.way {
            Way::Port(_) => None,
            Way::Lambda(sender, _) => Some(*sender),
        }
    }

    /// The Runtime API of a Lambda, for events that are no requests.
    pub(crate) fn api(&self) -> &RuntimeApi {
        match &self.way {
            Way::Port(_) => panic!("a port has no events"),
            Way::Lambda(_, api) => api,
        }
    }

    pub(crate) async fn send(&self, request: &Request) -> Answer {
        self.send_within(request, USUAL_TIME).await
    }

    /// Sends `request`; a Lambda has `time` for it.
    pub(crate) async fn send_within(&self, request: &Request, time: Duration) -> Answer {
        match &self.way {
            Way::Port(address) => request.send_behind("/any/prefix", *address).await,
            Way::Lambda(sender, api) => {
                let outcome = api.invoke(sender.event(request).to_string(), time).await;
                assert!(!outcome.is_error, "the invocation failed on {request:?}: {outcome:?}");
                assert!(outcome.is_in_time, "the answer came after the deadline: {outcome:?}");
                sender.answer(&outcome.body)
            }
        }
    }
}
