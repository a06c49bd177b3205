//! The `serve` role: migrates, then answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::database::{self, Session};
use crate::log;
use crate::migrate;
use crate::misbehave;
use crate::settings::Settings;
use crate::shutdown::Shutdown;

/// In every answer, so that a client can tell which version gave it.
const VERSION_HEADER: HeaderName = HeaderName::from_static("x-ledger-version");

/// The most entries in one answer.
const PAGE: i64 = 1000;

struct Web {
    settings: Settings,
    session: Session,
    /// Requests answered, those of probes (`/healthz`, `/readyz`) not counted.
    requests: AtomicU64,
}

/// Serves until told to stop, then lets requests under way end.
pub(crate) async fn run(settings: &Settings, shutdown: &Shutdown) -> Result<()> {
    if settings.migrate {
        migrate::run(settings, shutdown).await?;
    } else {
        let client = database::connect_patiently(settings).await?;
        migrate::refuse_newer_schema(settings, &client).await?;
    }
    let leaked = if settings.leak_transaction {
        Some(misbehave::leak_transaction(settings).await?)
    } else {
        None
    };

    let web = Arc::new(Web {
        settings: settings.clone(),
        session: Session::new(settings.clone()),
        requests: AtomicU64::new(0),
    });
    let counted = Router::new()
        .route("/version", get(version))
        .route("/entries", get(list).post(add))
        .route("/summary", get(summary))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&web), count));
    let router = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .merge(counted)
        .layer(middleware::from_fn_with_state(Arc::clone(&web), stamp))
        .with_state(web);

    let listener = tokio::net::TcpListener::bind(&settings.listen)
        .await
        .with_context(|| format!("failed to listen on {}", settings.listen))?;
    log::line(format_args!(
        "ledger: {} listens on {}",
        settings.release.version,
        listener.local_addr()?
    ));
    let stop = shutdown.clone();
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { stop.requested().await })
        .await
        .context("failed to serve")?;
    drop(leaked);
    log::line(format_args!("ledger: stopped"));
    Ok(())
}

async fn count(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    web.requests.fetch_add(1, Ordering::Relaxed);
    next.run(request).await
}

async fn stamp(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(
        VERSION_HEADER,
        HeaderValue::from_static(web.settings.release.version),
    );
    response
}

/// A failure as a client sees it.
struct Failure(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        log::line(format_args!("ledger: {:#}", self.0));
        (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "error": format!("{:#}", self.0) })),
        )
            .into_response()
    }
}

async fn ready(State(web): State<Arc<Web>>) -> Result<&'static str, Failure> {
    if web.settings.never_ready {
        return Err(anyhow::anyhow!("never ready as told by LEDGER_NEVER_READY").into());
    }
    web.session.client().await?.execute("SELECT 1", &[]).await?;
    Ok("ready")
}

async fn version(State(web): State<Arc<Web>>) -> Json<serde_json::Value> {
    Json(json!({
        "version": web.settings.release.version,
        "schema": web.settings.release.schema,
        "pod": web.settings.pod,
        "requests": web.requests.load(Ordering::Relaxed),
    }))
}

#[derive(Deserialize, Serialize)]
struct Entry {
    #[serde(default)]
    id: i64,
    account: String,
    amount_cents: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    /// Entries with a greater id only.
    #[serde(default)]
    after: i64,
    #[serde(default = "page")]
    limit: i64,
}

fn page() -> i64 {
    PAGE
}

async fn list(State(web): State<Arc<Web>>, Query(page): Query<Page>) -> Result<Json<Vec<Entry>>, Failure> {
    let names = web.settings.release.names;
    let note = if names.note { "note" } else { "NULL::text" };
    let statement = format!(
        "SELECT id, {}, amount_cents::bigint, {note} FROM entries WHERE id > $1 ORDER BY id LIMIT $2",
        names.account
    );
    let client = web.session.client().await?;
    let rows = client
        .query(&statement, &[&page.after, &page.limit.clamp(1, PAGE)])
        .await?;
    let entries = rows
        .iter()
        .map(|row| Entry {
            id: row.get(0),
            account: row.get(1),
            amount_cents: row.get(2),
            note: row.get(3),
        })
        .collect();
    Ok(Json(entries))
}

async fn add(State(web): State<Arc<Web>>, Json(entry): Json<Entry>) -> Result<Response, Failure> {
    let client = web.session.client().await?;
    let account = web.settings.release.names.account;
    let row = if web.settings.release.names.note {
        let statement = format!(
            "INSERT INTO entries ({account}, amount_cents, note) VALUES ($1, $2::bigint, $3) RETURNING id"
        );
        client
            .query_one(&statement, &[&entry.account, &entry.amount_cents, &entry.note])
            .await?
    } else {
        let statement =
            format!("INSERT INTO entries ({account}, amount_cents) VALUES ($1, $2::bigint) RETURNING id");
        client
            .query_one(&statement, &[&entry.account, &entry.amount_cents])
            .await?
    };
    Ok((StatusCode::CREATED, Json(json!({ "id": row.get::<_, i64>(0) }))).into_response())
}

#[derive(Deserialize)]
struct Scope {
    /// Only entries of this account.
    account: Option<String>,
}

/// Row count, sum and checksum of what every version of the schema keeps (id, account, amount), so that the answers
/// of two versions over the same data are equal; and the number of notes, which the destructive version drops.
async fn summary(State(web): State<Arc<Web>>, Query(scope): Query<Scope>) -> Result<Response, Failure> {
    let names = web.settings.release.names;
    let notes = if names.note { "count(note)" } else { "NULL::bigint" };
    let account = names.account;
    // The sum of 60 bits of each row's MD5: independent of the order, and nothing is held but the sum.
    let statement = format!(
        "SELECT count(*), coalesce(sum(amount_cents), 0)::text,
                coalesce(sum(('x' || left(md5(id || ':' || {account} || ':' || amount_cents::bigint), 15))::bit(60)::bigint), 0)::text,
                {notes}
         FROM entries WHERE $1::text IS NULL OR {account} = $1"
    );
    let client = web.session.client().await?;
    let row = client.query_one(&statement, &[&scope.account]).await?;
    let schema = database::schema_version(&client).await?;
    Ok(Json(json!({
        "version": web.settings.release.version,
        "schema": schema,
        "rows": row.get::<_, i64>(0),
        "total_cents": row.get::<_, String>(1),
        "checksum": row.get::<_, String>(2),
        "notes": row.get::<_, Option<i64>>(3),
    }))
    .into_response())
}
