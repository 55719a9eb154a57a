use std::path::PathBuf;

use super::*;

const CA: &str = "FHIR_CA_FILE";
const CERTIFICATE: &str = "FHIR_CLIENT_CERTIFICATE_FILE";
const KEY: &str = "FHIR_CLIENT_KEY_FILE";

/// Files that are deleted at the end of the test.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("fhir-sub-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn roots_and_a_client_certificate_are_read_from_files() {
    let files = Files::new("roots");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let two = files.write("ca.pem", format!("{pem}\n# another\n{pem}"));
    let (certificate, key) = (files.write("certificate.pem", &pem), files.write("key.pem", &key));
    let pairs = [(CA, &*two), (CERTIFICATE, &certificate), (KEY, &key)];
    let settings = Settings::read(&variables(&pairs)).unwrap();
    assert_eq!(settings.connection.extra_roots.len(), 2);
    assert!(settings.connection.identity.is_some());
    assert!(!format!("{settings:?}").contains("BEGIN"));

    let canary = files.write("canary.pem", "canary");
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = files.write("other.pem", other.signing_key.serialize_pem());
    let encrypted =
        files.write("encrypted.pem", include_str!("../../../client/src/tests/keys/p384.encrypted.pem"));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let broken = files.write("broken.pem", broken);
    check(&[(CA, &canary)], "FHIR_CA_FILE names a file without a certificate");
    check(&[(CA, &broken)], "FHIR_CA_FILE names a file without a certificate that can be read");
    check(&[(CA, "/no/such/file")], "FHIR_CA_FILE names a file that cannot be read (entity not found)");
    // To open a pipe would block.
    #[cfg(unix)]
    check(&[(CA, "/dev/null")], "FHIR_CA_FILE names a file that is a directory, a pipe or a device");
    check(
        &[(CERTIFICATE, &certificate)],
        "FHIR_CLIENT_KEY_FILE is not set, but FHIR_CLIENT_CERTIFICATE_FILE is",
    );
    check(&[(KEY, &key)], "FHIR_CLIENT_CERTIFICATE_FILE is not set, but FHIR_CLIENT_KEY_FILE is");
    check(
        &[(CERTIFICATE, &key), (KEY, &key)],
        "FHIR_CLIENT_CERTIFICATE_FILE names a file that holds no certificate",
    );
    check(&[(CERTIFICATE, &broken), (KEY, &key)], "FHIR_CLIENT_CERTIFICATE_FILE names a file that");
    check(
        &[(CERTIFICATE, &certificate), (KEY, &canary)],
        "FHIR_CLIENT_KEY_FILE names a file that holds no private key",
    );
    check(
        &[(CERTIFICATE, &certificate), (KEY, &encrypted)],
        "FHIR_CLIENT_KEY_FILE names a file that is encrypted",
    );
    check(&[(CERTIFICATE, &certificate), (KEY, &other)], "is the key of another certificate");
}

#[test]
fn proxies_are_read_and_never_shown() {
    let settings = Settings::read(&variables(&[
        ("HTTPS_PROXY", "http://canary:canary@proxy.example.org:3128"),
        ("HTTP_PROXY", "plain.example.org:8080"),
        ("NO_PROXY", "localhost,.internal,10.0.0.0/8"),
    ]))
    .unwrap();
    let shown = format!("{settings:?}");
    assert!(!shown.contains("canary") && shown.contains("proxy.example.org"), "{shown}");
    let of = |url: &str| {
        settings
            .connection
            .proxies
            .of(&url.parse().unwrap())
            .and_then(|proxy| proxy.host_str())
            .map(str::to_owned)
    };
    assert_eq!(of("https://fhir.example.org").as_deref(), Some("proxy.example.org"));
    assert_eq!(of("http://fhir.example.org").as_deref(), Some("plain.example.org"));
    assert_eq!(
        (of("https://fhir.internal"), of("http://127.0.0.1"), of("https://10.1.1.1")),
        (None, None, None)
    );
}

#[test]
fn every_unfit_setting_is_named_at_once_and_none_quoted() {
    let names = [CA, CERTIFICATE, KEY, "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "FHIR_AUTH_PRIVATE_KEY"];
    let values = [
        "canary",
        "canary",
        "canary",
        "socks5://canary:canary@canary",
        "canary canary",
        "ok.example,canary/9",
        "canary",
    ];
    let mut pairs: Vec<_> = names.into_iter().zip(values).collect();
    pairs.extend([("FHIR_AUTH_CLIENT_ID", "canary"), ("FHIR_AUTH_KEY_ID", "canary")]);
    let problems = problems(&pairs);
    for name in names {
        assert!(problems.contains(name), "{name} is missing: {problems}");
    }
    assert!(problems.contains("(number 2)") && !problems.contains("canary"), "{problems}");
}
