//! Hostile servers, and what is promised all the same.

mod creation;
mod numbers;
mod odd;
mod pieces;
mod reading;
mod variants;
mod watermark;
