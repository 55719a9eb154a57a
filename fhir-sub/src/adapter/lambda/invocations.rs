//! [`Invocations`]: receives events from the Lambda runtime, and answers them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use lambda_http::lambda_runtime::{Diagnostic, LambdaInvocation, Runtime};
use lambda_http::tower::layer::layer_fn;
use lambda_http::{BoxFuture, Error, LambdaEvent, Service, service_fn};
use serde_json::value::RawValue;

use super::{Program, Reply};

/// The variable with the number of events that an instance has at the same time: more than one with Lambda
/// Managed Instances (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html>).
const MAXIMUM_CONCURRENCY: &str = "AWS_LAMBDA_MAX_CONCURRENCY";

/// Whether an instance has several events at the same time.
pub(crate) fn has_several_at_once() -> bool {
    let maximum = std::env::var(MAXIMUM_CONCURRENCY).ok().and_then(|maximum| maximum.parse::<u32>().ok());
    maximum.is_some_and(|maximum| maximum > 1)
}

/// Handles events until the runtime ends the process: one after the other, or as many at the same time as
/// Lambda says.
pub(crate) async fn run(program: Program) -> Result<(), Error> {
    let is_one_of_several = has_several_at_once();
    let program = Arc::new(program);
    let invocations = |answers| Invocations { program: program.clone(), answers, is_one_of_several };
    Runtime::new(service_fn(pass_on)).layer(layer_fn(invocations)).run_concurrent().await
}

/// Answers events from their bytes.
///
/// The runtime would pass a handler an event that serde has parsed, which copies at least all of it. This
/// service runs before that, while the event is still in the runtime's buffer. It puts the finished response
/// in the event's place, and [`pass_on`], which is the runtime's handler, returns it.
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

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let (program, is_one_of_several) = (self.program.clone(), self.is_one_of_several);
        // Uses the service that has reported ready, and keeps its copy.
        let next = self.answers.clone();
        let mut answers = std::mem::replace(&mut self.answers, next);
        // Boxed, to keep the future small: only the runtime's own layers read the head.
        let LambdaInvocation { parts, body, context } = invocation;
        let parts = Box::new(parts);
        Box::pin(async move {
            // A handler's panic never arrives here. A panic of our own ends the invocation, not the process.
            let ends = context.deadline;
            let reply = super::invoke(&program, &body, &context);
            let reply = AssertUnwindSafe(reply).catch_unwind().await.unwrap_or_else(|_panic| Err(panicked()));
            let body = in_the_place_of_an_event(&reply)?.into();
            let invocation = LambdaInvocation { parts: *parts, body, context };
            let answered = answers.call(invocation).await;
            // The answer is sent, and Lambda freezes the process only when it asks for the next event.
            program.count();
            program.flush(ends).await;
            match answered {
                // This event's failure is reported. Lambda starts another process for the next event.
                _ if program.is_lost() => Err("the program cannot start: see its log".into()),
                // The runtime would continue with the other tasks, and never replace this one. Lambda has
                // given up this event, and retries it.
                Err(_) if is_one_of_several => {
                    tracing::error!("a response could not be handed to Lambda");
                    Ok(())
                }
                answered => answered,
            }
        })
    }
}

/// The reply in the form of an event: a reply is a JSON object, and a failure is wrapped in a JSON array.
fn in_the_place_of_an_event(reply: &Result<Reply, Diagnostic>) -> serde_json::Result<Vec<u8>> {
    match reply {
        Ok(reply) => serde_json::to_vec(reply),
        Err(failure) => serde_json::to_vec(&[&failure.error_type, &failure.error_message]),
    }
}

/// Returns the reply that stands in the event's place.
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
