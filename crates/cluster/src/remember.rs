//! A client that remembers answers: what a look at many things asks again and again is asked once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{ACCEPT, UPGRADE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use tokio::sync::OnceCell;
use tower::Service;

use crate::Cluster;

/// Bytes of answers that are kept; beyond it the oldest go.
const KEPT: usize = 16 << 20;

/// Bytes of the largest answer that is kept.
const LARGEST: usize = 2 << 20;

impl Cluster {
    /// The same cluster, of which everything is asked once: later questions get the first answer. For a look that takes
    /// seconds and reads the same lists and rights for many releases. Watches, streams, logs, whatever writes and the
    /// content of Secrets go through as ever, and answers that may be better the next time are not remembered.
    pub fn remembering(&self) -> Self {
        let service = Remembering {
            client: self.client.clone(),
            memory: Arc::default(),
        };
        let namespace = self.client.default_namespace().to_owned();
        Self {
            client: Client::new(service, namespace),
            ..self.clone()
        }
    }
}

/// The client's innermost part, which asks another client.
struct Remembering {
    client: Client,
    memory: Arc<Memory>,
}

impl Service<Request<Body>> for Remembering {
    type Response = Response<Body>;
    type Error = kube::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, kube::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), kube::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (client, memory) = (self.client.clone(), Arc::clone(&self.memory));
        Box::pin(async move {
            if !is_remembered(&request) {
                return client.send(request).await;
            }
            let (parts, body) = request.into_parts();
            let body = body.collect_bytes().await?;
            let question = question(&parts, &body);
            let request = Request::from_parts(parts, Body::from(body));
            memory.answer(question, ask(client, request)).await
        })
    }
}

async fn ask(client: Client, request: Request<Body>) -> Result<Answer, kube::Error> {
    let (parts, body) = client.send(request).await?.into_parts();
    Ok(Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.collect_bytes().await?,
    })
}

/// Whether a request only reads, what it reads comes at once and may be kept in memory.
fn is_remembered<B>(request: &Request<B>) -> bool {
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    let is_metadata = accept(request.headers()).contains("PartialObjectMetadata");
    if *request.method() == Method::POST {
        // A question in the form of an object that is never stored.
        return path.ends_with("/selfsubjectaccessreviews");
    }
    *request.method() == Method::GET
        && !request.headers().contains_key(UPGRADE)
        && !query.split('&').any(|pair| pair.starts_with("watch="))
        && !path.ends_with("/log")
        && !path.contains("/proxy")
        && (is_metadata || !path.split('/').any(|step| step == "secrets"))
}

fn accept(headers: &HeaderMap) -> &str {
    headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// What tells one request from another. Who asks is the same throughout.
fn question(parts: &http::request::Parts, body: &Bytes) -> String {
    format!(
        "{} {} {}\n{}",
        parts.method,
        parts.uri,
        accept(&parts.headers),
        String::from_utf8_lossy(body)
    )
}

/// An answer as it came.
#[derive(Debug, Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// A server that was too busy, or failed, is asked again.
    fn lasts(&self) -> bool {
        let is_final =
            self.status.is_success() || matches!(self.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
        is_final && self.body.len() <= LARGEST
    }

    fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

/// Answers by question.
#[derive(Debug, Default)]
struct Memory(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    answers: BTreeMap<String, Arc<OnceCell<Answer>>>,
    /// Questions whose answers are kept, oldest first, with what they take.
    order: VecDeque<(String, usize)>,
    bytes: usize,
}

impl Memory {
    /// The answer to a question. Who asks while the first still waits, waits for it.
    async fn answer(
        &self,
        question: String,
        ask: impl Future<Output = Result<Answer, kube::Error>>,
    ) -> Result<Response<Body>, kube::Error> {
        let cell = Arc::clone(self.kept().answers.entry(question.clone()).or_default());
        let answered = cell
            .get_or_try_init(|| async {
                match ask.await {
                    Ok(answer) if answer.lasts() => {
                        self.kept().count(question, answer.body.len());
                        Ok(answer)
                    }
                    other => Err(other),
                }
            })
            .await;
        match answered {
            Ok(answer) => Ok(answer.response()),
            Err(passing) => passing.map(|answer| answer.response()),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Counts an answer, and lets the oldest go where it is too much.
    fn count(&mut self, question: String, body: usize) {
        let size = body + question.len();
        self.bytes += size;
        self.order.push_back((question, size));
        while self.bytes > KEPT {
            let Some((oldest, size)) = self.order.pop_front() else {
                break;
            };
            self.bytes -= size;
            self.answers.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use k8s_openapi::api::core::v1::{ConfigMap, Secret};
    use kube::api::{Api, ListParams};
    use serde_json::json;

    use super::*;
    use crate::fake;

    /// A cluster that remembers, and how often its server was asked. Its first answer is 500 where it is to fail: kube
    /// itself asks again after a 503.
    async fn counted(busy: bool) -> (Cluster, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let cluster = fake::answers(move |_, _| {
            let number = count.fetch_add(1, Ordering::SeqCst);
            if busy && number == 0 {
                return (
                    500,
                    json!({"kind": "Status", "code": 500, "reason": "InternalError", "message": "later"}),
                );
            }
            (
                200,
                json!({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": []}),
            )
        })
        .await;
        (cluster.remembering(), asked)
    }

    fn config_maps(cluster: &Cluster, namespace: &str) -> Api<ConfigMap> {
        Api::namespaced(cluster.client.clone(), namespace)
    }

    #[tokio::test]
    async fn the_same_question_is_asked_once_even_at_the_same_time() {
        let (cluster, asked) = counted(false).await;
        let (api, everything) = (config_maps(&cluster, "shop"), ListParams::default());
        let (one, other) = tokio::join!(api.list(&everything), api.list(&everything));
        assert!(one.is_ok() && other.is_ok() && api.list(&everything).await.is_ok());
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        // Another namespace, and another form of the answer, are other questions.
        config_maps(&cluster, "dev").list(&everything).await.unwrap();
        api.list_metadata(&everything).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn what_may_be_better_next_time_and_what_is_secret_is_not_remembered() {
        let (cluster, asked) = counted(true).await;
        let (api, everything) = (config_maps(&cluster, "shop"), ListParams::default());
        assert!(api.list(&everything).await.is_err());
        assert!(api.list(&everything).await.is_ok());
        let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), "shop");
        for _ in 0..2 {
            secrets.list(&everything).await.unwrap();
        }
        assert_eq!(asked.load(Ordering::SeqCst), 4);
    }

    #[test]
    fn only_what_reads_and_ends_is_remembered() {
        let request = |method: &str, uri: &str| Request::builder().method(method).uri(uri).body(()).unwrap();
        for (method, uri, expected) in [
            ("GET", "/api/v1/namespaces/shop/pods", true),
            (
                "GET",
                "/api/v1/namespaces/shop/pods?watch=true&resourceVersion=0",
                false,
            ),
            ("GET", "/api/v1/namespaces/shop/pods/web-0/log", false),
            ("GET", "/api/v1/namespaces/shop/secrets/web", false),
            (
                "POST",
                "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                true,
            ),
            ("POST", "/api/v1/namespaces/shop/pods?dryRun=All", false),
            ("PATCH", "/api/v1/namespaces/shop/pods/web-0", false),
        ] {
            assert_eq!(is_remembered(&request(method, uri)), expected, "{method} {uri}");
        }
        let mut upgrade = request("GET", "/api/v1/namespaces/shop/pods/web-0/portforward");
        upgrade
            .headers_mut()
            .insert(UPGRADE, "websocket".parse().unwrap());
        assert!(!is_remembered(&upgrade));
    }

    #[test]
    fn the_oldest_answers_go_first() {
        let mut kept = Kept::default();
        for name in ["a", "b", "c"] {
            kept.answers.insert(name.into(), Arc::default());
            kept.count(name.into(), KEPT / 2);
        }
        let left: Vec<&String> = kept.answers.keys().collect();
        assert_eq!(left, ["c"]);
        assert!(kept.bytes <= KEPT);
    }
}
