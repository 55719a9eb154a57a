//! What can be tested without DynamoDB, in `refusals`; the rest is run by `tests/real/dynamodb/test`.

mod calls;
mod canary;
mod dead_letters;
mod outage;
mod real;
mod refusals;
mod support;
mod wire;
