//! What an answer of the API server means for a store.

use cluster::RequestError;

use crate::journal::StoreError;

/// Sorts a failed request: somebody was faster, no answer for now, or a refusal.
pub(crate) fn store_error(object: impl Into<String>, error: kube::Error) -> StoreError {
    let object = object.into();
    let error = RequestError::from(error);
    let code = error.status().map(|status| status.code);
    let reason = model::causes(&error);
    match code {
        Some(409) => StoreError::Conflict { object },
        // Too many requests, and every way of an API server or a proxy before it to say "not now".
        Some(429 | 500..=599) | None => StoreError::Unavailable { object, reason },
        Some(_) => StoreError::Refused { object, reason },
    }
}
