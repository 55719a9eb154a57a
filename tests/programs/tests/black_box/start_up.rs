//! A program reports everything that it lacks before it handles anything: all together, by name, with exit
//! code 2.

use crate::support::launch::{APP, Launch, SECRET, WITHOUT_HANDLERS, WITHOUT_STATE};
use crate::support::runtime_api::RuntimeApi;

/// Starts `launch` under `serve` and under Lambda. Both must fail. Returns what each wrote.
async fn refuses(launch: impl Fn() -> Launch) -> [String; 2] {
    let local = launch().run().await;
    assert_eq!(local.code, Some(2), "{local:?}");
    let api = RuntimeApi::start().await;
    let lambda = api.environment(launch()).run().await;
    assert_eq!(lambda.code, Some(2), "{lambda:?}");
    [local.text(), lambda.text()]
}

#[tokio::test]
async fn without_a_secret_nothing_starts() {
    for text in refuses(|| Launch::new(APP).unset("FHIR_SUBSCRIPTION_SECRET")).await {
        assert!(text.contains("FHIR_SUBSCRIPTION_SECRET is not set"), "{text}");
    }
    for text in refuses(|| Launch::new(APP).set("FHIR_SUBSCRIPTION_SECRET", "")).await {
        assert!(text.contains("FHIR_SUBSCRIPTION_SECRET is not set"), "{text}");
    }
}

#[tokio::test]
async fn an_unfit_secret_is_refused_by_name_and_not_repeated() {
    let unfit = [
        "short-and-unfit",
        "with a space, unfit",
        "with:a-colon-unfit",
        "with-umlauts-ünfit",
        "unfit-with-line-end\n",
        "                ",
    ];
    for secret in unfit {
        for text in refuses(|| Launch::new(APP).set("FHIR_SUBSCRIPTION_SECRET", secret)).await {
            assert!(text.contains("FHIR_SUBSCRIPTION_SECRET"), "{secret:?}: {text}");
            assert!(!text.contains(secret), "{secret:?}: {text}");
        }
    }
    for name in ["FHIR_SUBSCRIPTION_SECRET_PREVIOUS", "FHIR_SUBSCRIPTION_ADMIN_SECRET"] {
        for text in refuses(|| Launch::new(APP).set(name, "short-and-unfit")).await {
            assert!(text.contains(name) && !text.contains("short-and-unfit"), "{text}");
        }
    }
    for text in refuses(|| Launch::new(APP).set("FHIR_SUBSCRIPTION_ADMIN_SECRET", SECRET)).await {
        assert!(text.contains("FHIR_SUBSCRIPTION_ADMIN_SECRET is the same"), "{text}");
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let launch = || {
        Launch::bare(APP)
            .set("FHIR_BASE_URL", "http://fhir.example.org/r4")
            .set("FHIR_VERSION", "R3")
            .set("FHIR_SERVER", "spark")
            .set("FHIR_AUTH_USER", "somebody")
            .set("FHIR_SUBSCRIPTION_LOG_ERRORS", "loudly")
            .set("FHIR_SUBSCRIPTION_PAYLOAD", "application/fhir+xml")
            .set("FHIR_ALLOW_HTTP", "yes")
    };
    let names = [
        "APP_BASE_URL",
        "FHIR_SUBSCRIPTION_SECRET",
        "FHIR_BASE_URL",
        "FHIR_VERSION",
        "FHIR_SERVER",
        "FHIR_AUTH_PASSWORD",
        "FHIR_SUBSCRIPTION_LOG_ERRORS",
        "FHIR_SUBSCRIPTION_PAYLOAD",
        "FHIR_ALLOW_HTTP",
    ];
    for text in refuses(launch).await {
        for name in names {
            assert!(text.contains(name), "{name} is not told of: {text}");
        }
    }
}

#[tokio::test]
async fn a_criteria_of_another_version_is_told_beside_the_settings_that_are_missing() {
    // Without any settings, `serve` uses its own, with the sandbox.
    let launch = |version| {
        move || {
            Launch::bare(APP).set("FHIR_BASE_URL", "https://fhir.example.org").set("FHIR_VERSION", version)
        }
    };
    for text in refuses(launch("R5")).await {
        assert!(text.contains("FHIR_SUBSCRIPTION_SECRET is not set"), "{text}");
        assert!(text.contains("right in FHIR R4, R4B only, and FHIR_VERSION is R5"), "{text}");
    }
    // An unreadable version is a mistake in the settings only.
    for text in refuses(launch("R3")).await {
        assert!(text.contains("write R4, R4B or R5") && !text.contains("right in FHIR"), "{text}");
    }
}

#[tokio::test]
async fn a_port_is_no_ones_but_the_local_programs() {
    let served = Launch::new(APP).set("PORT", "http").run().await;
    assert!(served.code == Some(2) && served.text().contains("PORT is not a port"), "{served:?}");
    // Some shells export the name of the machine as HOST.
    let checked =
        Launch::new(APP).set("PORT", "http").set("HOST", "a-machine").arguments(&["check"]).run().await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[tokio::test]
async fn a_password_in_a_url_is_refused_and_not_repeated() {
    let launch = || Launch::new(APP).set("FHIR_BASE_URL", "https://somebody:hunter2@fhir.example.org/r4");
    for text in refuses(launch).await {
        assert!(text.contains("FHIR_BASE_URL") && !text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn a_program_without_handlers_names_the_cure() {
    for text in refuses(|| Launch::new(WITHOUT_HANDLERS)).await {
        assert!(text.contains("no handler is linked") && text.contains("crates = ["), "{text}");
    }
}

#[tokio::test]
async fn a_state_that_setup_does_not_provide_is_named() {
    for text in refuses(|| Launch::new(WITHOUT_STATE)).await {
        assert!(
            text.contains("Ward") && text.contains("patients") && text.contains("without_state.rs"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_setup_that_fails_is_told() {
    for text in refuses(|| Launch::new(APP).set("BODY_LIMIT", "much")).await {
        assert!(text.contains("setup failed"), "{text}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_with_the_cure() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let finished = Launch::new(APP).set("PORT", &port).run().await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains(&port) && finished.stderr.contains("set HOST or PORT"), "{finished:?}");
}
