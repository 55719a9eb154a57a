//! `check`, `register`, `status` and their exit codes, as in a pipeline.

use serde_json::Value;

use crate::support::directory::Directory;
use crate::support::fhir_server::FhirServer;
use crate::support::launch::{APP, ARRIVALS, Launch, SECRET};

const BASE: &str = "https://app.example.org/hooks";

/// The endpoints of the program.
const ENDPOINTS: [&str; 13] = [
    "fails",
    "fails-for-good",
    "fails-its-own-way",
    "panics",
    "panics-oddly",
    "run",
    "succeeds",
    "takes-deletions",
    "takes-its-own-type",
    "takes-nothing",
    "takes-state",
    "takes-the-client",
    "waits",
];

fn command(fhir: &FhirServer, arguments: &[&str]) -> Launch {
    Launch::new(APP).set("FHIR_BASE_URL", &fhir.url).set("APP_BASE_URL", BASE).arguments(arguments)
}

#[tokio::test]
async fn help_is_no_error_and_names_every_command_and_exit_code() {
    for argument in ["--help", "-h", "help"] {
        let help = Launch::bare(APP).arguments(&[argument]).run().await;
        assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""), "{help:?}");
        for word in [
            "serve",
            "register",
            "--dry-run",
            "--prune",
            "status",
            "sweep",
            "--since",
            "check",
            "  0  ",
            "  1  ",
            "  2  ",
        ] {
            assert!(help.stdout.contains(word), "{word:?} is not in {}", help.stdout);
        }
    }
}

#[tokio::test]
async fn json_is_all_that_a_command_prints() {
    let fhir = FhirServer::start().await;
    let json = async |arguments: &[&str], code| {
        let run = command(&fhir, arguments).set("RUST_LOG", "info").run().await;
        assert_eq!(run.code, Some(code), "{arguments:?}: {run:?}");
        assert!(!run.text().contains(SECRET), "{run:?}");
        serde_json::from_str::<Value>(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
    };
    let checked = json(&["check", "--json"], 0).await;
    assert_eq!(
        (&checked["sound"], checked["subscriptions"].as_array().map(Vec::len)),
        (&true.into(), Some(13))
    );
    assert_eq!(checked["subscriptions"][0]["package"], "fhir-sub-programs");
    let registered = json(&["register", "--json"], 0).await;
    assert_eq!(registered["subscriptions"][0]["result"], "created");
    let status = json(&["--json", "status"], 0).await;
    assert_eq!(
        (&status["subscriptions"][0]["status"], &status["store"]),
        (&"active".into(), &"reached".into())
    );
    // Another process's events are not known here.
    assert!(status["subscriptions"][0].get("events").is_none(), "{status}");

    let unsound = Launch::new(APP).unset("APP_BASE_URL").arguments(&["check", "--json"]).run().await;
    assert_eq!(unsound.code, Some(2), "{unsound:?}");
    let unsound: Value = serde_json::from_str(&unsound.stdout).unwrap();
    assert!(unsound["problems"][0].as_str().unwrap().starts_with("APP_BASE_URL is not set"), "{unsound}");
}

#[tokio::test]
async fn each_command_has_its_own_help() {
    for (command, word) in [("register", "--rewrite"), ("sweep", "--since"), ("dead-letters", "drop KEY")] {
        let help = Launch::bare(APP).arguments(&[command, "--help"]).run().await;
        assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""), "{help:?}");
        assert!(help.stdout.contains(word) && !help.stdout.contains("Commands:"), "{help:?}");
    }
}

#[tokio::test]
async fn dead_letters_of_a_running_memory_are_not_said_to_be_none() {
    let letters = Launch::new(APP).arguments(&["dead-letters"]).run().await;
    assert_eq!((letters.code, letters.stdout.as_str()), (Some(2), ""), "{letters:?}");
    assert!(letters.stderr.contains("GET …/dead-letters"), "{letters:?}");
    assert!(!letters.stderr.contains("cannot start"), "{letters:?}");
}

#[tokio::test]
async fn what_is_no_command_is_refused_with_the_help() {
    for arguments in [
        &["regsiter"][..],
        &["--dry-run"],
        &["check", "--prune"],
        &["register", "--force"],
        &["register", "twice"],
        &["--port=80"],
        &["serve", "--dry-run"],
        &["sweep", "--since", "yesterday"],
        &["status", "--since", "2026-01-31T12:00:00Z"],
    ] {
        let refused = Launch::new(APP).arguments(arguments).run().await;
        assert_eq!(refused.code, Some(2), "{arguments:?}: {refused:?}");
        assert!(refused.stderr.contains("Usage:"), "{arguments:?}: {refused:?}");
    }
    // The help is that of the command.
    let refused = Launch::new(APP).arguments(&["sweep", "--since", "yesterday"]).run().await;
    assert!(!refused.stderr.contains("Commands:"), "{refused:?}");
    let unknown = Launch::new(APP).arguments(&["help", "regsiter"]).run().await;
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(2), ""), "{unknown:?}");
    let tenant = Launch::new(APP).arguments(&["status", "--tenant", "north"]).run().await;
    assert_eq!(tenant.code, Some(2), "{tenant:?}");
    assert!(!tenant.stderr.contains("cannot start"), "{tenant:?}");
    let known = Launch::new(APP).arguments(&["register", "--known", "/nowhere/at/all"]).run().await;
    assert_eq!((known.code, known.stdout.as_str()), (Some(2), ""), "{known:?}");
}

#[tokio::test]
async fn check_lists_the_endpoints_of_a_sound_program_without_a_network() {
    let check = Launch::new(APP).arguments(&["check"]).run().await;
    assert_eq!(check.code, Some(0), "{check:?}");
    assert!(check.stdout.contains("fhir-sub-programs"), "{check:?}");
    for endpoint in ENDPOINTS {
        assert!(
            check.stdout.lines().any(|line| line.trim_start().starts_with(&format!("{endpoint} "))),
            "{endpoint}: {check:?}"
        );
    }
    assert!(!check.text().contains(SECRET), "{check:?}");
}

#[tokio::test]
async fn check_says_what_is_unsound() {
    let missing = Launch::new(APP)
        .unset("APP_BASE_URL")
        .unset("FHIR_SUBSCRIPTION_SECRET")
        .arguments(&["check"])
        .run()
        .await;
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(
        missing.stderr.contains("APP_BASE_URL") && missing.stderr.contains("FHIR_SUBSCRIPTION_SECRET"),
        "{missing:?}"
    );

    // A generic server cannot be asked for deletions.
    let unable = Launch::new(APP).set("FHIR_SERVER", "generic").arguments(&["check"]).run().await;
    assert_eq!(unable.code, Some(2), "{unable:?}");
    assert!(
        unable.stderr.contains("takes-deletions") && unable.stderr.contains("FHIR_SERVER=hapi"),
        "{unable:?}"
    );

    let short = Launch::new(APP)
        .set("FHIR_SUBSCRIPTION_SECRET", "short-but-sound-1")
        .arguments(&["check"])
        .run()
        .await;
    assert_eq!(short.code, Some(0), "{short:?}");
    assert!(short.stderr.contains("fewer than 32"), "{short:?}");
}

#[tokio::test]
async fn registering_a_second_time_writes_nothing() {
    let fhir = FhirServer::start().await;
    let first = command(&fhir, &["register"]).run().await;
    assert_eq!(first.code, Some(0), "{first:?}");
    for endpoint in ENDPOINTS {
        assert_eq!(first.row(endpoint)[1..4], ["Patient?", "created", "active"], "{first:?}");
    }
    assert_eq!(fhir.endpoints(), ENDPOINTS.map(|endpoint| format!("{BASE}/{endpoint}")));

    let (before, writes) = (fhir.sandbox.all("Subscription"), fhir.writes());
    for arguments in [&["register"][..], &["register", "--prune"], &["register", "--dry-run"]] {
        let again = command(&fhir, arguments).run().await;
        assert_eq!(again.code, Some(0), "{again:?}");
        for endpoint in ENDPOINTS {
            assert_eq!(again.row(endpoint)[2], "unchanged", "{again:?}");
        }
    }
    assert_eq!((fhir.writes(), fhir.sandbox.all("Subscription")), (writes, before));
    assert!(!first.text().contains(SECRET));
}

#[tokio::test]
async fn which_server_it_was_taken_for_is_said_where_no_one_else_did() {
    let fhir = FhirServer::start().await;
    let planned = command(&fhir, &["register", "--dry-run"]).set("FHIR_SERVER", "auto").run().await;
    assert!(
        planned
            .stdout
            .contains("the server was taken for generic: it names no server that the program knows"),
        "{planned:?}"
    );
    let planned = command(&fhir, &["register", "--dry-run"]).set("FHIR_SERVER", "generic").run().await;
    assert!(!planned.text().contains("taken for"), "{planned:?}");
    let checked = command(&fhir, &["check"]).set("FHIR_SERVER", "auto").run().await;
    assert!(checked.stderr.contains("run `register --dry-run` to learn"), "{checked:?}");
}

#[tokio::test]
async fn what_notifications_are_signed_with_is_not_shown() {
    const SIGNING: &str = "a-canary-to-sign-notifications-with";
    let fhir = FhirServer::start().await;
    let medplum = |arguments: &[&str]| {
        command(&fhir, arguments)
            .set("FHIR_SERVER", "medplum")
            .set("FHIR_SUBSCRIPTION_SIGNING_SECRET", SIGNING)
            .set("FHIR_SUBSCRIPTION_SIGNING_SECRET_PREVIOUS", "a-canary-of-before-the-rotation-!!!")
            .set("RUST_LOG", "trace")
    };
    for arguments in [&["check"][..], &["register", "--dry-run"], &["register"], &["register"], &["status"]] {
        let shown = medplum(arguments).run().await;
        assert!(!shown.text().contains("canary"), "{arguments:?}: {shown:?}");
    }
    // The secret was registered, so it could have leaked.
    let registered = serde_json::to_string(&fhir.sandbox.all("Subscription")).unwrap();
    assert!(registered.contains(SIGNING));
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_done_and_writes_nothing() {
    let fhir = FhirServer::start().await;
    let planned = command(&fhir, &["register", "--dry-run"]).run().await;
    assert_eq!(planned.code, Some(0), "{planned:?}");
    assert!(planned.stdout.contains("nothing was written"), "{planned:?}");
    for endpoint in ENDPOINTS {
        assert!(planned.row(endpoint).contains(&"created".to_owned()), "{planned:?}");
    }
    assert_eq!((fhir.writes(), fhir.endpoints()), (0, Vec::new()));
}

#[tokio::test]
async fn status_tells_before_and_after_and_of_drift() {
    let fhir = FhirServer::start().await;
    let before = command(&fhir, &["status"]).run().await;
    assert_eq!(before.code, Some(1), "{before:?}");
    assert_eq!(before.row("succeeds")[1..3], ["Patient?", "missing"], "{before:?}");

    command(&fhir, &["register"]).run().await;
    let after = command(&fhir, &["status"]).run().await;
    assert_eq!(after.code, Some(0), "{after:?}");
    for endpoint in ENDPOINTS {
        let row = after.row(endpoint);
        assert_eq!(row[1..5], ["Patient?", "active", "none", "none"], "{after:?}");
        assert!(row[5].starts_with("Subscription/"), "{after:?}");
    }
    assert!(!after.text().contains(SECRET));

    // An operator changes one, and the server turns another one off.
    let changed = |endpoint: &str, member: &str, value: &str| {
        let url = format!("{BASE}/{endpoint}");
        let all = fhir.sandbox.all("Subscription").into_iter();
        let mut subscription =
            all.into_iter().find(|found| found["channel"]["endpoint"] == url).expect("it is registered");
        subscription[member] = Value::from(value);
        subscription
    };
    for subscription in
        [changed("succeeds", "criteria", "Patient?active=true"), changed("fails", "status", "off")]
    {
        fhir.sandbox.update(&subscription).await.expect("the sandbox takes it");
    }
    let drifted = command(&fhir, &["status"]).run().await;
    assert_eq!(drifted.code, Some(1), "{drifted:?}");
    assert!(drifted.row("succeeds")[3].contains("criteria"), "{drifted:?}");
    assert_eq!(drifted.row("fails")[2], "off", "{drifted:?}");
    assert_eq!(drifted.row("panics")[2..5], ["active", "none", "none"], "{drifted:?}");

    let mended = command(&fhir, &["register"]).run().await;
    assert_eq!(mended.code, Some(0), "{mended:?}");
    assert_eq!(
        (&*mended.row("succeeds")[2], &*mended.row("fails")[2], &*mended.row("panics")[2]),
        ("updated", "updated", "unchanged")
    );
    assert_eq!(command(&fhir, &["status"]).run().await.code, Some(0));
}

#[tokio::test]
async fn a_file_keeps_the_ids_where_the_server_has_no_search() {
    let (fhir, directory) = (FhirServer::start().await, Directory::new("known"));
    fhir.stop_searching();
    let file = directory.0.join("subscriptions.json");
    let file = file.to_str().expect("it is UTF-8");
    for result in ["created", "unchanged"] {
        let registered = command(&fhir, &["register", "--known", file]).run().await;
        assert_eq!(registered.code, Some(0), "{registered:?}");
        for endpoint in ENDPOINTS {
            assert_eq!(registered.row(endpoint)[2], result, "{registered:?}");
        }
    }
    assert_eq!(fhir.endpoints(), ENDPOINTS.map(|endpoint| format!("{BASE}/{endpoint}")));

    let status = command(&fhir, &["status", "--known", file]).run().await;
    assert_eq!(status.code, Some(0), "{status:?}");
    for endpoint in ENDPOINTS {
        assert_eq!(status.row(endpoint)[2], "active", "{status:?}");
    }
    assert!(!std::fs::read_to_string(file).expect("it was written").contains(SECRET));
    // Another process finds them by the file alone.
    let without = command(&fhir, &["status"]).run().await;
    assert_eq!((without.code, &*without.row("succeeds")[2]), (Some(1), "missing"), "{without:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_failed_row_and_exit_code_1() {
    // Nobody listens on port 1. The runs are simultaneous, because each retries with pauses.
    let run = |arguments: &[&str]| Launch::new(ARRIVALS).arguments(arguments).run();
    let all = tokio::join!(run(&["register"]), run(&["register", "--dry-run"]), run(&["status"]));
    for failed in [all.0, all.1, all.2] {
        assert_eq!(failed.code, Some(1), "{failed:?}");
        assert!(!failed.text().contains(SECRET), "{failed:?}");
    }
}

#[tokio::test]
async fn what_the_server_cannot_do_fails_its_row_and_no_other() {
    let fhir = FhirServer::start().await;
    let registered = command(&fhir, &["register"]).set("FHIR_SERVER", "generic").run().await;
    assert_eq!(registered.code, Some(1), "{registered:?}");
    assert!(registered.row("takes-deletions").contains(&"failed".to_owned()), "{registered:?}");
    assert_eq!(registered.row("succeeds")[2], "created", "{registered:?}");
    assert_eq!(fhir.endpoints().len(), ENDPOINTS.len() - 1);
}

#[tokio::test]
async fn what_is_registered_carries_the_secret_and_says_what_is_wanted() {
    let fhir = FhirServer::start().await;
    assert_eq!(command(&fhir, &["register"]).run().await.code, Some(0));
    for subscription in fhir.sandbox.all("Subscription") {
        let channel = &subscription["channel"];
        assert_eq!(channel["type"], "rest-hook");
        assert_eq!(channel["header"], serde_json::json!([format!("X-Subscription-Auth: {SECRET}")]));
        let is_empty = channel["endpoint"] == format!("{BASE}/takes-nothing");
        assert_eq!(channel["payload"].as_str(), (!is_empty).then_some("application/fhir+json"));
        // The secret is in its header, and in no text for people.
        assert_eq!(subscription.to_string().matches(SECRET).count(), 1);
    }
}
