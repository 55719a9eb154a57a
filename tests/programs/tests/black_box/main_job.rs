//! The main job: a program without any settings is a working system.

use crate::support::fhir_server::FhirServer;
use crate::support::launch::{ARRIVALS, Launch, SECRET};
use crate::support::sandbox::{printed, search};

#[tokio::test]
async fn the_printed_command_makes_the_handler_run_and_its_encounter_can_be_read() {
    let mut program = Launch::bare(ARRIVALS).set("PORT", "0").start();
    let (request, address) = printed(&program).await;
    assert_eq!(search(address, "/fhir/Encounter").await["total"], 0);

    let created = request.send(address).await;
    assert_eq!(created.status, 201, "{created:?}");
    program.output.line("the line of the notification", |line| line.contains("handled")).await;

    let encounters = search(address, "/fhir/Encounter").await;
    assert_eq!(encounters["total"], 1, "{encounters}");
    let appointment = &encounters["entry"][0]["resource"]["appointment"][0]["reference"];
    let id = created.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(appointment, &format!("Appointment/{id}"));

    program.signal("INT");
    assert_eq!(program.exit().await, Some(0));
}

#[tokio::test]
async fn the_sandbox_shows_its_registration_and_takes_the_settings_that_are_there() {
    for server in ["hapi", "medplum"] {
        let launch = Launch::bare(ARRIVALS).set("PORT", "0").set("FHIR_SUBSCRIPTION_SECRET", SECRET);
        let program = launch.set("FHIR_SERVER", server).start();
        let (request, address) = printed(&program).await;
        let text = program.output.text();
        assert!(text.contains("created") && text.contains("active"), "{text}");
        assert!(!text.contains(SECRET), "{text}");
        assert_eq!(request.send(address).await.status, 201);
        program.output.line("the line of the notification", |line| line.contains("handled")).await;
        assert_eq!(search(address, "/fhir/Encounter").await["total"], 1, "{server}");
    }
}

#[tokio::test]
async fn a_program_beside_a_fhir_server_is_registered_notified_and_writes() {
    let fhir = FhirServer::start().await;
    let serve = || Launch::new(ARRIVALS).set("FHIR_BASE_URL", &fhir.url);
    let program = serve().start();
    let base_url = format!("http://{}/behind/a/prefix", program.address().await);
    let registered = serve().set("APP_BASE_URL", &base_url).arguments(&["register"]).run().await;
    assert_eq!(registered.code, Some(0), "{registered:?}");

    let appointment = serde_json::json!({ "resourceType": "Appointment", "status": "arrived" });
    fhir.sandbox.create(&appointment).await.expect("the sandbox takes it");
    fhir.sandbox
        .create(&serde_json::json!({ "resourceType": "Appointment", "status": "booked" }))
        .await
        .expect("this too");
    fhir.sandbox.idle().await;
    assert_eq!(fhir.sandbox.all("Encounter").len(), 1, "{}", program.output.text());
}

#[tokio::test]
async fn the_sandbox_of_one_program_is_a_fhir_server_to_another() {
    let first = Launch::bare(ARRIVALS).set("PORT", "0").start();
    let (_, address) = printed(&first).await;
    let register = || {
        let launch = Launch::new(ARRIVALS).set("FHIR_BASE_URL", format!("http://{address}/fhir"));
        launch.set("APP_BASE_URL", "http://127.0.0.1:1/another").arguments(&["register"])
    };
    let once = register().run().await;
    assert_eq!((once.code, once.row("arrived-appointments")[2].as_str()), (Some(0), "created"), "{once:?}");
    let twice = register().run().await;
    assert_eq!(
        (twice.code, twice.row("arrived-appointments")[2].as_str()),
        (Some(0), "unchanged"),
        "{twice:?}"
    );
    assert_eq!(search(address, "/fhir/Subscription").await["total"], 2);
}
