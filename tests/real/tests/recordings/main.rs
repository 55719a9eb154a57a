//! What real servers sent, recorded in `tests/data`, against the app in process.

mod criteria;
mod recording;
mod told;
mod topics;
