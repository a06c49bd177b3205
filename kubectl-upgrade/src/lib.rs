//! kubectl-upgrade
