//! How long an answer may take to begin.

use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use kube::client::Body;
use thiserror::Error;
use tower::{BoxError, Layer, Service};

/// No answer began in time.
#[derive(Debug, Error)]
#[error("no answer within {} s", .0.as_secs())]
pub(super) struct NoAnswer(pub(super) Duration);

/// Limits the time to the head of an answer. What follows (a watch, an exec) may take for ever.
#[derive(Clone)]
pub(super) struct Patience(pub(super) Duration);

/// See [`Patience`].
#[derive(Clone)]
pub(super) struct Patient<S> {
    inner: S,
    limit: Duration,
}

impl<S> Layer<S> for Patience {
    type Service = Patient<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Patient { inner, limit: self.0 }
    }
}

impl<S> Service<http::Request<Body>> for Patient<S>
where
    S: Service<http::Request<Body>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        // The answer to a followed log begins with the container's first line, which may be hours away.
        let is_log = request.uri().path().ends_with("/log");
        let limit = self.limit;
        let answer = self.inner.call(request);
        Box::pin(async move {
            if is_log {
                return answer.await;
            }
            match tokio::time::timeout(limit, answer).await {
                Ok(answer) => answer,
                Err(_) => Err(NoAnswer(limit).into()),
            }
        })
    }
}
