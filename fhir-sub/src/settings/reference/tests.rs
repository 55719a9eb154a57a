#[cfg(feature = "secrets")]
mod aws;
mod extension;

use std::collections::HashMap;
use std::sync::Mutex;

use futures_core::future::BoxFuture;

use super::*;
use crate::settings::{NotReady, Settings, Variables};

/// Must never appear in a message.
const CANARY: &str = "canary-4f1c";

/// Parameters and secrets by name, and the requests for them.
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

/// The settings with the values of `places`, or all mistakes.
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
    // Each place was read once.
    let mut asked = places.asked.into_inner().unwrap();
    asked.sort();
    assert_eq!(asked, ["/url", "ward Current", "ward Previous"]);
}

/// The value of a file with `content`, or why it has none.
async fn value_of(path: &std::path::Path) -> Result<String, String> {
    let wanted = vec![("FHIR_BASE_URL", Reference::File(path.to_owned()), Version::Current)];
    let (_, _, value) = resolve(wanted, &Scripted::default()).await.remove(0);
    value.map_err(Failure::text)
}

#[tokio::test]
async fn a_file_is_read_without_its_line_end_and_without_a_byte_order_mark() {
    let file = std::env::temp_dir().join(format!("fhir-sub-lines-{}", std::process::id()));
    for (content, expected) in [
        (&b"value"[..], Ok("value")),
        (b"value\n", Ok("value")),
        (b"value\r\n", Ok("value")),
        (b"\xef\xbb\xbfvalue\r\n", Ok("value")),
        // Somebody meant these.
        (b" value \n", Ok(" value ")),
        (b"one\ntwo\n", Ok("one\ntwo")),
        (b"value\n\n", Ok("value\n")),
        (b"", Err("the value is empty")),
        (b"\xef\xbb\xbf\n", Err("the value is empty")),
        (b"\xff\xfev\0", Err("the file is not UTF-8 text")),
        (&[b'a'; 64 * 1024 + 1], Err("the file has more than 65536 bytes")),
    ] {
        std::fs::write(&file, content).unwrap();
        let value = value_of(&file).await;
        assert_eq!(value.as_deref().map_err(String::as_str), expected, "{:?}", content.get(..20));
    }
    std::fs::remove_file(&file).unwrap();
}

/// A pipe would keep the program from starting for as long as nobody writes into it, and a device might never end.
#[cfg(unix)]
#[tokio::test]
async fn what_is_no_regular_file_is_not_opened() {
    let directory = std::env::temp_dir().join(format!("fhir-sub-odd-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let pipe = directory.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [&*directory, &pipe, std::path::Path::new("/dev/zero")] {
        let value = value_of(path).await;
        let expected = "the file is a directory, a pipe or a device: name a regular file";
        assert_eq!(value, Err(expected.to_owned()), "{}", path.display());
    }
    // As Kubernetes lays the files of a Secret.
    let (target, link) = (directory.join("target"), directory.join("link"));
    std::fs::write(&target, "value\n").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert_eq!(value_of(&link).await, Ok("value".to_owned()));
    std::fs::remove_file(&target).unwrap();
    assert_eq!(value_of(&link).await, Err("the file cannot be read (entity not found)".to_owned()));
    std::fs::remove_dir_all(&directory).unwrap();
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
    // An unfit first version is not a mistake.
    let settings = read(&[shared], &places("changeme")).await.unwrap();
    assert_eq!(previous(settings), None);
    // A setting that is set by hand takes precedence.
    let own = ("FHIR_SUBSCRIPTION_SECRET_PREVIOUS", "a-secret-that-somebody-set");
    let settings = read(&[shared, own], &places("the-secret-that-was-before")).await.unwrap();
    assert_eq!(previous(settings).as_deref(), Some("a-secret-that-somebody-set"));
}

/// An operator has corrected a wrong value, which is now the version before the current one.
#[tokio::test]
async fn a_version_before_that_cannot_be_accepted_beside_the_others_is_left_out() {
    let (current, admin) = ("the-secret-that-is-current", "an-admin-secret-of-the-ward");
    let (bare, with_scheme) = ("the-secret-that-was-before", "Bearer the-secret-that-was-before");
    let admin_too = ("FHIR_SUBSCRIPTION_ADMIN_SECRET", admin);
    for (more, previous, is_kept) in [
        (admin_too, with_scheme, false),
        (admin_too, admin, false),
        (admin_too, bare, true),
        (("FHIR_SUBSCRIPTION_HEADER", "Authorization"), with_scheme, true),
        (("FHIR_SUBSCRIPTION_SIGNING_SECRET", bare), bare, false),
    ] {
        let places = Scripted {
            secrets: [
                (("ward", Version::Current), current.to_owned()),
                (("ward", Version::Previous), previous.to_owned()),
            ]
            .into(),
            ..Scripted::default()
        };
        let mut started = variables(&[("FHIR_SUBSCRIPTION_SECRET", "secretsmanager:ward"), more]);
        assert_eq!(started.resolve(&places).await, Ok(()));
        let again = started.read_again(&places, 0).await.unwrap();
        for variables in [&started, &again] {
            let secrets = Settings::read(variables).unwrap().secrets;
            assert_eq!(secrets.shared.unwrap().expose(), current);
            let accepted = secrets.previous.as_ref().map(|previous| previous.expose());
            assert_eq!(accepted, is_kept.then_some(previous), "{more:?}");
        }
    }
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
        "FHIR_AUTH_BEARER is a reference that cannot be read: the secret has no string under the key after `#`",
        "FHIR_VERSION is a reference that cannot be read: the secret has no key with the name after `#`",
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

    // Nobody retries: each reference is reported.
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
