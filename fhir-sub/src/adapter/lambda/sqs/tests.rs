use serde_json::json;

use super::super::kit::{Queued, encounter, in_group, message, notification, with_endpoint};

const TOPIC: &str = "https://example.org/topics/admission";

#[tokio::test(start_paused = true)]
async fn a_message_is_routed_by_its_attribute_else_its_queue_else_its_topic() {
    let queued = Queued::new();
    let sns = |attributes: serde_json::Value, id: &str| {
        json!({
            "Type": "Notification",
            "MessageId": "dc1e94d9-56c5-5e96-808d-cc7f68faa162",
            "TopicArn": "arn:aws:sns:eu-west-2:123456789012:visits",
            "Subject": "TestSubject",
            "Message": encounter(id).to_string(),
            "Timestamp": "2021-02-16T21:41:19.978Z",
            "SignatureVersion": "1",
            "Signature": "FMG5tlZhJNHLHUXvZgtZzlk24FzVa7oX0T4P03neeXw8ZEXZx6z35j2FOTuNYShn2h0bKNC/",
            "SigningCertURL": "https://sns.eu-west-2.amazonaws.com/SimpleNotificationService-010a507.pem",
            "UnsubscribeURL": "https://sns.eu-west-2.amazonaws.com/?Action=Unsubscribe",
            "MessageAttributes": attributes,
        })
    };
    let by_attribute = json!({ "endpoint": { "Type": "String", "Value": "e" } });
    let event = |detail: serde_json::Value| json!({ "version": "0", "id": "1", "detail-type": "e", "source": "mine", "detail": detail });
    for (what, record, done) in [
        ("attribute", with_endpoint(message(1, "visits", encounter("1")), "e"), "e 1"),
        ("attribute before queue", with_endpoint(message(1, "latest", encounter("2")), "e"), "e 2"),
        ("queue", message(1, "e", encounter("3")), "e 3"),
        ("FIFO queue", message(1, "e.fifo", encounter("4")), "e 4"),
        ("topic", message(1, "visits", notification(TOPIC, "5")), "admissions 5"),
        (
            "version",
            message(1, "visits", notification("https://example.org/topics/admission|1.0", "6")),
            "admissions 6",
        ),
        ("SNS by queue", message(1, "e", sns(json!({}), "7")), "e 7"),
        ("SNS by its own attribute", message(1, "visits", sns(by_attribute.clone(), "8")), "e 8"),
        (
            "SQS's before SNS's",
            with_endpoint(message(1, "visits", sns(by_attribute, "9")), "latest"),
            "latest 9",
        ),
        ("EventBridge within SQS", message(1, "visits", event(encounter("10"))), "e 10"),
        ("queue before detail-type", message(1, "latest", event(encounter("11"))), "latest 11"),
    ] {
        assert_eq!(queued.failed(&[record]).await, [""; 0], "{what}");
        assert_eq!(queued.done(), [done.to_owned(), format!("{done}.")], "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_for_no_handler_comes_again() {
    let queued = Queued::new();
    let version_2 = "https://example.org/topics/admission|2.0";
    let shared = "https://example.org/topics/shared";
    for (what, record) in [
        ("a resource", message(1, "visits", encounter("1"))),
        ("an unknown endpoint", with_endpoint(message(1, "e", encounter("1")), "else")),
        ("a topic of two", message(1, "visits", notification(shared, "1"))),
        ("another version of the topic", message(1, "visits", notification(version_2, "1"))),
        ("an unknown topic", message(1, "visits", notification("https://example.org/other", "1"))),
        ("no JSON", message(1, "visits", "{")),
        ("no JSON, routed", message(1, "e", "{")),
        ("another type", message(1, "e", json!({ "resourceType": "Patient", "id": "1" }))),
        ("nothing", message(1, "e", "")),
    ] {
        assert_eq!(queued.failed(&[record]).await, ["m1"], "{what}");
        assert_eq!(queued.done(), [""; 0], "{what}");
    }
    // One of the two says that it is wanted of them.
    let named = with_endpoint(message(1, "visits", notification(shared, "1")), "other");
    assert_eq!(queued.failed(&[named]).await, [""; 0]);
    assert_eq!(queued.done(), ["other 1", "other 1."]);
}

#[tokio::test(start_paused = true)]
async fn only_what_failed_of_a_batch_comes_again_until_it_is_given_up() {
    let queued = Queued::new();
    let batch = || {
        ["1", "fails-2", "3", "never-4"]
            .into_iter()
            .enumerate()
            .map(|(number, id)| message(number, "e", encounter(id)))
            .collect::<Vec<_>>()
    };
    assert_eq!(queued.failed(&batch()).await, ["m1"], "one for good is a dead letter, and done");
    assert_eq!(queued.done().len(), 8);
    // The other three are known to be done, and the second try was the last.
    assert_eq!(queued.failed(&batch()).await, [""; 0]);
    assert_eq!(queued.done(), ["e fails-2", "e fails-2."]);
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_standard_queue_are_handled_side_by_side() {
    let queued = Queued::new();
    let batch: Vec<_> =
        (0..10).map(|number| message(number, "e", encounter(&format!("slow-{number}")))).collect();
    let began = tokio::time::Instant::now();
    assert_eq!(queued.failed(&batch).await, [""; 0]);
    assert!(began.elapsed().as_secs() < 21, "{:?}", began.elapsed());
    assert_eq!(queued.done().len(), 20);
}

#[tokio::test(start_paused = true)]
async fn many_that_hang_leave_time_for_the_others_and_for_the_answer() {
    let queued = Queued::new();
    let hangs = (0..15).map(|number| message(number, "e", encounter(&format!("hangs-{number}"))));
    let quick = (15..30).map(|number| message(number, "e", encounter(&number.to_string())));
    let batch: Vec<_> = hangs.chain(quick).collect();
    let began = tokio::time::Instant::now();
    let failed = queued.failed(&batch).await;
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    assert_eq!(failed, (0..15).map(|number| format!("m{number}")).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_group_stops_at_its_first_failure_and_others_go_on() {
    let queued = Queued::new();
    let of = |number, group, id| in_group(message(number, "e.fifo", encounter(id)), group);
    let batch = [of(0, "a", "1"), of(1, "a", "fails-2"), of(2, "b", "3"), of(3, "a", "4"), of(4, "b", "5")];
    assert_eq!(queued.failed(&batch).await, ["m1", "m3"]);
    let done = queued.done();
    assert!(!done.contains(&"e 4".to_owned()), "{done:?}");
    let place = |text: &str| done.iter().position(|line| line == text).unwrap();
    // In the order of each group, and the groups side by side.
    assert!(place("e 1.") < place("e fails-2") && place("e 3.") < place("e 5"), "{done:?}");
    assert!(place("e 3") < place("e 1."), "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_of_a_group_has_all_the_time() {
    let queued = Queued::new();
    let batch: Vec<_> =
        (0..3).map(|number| message(number, "e.fifo", encounter(&format!("slow-{number}")))).collect();
    // Two take 40 seconds; the third has less than it takes.
    assert_eq!(queued.failed(&batch).await, ["m2"]);
}

#[tokio::test(start_paused = true)]
async fn versions_of_one_resource_are_not_in_each_others_way() {
    let queued = Queued::new();
    let of = |number: usize| {
        let mut encounter = encounter("7");
        encounter["meta"] =
            json!({ "versionId": number.to_string(), "lastUpdated": format!("2026-01-31T12:00:0{number}Z") });
        message(number, "latest", encounter)
    };
    assert_eq!(queued.failed(&[of(1), of(2), of(3)]).await, [""; 0]);
    assert_eq!(queued.done().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_is_done_without_a_handler() {
    let queued = Queued::new();
    let mut handshake = notification(TOPIC, "1");
    handshake["entry"].as_array_mut().unwrap().truncate(1);
    let parameters = handshake["entry"][0]["resource"]["parameter"].as_array_mut().unwrap();
    parameters.truncate(5);
    parameters[3]["valueCode"] = "handshake".into();
    assert_eq!(queued.failed(&[message(1, "admissions", handshake)]).await, [""; 0]);
    assert_eq!(queued.done(), [""; 0]);
}
