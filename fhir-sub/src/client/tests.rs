//! The client as a whole: over a scripted transport, where time stands still, and over real connections to loopback.

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
