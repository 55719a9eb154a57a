//! The commands of the desk: `trigger`, `record`, `replay` and `pull`.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::directory::Directory;
use crate::support::fhir_server::FhirServer;
use crate::support::launch::{ADMISSIONS, APP, ARRIVALS, Launch, SECRET};
use crate::support::patient;
use crate::support::sandbox::printed;
use crate::support::wire::Request;

fn trigger(program: &str, arguments: &[&str]) -> Launch {
    Launch::bare(program).arguments(&[&["trigger"], arguments].concat())
}

#[tokio::test]
async fn a_handler_is_triggered_with_a_sample() {
    let run = trigger(ARRIVALS, &["arrived-appointments"]).run().await;
    assert_eq!(run.code, Some(0), "{run:?}");
    let begins = "arrived-appointments: handled (Appointment/";
    assert!(run.stdout.starts_with(begins) && run.stdout.contains("answered 204"), "{run:?}");
    assert!(run.stdout.contains("  POST Encounter\n"), "{run:?}");

    // Whatever FHIR server the settings name is left alone: nobody listens there.
    let run = Launch::new(ARRIVALS).arguments(&["trigger", "arrived-appointments", "--json"]).run().await;
    assert_eq!(run.code, Some(0), "{run:?}");
    let json: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    let event = &json["deliveries"][0]["events"][0];
    assert_eq!((&event["outcome"], &event["ran"]), (&json!("handled"), &json!(true)), "{json}");
    assert!(!run.text().contains(SECRET), "{run:?}");

    // Nor does the program sign in there.
    let run = Launch::new(ARRIVALS)
        .set("FHIR_AUTH_TOKEN_URL", "http://127.0.0.1:9/token")
        .set("FHIR_AUTH_CLIENT_ID", "program")
        .set("FHIR_AUTH_CLIENT_SECRET", "a secret")
        .set("FHIR_AUTH_SCOPE", "system/*.cruds");
    let run = run.arguments(&["trigger", "arrived-appointments"]).run().await;
    assert_eq!(run.code, Some(0), "{run:?}");

    let topic = trigger(ADMISSIONS, &["--help"]).run().await;
    assert!(topic.stdout.contains("--set PATH=VALUE"), "{topic:?}");
}

#[tokio::test]
async fn each_interaction_comes_as_the_server_tells_it() {
    for (interaction, code) in [("create", 0), ("update", 0), ("delete", 0)] {
        let run = trigger(APP, &["takes-deletions", "--interaction", interaction]).run().await;
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(run.stdout.contains("takes-deletions: handled"), "{interaction}: {run:?}");
    }
}

#[tokio::test]
async fn a_resource_can_be_changed_or_come_from_a_file() {
    let run = trigger(ARRIVALS, &["arrived-appointments", "--set", "status=booked"]).run().await;
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("does not match `Appointment?status=arrived`"), "{run:?}");

    let directory = Directory::new("trigger");
    let file = directory.0.join("appointment.json");
    let appointment = json!({
        "resourceType": "Appointment", "id": "from-a-file", "status": "booked",
        "participant": [{ "status": "accepted" }],
    });
    std::fs::write(&file, appointment.to_string()).unwrap();
    let file = file.to_str().unwrap();
    let arguments = [
        "arrived-appointments",
        "--file",
        file,
        "--set",
        "status=arrived",
        "--set",
        "participant[0].actor.reference=Patient/7",
    ];
    let run = trigger(ARRIVALS, &arguments).run().await;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("Appointment/from-a-file"), "{run:?}");
}

#[tokio::test]
async fn what_cannot_be_triggered_is_said_without_a_word_of_a_file() {
    let directory = Directory::new("untriggered");
    let file = directory.0.join("broken.json");
    std::fs::write(&file, "{ \"canary\" }").unwrap();
    let file = file.to_str().unwrap();
    for (arguments, said) in [
        (&["nowhere"][..], "there are: arrived-appointments"),
        (&[], "takes one endpoint"),
        (&["arrived-appointments", "--set", "status"], "--set takes the path"),
        (&["arrived-appointments", "--set", "status.x=1"], "--set status.x"),
        (&["arrived-appointments", "--interaction", "merge"], "`create`, `update` or `delete`"),
        (&["arrived-appointments", "--file", "/no/such/file"], "cannot be read"),
        (&["arrived-appointments", "--file", file], "is no JSON"),
        (&["arrived-appointments", "--file", "/dev/zero"], "is larger than 64 MiB"),
        (&["arrived-appointments", "--file", "/tmp"], "cannot be read"),
        (&["arrived-appointments", "--set", "participant[-1].status=x"], "`-1`"),
        (&["arrived-appointments", "--set", "a..b=x"], "is empty"),
        (&["arrived-appointments", "--set", "resourceType=Nonsense"], "the sandbox refuses the resource"),
        // The sandbox would send nothing, as if the resource were valid but did not match.
        (&["arrived-appointments", "--set", "status=arived"], "did you mean `arrived`?"),
        (&["arrived-appointments", "--set", "statsu=arrived"], "Appointment has no element with this name"),
        (&["arrived-appointments", "--set", "participant=null"], "Appointment.participant is required"),
        (
            &["arrived-appointments", "--interaction", "update", "--set", "status=arived"],
            "Appointment.status has no code `arived`",
        ),
        (&["arrived-appointments", "--redact"], "--redact"),
    ] {
        let run = trigger(ARRIVALS, arguments).run().await;
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains(said) && !run.text().contains("canary"), "{arguments:?}: {run:?}");
    }
}

#[tokio::test]
async fn a_failing_handler_is_tried_once_and_its_error_shown() {
    let run = trigger(APP, &["fails"]).run().await;
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(run.stdout.matches("called fails\n").count(), 1, "{run:?}");
    assert!(run.stdout.contains("fails: failed") && run.stdout.contains("the printer refused"), "{run:?}");
    assert!(run.stdout.contains("endings.rs:"), "{run:?}");
}

/// Records one delivery of the sandbox.
async fn record(directory: &Directory, arguments: &[&str]) {
    let arguments = [&["record", directory.text()], arguments].concat();
    let mut program = Launch::bare(ARRIVALS).set("PORT", "0").set("FHIR_SUBSCRIPTION_SECRET", SECRET);
    program = program.arguments(&arguments);
    let mut program = program.start();
    let (_, address) = printed(&program).await;
    let appointment = json!({
        "resourceType": "Appointment", "status": "arrived", "comment": "canary comment",
        "participant": [{ "actor": { "reference": "Patient/canary-7", "display": "Ms canary" }, "status": "accepted" }],
    });
    let created = Request::of_a_stranger("POST", "/fhir/Appointment").json(appointment.to_string());
    assert_eq!(created.send(address).await.status, 201);
    program.output.line("the line of the notification", |line| line.contains("handled")).await;
    program.signal("INT");
    assert_eq!(program.exit().await, Some(0));
    assert!(!program.output.text().contains("canary"), "{}", program.output.text());
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn a_recorded_delivery_has_no_secret_and_is_replayed() {
    let directory = Directory::new("record");
    record(&directory, &[]).await;
    record(&directory, &[]).await;
    let files = directory.files();
    let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["0001-arrived-appointments-handled.json", "0002-arrived-appointments-handled.json"]);
    let text = read(&files[0]);
    assert!(text.contains("canary comment") && !text.contains(SECRET), "{text}");
    assert!(!text.to_lowercase().contains("x-subscription-auth"), "{text}");
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&files[0].metadata().unwrap().permissions()) & 0o077,
        0
    );

    let names = [files[0].to_str().unwrap(), files[1].to_str().unwrap()];
    let run = Launch::bare(ARRIVALS).arguments(&[&["replay"], &names[..]].concat()).run().await;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.row(names[1]), [names[1], "204", "handled", "handled"]);
    assert!(run.stderr.contains("read and write at a sandbox of this program"), "{run:?}");

    // Beside a FHIR server, whose resources the handler then changes.
    let fhir = FhirServer::start().await;
    let run =
        Launch::new(ARRIVALS).set("FHIR_BASE_URL", &fhir.url).arguments(&["replay", names[0], "--json"]);
    let run = run.run().await;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(fhir.sandbox.all("Encounter").len(), 1, "{run:?}");
    assert!(run.stderr.contains(&format!("the handlers read and write at {}", fhir.url)), "{run:?}");

    let broken = directory.0.join("broken.json");
    std::fs::write(&broken, "{\"canary\":1}").unwrap();
    let run = Launch::bare(ARRIVALS).arguments(&["replay", broken.to_str().unwrap()]).run().await;
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("no recorded delivery") && !run.text().contains("\"canary"), "{run:?}");
}

#[tokio::test]
async fn a_refused_sender_writes_no_file() {
    let directory = Directory::new("record-refused");
    let program = Launch::new(ARRIVALS)
        .set("FHIR_SERVER", "medplum")
        .set("FHIR_SUBSCRIPTION_SIGNING_SECRET", "the-secret-to-sign-notifications-with")
        .arguments(&["record", directory.text()])
        .start();
    let address = program.address().await;
    let body = r#"{"resourceType":"Appointment","id":"1","status":"arrived","comment":"canary"}"#;
    // Without the secret, with a wrong signature, and with the secret but without a signature.
    let stranger = || Request::of_a_stranger("POST", "/arrived-appointments").json(body);
    for refused in [
        stranger(),
        stranger().header("x-signature", "0".repeat(64)),
        Request::new("POST", "/arrived-appointments").json(body),
    ] {
        assert_eq!(refused.send(address).await.status, 401, "{refused:?}");
    }
    assert_eq!(directory.files(), Vec::<std::path::PathBuf>::new());
}

#[cfg(unix)]
#[tokio::test]
async fn odd_files_are_refused_before_any_is_replayed() {
    let directory = Directory::new("odd-replays");
    record(&directory, &[]).await;
    let sound = directory.files().remove(0);
    let path = |name: &str| directory.0.join(name);
    let half = &std::fs::read(&sound).unwrap()[..60];
    for (name, content) in [
        ("empty", &b""[..]),
        ("half", half),
        ("bytes", b"\xff\xfe canary"),
        ("deep", "[".repeat(200_000).as_bytes()),
        ("twice", br#"{"method":"PUT","path":"/a","text":"canary","body":{}}"#),
    ] {
        std::fs::write(path(name), content).unwrap();
    }
    std::os::unix::fs::symlink(&sound, path("link")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", path("endless")).unwrap();
    std::os::unix::fs::symlink(path("circle"), path("circle")).unwrap();
    for (name, said) in [
        ("empty", "no recorded delivery"),
        ("half", "no recorded delivery"),
        ("bytes", "cannot be read"),
        ("deep", "no recorded delivery"),
        ("twice", "more than one of"),
        ("endless", "is larger than 64 MiB"),
        ("circle", "cannot be read"),
        ("absent", "cannot be read"),
        (".", "cannot be read"),
    ] {
        let odd = path(name);
        let run = Launch::bare(ARRIVALS)
            .arguments(&["replay", sound.to_str().unwrap(), odd.to_str().unwrap()])
            .run()
            .await;
        assert_eq!(run.code, Some(2), "{name}: {run:?}");
        assert!(run.stderr.contains(said) && !run.text().contains("canary"), "{name}: {run:?}");
        assert!(!run.stdout.contains("handled"), "{name}: {run:?}");
    }
    let run = Launch::bare(ARRIVALS).arguments(&["replay", path("link").to_str().unwrap()]).run().await;
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_directory_that_cannot_be_written_is_said_once_and_disturbs_no_handler() {
    let directory = Directory::new("unwritable");
    // Even root writes no file there.
    let start = |place: &str| Launch::bare(ARRIVALS).set("PORT", "0").arguments(&["record", place]);
    for place in ["/proc/self/fdinfo", "/dev/null", "/dev/null/deliveries"] {
        let run = start(place).run().await;
        assert_eq!(run.code, Some(2), "{place}: {run:?}");
        assert!(
            run.stderr.contains("cannot be recorded into") && run.stderr.contains(place),
            "{place}: {run:?}"
        );
    }
    let place = directory.0.join("gone");
    let mut program = start(place.to_str().unwrap()).start();
    let (sample, address) = printed(&program).await;
    std::fs::remove_dir_all(&place).unwrap();
    for _ in 0..3 {
        assert_eq!(sample.send(address).await.status, 201);
    }
    let handled = |lines: &[String]| lines.iter().filter(|line| line.contains("outcome=\"handled\"")).count();
    program.output.until("three deliveries", |lines| handled(lines) == 3).await;
    program.signal("INT");
    assert_eq!(program.exit().await, Some(0));
    assert_eq!(
        program.output.text().matches("deliveries cannot be recorded").count(),
        1,
        "{}",
        program.output.text()
    );
}

#[tokio::test]
async fn a_redacted_delivery_names_nobody_and_is_replayed_too() {
    let directory = Directory::new("redact");
    record(&directory, &["--redact"]).await;
    let files = directory.files();
    let text = read(&files[0]);
    assert!(!text.contains("canary") && text.contains("\"status\": \"arrived\""), "{text}");
    let run = Launch::bare(ARRIVALS).arguments(&["replay", files[0].to_str().unwrap()]).run().await;
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[tokio::test]
async fn a_dead_letter_of_a_deployed_program_is_handled_here() {
    const ADMIN: &str = "the-secret-of-the-administrator-4567";
    let fhir = FhirServer::start().await;
    fhir.sandbox.update(&patient::patient()).await.expect("the sandbox takes it");
    let launch =
        || Launch::new(APP).set("FHIR_BASE_URL", &fhir.url).set("FHIR_SUBSCRIPTION_ADMIN_SECRET", ADMIN);
    let deployed = launch().start();
    let address = deployed.address().await;
    let notification = Request::new("PUT", "/fails-for-good/Patient/1").json(patient::text());
    assert_eq!(notification.send(address).await.status, 422);
    let letters = Request::of_a_stranger("GET", "/dead-letters").header("x-subscription-auth", ADMIN);
    let letters = letters.send(address).await.json();
    let key = letters["deadLetters"][0]["key"].as_str().expect("a dead letter").to_owned();

    let pull =
        |key: &str| launch().set("APP_BASE_URL", format!("http://{address}")).arguments(&["pull", key]);
    let run = pull(&key[..16]).run().await;
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("called fails-for-good\n"), "{run:?}");
    assert!(run.stdout.contains("fails-for-good: Patient/1 was given up (failed for good)"), "{run:?}");
    assert!(!run.text().contains(ADMIN), "{run:?}");
    // It stays where it is.
    let letters = Request::of_a_stranger("GET", "/dead-letters").header("x-subscription-auth", ADMIN);
    assert_eq!(letters.send(address).await.json()["deadLetters"].as_array().unwrap().len(), 1);

    let unknown = pull("ffffffffffffffff").run().await;
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    let wrong =
        pull(&key).set("FHIR_SUBSCRIPTION_ADMIN_SECRET", "another-secret-of-nobody-at-all-0").run().await;
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("has refused FHIR_SUBSCRIPTION_ADMIN_SECRET"), "{wrong:?}");
}
