//! Client certificates: only from the places that the gateway writes to.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::invoked;
use crate::fixtures::{Succeed, declaration, leak};
use crate::sandbox::Behaviour;
use crate::signature::hex;
use crate::testing::TestApp;

/// The characters that a load balancer escapes in a certificate.
const ESCAPED: AsciiSet = NON_ALPHANUMERIC.remove(b'+').remove(b'=').remove(b'/');

const SUBJECT: &str = "CN=ehr.example.org,O=Example";

fn app(certificates: &str, settings: &[(&str, &str)]) -> TestApp {
    let patients = leak([declaration::<crate::Event, Succeed>("Patient?", "e")]);
    let mut builder = TestApp::builder(Behaviour::Hapi, patients)
        .set("FHIR_SUBSCRIPTION_IDEMPOTENCY", "off")
        .set("FHIR_SUBSCRIPTION_SECRET", "")
        .set("FHIR_SUBSCRIPTION_CLIENT_CERTIFICATES", certificates);
    for (name, value) in settings {
        builder = builder.set(name, *value);
    }
    TestApp::build(Behaviour::Hapi, builder).unwrap()
}

/// An event of the HTTP API, with these members in `requestContext`.
fn format_2(context: Value) -> Value {
    let mut context = context;
    context["http"] = json!({ "method": "POST" });
    event(json!({ "requestContext": context, "rawPath": "/e" }))
}

/// An event of the REST API.
fn format_1(identity: Value) -> Value {
    let context = json!({ "identity": identity, "requestId": "1" });
    event(json!({ "requestContext": context, "httpMethod": "POST", "path": "/e" }))
}

/// An event of a load balancer, with these headers.
fn load_balancer(headers: Value) -> Value {
    let context = json!({ "elb": { "targetGroupArn": "arn:aws:elasticloadbalancing:1" } });
    let mut event = event(json!({ "requestContext": context, "httpMethod": "POST", "path": "/e" }));
    event["multiValueHeaders"] = headers;
    event
}

fn event(mut event: Value) -> Value {
    event["body"] = r#"{"resourceType":"Patient","id":"7"}"#.into();
    event["isBase64Encoded"] = false.into();
    event
}

async fn status(test: &TestApp, event: Value) -> Value {
    invoked(test, &event.to_string()).await.unwrap()["statusCode"].clone()
}

fn shown(subject: &str, pem: &str) -> Value {
    json!({ "clientCert": { "clientCertPem": pem, "subjectDN": subject, "issuerDN": "CN=ca", "serialNumber": "1" } })
}

#[tokio::test]
async fn a_gateway_says_who_has_shown_a_certificate() {
    let pem = rcgen::generate_simple_self_signed(["ehr.example.org".to_owned()]).unwrap().cert.pem();
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let fingerprint = hex(digest(&SHA256, &der).as_ref());
    for certificates in [SUBJECT, &format!("CN=another; {fingerprint}")] {
        let test = app(certificates, &[]);
        let authentication = json!({ "authentication": shown(SUBJECT, &pem) });
        assert_eq!(status(&test, format_2(authentication)).await, 204, "{certificates}");
        assert_eq!(status(&test, format_1(shown(SUBJECT, &pem))).await, 204, "{certificates}");
    }
    let other = rcgen::generate_simple_self_signed(["ehr.example.org".to_owned()]).unwrap().cert.pem();
    let test = app(&fingerprint, &[]);
    for pem in [&other, "", "canary", &pem.replace("CERTIFICATE", "PUBLIC KEY")] {
        assert_eq!(status(&test, format_1(shown(SUBJECT, pem))).await, 401, "{pem}");
    }
}

#[tokio::test]
async fn a_subject_is_compared_whole() {
    let test = app(SUBJECT, &[]);
    for subject in [
        "",
        "CN=ehr.example.org",
        "CN=ehr.example.org,O=Example,C=US",
        "CN=attacker,CN=ehr.example.org,O=Example",
        "cn=ehr.example.org,o=example",
        "CN=ehr.example.org, O=Example",
        "CN=ehr.example.org,O=Example ",
    ] {
        assert_eq!(status(&test, format_1(shown(subject, ""))).await, 401, "{subject}");
    }
    for identity in [
        json!(null),
        json!({}),
        json!({ "clientCert": null }),
        json!({ "clientCert": SUBJECT }),
        json!({ "subjectDN": SUBJECT, "clientCertPem": "" }),
        json!([shown(SUBJECT, "")]),
    ] {
        assert_eq!(status(&test, format_1(identity.clone())).await, 401, "{identity}");
    }
}

#[tokio::test]
async fn nothing_that_a_caller_can_write_is_a_certificate() {
    let test = app(SUBJECT, &[("FHIR_SUBSCRIPTION_CLIENT_CERTIFICATES_ALB", "verify")]);
    let headers = json!({
        "x-amzn-mtls-clientcert-subject": [SUBJECT],
        "x-amzn-mtls-clientcert-leaf": ["-----BEGIN"],
        "x-client-cert-subject": [SUBJECT],
        "x-ssl-client-s-dn": [SUBJECT],
    });
    // At an API Gateway, the caller writes these headers.
    let mut gateways = format_1(json!({}));
    gateways["multiValueHeaders"] = headers.clone();
    assert_eq!(status(&test, gateways).await, 401);
    let mut body = format_1(json!({}));
    body["body"] = json!({ "requestContext": { "identity": shown(SUBJECT, "") } }).to_string().into();
    assert_eq!(status(&test, body).await, 401);

    // At a load balancer they are its own, if the settings say that it verifies, and if each occurs once.
    assert_eq!(status(&test, load_balancer(headers.clone())).await, 204);
    assert_eq!(status(&app(SUBJECT, &[]), load_balancer(headers)).await, 401);
    let twice = json!({
        "x-amzn-mtls-clientcert-subject": ["CN=attacker", SUBJECT],
        "x-amzn-mtls-clientcert-leaf": ["-----BEGIN"],
    });
    assert_eq!(status(&test, load_balancer(twice)).await, 401);
    let mut single = load_balancer(Value::Null);
    single["headers"] =
        json!({ "x-amzn-mtls-clientcert-subject": SUBJECT, "x-amzn-mtls-clientcert-leaf": "-----BEGIN" });
    assert_eq!(status(&test, single).await, 401);
}

#[tokio::test]
async fn the_leaf_of_a_load_balancer_is_a_certificate_too() {
    let pem = rcgen::generate_simple_self_signed(["ehr.example.org".to_owned()]).unwrap().cert.pem();
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let test =
        app(&hex(digest(&SHA256, &der).as_ref()), &[("FHIR_SUBSCRIPTION_CLIENT_CERTIFICATES_ALB", "verify")]);
    // The characters `+`, `=` and `/` stand for themselves.
    let leaf = utf8_percent_encode(&pem, &ESCAPED).to_string();
    let headers = json!({
        "x-amzn-mtls-clientcert-subject": ["CN=rcgen self signed cert"],
        "x-amzn-mtls-clientcert-leaf": [leaf],
    });
    assert_eq!(status(&test, load_balancer(headers)).await, 204);
}
