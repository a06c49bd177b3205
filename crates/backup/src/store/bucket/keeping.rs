//! What an S3 bucket says of old versions and of retention: whether it can be put back to an instant.

use http::Method;
use object_store::aws::{AmazonS3ConfigKey, AwsAuthorizer};
use object_store::client::HttpRequestBody;

use super::Bucket;
use super::client::s3;
use super::fault::element;
use crate::store::address::Provider;

impl Bucket {
    /// Versioning and retention, each in words; `unknown` and why where it was not told.
    pub(super) async fn keeps(&self) -> (String, String) {
        if self.address.provider != Provider::S3 {
            let unknown = "unknown: only S3 is asked".to_owned();
            return (unknown.clone(), unknown);
        }
        let (versioning, retention) = tokio::join!(self.question("versioning"), self.question("object-lock"));
        let unknown = |why: String| format!("unknown: {why}");
        (
            versioning.map_or_else(unknown, |text| versioning_in_words(&text)),
            match retention {
                Ok(text) => retention_in_words(&text),
                // How S3 says that a bucket has no object lock.
                Err(why) if why.contains("ObjectLockConfigurationNotFoundError") => "none".to_owned(),
                Err(why) => unknown(why),
            },
        )
    }

    /// Asks for a part of the bucket's configuration. The library signs, and has no question of this kind.
    async fn question(&self, what: &str) -> Result<String, String> {
        let told = |error: object_store::Error| super::BucketFault::of(&error).to_string();
        let builder = s3(&self.address, &self.tuning);
        let region = builder.get_config_value(&AmazonS3ConfigKey::Region);
        let region = region.unwrap_or_else(|| "us-east-1".to_owned());
        let client = builder.build().map_err(told)?;
        let credential = client.credentials().get_credential().await.map_err(told)?;
        let url = format!("{}/?{what}=", self.bucket_url(&region));
        let mut request = http::Request::builder()
            .method(Method::GET)
            .uri(&url)
            .body(HttpRequestBody::empty())
            .map_err(|error| error.to_string())?;
        let signed = AwsAuthorizer::new(&credential, "s3", &region).try_authorize(&mut request, None);
        signed.map_err(told)?;
        let asked = reqwest::Client::new()
            .get(&url)
            .headers(request.headers().clone())
            .send();
        let answer = asked.await.map_err(|error| model::causes(&error.without_url()))?;
        let status = answer.status();
        let text = answer
            .text()
            .await
            .map_err(|error| model::causes(&error.without_url()))?;
        if status.is_success() {
            Ok(text)
        } else {
            let code = element(&text, "Code").unwrap_or_default();
            Err(format!("the bucket answered {status} {code}")
                .trim_end()
                .to_owned())
        }
    }

    fn bucket_url(&self, region: &str) -> String {
        let bucket = &self.address.bucket;
        let endpoint = self.address.endpoint.clone();
        let endpoint = endpoint.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        match (self.address.path_style, endpoint.split_once("://")) {
            (false, Some((scheme, host))) => format!("{scheme}://{bucket}.{host}"),
            _ => format!("{endpoint}/{bucket}"),
        }
    }
}

/// What `GetBucketVersioning` says; without a status versions were never kept.
fn versioning_in_words(text: &str) -> String {
    if !text.contains("VersioningConfiguration") {
        return "unknown: the answer is none of S3's".to_owned();
    }
    match element(text, "Status") {
        Some(status) => status.to_ascii_lowercase(),
        None => "never enabled".to_owned(),
    }
}

/// What `GetObjectLockConfiguration` says.
fn retention_in_words(text: &str) -> String {
    if !text.contains("ObjectLockConfiguration") {
        return "unknown: the answer is none of S3's".to_owned();
    }
    let time = |name: &str, unit: &str| element(text, name).map(|count| format!(" {count} {unit}"));
    match element(text, "Mode") {
        Some(mode) => {
            let time = time("Days", "days").or_else(|| time("Years", "years"));
            format!("{}{}", mode.to_ascii_lowercase(), time.unwrap_or_default())
        }
        None => "none by default".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_bucket_answers_is_told_in_words_and_what_it_does_not_is_unknown() {
        let on = r#"<VersioningConfiguration xmlns="x"><Status>Enabled</Status></VersioningConfiguration>"#;
        assert_eq!(versioning_in_words(on), "enabled");
        assert_eq!(
            versioning_in_words(r#"<VersioningConfiguration xmlns="x"/>"#),
            "never enabled"
        );
        assert!(versioning_in_words("<html>").starts_with("unknown"));
        let lock = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>\
            <Mode>COMPLIANCE</Mode><Days>30</Days></DefaultRetention></Rule></ObjectLockConfiguration>";
        assert_eq!(retention_in_words(lock), "compliance 30 days");
        let no_rule = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>";
        assert_eq!(retention_in_words(no_rule), "none by default");
        assert!(retention_in_words("").starts_with("unknown"));
    }
}
