//! The recorded requests of real servers in `tests/data`, sent to the app in process.

mod criteria;
mod recording;
mod told;
mod topics;
