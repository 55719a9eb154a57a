//! `refusals` needs no DynamoDB; `tests/real/dynamodb/test` runs the other tests against an emulator.

mod calls;
mod canary;
mod dead_letters;
mod outage;
mod promised;
mod real;
mod refusals;
mod support;
mod wire;
