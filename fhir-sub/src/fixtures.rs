//! Declarations for tests and for what measures, made without the attribute and out of the slice.

use fhir_sub_search::search::placeholders;

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

/// What a declaration runs.
pub(crate) trait Handler<A> {
    fn handle(argument: A) -> impl Future<Output = Outcome> + Send;
}

/// Does nothing, and succeeds.
#[cfg(test)]
pub(crate) struct Succeed;

#[cfg(test)]
impl<A: Send> Handler<A> for Succeed {
    async fn handle(_argument: A) -> Outcome {
        Outcome::Handled
    }
}

/// The same declarations for as long as the process runs.
pub(crate) fn leak(declarations: impl IntoIterator<Item = Declaration>) -> Vec<&'static Declaration> {
    declarations.into_iter().map(|declaration| &*Box::leak(Box::new(declaration))).collect()
}
