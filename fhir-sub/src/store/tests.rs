mod memory;
pub(super) mod model;
pub(super) mod race;
pub(super) mod suite;
pub(super) mod timed;
