//! Declarations for tests and benchmarks, created without the attribute and outside the slice.

#[cfg(all(test, feature = "lambda"))]
pub(crate) mod captured;
#[cfg(test)]
mod old_store;
#[cfg(test)]
pub(crate) mod scripted;
#[cfg(test)]
mod severed_store;

use fhir_sub_search::search::placeholders;

#[cfg(test)]
pub(crate) use self::old_store::OldStore;
#[cfg(test)]
pub(crate) use self::severed_store::{SeveredStore, Way};

use crate::declaration::{Content, Declaration, Order, Source, Trigger, Trust};
use crate::extract::FromNotification;
use crate::fhir::FhirVersions;
use crate::interaction::Interactions;
use crate::outcome::Outcome;
use crate::uses::Uses;

/// A declaration of `handler`, which takes an `A`.
pub(crate) fn declaration<A, F>(criteria: &'static str, endpoint: &'static str) -> Declaration
where
    A: FromNotification + Send,
    F: Handler<A>,
{
    Declaration {
        handler: "handler",
        source: Source { package: "tests", file: "src/main.rs", line: 1 },
        trigger: Trigger::Criteria(criteria),
        has_placeholders: placeholders(criteria).next().is_some(),
        endpoint,
        reason: "a test",
        interactions: Interactions::DEFAULT,
        content: Content::FullResource,
        trust: Trust::Notification,
        order: Order::Any,
        end: None,
        versions: FhirVersions::WITH_CRITERIA,
        parameter_types: &[],
        allowed: None,
        registration: None,
        uses: Uses::of::<A>(),
        require: A::require,
        run: |notification| {
            Box::pin(async move {
                match A::from_notification(notification).await {
                    Ok(argument) => F::handle(argument).await,
                    Err(rejection) => Outcome::Rejected(rejection),
                }
            })
        },
    }
}

/// The function of a declaration.
pub(crate) trait Handler<A> {
    fn handle(argument: A) -> impl Future<Output = Outcome> + Send;
}

#[cfg(test)]
pub(crate) struct Succeed;

#[cfg(test)]
impl<A: Send> Handler<A> for Succeed {
    async fn handle(_argument: A) -> Outcome {
        Outcome::Handled
    }
}

/// Makes declarations that live as long as the process.
pub(crate) fn leak(declarations: impl IntoIterator<Item = Declaration>) -> Vec<&'static Declaration> {
    declarations.into_iter().map(|declaration| &*Box::leak(Box::new(declaration))).collect()
}

/// Makes sure that a test's own subscriber gets every line of its thread. Call this before the subscriber is set.
///
/// `tracing` asks once whether anybody wants a callsite, and then asks only the subscriber of the thread that reaches
/// the callsite first. Most tests have no subscriber. Without a subscriber of the process, such a test would turn the
/// callsite off for the test that reads its lines.
#[cfg(test)]
pub(crate) fn keep_every_callsite() {
    static OF_PROCESS: std::sync::Once = std::sync::Once::new();
    OF_PROCESS.call_once(|| {
        drop(tracing::subscriber::set_global_default(tracing_subscriber::registry()));
        // A thread may be about to turn a callsite off, by an earlier answer. This takes it microseconds.
        std::thread::sleep(std::time::Duration::from_millis(20));
        tracing::callsite::rebuild_interest_cache();
    });
}
