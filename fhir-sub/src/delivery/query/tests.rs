use serde_json::json;

use crate::app::AppBuilder;
use crate::declaration::{Content, Declaration};
use crate::fhir::{FhirVersion, FhirVersions};
use crate::fixtures::scripted::{Scripted, UNUSED, event, notification, topic};

/// Aidbox documents only `POST`. With `FHIR_SERVER=auto`, the program does not know which server it is.
#[tokio::test(start_paused = true)]
async fn a_server_that_takes_no_get_is_asked_by_post() {
    let had = notification("query-event", 4, &[(2, "Encounter/2"), (3, "Encounter/3")]);
    for (server, version, number, is_got) in [
        ("aidbox", "R4", "valueString", false),
        ("aidbox", "R5", "valueString", false),
        ("auto", "R4B", "valueString", true),
        ("generic", "R5", "valueInteger64", true),
    ] {
        for status in [404, 405] {
            let had = had.clone();
            let answer = move |asked: &str| {
                if asked.starts_with("GET") { (status, json!("canary")) } else { (200, had.clone()) }
            };
            let setup = |builder: AppBuilder| builder.set("FHIR_SERVER", server).set("FHIR_VERSION", version);
            let versions = FhirVersions::of(&[FhirVersion::R4, FhirVersion::R4B, FhirVersion::R5]);
            let test = Scripted::with(
                Declaration { versions, ..topic::<UNUSED>(Content::IdOnly, &[]) },
                |_, _| false,
                setup,
                answer,
            );
            test.send(event(1)).await;
            assert_eq!(test.send(event(4)).await, (204, vec!["handled", "handled", "handled", "gap filled"]));
            let parameters = json!({
                "resourceType": "Parameters",
                "parameter": [
                    { "name": "eventsSinceNumber", number: "1" },
                    { "name": "eventsUntilNumber", number: "3" },
                    { "name": "content", "valueCode": "id-only" },
                ],
            });
            let posted = format!("POST Subscription/s1/$events {parameters}");
            let got = "GET Subscription/s1/$events?eventsSinceNumber=1&eventsUntilNumber=3&content=id-only";
            let got = got.to_owned();
            let expected = if is_got { vec![got, posted] } else { vec![posted] };
            assert_eq!(test.asked(), expected, "{server} {version}");
        }
    }
}
