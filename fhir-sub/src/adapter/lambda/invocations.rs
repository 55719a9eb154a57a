//! [`Invocations`]: what the Lambda runtime hands over, and how it is answered.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use lambda_http::lambda_runtime::{Diagnostic, LambdaInvocation, Runtime};
use lambda_http::tower::layer::layer_fn;
use lambda_http::{BoxFuture, Error, LambdaEvent, Service, service_fn};
use serde_json::value::RawValue;

use super::{Program, Reply};

/// Where Lambda says how many events an instance has at once: more than one with Lambda Managed Instances
/// (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html>).
const MAXIMUM_CONCURRENCY: &str = "AWS_LAMBDA_MAX_CONCURRENCY";

/// Whether an instance has several events at once.
pub(crate) fn has_several_at_once() -> bool {
    let maximum = std::env::var(MAXIMUM_CONCURRENCY).ok().and_then(|maximum| maximum.parse::<u32>().ok());
    maximum.is_some_and(|maximum| maximum > 1)
}

/// Handles events until the runtime ends the process: one after the other, or as many at once as Lambda says.
pub(crate) async fn run(program: Program) -> Result<(), Error> {
    let is_one_of_several = has_several_at_once();
    let program = Arc::new(program);
    let invocations = |answers| Invocations { program: program.clone(), answers, is_one_of_several };
    Runtime::new(service_fn(pass_on)).layer(layer_fn(invocations)).run_concurrent().await
}

/// Answers events from the bytes in which they came.
///
/// The runtime hands a handler what serde has made of an event: its own copy of all of it, at least. This stands before
/// that, where the event is still the runtime's buffer, and gives the runtime the finished response in the event's place.
/// [`pass_on`] is the runtime's handler.
#[derive(Clone)]
struct Invocations<S> {
    program: Arc<Program>,
    answers: S,
    is_one_of_several: bool,
}

impl<S> Service<LambdaInvocation> for Invocations<S>
where
    S: Service<LambdaInvocation, Response = (), Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = ();
    type Error = Error;
    type Future = BoxFuture<'static, Result<(), Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.answers.poll_ready(context)
    }

    fn call(&mut self, mut invocation: LambdaInvocation) -> Self::Future {
        let (program, is_one_of_several) = (self.program.clone(), self.is_one_of_several);
        // The one that has said that it is ready, and not its copy.
        let next = self.answers.clone();
        let mut answers = std::mem::replace(&mut self.answers, next);
        Box::pin(async move {
            // A handler's panic never gets here. One of ours ends the invocation, not the process.
            let reply = super::invoke(&program, &invocation.body, &invocation.context);
            let reply = AssertUnwindSafe(reply).catch_unwind().await.unwrap_or_else(|_panic| Err(panicked()));
            invocation.body = in_the_place_of_an_event(&reply)?.into();
            match answers.call(invocation).await {
                // The runtime would go on with the others, and never have another in its place. Lambda has given up this
                // event, and has it sent again.
                Err(_) if is_one_of_several => {
                    tracing::error!("a response could not be handed to Lambda");
                    Ok(())
                }
                answered => answered,
            }
        })
    }
}

/// The reply as the runtime takes an event: a reply is a JSON object, and a failure stands in a JSON array.
fn in_the_place_of_an_event(reply: &Result<Reply, Diagnostic>) -> serde_json::Result<Vec<u8>> {
    match reply {
        Ok(reply) => serde_json::to_vec(reply),
        Err(failure) => serde_json::to_vec(&[&failure.error_type, &failure.error_message]),
    }
}

/// Hands the runtime the reply that came in the event's place.
async fn pass_on(reply: LambdaEvent<Box<RawValue>>) -> Result<Box<RawValue>, Diagnostic> {
    let reply = reply.payload;
    if !reply.get().starts_with('[') {
        return Ok(reply);
    }
    let [error_type, error_message] = serde_json::from_str(reply.get()).unwrap_or_default();
    Err(Diagnostic { error_type, error_message })
}

fn panicked() -> Diagnostic {
    let message = "the event was not answered: see the program's log";
    Diagnostic { error_type: "Panicked".into(), error_message: message.into() }
}

#[cfg(test)]
mod tests;
