//! The error of one request to the API server.

use std::error::Error;
use std::fmt;

use kube::core::Status;
use thiserror::Error;

use crate::login::{login_error, login_words};

/// A request to the API server that did not succeed.
#[derive(Debug, Error)]
#[error("failed to {action}")]
pub struct ApiError {
    /// What was asked, such as `read deployment/web in namespace shop`.
    pub action: String,
    /// The API server's answer or what happened on the way there.
    #[source]
    pub source: RequestError,
}

impl ApiError {
    /// Says what was asked of a request of kube's that failed.
    pub fn new(action: impl Into<String>, source: kube::Error) -> Self {
        Self {
            action: action.into(),
            source: source.into(),
        }
    }

    /// The HTTP status of the API server's refusal; `None` when no answer came.
    pub fn code(&self) -> Option<u16> {
        self.source.status().map(|status| status.code)
    }

    /// Whether the object does not exist.
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// Whether the right is missing.
    pub fn is_forbidden(&self) -> bool {
        self.code() == Some(403)
    }

    /// Whether another writer came first (a stale `resourceVersion`).
    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }
}

/// Why a request did not succeed: kube's error, told without its type names and dumps.
#[derive(Debug)]
pub struct RequestError(pub Box<kube::Error>);

impl RequestError {
    /// The API server's refusal, if it answered.
    pub fn status(&self) -> Option<&Status> {
        match self.0.as_ref() {
            kube::Error::Api(status) => Some(status),
            _ => None,
        }
    }
}

impl From<kube::Error> for RequestError {
    fn from(error: kube::Error) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = login_error(&self.0) {
            return f.write_str(&login_words(error));
        }
        match self.0.as_ref() {
            kube::Error::Api(status) if !status.message.is_empty() => f.write_str(&status.message),
            kube::Error::Api(status) => {
                write!(f, "the API server answered {} {}", status.code, status.reason)
            }
            kube::Error::Service(error) => error.fmt(f),
            kube::Error::HyperError(error) => error.fmt(f),
            other => other.fmt(f),
        }
    }
}

impl Error for RequestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.0.as_ref() {
            // Its own text may hold what a login plugin put out, or its arguments.
            _ if login_error(&self.0).is_some() => None,
            kube::Error::Api(_) => None,
            kube::Error::Service(error) => error.source(),
            kube::Error::HyperError(error) => error.source(),
            other => other.source(),
        }
    }
}

/// Says what was asked when a request fails.
pub(crate) trait Asked<T> {
    fn asked(self, action: impl FnOnce() -> String) -> Result<T, ApiError>;
}

impl<T> Asked<T> for Result<T, kube::Error> {
    fn asked(self, action: impl FnOnce() -> String) -> Result<T, ApiError> {
        self.map_err(|source| ApiError::new(action(), source))
    }
}
