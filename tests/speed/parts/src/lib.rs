//! The single parts of a request: see benches/parts.rs.
