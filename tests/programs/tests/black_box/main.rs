//! Whole programs, run as their users run them: as processes, over HTTP and as a Lambda.

mod support;

mod answers;
mod bad_bodies;
mod bad_events;
mod bad_http;
mod bad_requests;
mod canary;
mod commands;
mod deadlines;
mod failures;
mod fifty_registrations;
mod main_job;
mod pruning;
mod register_route;
mod secrets;
mod several_at_once;
mod signals;
mod start_up;
mod sweeps;
mod thousand_subscriptions;
mod topics;
