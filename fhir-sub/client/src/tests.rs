//! Tests of the whole client: over a scripted transport with paused time, and over real connections to
//! loopback.

mod backend_services;
mod connection;
mod interactions;
mod leaks;
mod network;
mod page_limits;
mod paging;
mod queries;
mod repeating;
mod sign_in;
mod support;
mod writing;
