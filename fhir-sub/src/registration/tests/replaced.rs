//! The program replaces Subscriptions that the server cannot change.

use super::odd::{Ways, odd};
use super::*;

/// A Subscription that differs from the wanted one.
const OLD: &str = "another";

fn reasons(all: &[serde_json::Value]) -> Vec<&str> {
    all.iter().map(|it| it["reason"].as_str().unwrap()).collect()
}

fn one_of_an_endpoint(there: usize, _new: &serde_json::Value) -> u16 {
    if there == 0 { 201 } else { 409 }
}

fn one_of_an_endpoint_as_it_was(there: usize, new: &serde_json::Value) -> u16 {
    if there == 0 && new["reason"] != OLD { 422 } else { one_of_an_endpoint(there, new) }
}

#[tokio::test(start_paused = true)]
async fn the_new_one_is_created_and_the_old_one_deleted() {
    // The second server refuses two Subscriptions of one endpoint, although the program does not know this of
    // its kind.
    for post in [Ways::default().post, one_of_an_endpoint] {
        let (app, server) = odd(Ways { put: 405, post, ..Ways::default() }, vec![patients("a")], &[]);
        assert_eq!(results(&app.register(Options::default()).await), [("a", RowResult::Created)]);
        server.change(|it| it["reason"] = json!(OLD));
        let report = app.register(Options::default()).await;
        assert_eq!(results(&report), [("a", RowResult::Updated)], "{report:?}");
        assert_eq!(reasons(&server.all()), ["a test"]);
        assert_eq!(results(&app.register(Options::default()).await), [("a", RowResult::Unchanged)]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_old_one_is_created_again_if_the_server_refuses_the_new_one() {
    let (app, server) = odd(Ways { put: 405, ..Ways::default() }, vec![patients("a")], &[]);
    assert_eq!(results(&app.register(Options::default()).await), [("a", RowResult::Created)]);
    server.change(|it| it["reason"] = json!(OLD));
    server.change_ways(|ways| ways.post = one_of_an_endpoint_as_it_was);
    let report = app.register(Options::default()).await;
    assert_eq!(results(&report), [("a", RowResult::Failed)], "{report:?}");
    assert_eq!(reasons(&server.all()), [OLD], "the old one still reports events");
    // When the server accepts the new one, the next run replaces the old one.
    server.change_ways(|ways| ways.post = one_of_an_endpoint);
    assert_eq!(results(&app.register(Options::default()).await), [("a", RowResult::Updated)]);
    assert_eq!(reasons(&server.all()), ["a test"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_goes_on_where_the_last_one_died() {
    let (app, server) = odd(Ways { put: 405, ..Ways::default() }, vec![patients("a")], &[]);
    assert_eq!(results(&app.register(Options::default()).await), [("a", RowResult::Created)]);
    // The earlier run died between the creation of the new one and the deletion of the old one.
    let new = server.all().remove(0);
    server.change(|it| it["reason"] = json!(OLD));
    server.add(7, new);
    let report = app.register(Options::default()).await;
    assert_eq!(results(&report), [("a", RowResult::Updated)], "{report:?}");
    let all = server.all();
    assert_eq!((reasons(&all), &all[0]["id"]), (vec!["a test"], &json!("7")), "no third one is created");
}

/// The server shows no secret, so that a duplicate may have the old one.
#[tokio::test(start_paused = true)]
async fn a_rewrite_takes_no_other_one_for_the_new_one() {
    let shows = |it: &mut Value| it["channel"]["header"] = json!(["X-Subscription-Auth: ******"]);
    let (app, server) = odd(Ways { put: 405, shows, ..Ways::default() }, vec![patients("a")], &[]);
    assert_eq!(results(&app.register(Options::default()).await), [("a", RowResult::Created)]);
    let duplicate = server.all().remove(0);
    server.add(7, duplicate);
    let rotated = "ffffffff4b5a69788796a5b4c3d2e1f0";
    let app = server.app(vec![patients("a")], &[("FHIR_SUBSCRIPTION_SECRET", rotated)]);
    let report = app.register(Options { rewrite: true, ..Options::default() }).await;
    assert_eq!(results(&report), [("a", RowResult::Updated)], "{report:?}");
    let written = |it: &Value| it["channel"]["header"][0] == format!("X-Subscription-Auth: {rotated}");
    assert!(server.all().iter().any(written), "the server has the new secret");
}
