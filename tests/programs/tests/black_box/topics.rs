//! A program with topics and without settings: the sandbox provides its topics.

use serde_json::{Value, json};

use crate::support::launch::{ADMISSIONS, Launch, SECRET};
use crate::support::program::Program;
use crate::support::sandbox::{printed, search};
use crate::support::wire::Request;

const VERSIONS: [&str; 3] = ["R4", "R4B", "R5"];

fn launch(version: &str) -> Launch {
    Launch::bare(ADMISSIONS).set("PORT", "0").set("FHIR_VERSION", version)
}

async fn called(program: &Program, count: usize) -> Vec<String> {
    let is_call = |line: &&String| line.starts_with("called ");
    program.output.until("the calls", |lines| lines.iter().filter(is_call).count() >= count).await;
    program.output.calls()
}

#[tokio::test]
async fn the_printed_command_makes_the_handler_of_a_topic_run() {
    for version in VERSIONS {
        let mut program = launch(version).start();
        let (request, address) = printed(&program).await;
        let text = program.output.text();
        assert_eq!(text.matches("  active").count(), 2, "{text}");
        assert!(text.contains("https://example.org/topics/admission  of Encounter\n"), "{text}");
        assert!(
            text.contains("https://example.org/topics/appointment-cancelled|2  of Appointment\n"),
            "{text}"
        );
        assert!(text.contains("that its topic fires for"), "{text}");

        let created = request.send(address).await;
        assert_eq!(created.status, 201, "{created:?}");
        assert_eq!(called(&program, 1).await, ["admissions create in-progress"], "{version}");

        // The class does not match the filter, and the other handler does not want creations.
        let mut encounter = created.json();
        let encounters = format!("/fhir/Encounter/{}", encounter["id"].as_str().expect("an id"));
        let appointment = json!({
            "resourceType": "Appointment", "id": "7", "status": "booked", "participant": [{ "status": "accepted" }],
        });
        let other = json!({
            "resourceType": "Encounter", "id": "other", "status": "planned", "class": { "code": "AMB" },
        });
        for (path, resource) in [("/fhir/Encounter/other", &other), ("/fhir/Appointment/7", &appointment)] {
            assert_eq!(write(address, "PUT", path, resource).await, 201);
        }
        let finished = if version == "R5" { "completed" } else { "finished" };
        encounter["status"] = finished.into();
        assert_eq!(write(address, "PUT", &encounters, &encounter).await, 200);
        assert_eq!(called(&program, 2).await[1], format!("admissions update {finished}"));
        assert_eq!(write(address, "DELETE", "/fhir/Appointment/7", &Value::Null).await, 204);
        assert_eq!(called(&program, 3).await[2], "cancellations delete Appointment/7");

        // The test waits for a message of the server, and then reads the server's count.
        program.output.line("a heartbeat", |line| line.contains("heartbeat")).await;
        let subscriptions = search(address, "/fhir/Subscription/$status").await;
        assert_eq!(subscriptions["total"], 2, "{subscriptions}");

        program.signal("INT");
        assert_eq!(program.exit().await, Some(0));
        assert_eq!(program.output.calls().len(), 3);
    }
}

async fn write(address: std::net::SocketAddr, method: &str, path: &str, resource: &Value) -> u16 {
    let request = Request::of_a_stranger(method, path);
    let request = match resource {
        Value::Null => request,
        resource => request.header("content-type", "application/fhir+json").body(resource.to_string()),
    };
    request.send(address).await.status
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_told_by_register_and_by_status() {
    for version in VERSIONS {
        let program = launch(version).start();
        let (_, address) = printed(&program).await;
        let command = |arguments: &[&str]| {
            Launch::new(ADMISSIONS)
                .set("FHIR_BASE_URL", format!("http://{address}/fhir"))
                .set("APP_BASE_URL", "http://127.0.0.1:1/nobody")
                .set("FHIR_SERVER", "generic")
                .set("FHIR_VERSION", version)
                .arguments(arguments)
                .run()
        };
        let registered = command(&["register"]).await;
        assert_eq!(
            (registered.code, registered.row("admissions")[2].as_str()),
            (Some(1), "failed"),
            "{registered:?}"
        );
        let status = command(&["status"]).await;
        assert_eq!((status.code, status.row("admissions")[2].as_str()), (Some(1), "error"), "{status:?}");
        assert!(!status.text().contains(SECRET) && !registered.text().contains(SECRET));
    }
}
