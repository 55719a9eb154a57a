mod faults;
mod memory;
mod migration;
pub(super) mod race;
