//! Servers that hide parts of a Subscription.

use super::odd::{OddServer, Ways, odd};
use super::*;

const ROTATED: (&str, &str) = ("FHIR_SUBSCRIPTION_SECRET", "ffffffff4b5a69788796a5b4c3d2e1f0");
const SIGNING: [(&str, &str); 2] =
    [("FHIR_SERVER", "medplum"), ("FHIR_SUBSCRIPTION_SIGNING_SECRET", "a-secret-to-sign-notifications-with")];

/// The ways in which servers show a header.
const SHOWN: [fn(&mut Value); 9] = [
    |it| it["channel"]["header"] = json!(["X-Subscription-Auth: ******"]),
    |it| it["channel"]["header"] = json!(["X-Subscription-Auth: [REDACTED]"]),
    |it| it["channel"]["header"] = json!(["***"]),
    |it| it["channel"]["header"] = json!(["X-Subscription-Auth: "]),
    |it| it["channel"]["header"] = json!([]),
    |it| drop(it["channel"].as_object_mut().unwrap().remove("header")),
    |it| it["channel"]["header"] = json!(["X-Subscription-Auth: 0f1e2d3c"]),
    |it| it["channel"]["header"] = json!(["X-Subscription-Auth: 0f1e****e1f0"]),
    |it| {
        let masked = json!({ "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked" });
        it["channel"]["header"] = json!([null]);
        it["channel"]["_header"] = json!([{ "extension": [masked] }]);
    },
];

async fn run(app: &App, options: Options) -> (RowResult, Option<String>) {
    let report = app.register(options).await;
    assert!(report.is_complete(), "{report:?}");
    assert!(!format!("{report:?}{}", report.to_json()).contains("4b5a6978"), "{report:?}");
    (report.rows()[0].result, report.rows()[0].message.clone())
}

fn is_sent(server: &OddServer, secret: &str) -> bool {
    server.all()[0]["channel"]["header"][0] == format!("X-Subscription-Auth: {secret}")
}

#[tokio::test(start_paused = true)]
async fn what_is_masked_is_not_written_again() {
    for shows in SHOWN {
        let (app, server) = odd(Ways { shows, ..Ways::default() }, vec![patients("a")], &[]);
        let (result, message) = run(&app, Options::default()).await;
        assert_eq!(result, RowResult::Created);
        assert!(message.as_deref().is_some_and(|it| it.contains("`register --rewrite`")), "{message:?}");
        // The same in a process that did not write it.
        for app in [app, server.app(vec![patients("a")], &[])] {
            assert_eq!(run(&app, Options::default()).await.0, RowResult::Unchanged);
            let rows = status(&app, Deadline::after(Duration::from_secs(60))).await;
            assert!(rows[0].is_sound() && !rows[0].notes.is_empty(), "{rows:?}");
        }
        assert_eq!(server.writes(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_secret_reaches_a_server_that_masks_it() {
    for shows in SHOWN {
        let (_, server) = odd(Ways { shows, ..Ways::default() }, vec![patients("a")], &[]);
        run(&server.app(vec![patients("a")], &[]), Options::default()).await;
        let rotated = server.app(vec![patients("a")], &[ROTATED]);
        run(&rotated, Options { rewrite: true, ..Options::default() }).await;
        assert!(is_sent(&server, ROTATED.1));
        // The program never writes a mask, or the reason for one.
        assert!(server.all()[0]["channel"].get("_header").is_none());
    }
}

/// Nothing shows which of two Subscriptions has the right secret, except that this run has written one of them.
#[tokio::test(start_paused = true)]
async fn pruning_keeps_the_one_with_the_right_secret() {
    for (place, shows) in SHOWN.into_iter().enumerate() {
        let (app, server) = odd(Ways { shows, ..Ways::default() }, vec![patients("a")], &[]);
        run(&app, Options::default()).await;
        let mut older = server.all().remove(0);
        older["meta"]["lastUpdated"] = json!("2020-01-01T00:00:00Z");
        server.add(2, older);
        for app in [app, server.app(vec![patients("a")], &[])] {
            run(&app, Options { prune: true, ..Options::default() }).await;
            assert_eq!(server.all().len(), 2, "{place}: either may have an earlier secret");
        }
        let rotated = server.app(vec![patients("a")], &[ROTATED]);
        run(&rotated, Options { rewrite: true, prune: true, ..Options::default() }).await;
        assert!(server.all().len() == 1 && is_sent(&server, ROTATED.1), "{place}: {:?}", server.all());
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_shown_is_compared() {
    let (app, server) = odd(Ways::default(), vec![patients("a")], &[]);
    assert_eq!(run(&app, Options::default()).await, (RowResult::Created, None));
    let rotated = server.app(vec![patients("a")], &[ROTATED]);
    assert_eq!(run(&rotated, Options::default()).await.0, RowResult::Updated);
    assert!(is_sent(&server, ROTATED.1));
    // A part of another secret shows that the secret differs.
    server.change_ways(|ways| {
        ways.shows = |it| it["channel"]["header"] = json!(["X-Subscription-Auth: ffff…"])
    });
    let back = server.app(vec![patients("a")], &[]);
    back.register(Options::default()).await;
    assert!(is_sent(&server, "0f1e2d3c4b5a69788796a5b4c3d2e1f0"));
}

#[tokio::test(start_paused = true)]
async fn the_last_write_shows_what_a_server_masks() {
    // No rule knows this form.
    let digest: fn(&mut Value) =
        |it| it["channel"]["header"] = json!(["X-Subscription-Auth: 6d0f0b5c71e2a8"]);
    let (app, server) = odd(Ways { shows: digest, ..Ways::default() }, vec![patients("a")], &[]);
    assert_eq!(run(&app, Options::default()).await.0, RowResult::Created);
    assert_eq!(run(&app, Options::default()).await.0, RowResult::Unchanged);
    assert_eq!(server.writes(), 1);
    // If the server showed everything after the write and shows nothing now, the header is lost.
    let (app, server) = odd(Ways::default(), vec![patients("a")], &[]);
    run(&app, Options::default()).await;
    server.change(|it| drop(it["channel"].as_object_mut().unwrap().remove("header")));
    assert_eq!(run(&app, Options::default()).await.0, RowResult::Updated);
}

#[tokio::test(start_paused = true)]
async fn what_a_server_sets_itself_is_told_and_not_written_again() {
    let ends = || Declaration { end: Some("2099-01-01T00:00:00Z"), ..patients("a") };
    let limits: fn(&mut Value) = |it| it["end"] = json!("2098-12-31T00:00:00Z");
    let (app, server) = odd(Ways { shows: limits, ..Ways::default() }, vec![ends()], &[]);
    let (result, message) = run(&app, Options::default()).await;
    assert_eq!(result, RowResult::Created);
    assert!(
        message.as_deref().is_some_and(|it| it.starts_with("the server sets end to a value of its own")),
        "{message:?}"
    );
    assert_eq!(run(&app, Options::default()).await.0, RowResult::Unchanged);
    assert_eq!(server.writes(), 1);
    // A change by somebody else is a difference.
    server.change_ways(|ways| ways.shows = |it| it["end"] = json!("2098-12-01T00:00:00Z"));
    assert_eq!(run(&app, Options::default()).await.0, RowResult::Updated);
    // The server's own end is near, and only another write moves it on.
    let near: fn(&mut Value) = |it| it["end"] = json!("2026-01-02T00:00:00Z");
    let (app, _) = odd(Ways { shows: near, ..Ways::default() }, vec![ends()], &[]);
    run(&app, Options::default()).await;
    assert_eq!(run(&app, Options::default()).await.0, RowResult::Updated);
}

#[tokio::test(start_paused = true)]
async fn what_a_server_says_in_other_words_is_not_written_again() {
    let respells: fn(&mut Value) = |it| {
        it["criteria"] = json!("Patient");
        it["channel"]["payload"] = json!("application/fhir+json;charset=utf-8");
    };
    let (app, server) = odd(Ways { shows: respells, ..Ways::default() }, vec![patients("a")], &[]);
    assert_eq!(run(&app, Options::default()).await, (RowResult::Created, None));
    for app in [app, server.app(vec![patients("a")], &[])] {
        assert_eq!(run(&app, Options::default()).await, (RowResult::Unchanged, None));
    }
    assert_eq!(server.writes(), 1);
}

#[tokio::test(start_paused = true)]
async fn hidden_extensions_are_not_written_again() {
    let masks: fn(&mut Value) = |it| {
        for extension in it["extension"].as_array_mut().unwrap() {
            if extension.get("valueString").is_some() {
                extension["valueString"] = json!("********");
            }
        }
    };
    let hides_all: fn(&mut Value) = |it| drop(it.as_object_mut().unwrap().remove("extension"));
    let hides_the_secret: fn(&mut Value) = |it| {
        let extensions = it["extension"].as_array_mut().unwrap();
        extensions.push(json!({ "url": "urn:other", "valueString": "x" }));
        extensions.retain(|it| !it["url"].as_str().unwrap().ends_with("subscription-secret"));
    };
    let hides_all_secrets: fn(&mut Value) = |it| {
        it.as_object_mut().unwrap().remove("extension");
        it["channel"].as_object_mut().unwrap().remove("header");
    };
    for (shows, is_known_to_all) in
        [(masks, true), (hides_all_secrets, true), (hides_all, false), (hides_the_secret, false)]
    {
        let (app, server) = odd(Ways { shows, ..Ways::default() }, vec![patients("a")], &SIGNING);
        run(&app, Options::default()).await;
        assert_eq!(run(&app, Options::default()).await.0, RowResult::Unchanged);
        // Only the process that wrote it knows whether it is hidden or was never set.
        if is_known_to_all {
            let another = server.app(vec![patients("a")], &SIGNING);
            assert_eq!(run(&another, Options::default()).await.0, RowResult::Unchanged);
        }
        assert_eq!(server.writes(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn another_change_is_written_with_the_secret() {
    let (app, server) = odd(Ways { shows: SHOWN[0], ..Ways::default() }, vec![patients("a")], &[]);
    run(&app, Options::default()).await;
    server.change(|it| it["reason"] = json!("another"));
    assert_eq!(run(&app, Options::default()).await.0, RowResult::Updated);
    assert!(is_sent(&server, "0f1e2d3c4b5a69788796a5b4c3d2e1f0"));
}
