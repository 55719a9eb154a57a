#[cfg(any(test, feature = "testing"))]
mod extension;

use std::collections::HashMap;
use std::sync::Mutex;

use futures_core::future::BoxFuture;

use super::*;
use crate::settings::{NotReady, Settings, Variables};

/// In what must never be told.
const CANARY: &str = "canary-4f1c";

/// Parameters and secrets by name, and what was asked for.
#[derive(Default)]
struct Scripted {
    parameters: HashMap<&'static str, String>,
    secrets: HashMap<(&'static str, Version), String>,
    is_starting: bool,
    asked: Mutex<Vec<String>>,
}

impl Scripted {
    fn answer(&self, asked: String, value: Option<&String>) -> Result<String, Failure> {
        self.asked.lock().unwrap().push(asked);
        if self.is_starting {
            return Err(Failure::NotReady);
        }
        value.cloned().ok_or(Failure::NoSuchVersion)
    }
}

impl Places for Scripted {
    fn parameter<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move { self.answer(name.to_owned(), self.parameters.get(name)) })
    }

    fn secret<'a>(&'a self, id: &'a str, version: Version) -> BoxFuture<'a, Result<String, Failure>> {
        let value = self.secrets.iter().find(|((known, of), _)| (*known, *of) == (id, version));
        Box::pin(async move { self.answer(format!("{id} {version:?}"), value.map(|(_, value)| value)) })
    }
}

fn variables(pairs: &[(&str, &str)]) -> Variables {
    let mut variables = Variables::default();
    let usual = [
        ("APP_BASE_URL", "https://app.example.org/prod/"),
        ("FHIR_BASE_URL", "https://fhir.example.org/r4"),
        ("FHIR_SUBSCRIPTION_SECRET", "a-secret-of-more-than-32-characters"),
    ];
    usual.iter().chain(pairs).for_each(|(name, value)| variables.set(name, *value));
    variables
}

/// The settings as `places` have them, or all that is wrong.
async fn read(pairs: &[(&str, &str)], places: &Scripted) -> Result<Settings, String> {
    let mut variables = variables(pairs);
    assert_eq!(variables.resolve(places).await, Ok(()));
    Settings::read(&variables).map_err(|problems| problems.to_string())
}

#[test]
fn a_reference_says_its_kind() {
    let secret =
        |id: &str, key: Option<&str>| Reference::Secret { id: id.into(), key: key.map(str::to_owned) };
    for (text, reference) in [
        ("file:/run/secrets/fhir", Reference::File("/run/secrets/fhir".into())),
        ("file:///run/secrets/fhir", Reference::File("/run/secrets/fhir".into())),
        ("ssm:/ward/url", Reference::Parameter("/ward/url".into())),
        ("ssm: plain ", Reference::Parameter("plain".into())),
        ("secretsmanager:ward/fhir", secret("ward/fhir", None)),
        ("secretsmanager:ward/fhir#shared", secret("ward/fhir", Some("shared"))),
        (
            "secretsmanager:arn:aws:secretsmanager:eu-central-1:123456789012:secret:ward-AbCdEf#a:b",
            secret("arn:aws:secretsmanager:eu-central-1:123456789012:secret:ward-AbCdEf", Some("a:b")),
        ),
    ] {
        assert!(Reference::parse(text) == Some(Ok(reference)), "{text}");
    }
    for text in [
        "",
        "https://fhir.example.org",
        "postgres://db/app",
        "sqlite:events.db",
        "dynamodb:events",
        "SSM:/a",
        "memory",
    ] {
        assert!(Reference::parse(text).is_none(), "{text}");
    }
    for (text, reason) in [
        ("file:secrets/fhir", "has no absolute path"),
        ("file:", "has no absolute path"),
        ("ssm:", "names no parameter"),
        ("ssm: ", "names no parameter"),
        ("secretsmanager:", "names no secret"),
        ("secretsmanager:#shared", "names no secret"),
        ("secretsmanager:ward#", "has no key"),
    ] {
        let Some(Err(unfit)) = Reference::parse(text) else { panic!("{text} is fit") };
        assert!(unfit.reason().starts_with(reason), "{text}: {}", unfit.reason());
    }
}

#[tokio::test]
async fn values_stand_in_the_references_place() {
    let file = std::env::temp_dir().join(format!("fhir-sub-reference-{}", std::process::id()));
    std::fs::write(&file, "https://app.example.com/\r\n").unwrap();
    let places = Scripted {
        parameters: [("/url", "https://fhir.example.com/r4".to_owned())].into(),
        secrets: [(
            ("ward", Version::Current),
            r#"{"shared":"a-shared-secret-of-the-ward","admin":"an-admin-secret-of-it","n":1}"#.into(),
        )]
        .into(),
        ..Scripted::default()
    };
    let settings = read(
        &[
            ("APP_BASE_URL", &format!("file:{}", file.display())),
            ("FHIR_BASE_URL", "ssm:/url"),
            ("FHIR_SUBSCRIPTION_SECRET", "secretsmanager:ward#shared"),
            ("FHIR_SUBSCRIPTION_ADMIN_SECRET", "secretsmanager:ward#admin"),
        ],
        &places,
    )
    .await
    .unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(settings.base_url.join("e"), "https://app.example.com/e");
    assert_eq!(settings.fhir_base_url.as_str(), "https://fhir.example.com/r4");
    assert_eq!(settings.secrets.shared.as_ref().unwrap().expose(), "a-shared-secret-of-the-ward");
    assert_eq!(settings.secrets.admin.unwrap().expose(), "an-admin-secret-of-it");
    assert!(settings.secrets.previous.is_none());
    // Each place was asked once.
    let mut asked = places.asked.into_inner().unwrap();
    asked.sort();
    assert_eq!(asked, ["/url", "ward Current", "ward Previous"]);
}

#[tokio::test]
async fn the_version_before_is_accepted_while_a_secret_is_rotated() {
    let places = |previous: &str| Scripted {
        secrets: [
            (("ward", Version::Current), "the-secret-that-is-current".into()),
            (("ward", Version::Previous), previous.to_owned()),
        ]
        .into(),
        ..Scripted::default()
    };
    let previous =
        |settings: Settings| settings.secrets.previous.map(|previous| previous.expose().to_owned());
    let shared = ("FHIR_SUBSCRIPTION_SECRET", "secretsmanager:ward");

    let settings = read(&[shared], &places("the-secret-that-was-before")).await.unwrap();
    assert_eq!(previous(settings).as_deref(), Some("the-secret-that-was-before"));
    // A first version that never was a secret is nobody's mistake now.
    let settings = read(&[shared], &places("changeme")).await.unwrap();
    assert_eq!(previous(settings), None);
    // A setting by hand counts.
    let own = ("FHIR_SUBSCRIPTION_SECRET_PREVIOUS", "a-secret-that-somebody-set");
    let settings = read(&[shared, own], &places("the-secret-that-was-before")).await.unwrap();
    assert_eq!(previous(settings).as_deref(), Some("a-secret-that-somebody-set"));
}

#[tokio::test]
async fn all_that_cannot_be_read_is_told_at_once() {
    let empty = std::env::temp_dir().join(format!("fhir-sub-empty-{}", std::process::id()));
    std::fs::write(&empty, "\n").unwrap();
    let places = Scripted {
        secrets: [
            (("text", Version::Current), CANARY.to_owned()),
            (("object", Version::Current), format!(r#"{{"number":1,"{CANARY}":"x","empty":""}}"#)),
        ]
        .into(),
        ..Scripted::default()
    };
    let problems = read(
        &[
            ("APP_BASE_URL", "file:/no/such/canary-4f1c"),
            ("FHIR_BASE_URL", "ssm:/canary-4f1c"),
            ("FHIR_SUBSCRIPTION_SECRET", "secretsmanager:text#canary-4f1c"),
            ("FHIR_AUTH_BEARER", "secretsmanager:object#number"),
            ("FHIR_VERSION", "secretsmanager:object#absent"),
            ("FHIR_AUTH_SCOPE", "secretsmanager:object#empty"),
            ("FHIR_SERVER", &format!("file:{}", empty.display())),
            ("FHIR_AUTH_AUDIENCE", "ssm:"),
            ("FHIR_SUBSCRIPTION_GAPS", "perhaps"),
        ],
        &places,
    )
    .await
    .unwrap_err();
    std::fs::remove_file(&empty).unwrap();
    for expected in [
        "APP_BASE_URL is a reference that cannot be read: the file cannot be read (entity not found)",
        "FHIR_BASE_URL is a reference that cannot be read: the secret does not exist",
        "FHIR_SUBSCRIPTION_SECRET is a reference that cannot be read: the secret is not a JSON object",
        "FHIR_AUTH_BEARER is a reference that cannot be read: the secret has no string under that key",
        "FHIR_VERSION is a reference that cannot be read: the secret has no such key",
        "FHIR_AUTH_SCOPE is a reference that cannot be read: the value is empty",
        "FHIR_SERVER is a reference that cannot be read: the value is empty",
        "FHIR_AUTH_AUDIENCE is a reference that cannot be read: names no parameter",
        "FHIR_SUBSCRIPTION_GAPS is \"perhaps\"",
    ] {
        assert!(problems.contains(expected), "{problems}\ndoes not say: {expected}");
    }
    assert!(!problems.contains(" is not set"), "{problems}");
    assert!(!problems.contains(CANARY), "{problems}");
}

#[tokio::test]
async fn what_is_not_ready_leaves_everything_as_it_was() {
    let mut variables = variables(&[("FHIR_BASE_URL", "ssm:/url"), ("FHIR_VERSION", "file:/no/such/file")]);
    let starting = Scripted { is_starting: true, ..Scripted::default() };
    assert_eq!(variables.resolve(&starting).await, Err(NotReady));
    let ready = Scripted {
        parameters: [("/url", "https://fhir.example.com/r4".to_owned())].into(),
        ..Scripted::default()
    };
    assert_eq!(variables.resolve(&ready).await, Ok(()));
    assert_eq!(variables.get("FHIR_BASE_URL"), Some("https://fhir.example.com/r4"));

    // Nobody asks again: each reference is told.
    let mut variables = self::variables(&[("FHIR_BASE_URL", "ssm:/url")]);
    variables.give_up_references();
    let problems = Settings::read(&variables).unwrap_err().to_string();
    assert!(
        problems.contains("FHIR_BASE_URL is a reference that cannot be read: the AWS Parameters and Secrets"),
        "{problems}"
    );
}

#[test]
fn a_reference_that_nobody_has_read_is_told() {
    let problems =
        Settings::read(&variables(&[("FHIR_AUTH_BEARER", "ssm:/bearer")])).unwrap_err().to_string();
    assert!(
        problems.contains("FHIR_AUTH_BEARER is a reference: await `AppBuilder::resolve` before `build`"),
        "{problems}"
    );
}
