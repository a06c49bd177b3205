//! Journals in memory, for tests: clones share what they hold, so that a "second process" finds it.

/// Journals in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {}
