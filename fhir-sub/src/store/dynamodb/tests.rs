//! What can be tested without DynamoDB, in `refusals`; `tests/real/dynamodb/test` runs the rest against an emulator.

mod calls;
mod canary;
mod dead_letters;
mod outage;
mod promised;
mod real;
mod refusals;
mod support;
mod wire;
