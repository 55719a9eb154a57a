use std::pin::pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use serde::Deserialize;
use serde_json::{Value, json};

use super::support::{Reply, Script, answer, json};
use crate::Search;

#[derive(Debug, Deserialize)]
struct Encounter {
    id: String,
}

/// A page of encounters, with a link to the next.
fn page(ids: &[&str], next: Option<&str>) -> Reply {
    let entry: Vec<_> = ids
        .iter()
        .map(|id| json!({"resource": {"resourceType": "Encounter", "id": id}, "search": {"mode": "match"}}))
        .collect();
    let mut link = vec![json!({"relation": "self", "url": "http://internal:8080/fhir/Encounter?patient=1"})];
    link.extend(next.map(|url| json!({"relation": "next", "url": url})));
    json(&json!({"resourceType": "Bundle", "type": "searchset", "link": link, "entry": entry}))
}

async fn ids(search: Search<Encounter>) -> Vec<String> {
    search.all().await.unwrap().into_iter().map(|encounter| encounter.id).collect()
}

#[tokio::test]
async fn all_pages_are_given_through_links_that_are_put_under_the_base() {
    let script = Script::new([
        page(&["1", "2"], Some("http://internal:8080/fhir?_getpages=a%20b&_getpagesoffset=2")),
        page(&[], Some("http://internal:8080/fhir?_getpages=a%20b&_getpagesoffset=4")),
        page(&["3"], None),
    ]);
    let search =
        script.client().search_type::<Encounter>("Encounter", &[("patient", "Patient/1"), ("x", "a b")]);
    assert_eq!(ids(search).await, ["1", "2", "3"]);
    assert_eq!(
        script.lines(),
        [
            "GET /r4/Encounter?patient=Patient/1&x=a%20b",
            "GET /r4?_getpages=a%20b&_getpagesoffset=2",
            "GET /r4?_getpages=a%20b&_getpagesoffset=4",
        ]
    );
    for request in 0..3 {
        assert_eq!(script.header(request, "cache-control").unwrap(), "no-cache");
    }
}

#[tokio::test]
async fn a_page_is_asked_for_when_the_one_before_is_used_up() {
    let script = Script::new([page(&["1", "2"], Some("http://internal:8080/fhir?p=2")), page(&["3"], None)]);
    let mut search = script.client().search_type::<Encounter>("Encounter", &[]);
    assert_eq!(script.sent(), 0);
    search.next().await.unwrap().unwrap();
    search.next().await.unwrap().unwrap();
    assert_eq!(script.sent(), 1);
    assert_eq!(search.next().await.unwrap().unwrap().id, "3");
    assert!(search.next().await.is_none() && search.next().await.is_none());
}

#[tokio::test]
async fn the_first_is_had_without_the_rest() {
    let script = Script::new([page(&["1", "2"], Some("http://internal:8080/fhir?p=2")), page(&[], None)]);
    let fhir = script.client();
    let first = fhir.search_type::<Encounter>("Encounter", &[]).first().await.unwrap();
    assert_eq!(first.unwrap().id, "1");
    assert!(fhir.search_type::<Encounter>("Encounter", &[]).first().await.unwrap().is_none());
}

#[tokio::test]
async fn pages_that_go_round_in_a_circle_are_an_error() {
    let a = || page(&["1"], Some("http://internal:8080/fhir?p=b"));
    let b = || page(&["2"], Some("http://internal:8080/fhir?p=c"));
    let c = || page(&["3"], Some("http://internal:8080/fhir?p=b"));
    let script = Script::new([a(), b(), c()]);
    let error = script.client().search_type::<Encounter>("Encounter", &[]).all().await.unwrap_err();
    assert_eq!(error.to_string(), "GET Encounter: the pages go round in a circle");
    let script = Script::new([page(&["1"], Some("Encounter?x=1"))]);
    assert!(script.client().search_type::<Encounter>("Encounter", &[("x", "1")]).all().await.is_err());
}

#[tokio::test]
async fn a_link_to_another_server_is_an_error_after_what_the_page_held() {
    let script = Script::new([page(&["1"], Some("https://canary.example/steal?canary"))]);
    let mut search = script.client().search_type::<Encounter>("Encounter", &[]);
    let error = search.next().await.unwrap().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    assert!(search.next().await.is_none());
    assert_eq!(script.sent(), 1);
}

#[tokio::test]
async fn only_matches_are_given_unless_the_included_are_asked_for() {
    let bundle = json!({"resourceType": "Bundle", "entry": [
        {"resource": {"id": "1"}},
        {"resource": {"id": "2"}, "search": {"mode": "include"}},
        {"resource": {"id": "3"}, "search": {"mode": "outcome"}},
        {"resource": {"id": "4"}, "search": {"mode": "match"}},
        {"resource": {"id": "5"}, "search": {}},
        {"fullUrl": "x"},
    ]});
    let script = Script::new([json(&bundle), json(&bundle)]);
    let fhir = script.client();
    assert_eq!(ids(fhir.search_type("Encounter", &[])).await, ["1", "4", "5"]);
    assert_eq!(ids(fhir.search_type("Encounter", &[]).with_included()).await, ["1", "2", "4", "5"]);
}

#[tokio::test]
async fn an_entry_that_does_not_fit_ends_the_stream() {
    let bundle = json!({"resourceType": "Bundle", "entry": [
        {"resource": {"id": "1"}}, {"resource": {"id": ["canary"]}}, {"resource": {"id": "3"}}]});
    let script = Script::new([json(&bundle)]);
    let mut search = script.client().search_type::<Encounter>("Encounter", &[("canary", "canary")]);
    assert!(search.next().await.unwrap().is_ok());
    let error = search.next().await.unwrap().unwrap_err();
    assert!(
        error.to_string().contains("another shape") && !format!("{error} {error:?}").contains("canary"),
        "{error}"
    );
    assert!(search.next().await.is_none());
}

#[tokio::test]
async fn a_page_that_fails_ends_the_stream() {
    let script = Script::new([page(&["1"], Some("?p=2")), answer(410, &[], "")]);
    let mut search = script.client().search_type::<Encounter>("Encounter", &[]);
    assert!(search.next().await.unwrap().is_ok());
    assert!(search.next().await.unwrap().unwrap_err().is_gone());
    assert!(search.next().await.is_none());
}

#[tokio::test]
async fn what_is_no_bundle_is_no_empty_result() {
    for body in [json!({"resourceType": "OperationOutcome"}), json!({}), json!([])] {
        let script = Script::new([json(&body)]);
        assert!(script.client().search_type::<Encounter>("Encounter", &[]).all().await.is_err());
    }
    let script = Script::new([answer(200, &[], "")]);
    assert!(script.client().search_type::<Encounter>("Encounter", &[]).all().await.is_err());
}

#[tokio::test]
async fn a_search_may_be_posted() {
    let script = Script::new([page(&["1"], Some("http://internal:8080/fhir?p=2")), page(&["2"], None)]);
    let search = script
        .client()
        .search_type_by_post::<Encounter>("Encounter", &[("patient", "Patient/1"), ("a", "b c")]);
    assert_eq!(ids(search).await, ["1", "2"]);
    assert_eq!(script.lines(), ["POST /r4/Encounter/_search", "GET /r4?p=2"]);
    assert_eq!(script.body(0), "patient=Patient/1&a=b%20c");
}

#[tokio::test]
async fn a_criteria_is_searched_by() {
    let script = Script::new([page(&[], None), page(&[], None)]);
    let fhir = script.client();
    ids(fhir.search_criteria("Encounter?status=arrived&identifier=a%7Cb", &[("_lastUpdated", "gt2020")]))
        .await;
    ids(fhir.search_criteria("Encounter", &[])).await;
    assert_eq!(
        script.lines(),
        ["GET /r4/Encounter?status=arrived&identifier=a%7Cb&_lastUpdated=gt2020", "GET /r4/Encounter"]
    );
}

#[tokio::test]
async fn the_query_of_a_page_link_is_sent_as_it_came() {
    let query = "identifier=a|b&x=%7C+%20^{}&_page_token=a.b~c=";
    let script = Script::new([
        page(&[], Some(&format!("http://internal:8080/fhir/Encounter?{query}"))),
        page(&[], None),
    ]);
    ids(script.client().search_type("Encounter", &[])).await;
    assert_eq!(script.lines()[1], format!("GET /r4/Encounter?{query}"));
}

#[tokio::test]
async fn a_history_gives_deletions_too() {
    let bundle = json!({"resourceType": "Bundle", "type": "history", "entry": [
        {"request": {"method": "DELETE", "url": "Encounter/1"}},
        {"request": {"method": "POST", "url": "Encounter"}, "resource": {"id": "1"}}]});
    let script = Script::new([json(&bundle)]);
    let versions = script.client().history::<Encounter>("Encounter", "1").all().await.unwrap();
    assert!(versions[0].resource.is_none() && versions[0].request.as_ref().unwrap().method == "DELETE");
    assert_eq!(versions[1].resource.as_ref().unwrap().id, "1");
    assert_eq!(script.lines(), ["GET /r4/Encounter/1/_history?_since=1970-01-01T00:00:00Z"]);
}

#[tokio::test]
async fn the_pages_of_an_operation_are_followed() {
    let own = json!({"relation": "self", "url": "http://internal/fhir/Patient/1/$everything"});
    let next = json!({"relation": "next", "url": "http://internal/fhir?_getpages=1"});
    let script = Script::new([
        json(&json!({"resourceType": "Bundle", "link": [own, next], "entry": [{"resource": {"id": "1"}}]})),
        json(&json!({"resourceType": "Bundle", "entry": [{"resource": {"id": "2"}}]})),
    ]);
    let everything = script.client().operation("$everything").on_instance("Patient", "1").pages::<Value>(&[]);
    assert_eq!(everything.all().await.unwrap().len(), 2);
    assert_eq!(script.lines(), ["GET /r4/Patient/1/$everything", "GET /r4?_getpages=1"]);
}

#[tokio::test]
async fn a_search_is_a_stream() {
    let script = Script::new([page(&["1"], None)]);
    let mut search = pin!(script.client().search_type::<Encounter>("Encounter", &[]));
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(search.as_mut().poll_next(&mut context), Poll::Ready(Some(Ok(_)))));
    assert!(matches!(search.as_mut().poll_next(&mut context), Poll::Ready(None)));
}
