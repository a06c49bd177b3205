//! The node's certificate authority and what it has signed. All of it is made anew for each life of the node.

use std::path::Path;

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use super::folders::write_whole;
use super::network::{API_SERVICE_ADDRESS, NODE_ADDRESS};
use super::settings::NODE_NAME;

/// Certificates hold longer than any test machine.
const FIRST_YEAR: i32 = 2020;
const LAST_YEAR: i32 = 2099;

struct Holder {
    file: &'static str,
    common_name: String,
    organization: Option<&'static str>,
    names: Vec<String>,
}

/// Writes the authority, the certificates of API server, kubelet and administrator, and the key of service accounts.
pub(super) fn write(folder: &Path) -> Result<()> {
    let authority_key = key_pair()?;
    let mut authority = params("safe-upgrade test node", Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    let certificate = authority
        .self_signed(&authority_key)
        .context("sign the authority's certificate")?;
    write_pair(folder, "ca", &certificate.pem(), &authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    for holder in holders() {
        let key = key_pair()?;
        let mut params = params(&holder.common_name, holder.names)?;
        if let Some(organization) = holder.organization {
            params
                .distinguished_name
                .push(DnType::OrganizationName, organization);
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let certificate = params
            .signed_by(&key, &issuer)
            .with_context(|| format!("sign the certificate {}", holder.file))?;
        write_pair(folder, holder.file, &certificate.pem(), &key)?;
    }

    let service_account = key_pair()?;
    write_whole(
        &folder.join("service-account.key"),
        service_account.serialize_pem(),
    )?;
    write_whole(
        &folder.join("service-account.pub"),
        service_account.public_key_pem(),
    )
}

/// Who gets a certificate; names and groups are those that Kubernetes' own roles expect.
fn holders() -> [Holder; 3] {
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    [
        Holder {
            file: "apiserver",
            common_name: "kube-apiserver".to_owned(),
            organization: None,
            names: texts(&[
                "kubernetes",
                "kubernetes.default",
                "kubernetes.default.svc",
                "kubernetes.default.svc.cluster.local",
                "localhost",
                "127.0.0.1",
                API_SERVICE_ADDRESS,
                NODE_ADDRESS,
            ]),
        },
        Holder {
            file: "admin",
            common_name: "admin".to_owned(),
            organization: Some("system:masters"),
            names: Vec::new(),
        },
        Holder {
            file: "kubelet",
            common_name: format!("system:node:{NODE_NAME}"),
            organization: Some("system:nodes"),
            names: texts(&[NODE_NAME, NODE_ADDRESS, "127.0.0.1"]),
        },
    ]
}

fn params(common_name: &str, names: Vec<String>) -> Result<CertificateParams> {
    let mut params =
        CertificateParams::new(names).with_context(|| format!("name the certificate {common_name}"))?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(FIRST_YEAR, 1, 1);
    params.not_after = date_time_ymd(LAST_YEAR, 12, 31);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn key_pair() -> Result<KeyPair> {
    KeyPair::generate().context("make a key pair")
}

fn write_pair(folder: &Path, name: &str, certificate: &str, key: &KeyPair) -> Result<()> {
    write_whole(&folder.join(format!("{name}.crt")), certificate)?;
    write_whole(&folder.join(format!("{name}.key")), key.serialize_pem())
}
