//! For `tests/speed`: the single parts of a request, and a plan.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{HeaderMap, HeaderValue, Method};

use super::Route;
use super::authenticate::{self, Shown};
use crate::app::{App, AppBuilder};
use crate::decode::{Decoded, Expected, decode};
use crate::extract::FromNotification;
use crate::fixtures::{Handler, declaration, leak};
use crate::outcome::Outcome;
use crate::registration::Planned;
use crate::request::Head;
use crate::settings::Variables;

/// An app with many subscriptions. Its parts can be run one by one.
#[derive(Debug)]
pub struct Parts {
    app: App,
    headers: HeaderMap,
}

/// The path of the first subscription.
pub const PATH: &str = "/prod/ward-0";

/// The secret of the app.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

const HEADER: &str = "x-subscription-auth";

impl Parts {
    /// An app with this many subscriptions to Encounters. Its handlers take an `A`.
    ///
    /// # Panics
    ///
    /// The settings that are written here are wrong.
    #[must_use]
    pub fn new<A: FromNotification + Send>(subscriptions: usize) -> Self {
        let mut variables = Variables::default();
        for (name, value) in [
            ("APP_BASE_URL", "https://app.example.org"),
            ("FHIR_BASE_URL", "https://fhir.example.org"),
            ("FHIR_SUBSCRIPTION_SECRET", SECRET),
            ("FHIR_SUBSCRIPTION_IDEMPOTENCY", "off"),
        ] {
            variables.set(name, value);
        }
        let declarations = (0..subscriptions).map(|number| {
            declaration::<A, Take>("Encounter?status=in-progress", format!("ward-{number}").leak())
        });
        let app = AppBuilder::new(variables, leak(declarations)).build().expect("they are right");
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_static(SECRET));
        Self { app, headers }
    }

    /// Whether a request with [`SECRET`] is authenticated.
    #[must_use]
    pub fn authenticate(&self) -> bool {
        matches!(authenticate::by_header(self.app.settings(), &self.headers), Shown::Right(_))
    }

    /// Whether a notification to `path` is routed to a subscription.
    #[must_use]
    pub fn route(&self, path: &str) -> bool {
        let head = self.head(path);
        let admitted = pin!(self.app.admit(&head, self.app.deadline(None)));
        let admitted = admitted.poll(&mut Context::from_waker(Waker::noop()));
        matches!(admitted, Poll::Ready(Ok(Route::Endpoint { .. })))
    }

    /// Decodes `body` as far as possible without a handler, and returns the number of its events.
    ///
    /// # Panics
    ///
    /// There is no subscription.
    #[must_use]
    pub fn decode(&self, body: &[u8]) -> usize {
        let declaration = self.app.registry().declarations()[0];
        let base = "https://fhir.example.org";
        let expected = Expected { declaration, base, maximum: usize::MAX, provided: None };
        match decode(&self.head(PATH), &expected, None, body) {
            Ok(Decoded::Events(events, _)) => events.len(),
            Ok(Decoded::Notice(..) | Decoded::NothingFound) | Err(_) => 0,
        }
    }

    /// The status of the answer to `body`: a whole request, but without a listener or a Lambda.
    pub async fn answer(&self, body: &[u8]) -> u16 {
        let head = self.head(PATH);
        let deadline = self.app.deadline(None);
        let answered = match self.app.admit(&head, deadline).await {
            Ok(route) => self.app.answer(&head, route, body, deadline).await,
            Err(answered) => answered,
        };
        answered.answer.status.as_u16()
    }

    /// A plan in which every subscription is found as it is wanted.
    ///
    /// # Panics
    ///
    /// A subscription cannot be registered.
    #[must_use]
    pub fn planned(&self) -> Planned {
        Planned::new(&self.app).expect("they can be registered")
    }

    fn head<'a>(&'a self, path: &'a str) -> Head<'a> {
        Head { method: &Method::POST, path, query: None, headers: &self.headers }
    }
}

/// A handler that only takes its argument.
struct Take;

impl<A: Send> Handler<A> for Take {
    async fn handle(argument: A) -> Outcome {
        std::hint::black_box(argument);
        Outcome::Handled
    }
}
