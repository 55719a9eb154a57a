use serde_json::{Value, json};

use super::MAXIMUM;
use crate::declaration::{Content, Declaration};
use crate::fixtures::scripted::{Fails, REQUIRED, Scripted, UNUSED, notification, topic};

fn id_only() -> Declaration {
    topic::<UNUSED>(Content::IdOnly, &[])
}

fn scripted(declaration: Declaration, fails: Fails) -> Scripted {
    Scripted::with(declaration, fails, |builder| builder, |_| (404, Value::Null))
}

/// The status, and the issues: each with its code, its event and its text.
async fn answer(test: &Scripted, body: &Value) -> (u16, Vec<String>) {
    let answer = test.answered(body).await.answer;
    if answer.body.is_empty() {
        return (answer.status.as_u16(), Vec::new());
    }
    let outcome: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    let text = |issue: &Value| {
        let [code, about, text] = [&issue["code"], &issue["diagnostics"], &issue["details"]["text"]]
            .map(|text| text.as_str().unwrap_or("-"));
        assert_eq!(issue["severity"], "error");
        format!("{code} {about}: {text}")
    };
    (answer.status.as_u16(), outcome["issue"].as_array().unwrap().iter().map(text).collect())
}

const FAILED: &str = "the event was not processed: send the notification again";

#[tokio::test(start_paused = true)]
async fn each_event_that_is_to_be_sent_again_is_named() {
    let test = scripted(id_only(), |event, _| event.focus() == Some("Encounter/fails"));
    let names = ["Encounter/1", "Encounter/fails", "Encounter/3", "Encounter/fails"];
    let mut body =
        notification("event-notification", 9, &[(6, names[0]), (7, names[1]), (8, names[2]), (9, names[3])]);
    let events = &mut body["entry"][0]["resource"]["notificationEvent"];
    events[3].as_object_mut().unwrap().remove("eventNumber");
    events[2]["focus"] = json!({ "reference": "Encounter/can_ary" });
    let expected = [
        format!("exception event 2 of 4, number 7: {FAILED}"),
        "invalid event 3 of 4, number 8: the id of the resource is not a FHIR id: it has other characters than letters, digits, \
         `-` and `.`"
            .to_owned(),
        format!("exception event 4 of 4: {FAILED}"),
    ];
    assert_eq!(answer(&test, &body).await, (500, expected.to_vec()));
}

#[tokio::test(start_paused = true)]
async fn one_alone_need_not_be_named() {
    let test = scripted(id_only(), |_, _| true);
    let body = notification("event-notification", 7, &[(7, "Encounter/1")]);
    assert_eq!(answer(&test, &body).await, (500, vec![format!("exception -: {FAILED}")]));
    let test = scripted(id_only(), |_, _| false);
    let body = notification("event-notification", 7, &[(6, "Encounter/1"), (7, "Encounter/2")]);
    assert_eq!(answer(&test, &body).await, (204, vec![]));
}

#[tokio::test(start_paused = true)]
async fn what_a_search_is_to_find_is_named_too() {
    let entries = ["1", "fails"].map(|id| json!({ "resource": { "resourceType": "Encounter", "id": id } }));
    let found = json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries });
    let listed = notification("query-event", 8, &[(7, "Encounter/7")]);
    let server = move |asked: &str| match asked {
        _ if asked.contains("$events") => (200, listed.clone()),
        "GET Encounter/7" => (200, json!({ "resourceType": "Encounter", "id": "7" })),
        _ => (200, found.clone()),
    };
    let fails: Fails = |event, _| event.focus() == Some("Encounter/fails");
    let declaration = topic::<REQUIRED>(Content::Empty, &["Encounter?class=IMP"]);
    let test = Scripted::with(declaration, fails, |builder| builder, server);
    let body = notification("event-notification", 8, &[(6, ""), (7, ""), (8, "")]);
    let expected = [
        format!("exception event 1 of 3, number 6: {FAILED}"),
        format!("exception event 3 of 3, number 8: {FAILED}"),
    ];
    assert_eq!(answer(&test, &body).await, (500, expected.to_vec()));
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_bounded() {
    let test = scripted(id_only(), |_, _| true);
    let names: Vec<_> = (0..200).map(|number| (number, format!("Encounter/{number}"))).collect();
    let events: Vec<_> = names.iter().map(|(number, name)| (*number, &**name)).collect();
    let (status, issues) = answer(&test, &notification("event-notification", 200, &events)).await;
    assert_eq!((status, issues.len()), (500, MAXIMUM + 1));
    assert_eq!(issues[MAXIMUM], "informational -: 100 more events were not handled");
}
