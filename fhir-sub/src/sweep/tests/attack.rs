//! Hostile servers, and the promises that hold even so.

mod creation;
mod dead_links;
mod further;
mod numbers;
mod odd;
mod pieces;
mod reading;
mod shifts;
mod slow;
mod variants;
mod watermark;
