//! The command `sandbox`: alone, on the disk, killed, and told nonsense.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::directory::Directory;
use crate::support::launch::{ARRIVALS, Launch};
use crate::support::program::Program;
use crate::support::wire::Request;

/// The sandbox alone, and where it listens.
async fn sandbox(directory: &Directory) -> (Program, SocketAddr) {
    started(launch(directory)).await
}

fn launch(directory: &Directory) -> Launch {
    Launch::bare(ARRIVALS).arguments(&["sandbox", "--data", directory.text(), "--port", "0"])
}

async fn started(launch: Launch) -> (Program, SocketAddr) {
    let program = launch.start();
    let line = program.output.line("where it listens", |line| line.contains("listens on http://")).await;
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
    let address = address.and_then(|address| address.parse().ok()).expect("an address");
    (program, address)
}

#[tokio::test]
async fn a_sandbox_is_the_same_after_it_was_killed() {
    let directory = Directory::new("sandbox");
    let send = async |address, method: &str, path: &str, body: Value| {
        Request::of_a_stranger(method, path).json(body.to_string()).send(address).await
    };
    let get = async |address, path: &str| Request::of_a_stranger("GET", path).send(address).await;
    let (mut program, address) = sandbox(&directory).await;
    let task = json!({ "resourceType": "Task", "status": "requested", "intent": "order" });
    let created = send(address, "POST", "/fhir/Task", task.clone()).await;
    let id = created.json()["id"].as_str().expect("an id").to_owned();
    let changed = json!({ "resourceType": "Task", "id": id, "status": "accepted", "intent": "order" });
    assert_eq!(send(address, "PUT", &format!("/fhir/Task/{id}"), changed).await.status, 200);
    let gone = send(address, "POST", "/fhir/Task", task.clone()).await.json();
    let gone = format!("/fhir/Task/{}", gone["id"].as_str().expect("an id"));
    assert_eq!(send(address, "DELETE", &gone, Value::Null).await.status, 204);
    let history = get(address, &format!("/fhir/Task/{id}/_history")).await.json();
    program.signal("KILL");
    program.exit().await;

    // The last line is torn.
    let journal = directory.0.join("journal.ndjson");
    let mut text = std::fs::read(&journal).unwrap();
    text.extend_from_slice(b"{\"at\":\"2026-01-31T12:0");
    std::fs::write(&journal, text).unwrap();
    for _ in 0..2 {
        let (mut program, address) = sandbox(&directory).await;
        let again = get(address, &format!("/fhir/Task/{id}/_history")).await.json();
        let versions = |bundle: &Value| {
            bundle["entry"].as_array().unwrap().iter().map(|it| it["resource"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(versions(&again), versions(&history));
        assert_eq!(get(address, &gone).await.status, 410);
        // Ids go on.
        let next = send(address, "POST", "/fhir/Task", task.clone()).await.json();
        assert_ne!(next["id"], id);
        assert!(get(address, "/fhir/Task").await.json()["total"].as_u64() >= Some(2));
        program.signal("KILL");
        program.exit().await;
    }

    // A journal that is none is not overwritten.
    std::fs::write(&journal, "canary\n{}\n").unwrap();
    let refused = launch(&directory).run().await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.stderr.contains("line 1 of journal.ndjson") && !refused.text().contains("canary"),
        "{refused:?}"
    );
    assert_eq!(std::fs::read_to_string(&journal).unwrap(), "canary\n{}\n");
}

#[tokio::test]
async fn two_sandboxes_do_not_share_a_directory() {
    let directory = Directory::new("shared");
    let (mut first, address) = sandbox(&directory).await;
    let second = launch(&directory).run().await;
    assert_eq!(second.code, Some(2), "{second:?}");
    let said = format!("{} is the directory of another sandbox that runs now", directory.text());
    assert!(second.stderr.contains(&said) && second.stderr.contains("--data"), "{second:?}");
    // Also by another path.
    let other = format!("{}/../{}", directory.text(), directory.0.file_name().unwrap().to_str().unwrap());
    let second = Launch::bare(ARRIVALS).arguments(&["sandbox", "--data", &other, "--port", "0"]).run().await;
    assert_eq!(second.code, Some(2), "{second:?}");
    // The first goes on, and leaves the directory to the next, however it ends.
    assert_eq!(Request::of_a_stranger("GET", "/fhir/Task").send(address).await.status, 200);
    first.signal("KILL");
    first.exit().await;
    sandbox(&directory).await;
}

#[tokio::test]
async fn a_taken_port_is_told_with_the_option_that_names_another() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("it listens").port().to_string();
    let run = Launch::bare(ARRIVALS).arguments(&["sandbox", "--port", &port]).run().await;
    assert_eq!(run.code, Some(2), "{run:?}");
    let said = format!("the program cannot listen on 127.0.0.1:{port}");
    assert!(run.stderr.contains(&said) && run.stderr.contains("another port with --port"), "{run:?}");
    assert!(!run.stderr.contains("HOST"), "{run:?}");
}

#[tokio::test]
async fn a_web_page_of_another_site_does_not_reach_the_sandbox() {
    let directory = Directory::new("another-site");
    let (_program, address) = sandbox(&directory).await;
    let get = || Request::of_a_stranger("GET", "/fhir/Task");
    assert_eq!(get().send(address).await.status, 200);
    assert_eq!(get().header("host", "evil.example:9001").send(address).await.status, 421);
    assert_eq!(get().header("origin", "https://evil.example").send(address).await.status, 403);
}

/// A Task with that description.
fn task(id: &str, description: &str) -> String {
    json!({ "resourceType": "Task", "id": id, "status": "requested", "intent": "order", "description": description }).to_string()
}

#[tokio::test]
async fn every_answered_write_is_there_though_the_sandbox_was_killed_in_the_middle_of_others() {
    let directory = Directory::new("storm");
    let large = "x".repeat(100_000);
    let mut answered = Vec::new();
    for round in 0..4 {
        let (mut program, address) = sandbox(&directory).await;
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        for writer in 0..4 {
            let (sender, large) = (sender.clone(), large.clone());
            tokio::spawn(async move {
                for number in 0.. {
                    let id = format!("r{round}-w{writer}-{number}");
                    // Two resources in one transaction: both, or none.
                    let entry = |id: String| {
                        json!({
                            "resource": serde_json::from_str::<Value>(&task(&id, &large)).unwrap(),
                            "request": { "method": "PUT", "url": format!("Task/{id}") },
                        })
                    };
                    let entries = [entry(format!("{id}-a")), entry(format!("{id}-b"))];
                    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries })
                        .to_string();
                    let bytes = Request::of_a_stranger("POST", "/fhir").json(bundle).try_send(address).await;
                    match bytes {
                        Some(answer) if answer.status == 200 => drop(sender.send(id)),
                        _ => return,
                    }
                }
            });
        }
        drop(sender);
        for _ in 0..10 {
            answered.push(receiver.recv().await.expect("a writer writes"));
        }
        program.signal("KILL");
        program.exit().await;
        while let Some(id) = receiver.recv().await {
            answered.push(id);
        }
    }
    let (_program, address) = sandbox(&directory).await;
    for id in &answered {
        for half in ["a", "b"] {
            let path = format!("/fhir/Task/{id}-{half}");
            assert_eq!(Request::of_a_stranger("GET", &path).send(address).await.status, 200, "{path}");
        }
    }
    // No transaction is there by half.
    let count = Request::of_a_stranger("GET", "/fhir/Task?_summary=count").send(address).await.json();
    assert_eq!(count["total"].as_u64().expect("a count") % 2, 0, "{count}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_write_for_which_there_is_no_room_is_refused_and_undone() {
    let directory = Directory::new("full");
    // A file may have no more than 64 blocks, of 512 bytes or of 1024 by the shell.
    let limited =
        format!("trap '' XFSZ; ulimit -f 64; exec {ARRIVALS} sandbox --data {} --port 0", directory.text());
    let (mut program, address) = started(Launch::bare("/bin/sh").arguments(&["-c", &limited])).await;
    let put = async |address, id: &str, length| {
        let body = task(id, &"x".repeat(length));
        Request::of_a_stranger("PUT", &format!("/fhir/Task/{id}")).json(body).send(address).await
    };
    let status = async |address, path: &str| Request::of_a_stranger("GET", path).send(address).await.status;
    assert_eq!(put(address, "first", 1_000).await.status, 201);
    // It begins in the file, and does not fit.
    let refused = put(address, "second", 100_000).await;
    assert_eq!(refused.status, 507, "{refused:?}");
    assert!(refused.text().contains("cannot keep the write"), "{refused:?}");
    assert_eq!(status(address, "/fhir/Task/second").await, 404);
    assert_eq!(put(address, "first", 100_000).await.status, 507);
    let first = Request::of_a_stranger("GET", "/fhir/Task/first").send(address).await.json();
    assert_eq!(
        (&first["meta"]["versionId"], first["description"].as_str().unwrap().len()),
        (&json!("1"), 1_000)
    );
    // What still fits is kept.
    assert_eq!(put(address, "third", 1_000).await.status, 201);
    program.signal("KILL");
    program.exit().await;

    let (_program, address) = sandbox(&directory).await;
    for (id, expected) in [("first", 200), ("second", 404), ("third", 200)] {
        assert_eq!(status(address, &format!("/fhir/Task/{id}")).await, expected, "{id}");
    }
    assert_eq!(put(address, "second", 100_000).await.status, 201);
}

#[tokio::test]
async fn a_journal_does_not_grow_without_end_and_events_are_counted_on() {
    let directory = Directory::new("compacted");
    let journal = directory.0.join("journal.ndjson");
    let topical = || launch(&directory).set("FHIR_SERVER", "generic").set("FHIR_VERSION", "R5");
    let (mut program, address) = started(topical()).await;
    let send = async |address, method: &str, path: &str, body: Value| {
        let answer = Request::of_a_stranger(method, path).json(body.to_string()).send(address).await;
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        answer.json()
    };
    let topic = json!({
        "resourceType": "SubscriptionTopic", "id": "tasks", "url": "http://example.org/tasks", "status": "active",
        "resourceTrigger": [{ "resource": "http://hl7.org/fhir/StructureDefinition/Task" }],
    });
    send(address, "PUT", "/fhir/SubscriptionTopic/tasks", topic).await;
    // Nobody listens there. It is active, so that events count.
    let subscription = json!({
        "resourceType": "Subscription", "id": "of-tasks", "status": "active", "topic": "http://example.org/tasks",
        "channelType": { "code": "rest-hook" }, "endpoint": "http://127.0.0.1:9/nobody", "content": "id-only",
    });
    send(address, "PUT", "/fhir/Subscription/of-tasks", subscription).await;
    for version in 0..50 {
        let body = task("large", &format!("{version}{}", "x".repeat(400_000)));
        send(address, "PUT", "/fhir/Task/large", serde_json::from_str(&body).unwrap()).await;
    }
    let count = async |address| {
        let status = send(address, "GET", "/fhir/Subscription/of-tasks/$status", Value::Null).await;
        status["entry"][0]["resource"]["eventsSinceSubscriptionStart"].clone()
    };
    assert_eq!(count(address).await, json!("50"));
    let before = std::fs::metadata(&journal).unwrap().len();
    assert!(before > 16 << 20, "{before} bytes");
    for _ in 0..2 {
        program.signal("KILL");
        program.exit().await;
        let (next, address) = started(topical()).await;
        program = next;
        let large = send(address, "GET", "/fhir/Task/large", Value::Null).await;
        assert_eq!(large["meta"]["versionId"], "50");
        assert_eq!(count(address).await, json!("50"));
    }
    let after = std::fs::metadata(&journal).unwrap().len();
    assert!(after < before / 4, "{after} of {before} bytes");
    program.signal("KILL");
    program.exit().await;
    // The newest versions are there, and the next event has the next number.
    let (_program, address) = started(topical()).await;
    let history = send(address, "GET", "/fhir/Task/large/_history", Value::Null).await;
    assert_eq!(history["total"], 10);
    let body = task("large", "small again");
    let written = send(address, "PUT", "/fhir/Task/large", serde_json::from_str(&body).unwrap()).await;
    assert_eq!(written["meta"]["versionId"], "51");
    assert_eq!(count(address).await, json!("51"));
}

#[tokio::test]
async fn the_sandbox_refuses_nonsense_as_a_server_does() {
    let directory = Directory::new("nonsense");
    let (_program, address) = sandbox(&directory).await;
    for (path, body, status, said) in [
        ("Task", json!({ "resourceType": "Nonsense" }), 422, "not a resource of type Task"),
        ("Nonsense", json!({ "resourceType": "Nonsense" }), 404, "not a resource type"),
        ("Task", json!({ "status": "requested", "intent": "order" }), 422, "not a resource of type"),
        ("Task", json!({ "resourceType": "Task", "status": "requested" }), 422, "Task.intent is required"),
        (
            "Task",
            json!({ "resourceType": "Task", "status": 7, "intent": "order" }),
            422,
            "Task.status must be a string",
        ),
        (
            "Task",
            json!({ "resourceType": "Task", "status": ["requested"], "intent": "order" }),
            422,
            "Task.status must not be a list",
        ),
        (
            "Appointment",
            json!({ "resourceType": "Appointment", "status": "booked" }),
            422,
            "Appointment.participant is required",
        ),
        (
            "Appointment",
            json!({ "resourceType": "Appointment", "status": "booked", "participant": [] }),
            422,
            "an empty list",
        ),
        (
            "Appointment",
            json!({ "resourceType": "Appointment", "status": "booked", "participant": [{}] }),
            422,
            "Appointment.participant.status is required",
        ),
        (
            "Observation",
            json!({ "resourceType": "Observation", "status": "final", "code": "x" }),
            422,
            "Observation.code must be an object",
        ),
    ] {
        let answer = Request::of_a_stranger("POST", &format!("/fhir/{path}"))
            .json(body.to_string())
            .send(address)
            .await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        assert!(answer.text().contains(said), "{body}: {answer:?}");
    }
    let absent = json!({ "resourceType": "Task", "_status": { "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown" }] }, "intent": "order" });
    let answer = Request::of_a_stranger("POST", "/fhir/Task").json(absent.to_string()).send(address).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}
