//! Leases in memory, for tests.

/// Leases in memory. Clones share what they hold.
#[derive(Debug, Clone, Default)]
pub struct MemoryLeases {}
