//! The parts of a request, each by itself: see benches/parts.rs.
