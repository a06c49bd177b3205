//! The connection to an object store.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::multipart::MultipartStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use crate::store::address::{BucketAddress, Provider};
use crate::store::stores::Tuning;

/// How often a request is repeated within that time.
const REPEATS: usize = 10;

/// How long a server may be silent while it takes one part of an upload or gives the next bytes of a download.
const SILENCE: Duration = Duration::from_secs(120);

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// Two views of one client.
#[derive(Debug, Clone)]
pub(super) struct Clients {
    pub(super) objects: Arc<dyn ObjectStore>,
    pub(super) multipart: Arc<Multipart>,
}

/// The part-wise uploads of a client, as something that can be printed.
pub(super) struct Multipart(Box<dyn MultipartStore>);

impl std::fmt::Debug for Multipart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Multipart")
    }
}

impl std::ops::Deref for Multipart {
    type Target = dyn MultipartStore;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref()
    }
}

impl Clients {
    /// Credentials are found as each library does it: environment, web identity, container and instance metadata.
    pub(super) fn open(address: &BucketAddress, tuning: &Tuning) -> Result<Self, object_store::Error> {
        // The client asks for the process's provider of cryptography.
        cluster::install_crypto_provider();
        match address.provider {
            Provider::S3 => Ok(Self::of(s3(address, tuning).build()?)),
            Provider::Google => {
                let builder = from(
                    tuning,
                    GoogleCloudStorageBuilder::from_env,
                    GoogleCloudStorageBuilder::new,
                    GoogleCloudStorageBuilder::with_config,
                )
                .with_bucket_name(&address.bucket)
                .with_retry(retry(tuning.patience))
                .with_client_options(options());
                Ok(Self::of(builder.build()?))
            }
            Provider::Azure => {
                let builder = from(
                    tuning,
                    MicrosoftAzureBuilder::from_env,
                    MicrosoftAzureBuilder::new,
                    MicrosoftAzureBuilder::with_config,
                )
                .with_container_name(&address.bucket)
                .with_retry(retry(tuning.patience))
                .with_client_options(options());
                Ok(Self::of(builder.build()?))
            }
        }
    }

    fn of<T: ObjectStore + MultipartStore + Clone>(client: T) -> Self {
        Self {
            objects: Arc::new(client.clone()),
            multipart: Arc::new(Multipart(Box::new(client))),
        }
    }
}

pub(super) fn s3(address: &BucketAddress, tuning: &Tuning) -> AmazonS3Builder {
    let mut builder = from(
        tuning,
        AmazonS3Builder::from_env,
        AmazonS3Builder::new,
        AmazonS3Builder::with_config,
    )
    .with_bucket_name(&address.bucket)
    .with_virtual_hosted_style_request(!address.path_style)
    // Not every server knows how to delete many objects at once, and a backup has few.
    .with_disable_bulk_delete(true)
    .with_retry(retry(tuning.patience))
    .with_client_options(options());
    if let Some(region) = &address.region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &address.endpoint {
        builder = builder
            .with_allow_http(endpoint.starts_with("http://"))
            .with_endpoint(endpoint_of(endpoint, address));
    }
    builder
}

/// A builder that knows what the environment says, or the variables that are given in its place.
fn from<B, K: FromStr>(
    tuning: &Tuning,
    environment: fn() -> B,
    empty: fn() -> B,
    set: fn(B, K, String) -> B,
) -> B {
    match &tuning.variables {
        None => environment(),
        Some(variables) => variables.options().fold(empty(), |builder, (name, value)| {
            match name.parse() {
                Ok(key) => set(builder, key, value.to_owned()),
                // Most of an environment is about something else.
                Err(_) => builder,
            }
        }),
    }
}

/// The library wants the bucket in the host's name where requests are sent to it.
fn endpoint_of(endpoint: &str, address: &BucketAddress) -> String {
    match endpoint.split_once("://") {
        Some((scheme, host)) if !address.path_style => format!("{scheme}://{}.{host}", address.bucket),
        Some(_) | None => endpoint.to_owned(),
    }
}

fn retry(patience: Duration) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: REPEATS,
        retry_timeout: patience,
    }
}

fn options() -> ClientOptions {
    ClientOptions::new()
        // A part or a download takes as long as it takes; only silence ends it.
        .with_timeout_disabled()
        .with_read_timeout(SILENCE)
        .with_connect_timeout(CONNECT)
}
