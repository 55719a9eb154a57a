//! `POST /register`, by every way into the program.

use crate::support::door::Door;
use crate::support::fhir_server::FhirServer;
use crate::support::launch::{APP, Launch, SECRET};
use crate::support::wire::Request;

fn register(query: &str) -> Request {
    Request::new("POST", &format!("/register{query}"))
}

#[tokio::test]
async fn it_registers_and_reports_one_row_a_subscription() {
    // One server for each way: otherwise the second would find the Subscriptions of the first.
    for door in 0..6 {
        let fhir = FhirServer::start().await;
        let door = Door::all(|| Launch::new(APP).set("FHIR_BASE_URL", &fhir.url)).await.swap_remove(door);
        for (query, result, is_dry_run) in
            [("?dry-run=true", "created", true), ("", "created", false), ("", "unchanged", false)]
        {
            let answer = door.send(&register(query)).await;
            assert_eq!(answer.status, 200, "{}: {}", door.name(), answer.text());
            assert_eq!(answer.header("content-type"), Some("application/json"));
            let report = answer.json();
            assert_eq!(report["dryRun"], is_dry_run, "{report}");
            let rows = report["subscriptions"].as_array().expect("rows");
            assert_eq!(rows.len(), 13, "{report}");
            assert!(rows.iter().all(|row| row["result"] == result), "{}: {report}", door.name());
            assert!(!answer.text().contains(SECRET));
            assert_eq!(fhir.endpoints().len(), if is_dry_run { 0 } else { 13 });
        }
    }
}

#[tokio::test]
async fn a_failed_row_is_a_502_and_the_others_are_done() {
    let fhir = FhirServer::start().await;
    let launch = Launch::new(APP).set("FHIR_BASE_URL", &fhir.url).set("FHIR_SERVER", "generic");
    let door = Door::local(launch).await;
    let answer = door.send(&register("")).await;
    assert_eq!(answer.status, 502, "{answer:?}");
    let report = answer.json();
    let rows = report["subscriptions"].as_array().expect("rows");
    let failed: Vec<_> = rows.iter().filter(|row| row["result"] == "failed").collect();
    assert_eq!(failed.len(), 1, "{report}");
    assert_eq!(failed[0]["endpoint"], "takes-deletions");
    assert!(failed[0]["message"].as_str().is_some_and(|message| message.contains("deletions")), "{report}");
    assert_eq!(fhir.endpoints().len(), 12);
}
