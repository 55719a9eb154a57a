//! HL7's published examples for R4 (the Backport IG), R4B and R5. They are not part of this repository.

use std::path::Path;

use super::*;

const ENCOUNTER: &str = "Encounter/86009987-eabe-42bf-8c02-b112b18cb616";

/// The result of the example with this name. The examples of R5 exist with numbers, and with strings instead.
fn expected(name: &str) -> Vec<String> {
    let name = name.strip_suffix(".int64-strings").unwrap_or(name);
    let events: &[&str] = match name {
        "R4-ig-handshake"
        | "R4B-ig-handshake"
        | "R4B-notification-handshake"
        | "R5-notification-handshake" => &["handshake"],
        "R4-ig-heartbeat"
        | "R4B-ig-heartbeat"
        | "R4B-notification-heartbeat"
        | "R5-notification-heartbeat" => &["heartbeat"],
        "R4-ig-error" | "R4B-ig-error" | "R4B-notification-query-status" | "R5-notification-query-status" => {
            &["query-status"]
        }
        "R4-ig-empty" | "R4-ig-empty-with-auth" | "R4B-ig-empty" | "R4B-ig-empty-with-auth" => {
            &["#2 unknown -@-"]
        }
        "R4B-notification-empty" | "R5-notification-empty" => &["#2 unknown -@-"],
        "R5-notification-error" => &["#328 unknown -@-"],
        "R4-ig-id-only" | "R4-ig-id-only-with-query" | "R4B-ig-id-only" | "R4B-ig-id-only-with-query" => {
            return vec![format!("#2 unknown {ENCOUNTER}@-")];
        }
        "R4-ig-full-resource" | "R4-ig-multi-resource" | "R4B-ig-full-resource" | "R4B-ig-multi-resource" => {
            return vec![format!("#2 create {ENCOUNTER}@- {{…}}")];
        }
        "R4B-notification-id-only" | "R4B-notification-id-only-with-patient" => &["#2 update Encounter/2@-"],
        "R5-notification-id-only" | "R5-notification-id-only-with-patient" => &["#2 update Encounter/2@-"],
        "R4B-notification-id-only-query" => &["#1 update Encounter/1@-", "#2 update Encounter/2@-"],
        "R4B-notification-full-resource" | "R4B-notification-full-resource-with-patient" => {
            &["#2 update Encounter/2@1 {…}"]
        }
        "R5-notification-full-resource" | "R5-notification-full-resource-with-patient" => {
            &["#2 update Encounter/2@1 {…}"]
        }
        "R5-notification-query-event" => {
            &["#307 update Encounter/307@1 {…}", "#308 update Encounter/308@1 {…}"]
        }
        // These are for other channels than a rest-hook.
        "R4B-notification-message-full-resource" | "R5-notification-message-full-resource" => &["422"],
        "R4B-subscriptionstatus-example" => &["422"],
        _ => panic!("{name} is an example that no one has looked at"),
    };
    events.iter().map(ToString::to_string).collect()
}

#[test]
#[expect(clippy::print_stderr, reason = "so that a run without the examples does not pass for one with them")]
fn every_published_example_has_its_events() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/notifications");
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: the published examples are not in {}", folder.display());
        return;
    };
    let mut seen = 0;
    for path in files.map(|file| file.unwrap().path()) {
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_stem().unwrap().to_str().unwrap();
            let body = std::fs::read_to_string(&path).unwrap();
            assert_eq!(told(&topic(), &body), expected(name), "{name}");
            seen += 1;
        }
    }
    assert_eq!(seen, 51, "examples");
}
