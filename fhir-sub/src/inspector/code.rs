//! A delivery as a test in Rust, and as a command.

use serde_json::Value;

use super::delivery::Delivery;
use crate::app::App;
use crate::fhir::FhirVersion;
use crate::recorded::pretty;

/// A test that sends the delivery again, and expects the same outcome. `resource` is a resource that the delivery names
/// but does not contain, so that the test must create it.
pub(crate) fn as_test(app: &App, delivery: &Delivery, resource: Option<&Value>) -> String {
    let mut text = format!(
        "/// What came at {}.\n#[tokio::test]\nasync fn {}() {{\n    let test = {};\n",
        delivery.at,
        name(app, delivery),
        test_app(app)
    );
    if let Some(resource) = resource {
        let json = resource.to_string();
        let json = pretty(&json).unwrap_or(json);
        text.push_str(&format!(
            "    let resource = serde_json::from_str({}).expect(\"JSON\");\n    \
             test.sandbox().update(&resource).await.expect(\"the sandbox takes it\");\n",
            raw(&json)
        ));
    }
    let outcomes: Vec<_> = delivery.events.iter().map(|event| format!("{:?}", event.outcome)).collect();
    text.push_str(&format!(
        "    let request = fhir_sub::testing::TestRequest::recorded(\n        {},\n    );\n    \
         let answer = test.send(request).await;\n    \
         assert_eq!(answer.status(), {});\n    \
         assert_eq!(answer.outcomes().collect::<Vec<_>>(), [{}]);\n}}\n",
        raw(delivery.recorded().to_text().trim_end()),
        delivery.status.as_u16(),
        outcomes.join(", ")
    ));
    text
}

/// An app for the test, with the kind and the version of the program's FHIR server.
fn test_app(app: &App) -> String {
    let (server, version) = (app.settings().fhir_server.name, app.settings().fhir_version);
    let behaviour = match server {
        "hapi" => "Hapi",
        "medplum" => "Medplum",
        _ => "Generic",
    };
    if (behaviour, version) == ("Hapi", FhirVersion::R4) {
        return "fhir_sub::testing::TestApp::new()".to_owned();
    }
    format!(
        "fhir_sub::testing::TestApp::with(fhir_sub::sandbox::Behaviour::{behaviour}, |app| {{\n        \
         app.set(\"FHIR_SERVER\", {server:?}).set(\"FHIR_VERSION\", {:?})\n    }})",
        version.name()
    )
}

/// The name of the test: the handler, the outcome and the number of the delivery.
fn name(app: &App, delivery: &Delivery) -> String {
    let handler = delivery.endpoint().and_then(|endpoint| app.registry().find(endpoint));
    let handler = handler.map_or("a_delivery", |declaration| declaration.handler);
    let outcome = delivery.events.first().map_or("", |event| event.outcome);
    let words = format!("{handler} {outcome} {}", delivery.id);
    let letter =
        |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' };
    words.chars().map(letter).collect()
}

/// The text as a raw string of Rust, whatever it contains.
fn raw(text: &str) -> String {
    let mut hashes = String::from("#");
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    format!("r{hashes}\"{text}\"{hashes}")
}

/// The receiver of a delivery that a command sends again.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// The program, with the secret in the environment: the program's base URL, and the name of the header.
    Program { base_url: String, header: String },
    /// The page, which needs no secret. This is for a program that made its own secret.
    Desk { base_url: String },
}

/// A command that sends the delivery again.
pub(crate) fn as_curl(delivery: &Delivery, target: &Target) -> String {
    let sent = &delivery.sent;
    // A stranger chooses the method, and `|`, `&`, `$` and a backtick may be part of one.
    let method = match sent.method.as_str() {
        plain if plain.bytes().all(|byte| byte.is_ascii_alphanumeric()) => plain.to_owned(),
        other => quoted(other),
    };
    let mut text = format!("curl -i -X {method}");
    let base_url = match target {
        Target::Program { base_url, header } => {
            text.push_str(&format!(" \\\n  -H \"{header}: $FHIR_SUBSCRIPTION_SECRET\""));
            base_url
        }
        Target::Desk { base_url } => base_url,
    };
    for (name, value) in &sent.headers {
        if let Ok(value) = value.to_str() {
            text.push_str(&format!(" \\\n  -H {}", quoted(&format!("{name}: {value}"))));
        }
    }
    if !sent.body.is_empty() {
        text.push_str(&format!(" \\\n  --data-raw {}", quoted(&String::from_utf8_lossy(&sent.body))));
    }
    text.push_str(&format!(" \\\n  {}", quoted(&format!("{base_url}{}", sent.path))));
    text
}

/// The text in single quotes, within which a shell interprets nothing.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::fhir::Instant;
    use crate::inspector::Origin;
    use crate::recorded::Sent;

    #[test]
    fn a_raw_string_ends_where_it_should() {
        assert_eq!(raw(r#"{"a":1}"#), "r#\"{\"a\":1}\"#");
        assert_eq!(raw("\"#"), "r##\"\"#\"##");
        assert_eq!(raw("\"##\"#"), "r###\"\"##\"#\"###");
    }

    #[test]
    fn a_shell_reads_nothing_of_a_quoted_text() {
        assert_eq!(quoted("O'Neil $(rm)"), r"'O'\''Neil $(rm)'");
    }

    /// The page also shows the request of a stranger, which is refused.
    #[test]
    fn a_shell_reads_nothing_of_a_method() {
        for (method, written) in [
            ("POST", "-X POST "),
            ("M-SEARCH", "-X 'M-SEARCH' "),
            ("x&rm$IFS-rf$IFS*&", "-X 'x&rm$IFS-rf$IFS*&' "),
            ("x'|`reboot`", r"-X 'x'\''|`reboot`' "),
        ] {
            let sent = Sent {
                method: method.parse().unwrap(),
                path: "/patients".to_owned(),
                headers: HeaderMap::new(),
                body: Bytes::new(),
            };
            let delivery = Delivery {
                id: 1,
                at: Instant::parse("2026-01-31T12:00:00Z").unwrap(),
                origin: Origin::Server,
                sent,
                events: Vec::new(),
                status: StatusCode::UNAUTHORIZED,
                answer: String::new(),
                elapsed: Duration::ZERO,
            };
            let curl =
                as_curl(&delivery, &Target::Desk { base_url: "http://127.0.0.1:9002/token/send".into() });
            assert!(curl.starts_with(&format!("curl -i {written}")), "{curl}");
        }
    }
}
