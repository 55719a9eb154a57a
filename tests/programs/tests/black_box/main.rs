//! Whole programs, run like users run them: as processes, over HTTP, and as a Lambda.

mod support;

mod answers;
mod bad_bodies;
mod bad_events;
mod bad_http;
mod bad_requests;
mod canary;
mod coding_agent;
mod commands;
mod deadlines;
mod desk;
mod failures;
mod fifty_registrations;
mod large_bodies;
mod main_job;
mod page;
mod pruning;
mod register_route;
mod sandbox_alone;
mod secrets;
mod several_at_once;
mod signals;
mod start_up;
mod sweeps;
mod thousand_subscriptions;
mod topics;
