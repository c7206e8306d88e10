//! TLS to the agent, with an authority of our own.

use std::{fs, path::Path};

use mesh::ConsulSettings;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use testkit::servers::{Consul, free_ports};

use crate::registry;

/// Writes `NAME.pem` and `NAME.key`, signed by the authority.
fn write_certificate(folder: &Path, name: &str, authority: &CertifiedIssuer<'_, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, authority).unwrap();
    fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
    fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_with_tls_is_reached_with_its_authority_and_our_certificate_and_not_without() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (ours, foreign) = (authority("ours"), authority("foreign"));
    fs::write(at("ca.pem"), ours.pem()).unwrap();
    fs::write(at("foreign.pem"), foreign.pem()).unwrap();
    write_certificate(folder.path(), "agent", &ours);
    write_certificate(folder.path(), "client", &ours);
    let [port] = free_ports();
    let tls = json!({"defaults": {
        "ca_file": at("ca.pem"), "cert_file": at("agent.pem"), "key_file": at("agent.key"),
        "verify_incoming": true, "verify_outgoing": false,
    }});
    let more = json!({"ports": {"https": port}, "addresses": {"https": "127.0.0.1"}, "tls": tls});
    let _consul = Consul::start_with(more).await.unwrap();

    let certificate =
        mesh::discovery::consul::ClientCertificate { certificate: at("client.pem"), key: at("client.key") };
    let trusting = |ca: &str| ConsulSettings {
        ca_cert: Some(at(ca)),
        client_certificate: Some(certificate.clone()),
        ..ConsulSettings::new(format!("https://127.0.0.1:{port}"))
    };
    registry(trusting("ca.pem")).agent().await.unwrap();
    let fault = registry(trusting("foreign.pem")).agent().await.unwrap_err();
    assert!(fault.to_string().contains("certificate verify failed"), "{fault}");
    let without = ConsulSettings { client_certificate: None, ..trusting("ca.pem") };
    assert!(registry(without).agent().await.is_err());
}
