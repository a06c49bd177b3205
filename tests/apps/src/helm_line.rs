//! The Helm lines to test with.

/// The Helm lines that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HelmLine {
    /// Helm 3: client-side apply.
    Three,
    /// Helm 4: server-side apply.
    Four,
}

impl HelmLine {
    /// Both lines, oldest first.
    pub const ALL: [Self; 2] = [Self::Three, Self::Four];
}
