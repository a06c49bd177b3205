//! libpq's `sslmode`.

use model::DatabaseRoute;

use super::ConnectError;

/// How a session is encrypted and what of the certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SslMode {
    /// Never encrypted.
    Disable,
    /// Encrypted where the server can.
    Prefer,
    /// Encrypted, any certificate.
    Require,
    /// Encrypted, certificate of a known authority, any name.
    VerifyCa,
    /// Encrypted, certificate of a known authority in the host's name.
    VerifyFull,
}

impl SslMode {
    /// What the application's word means on this route.
    ///
    /// Through a pod the API server vouches for the other end, and the authority's file lies in the application's
    /// container where we cannot read it: there a certificate is taken as it comes.
    pub(crate) fn on_route(
        word: Option<&str>,
        host: &str,
        route: &DatabaseRoute,
    ) -> Result<Self, ConnectError> {
        if host.starts_with('/') && *route == DatabaseRoute::Direct {
            return Ok(Self::Disable);
        }
        let mode = match word {
            None | Some("prefer" | "allow") => Self::Prefer,
            Some("disable") => Self::Disable,
            // Node's drivers say no-verify.
            Some("require" | "no-verify") => Self::Require,
            Some("verify-ca") => Self::VerifyCa,
            Some("verify-full") => Self::VerifyFull,
            Some(_) => return Err(ConnectError::SslMode),
        };
        Ok(match (mode, route) {
            (Self::VerifyCa | Self::VerifyFull, DatabaseRoute::Pod { .. }) => Self::Require,
            (mode, DatabaseRoute::Pod { .. } | DatabaseRoute::Direct) => mode,
        })
    }

    /// The same in the words of the client library, which knows nothing of certificates.
    pub(crate) fn negotiation(self) -> tokio_postgres::config::SslMode {
        match self {
            Self::Disable => tokio_postgres::config::SslMode::Disable,
            Self::Prefer => tokio_postgres::config::SslMode::Prefer,
            Self::Require | Self::VerifyCa | Self::VerifyFull => tokio_postgres::config::SslMode::Require,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_checked_on_the_open_network_and_not_through_a_pod() {
        let pod = DatabaseRoute::Pod {
            namespace: "shop".into(),
            pod: "db-0".into(),
            container: "postgres".into(),
            port: 5432,
            workload: None,
        };
        let mode = |word, route| SslMode::on_route(Some(word), "db", route).unwrap();
        assert_eq!(mode("verify-full", &DatabaseRoute::Direct), SslMode::VerifyFull);
        assert_eq!(mode("verify-full", &pod), SslMode::Require);
        assert_eq!(mode("disable", &pod), SslMode::Disable);
    }

    #[test]
    fn an_unknown_word_is_refused_rather_than_weakened() {
        assert!(SslMode::on_route(Some("verify_full"), "db", &DatabaseRoute::Direct).is_err());
    }
}
