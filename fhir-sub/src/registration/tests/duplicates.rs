//! Several Subscriptions with one endpoint.

use super::odd::{OddServer, Ways, odd};
use super::*;
use crate::declaration::Trigger;

const PRUNE: Options = Options { dry_run: false, prune: true, rewrite: false };

/// A server with three Subscriptions of one endpoint, each as wanted except for `change`.
async fn three(change: impl Fn(usize, &mut Value)) -> (App, std::sync::Arc<OddServer>) {
    let (app, server) = odd(Ways::default(), vec![patients("a")], &[]);
    app.register(Options::default()).await;
    let one = server.all().remove(0);
    for number in [2, 3] {
        let mut another = one.clone();
        change(number, &mut another);
        server.add(number, another);
    }
    (app, server)
}

fn ids(server: &OddServer) -> Vec<String> {
    server.all().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

async fn is_sound(app: &App) -> bool {
    status(app, Deadline::after(Duration::from_secs(60))).await.iter().all(StatusRow::is_sound)
}

#[tokio::test(start_paused = true)]
async fn exact_duplicates_are_pruned_and_the_oldest_stays() {
    let (app, server) = three(|_, _| {}).await;
    let report = app.register(Options::default()).await;
    assert_eq!(report.rows()[0].duplicates.len(), 2);
    assert_eq!(ids(&server).len(), 3);
    assert!(!is_sound(&app).await);

    let dry = app.register(Options { dry_run: true, ..PRUNE }).await;
    assert_eq!((dry.pruned().len(), ids(&server).len()), (2, 3));

    let report = app.register(PRUNE).await;
    assert!(report.is_complete(), "{report:?}");
    let pruned: Vec<_> = report.pruned().iter().map(|row| (row.endpoint.as_str(), row.result)).collect();
    assert_eq!(pruned, [("a", RowResult::Removed), ("a", RowResult::Removed)]);
    assert!(report.rows()[0].duplicates.is_empty(), "{report:?}");
    assert_eq!(ids(&server), ["1"]);
    assert!(is_sound(&app).await);
}

#[tokio::test(start_paused = true)]
async fn the_oldest_is_known_by_its_first_version() {
    // The second one is the oldest, whatever its id.
    let (app, server) = three(|number, it| {
        it["meta"]["lastUpdated"] = json!(format!("2025-01-0{}T00:00:00Z", 4 - number));
    })
    .await;
    let report = app.register(PRUNE).await;
    assert_eq!(ids(&server), ["3"]);
    assert_eq!(report.rows()[0].subscription.as_deref(), Some("Subscription/3"));
    assert!(is_sound(&app).await);
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_in_another_spelling_is_pruned() {
    let spellings: [fn(&mut Value); 5] = [
        |it| it["channel"]["endpoint"] = json!("https://APP.Example.ORG/hooks/a"),
        |it| it["channel"]["endpoint"] = json!("https://app.example.org:443/hooks/a"),
        |it| it["channel"]["endpoint"] = json!("HTTPS://app.example.org/hooks/a"),
        |it| it["criteria"] = json!("Patient?active=true&gender=male,female"),
        |it| it["criteria"] = json!("Patient?gender=female%2Cmale&active=true"),
    ];
    for respell in spellings {
        let wants = Declaration {
            trigger: Trigger::Criteria("Patient?gender=female,male&active=true"),
            ..patients("a")
        };
        let (app, server) = odd(Ways::default(), vec![wants], &[]);
        app.register(Options::default()).await;
        let mut another = server.all().remove(0);
        respell(&mut another);
        // It is older, but registration finds the other one by its URL.
        another["meta"]["lastUpdated"] = json!("2020-01-01T00:00:00Z");
        let is_other_url = another["channel"]["endpoint"] != server.all()[0]["channel"]["endpoint"];
        server.add(2, another);
        assert!(app.register(Options::default()).await.is_complete());
        assert_eq!(ids(&server), ["1", "2"]);
        let report = app.register(PRUNE).await;
        assert!(report.is_complete(), "{report:?}");
        assert_eq!(ids(&server), if is_other_url { ["1"] } else { ["2"] });
        // The next run writes at most the criteria's spelling, and the one after it nothing.
        app.register(PRUNE).await;
        let writes = server.writes();
        assert!(app.register(PRUNE).await.is_complete());
        assert_eq!((server.writes(), server.all().len()), (writes, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_differs_is_reported_and_stays() {
    let changes: [fn(&mut Value); 4] = [
        |it| it["criteria"] = json!("Patient?active=true"),
        |it| it["channel"]["header"] = json!(["X-Subscription-Auth: another-secret-than-ours"]),
        |it| it["status"] = json!("off"),
        |it| it["channel"]["endpoint"] = json!("https://app.example.org/hooks/../hooks/a"),
    ];
    for change in changes {
        let (app, server) = three(|number, it| {
            if number == 3 {
                change(it);
            }
        })
        .await;
        let report = app.register(PRUNE).await;
        assert!(report.is_complete(), "{report:?}");
        assert_eq!(ids(&server), ["1", "3"]);
    }
}

/// The server may never accept the oldest one.
#[tokio::test(start_paused = true)]
async fn none_that_is_active_is_pruned_for_one_that_is_requested() {
    let (app, server) = three(|_, _| {}).await;
    server.change(|it| {
        if it["id"] == "1" {
            it["status"] = json!("requested");
        }
    });
    let report = app.register(PRUNE).await;
    assert!(report.is_complete() && report.pruned().is_empty(), "{report:?}");
    assert_eq!(report.rows()[0].duplicates.len(), 2, "{report:?}");
    assert_eq!(ids(&server), ["1", "2", "3"]);
    // Once the server accepts it, the others go.
    server.change(|it| it["status"] = json!("active"));
    assert!(app.register(PRUNE).await.is_complete());
    assert_eq!(ids(&server), ["1"]);
}

/// A text with a mistake is another criteria, whatever the parser makes of the rest.
#[tokio::test(start_paused = true)]
async fn one_with_a_mistake_in_its_criteria_is_not_pruned() {
    let wants = Declaration { trigger: Trigger::Criteria("Patient?active=true"), ..patients("a") };
    let (app, server) = odd(Ways::default(), vec![wants], &[]);
    app.register(Options::default()).await;
    let mut another = server.all().remove(0);
    another["criteria"] = json!("Patient?active=true&gender=");
    server.add(2, another);
    let report = app.register(PRUNE).await;
    assert!(report.is_complete() && report.pruned().is_empty(), "{report:?}");
    assert_eq!(ids(&server), ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn two_prunings_at_once_leave_one() {
    let (app, server) = three(|_, _| {}).await;
    let (one, other) = tokio::join!(app.register(PRUNE), app.register(PRUNE));
    assert!(one.is_complete() && other.is_complete(), "{one:?} {other:?}");
    assert_eq!(ids(&server), ["1"]);
}

/// The server answers a `POST` without `Location` and without the resource. Another `POST` would make a second one.
#[tokio::test(start_paused = true)]
async fn a_server_that_says_no_id_gets_one() {
    for (lag, search, rows) in [
        (0, 200, [RowResult::Created, RowResult::Unchanged]),
        (2, 200, [RowResult::Created, RowResult::Unchanged]),
        (9, 200, [RowResult::Failed, RowResult::Unchanged]),
    ] {
        let (app, server) =
            odd(Ways { says_id: false, lag, search, ..Ways::default() }, vec![patients("a")], &[]);
        for (run, result) in rows.into_iter().enumerate() {
            let report = app.register(Options::default()).await;
            assert_eq!((report.rows()[0].result, ids(&server).len()), (result, 1), "{lag} {report:?}");
            if run == 0 && result == RowResult::Failed {
                assert!(
                    report.rows()[0].message.as_deref().unwrap().contains("without saying its id"),
                    "{report:?}"
                );
                server.see();
            }
        }
    }
    let (app, server) =
        odd(Ways { says_id: false, search: 404, ..Ways::default() }, vec![patients("a")], &[]);
    let report = app.register(Options::default()).await;
    assert_eq!((report.rows()[0].result, ids(&server).len()), (RowResult::Failed, 1), "{report:?}");
}

/// No run would find the Subscription again.
#[tokio::test(start_paused = true)]
async fn a_server_that_shows_another_endpoint_is_told() {
    let shown: [fn(&mut Value); 3] = [
        |it| it["channel"]["endpoint"] = json!("https://app.example.org:443/hooks/a"),
        |it| it["channel"]["endpoint"] = json!("******"),
        |it| drop(it["channel"].as_object_mut().unwrap().remove("endpoint")),
    ];
    for shows in shown {
        let (app, _) = odd(Ways { shows, ..Ways::default() }, vec![patients("a")], &[]);
        let row = app.register(Options::default()).await.rows()[0].clone();
        assert_eq!(row.result, RowResult::Failed, "{row:?}");
        assert!(
            row.message.as_deref().unwrap().contains("another endpoint than https://app.example.org/hooks/a"),
            "{row:?}"
        );
    }
}

/// A comma separates two values of a search.
#[tokio::test(start_paused = true)]
async fn a_base_url_with_a_comma_is_searched_for_as_one_value() {
    let (_, server) = odd(Ways::default(), vec![patients("a")], &[]);
    let app = server.app(vec![patients("a")], &[("APP_BASE_URL", "https://app.example.org/a,b")]);
    for result in [RowResult::Created, RowResult::Unchanged] {
        assert_eq!(results(&app.register(Options::default()).await), [("a", result)]);
    }
    assert_eq!(ids(&server).len(), 1);
}
