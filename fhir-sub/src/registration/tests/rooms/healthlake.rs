//! AWS HealthLake: its extensions, its slow activation, and a new Subscription after an error.

use super::*;
use crate::registration::tests::odd::{Ways, odd};

async fn written(app: &App, told: &Told) -> (Report, Vec<String>) {
    told.writes();
    let report = app.register(Options::default()).await;
    let writes = told.writes().into_iter().map(|[method, path, ..]| format!("{method} {path}")).collect();
    (report, writes)
}

fn give_up(told: &Told, id: &str) {
    told.server.change(id, |subscription| subscription["status"] = json!("error"));
}

#[tokio::test(start_paused = true)]
async fn it_is_told_where_to_fetch_its_token() {
    let declaration = of_topic(HEALTHLAKES, &["Encounter?status=finished"]);
    let of_token = |name, element: &str, value| json!({ "url": format!("http://healthlake.amazonaws.com/channel-type-{name}"), element: value });
    assert_eq!(
        stored("healthlake", "R4", declaration).await,
        json!({
            "resourceType": "Subscription",
            "reason": "a test",
            "criteria": HEALTHLAKES,
            "_criteria": { "extension": [
                guide("backport-filter-criteria", "valueString", "Encounter?status=finished"),
            ] },
            "channel": {
                "type": "rest-hook",
                "_type": { "extension": [
                    of_token("clientId", "valueString", "fs"),
                    of_token("clientSecret", "valueString", TOKEN_SECRET),
                    of_token("oauth-endpoint", "valueUri", "https://id.example.org/token"),
                ] },
                "endpoint": "https://app.example.org/hooks/admissions",
                "payload": "application/fhir+json",
                "_payload": { "extension": [guide("backport-payload-content", "valueCode", "id-only")] },
            },
        })
    );
}

#[tokio::test(start_paused = true)]
async fn it_takes_its_time_and_after_an_error_it_is_done_anew() {
    let (app, told) = app("healthlake", "R4", of_topic(HEALTHLAKES, &[]));
    told.server.accept_as("requested");
    let report = app.register(Options::default()).await;
    let row = &report.rows()[0];
    assert_eq!((row.result, report.is_complete()), (RowResult::Pending, true), "{row:?}");
    let message = row.message.as_deref().unwrap();
    assert!(message.contains("five to ten minutes to activate"), "{message}");
    told.writes();

    told.server.accept_as("active");
    told.server.change("1", |subscription| subscription["status"] = json!("error"));
    let report = app.register(Options::default()).await;
    assert_eq!(results(&report), [("admissions", RowResult::Updated)], "{report:?}");
    assert_eq!(report.rows()[0].differences, ["status (error)"]);
    assert_eq!(report.rows()[0].subscription.as_deref(), Some("Subscription/2"));
    let writes: Vec<_> =
        told.writes().into_iter().map(|[method, path, ..]| format!("{method} {path}")).collect();
    // The new one exists before the old one is deleted.
    assert_eq!(writes, ["POST /Subscription", "DELETE /Subscription/1"]);
}

#[tokio::test(start_paused = true)]
async fn it_is_pending_until_it_is_active() {
    let (app, told) = app("healthlake", "R4", of_topic(HEALTHLAKES, &[]));
    told.server.accept_as("requested");
    assert_eq!(written(&app, &told).await.1, ["POST /Subscription"]);
    // However often it is asked: nothing is created meanwhile.
    for _ in 0..3 {
        let (report, writes) = written(&app, &told).await;
        assert!(report.is_complete() && writes.is_empty(), "{report:?} {writes:?}");
        let row = &status(&app, Deadline::after(Duration::from_secs(60))).await[0];
        assert_eq!((&*row.status, row.is_sound()), ("requested", false));
    }
    told.server.change("1", |subscription| subscription["status"] = json!("active"));
    let (report, writes) = written(&app, &told).await;
    assert_eq!((results(&report), writes.len()), (vec![("admissions", RowResult::Unchanged)], 0));
    assert!(status(&app, Deadline::after(Duration::from_secs(60))).await[0].is_sound());
}

#[tokio::test(start_paused = true)]
async fn the_one_after_an_error_is_pending_too() {
    let (app, told) = app("healthlake", "R4", of_topic(HEALTHLAKES, &[]));
    written(&app, &told).await;
    for (id, next) in [("1", "2"), ("2", "3")] {
        told.server.accept_as("requested");
        give_up(&told, id);
        let (report, writes) = written(&app, &told).await;
        assert_eq!(writes, ["POST /Subscription".to_owned(), format!("DELETE /Subscription/{id}")]);
        let row = &report.rows()[0];
        assert_eq!(row.result, RowResult::Pending, "{row:?}");
        assert_eq!(row.subscription, Some(format!("Subscription/{next}")));
        assert!(row.message.as_deref().unwrap().contains("five to ten minutes"), "{row:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_died_before_the_deletion_leaves_no_third_one() {
    let (app, told) = app("healthlake", "R4", of_topic(HEALTHLAKES, &[]));
    written(&app, &told).await;
    let new = told.server.all().remove(0);
    told.server.add(new);
    give_up(&told, "1");
    // The one in error sends nothing. The report names it, and `prune` removes it.
    let (report, writes) = written(&app, &told).await;
    let row = &report.rows()[0];
    assert_eq!((row.result, writes.len()), (RowResult::Unchanged, 0), "{writes:?}");
    assert_eq!(
        (row.subscription.as_deref(), &*row.duplicates),
        (Some("Subscription/2"), &["Subscription/1".to_owned()][..])
    );
}

#[tokio::test(start_paused = true)]
async fn a_changed_filter_makes_a_new_one() {
    let (before, told) = app("healthlake", "R4", of_topic(HEALTHLAKES, &["Encounter?status=finished"]));
    written(&before, &told).await;
    ask_for_another_filter(&told, "1");
    assert_eq!(written(&before, &told).await.1, ["POST /Subscription", "DELETE /Subscription/1"]);
}

fn ask_for_another_filter(told: &Told, id: &str) {
    told.server
        .change(id, |it| it["_criteria"]["extension"][0]["valueString"] = json!("Encounter?status=planned"));
}

#[tokio::test(start_paused = true)]
async fn the_old_one_stays_until_the_new_one_is_active() {
    let (app, told) = app("healthlake", "R4", of_topic(HEALTHLAKES, &["Encounter?status=finished"]));
    written(&app, &told).await;
    ask_for_another_filter(&told, "1");
    told.server.accept_as("requested");
    let mut writes_of_all = Vec::new();
    for _ in 0..3 {
        let (report, writes) = written(&app, &told).await;
        let row = &report.rows()[0];
        assert_eq!((row.result, report.is_complete()), (RowResult::Pending, true), "{row:?}");
        assert_eq!((row.subscription.as_deref(), &*row.duplicates), (Some("Subscription/2"), &[][..]));
        let message = row.message.as_deref().unwrap();
        assert!(message.contains("events come from Subscription/1 until the new one is active"), "{message}");
        writes_of_all.extend(writes);
        let row = &status(&app, Deadline::after(Duration::from_secs(60))).await[0];
        assert_eq!((&*row.status, &*row.drift), ("requested", &["1 more with this endpoint".to_owned()][..]));
        assert!(row.notes[0].contains("Subscription/1") && !row.is_sound(), "{row:?}");
    }
    assert_eq!(writes_of_all, ["POST /Subscription"]);

    told.server.change("2", |it| it["status"] = json!("active"));
    let planned = app.register(Options { dry_run: true, ..Options::default() }).await;
    assert!(planned.rows()[0].message.as_deref().unwrap().contains("deletes Subscription/1"), "{planned:?}");
    let (report, writes) = written(&app, &told).await;
    assert_eq!(
        (results(&report), &*writes),
        (vec![("admissions", RowResult::Updated)], &["DELETE /Subscription/1".to_owned()][..])
    );
    let (report, writes) = written(&app, &told).await;
    assert_eq!((results(&report), writes.len()), (vec![("admissions", RowResult::Unchanged)], 0));
    assert!(status(&app, Deadline::after(Duration::from_secs(60))).await[0].is_sound());
}

#[tokio::test(start_paused = true)]
async fn the_old_one_stays_if_the_new_one_is_not_accepted() {
    let (app, told) = app("healthlake", "R4", of_topic(HEALTHLAKES, &["Encounter?status=finished"]));
    written(&app, &told).await;
    ask_for_another_filter(&told, "1");
    told.server.accept_as("error");
    let (report, writes) = written(&app, &told).await;
    assert_eq!(
        (results(&report), &*writes),
        (vec![("admissions", RowResult::Failed)], &["POST /Subscription".to_owned()][..])
    );
    // Each further try removes the one before, even if a deployment in between wanted another filter.
    ask_for_another_filter(&told, "2");
    let (_, writes) = written(&app, &told).await;
    assert_eq!(writes, ["POST /Subscription", "DELETE /Subscription/2"]);
    told.server.accept_as("active");
    let (report, writes) = written(&app, &told).await;
    assert_eq!(results(&report), [("admissions", RowResult::Updated)], "{report:?}");
    assert_eq!(writes, ["POST /Subscription", "DELETE /Subscription/3", "DELETE /Subscription/1"]);
}

#[tokio::test(start_paused = true)]
async fn the_next_change_replaces_one_that_was_never_active() {
    let (app, told) = app("healthlake", "R4", of_topic(HEALTHLAKES, &["Encounter?status=finished"]));
    written(&app, &told).await;
    ask_for_another_filter(&told, "1");
    told.server.accept_as("requested");
    assert_eq!(written(&app, &told).await.1, ["POST /Subscription"]);
    ask_for_another_filter(&told, "2");
    let (report, writes) = written(&app, &told).await;
    assert_eq!(writes, ["POST /Subscription", "DELETE /Subscription/2"]);
    let row = &report.rows()[0];
    assert_eq!((row.result, row.subscription.as_deref()), (RowResult::Pending, Some("Subscription/3")));
    assert!(row.message.as_deref().unwrap().contains("events come from Subscription/1 until"), "{row:?}");
}

const SETTINGS: [(&str, &str); 7] =
    [("FHIR_SERVER", "healthlake"), ("FHIR_VERSION", "R4"), TOKEN[0], TOKEN[1], TOKEN[2], TOKEN[3], TOKEN[4]];

/// The ways in which it may show how it fetches its token.
const SHOWN: [fn(&mut Value); 8] = [
    |it| token(it)[1]["valueString"] = json!("******"),
    |it| token(it)[1]["valueString"] = json!("a-canary…"),
    |it| drop(token(it)[1].as_object_mut().unwrap().remove("valueString")),
    |it| drop(token(it).remove(1)),
    |it| drop(it["channel"].as_object_mut().unwrap().remove("_type")),
    |it| token(it).clear(),
    |it| token(it).reverse(),
    |it| {
        token(it).reverse();
        token(it)[1]["valueString"] = json!("******");
        token(it).push(json!({ "url": "urn:other", "valueString": "x" }));
    },
];

fn token(subscription: &mut Value) -> &mut Vec<Value> {
    subscription["channel"]["_type"]["extension"].as_array_mut().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_hidden_client_secret_is_not_written_again() {
    let topic = || vec![of_topic(HEALTHLAKES, &[])];
    for (way, shows) in SHOWN.into_iter().enumerate() {
        let (app, server) = odd(Ways { shows, ..Ways::default() }, topic(), &SETTINGS);
        let report = app.register(Options::default()).await;
        assert_eq!(results(&report), [("admissions", RowResult::Created)], "{way}: {report:?}");
        // The same in a process that did not write it.
        for app in [app, server.app(topic(), &SETTINGS)] {
            let report = app.register(Options::default()).await;
            assert_eq!(results(&report), [("admissions", RowResult::Unchanged)], "{way}: {report:?}");
            let rows = status(&app, Deadline::after(Duration::from_secs(60))).await;
            assert!(rows[0].is_sound() && rows[0].notes.is_empty() == (way == 6), "{way}: {rows:?}");
        }
        assert_eq!(server.writes(), 1, "{way}");
    }
    // Another value is a difference.
    for shows in [
        (|it| token(it)[1]["valueString"] = json!("another-secret-than-the-apps")) as fn(&mut Value),
        |it| token(it)[0]["valueString"] = json!("another"),
        |it| drop(token(it).remove(0)),
    ] {
        let (app, server) = odd(Ways::default(), topic(), &SETTINGS);
        app.register(Options::default()).await;
        server.change_ways(|ways| ways.shows = shows);
        let rows = status(&server.app(topic(), &SETTINGS), Deadline::after(Duration::from_secs(60))).await;
        assert_eq!(rows[0].drift, ["channel._type"], "{rows:?}");
    }
}

/// A gateway may check the token, so it is no mistake.
#[tokio::test(start_paused = true)]
async fn that_nothing_lets_its_token_in_is_told() {
    for (settings, is_told) in [(&SETTINGS[..5], true), (&SETTINGS[..], false)] {
        let (app, _) = odd(Ways::default(), vec![of_topic(HEALTHLAKES, &[])], settings);
        let report = app.register(Options::default()).await;
        let message = report.rows()[0].message.clone().unwrap_or_default();
        assert_eq!(message.contains("the program takes none"), is_told, "{message}");
    }
}

/// It refuses a second Subscription, and then the new one: the old one comes back, with the secret and not with a mask.
#[tokio::test(start_paused = true)]
async fn the_old_one_comes_back_with_its_secret() {
    let ways = Ways {
        shows: SHOWN[0],
        post: |there, new| match there {
            0 if new["_criteria"].is_null() => 201,
            0 => 422,
            _ => 409,
        },
        ..Ways::default()
    };
    let (app, server) = odd(ways, vec![of_topic(HEALTHLAKES, &[])], &SETTINGS);
    app.register(Options::default()).await;
    let changed = server.app(vec![of_topic(HEALTHLAKES, &["Encounter?status=finished"])], &SETTINGS);
    let report = changed.register(Options::default()).await;
    assert_eq!(results(&report), [("admissions", RowResult::Failed)], "{report:?}");
    assert_eq!(token(&mut server.all()[0])[1]["valueString"], TOKEN_SECRET);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_writes_nothing_over_it() {
    let (app, told) = app("healthlake", "R4", of_topic(HEALTHLAKES, &[]));
    written(&app, &told).await;
    give_up(&told, "1");
    let declaration = app.registry().declarations()[0];
    let located = locate(&app, &app.registration_client(), declaration).await.unwrap().unwrap();
    let Some(Err(reason)) = located.rearmed else { panic!("{located:?}") };
    assert!(matches!(reason, NotRearmed::Unchangeable));
    assert!(reason.to_string().contains("run `register`"));
    assert!(told.writes().is_empty());
}
