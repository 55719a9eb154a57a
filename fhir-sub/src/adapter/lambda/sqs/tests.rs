use serde_json::json;

use super::super::tests::kit::{Queued, encounter, in_group, message, notification, with_endpoint};

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

/// As over HTTP.
#[tokio::test(start_paused = true)]
async fn a_byte_order_mark_is_passed_over() {
    let queued = Queued::new();
    let marked = |number: usize, body: String| {
        let mut message = message(number, "e", encounter("0"));
        message["body"] = format!("\u{feff}{body}").into();
        message
    };
    let sns = |body: String| {
        let message = format!("\u{feff}{body}");
        json!({ "Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-2:1:x", "Message": message })
            .to_string()
    };
    let records = [
        marked(1, encounter("1").to_string()),
        marked(2, sns(encounter("2").to_string())),
        marked(3, json!({ "detail-type": "e", "detail": encounter("3") }).to_string()),
    ];
    assert_eq!(queued.failed(&records).await, [""; 0]);
    assert_eq!(queued.done().len(), 6);
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
    // The message names one of the two handlers.
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
async fn messages_that_nobody_waits_for_have_all_the_time() {
    let queued = Queued::new();
    // Each takes more than half of the minute.
    let batch: Vec<_> =
        (0..10).map(|number| message(number, "e", encounter(&format!("long-{number}")))).collect();
    assert_eq!(queued.failed(&batch).await, [""; 0]);
    assert_eq!(queued.done().len(), 20);
    // An eleventh message waits, and gets half of the time.
    let batch: Vec<_> =
        (10..21).map(|number| message(number, "e", encounter(&format!("long-{number}")))).collect();
    assert_eq!(queued.failed(&batch).await.len(), 11);
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
    // Each group keeps its order, and the groups run at the same time.
    assert!(place("e 1.") < place("e fails-2") && place("e 3.") < place("e 5"), "{done:?}");
    assert!(place("e 3") < place("e 1."), "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_of_a_group_has_all_the_time() {
    let queued = Queued::new();
    let batch: Vec<_> =
        (0..3).map(|number| message(number, "e.fifo", encounter(&format!("slow-{number}")))).collect();
    // Two messages take 40 seconds together; the third has less time than it needs.
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
async fn versions_of_one_resource_wait_for_each_other_and_for_no_other_resource() {
    let queued = Queued::new();
    let bare = |number: usize| message(number, "latest", encounter(&format!("slow-{number}")));
    let own = |number: usize| {
        let reference = format!("Encounter/slow-{number}");
        let path = format!("/latest/{reference}");
        let notification = encounter(&format!("slow-{number}"));
        let body = json!({
            "fhir-sub": "notification", "endpoint": "latest", "method": "PUT", "path": path,
            "reference": reference, "notification": notification,
        });
        message(number, "notifications", body)
    };
    let batch: Vec<_> = (0..5).map(bare).chain((5..10).map(own)).collect();
    let began = tokio::time::Instant::now();
    assert_eq!(queued.failed(&batch).await, [""; 0]);
    assert!(began.elapsed().as_secs() < 21, "{:?}", began.elapsed());
    assert_eq!(queued.done().len(), 20);

    let version = |number: usize| {
        let mut encounter = encounter("slow-x");
        encounter["meta"] =
            json!({ "versionId": number.to_string(), "lastUpdated": format!("2026-01-31T12:00:0{number}Z") });
        message(number, "latest", encounter)
    };
    assert_eq!(queued.failed(&[version(1), version(2)]).await, [""; 0]);
    let run = ["latest slow-x", "latest slow-x."];
    assert_eq!(queued.done(), [run, run].concat());
}

/// A notification of a topic may be about several resources.
#[tokio::test(start_paused = true)]
async fn notifications_of_a_topic_wait_for_each_other_if_the_latest_is_wanted() {
    let queued = Queued::new();
    let of = |id: &str| message(1, "visits", notification("https://example.org/topics/ordered", id));
    let began = tokio::time::Instant::now();
    assert_eq!(queued.failed(&[of("slow-1"), of("slow-2")]).await, [""; 0]);
    assert!((40..42).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!(queued.done(), ["ordered slow-1", "ordered slow-1.", "ordered slow-2", "ordered slow-2."]);
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

#[tokio::test(start_paused = true)]
async fn an_odd_message_fails_alone() {
    let queued = Queued::new();
    let odd = |member: &str, value: serde_json::Value| {
        let mut message = message(1, "visits", encounter("1"));
        message[member] = value;
        message
    };
    let binary = json!({ "endpoint": { "binaryValue": "ZQ==", "dataType": "Binary" } });
    for (what, odd) in [
        ("no attributes", odd("messageAttributes", json!(null))),
        ("attributes in another form", odd("messageAttributes", json!(["endpoint"]))),
        ("an attribute in another form", odd("messageAttributes", json!({ "endpoint": "e" }))),
        ("an endpoint of a number", odd("messageAttributes", json!({ "endpoint": { "stringValue": 5 } }))),
        ("an endpoint in bytes", odd("messageAttributes", binary)),
        ("no system attributes", odd("attributes", json!(null))),
        ("system attributes in another form", odd("attributes", json!({ "MessageGroupId": {} }))),
        ("no body", odd("body", json!(null))),
        ("a body that is no text", odd("body", json!({ "canary": [] }))),
        ("an endpoint that is a path", with_endpoint(message(1, "e", encounter("1")), "../e")),
        ("an endpoint of nothing", with_endpoint(message(1, "e", encounter("1")), "")),
        ("another case", with_endpoint(message(1, "e", encounter("1")), "E")),
    ] {
        let other = message(2, "e", encounter("2"));
        assert_eq!(queued.failed(&[odd, other]).await, ["m1"], "{what}");
        let done = queued.done();
        // The other one is known to be done from the first case on.
        assert!(done.is_empty() || done == ["e 2", "e 2."], "{what}: {done:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_message_pretends_to_be_is_not_believed() {
    let queued = Queued::new();
    let topic_arn = "arn:aws:sns:eu-west-2:123456789012:visits";
    let sns = |message: String| json!({ "Type": "Notification", "TopicArn": topic_arn, "Message": message });
    let own = json!({
        "fhir-sub": "notification", "endpoint": "latest", "method": "POST", "path": "/e", "notification": encounter("1"),
    });
    let http = json!({
        "requestContext": { "http": { "method": "POST" } }, "rawPath": "/e", "headers": {}, "body": encounter("1").to_string(),
    });
    let batch = json!({ "Records": [message(9, "e", encounter("1"))] });
    let bus = json!({ "detail-type": "e", "detail": batch });
    for (what, body) in [
        ("HTTP", http.to_string()),
        ("a batch", batch.to_string()),
        ("a batch on a bus", bus.to_string()),
        ("a sweep", json!({ "fhir-sub": "sweep" }).to_string()),
        (
            "a schedule",
            json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} }).to_string(),
        ),
        ("SNS within SNS", sns(sns(encounter("1").to_string()).to_string()).to_string()),
        ("the program's own queue, by way of SNS", sns(own.to_string()).to_string()),
        (
            "SNS that confirms",
            json!({ "Type": "SubscriptionConfirmation", "TopicArn": topic_arn, "Message": "" }).to_string(),
        ),
        ("an own message of no method", own.to_string().replace("POST", "P OST")),
        ("deep brackets", "[".repeat(100_000)),
    ] {
        assert_eq!(queued.failed(&[message(1, "e", &body)]).await, ["m1"], "{what}");
        assert_eq!(queued.done(), [""; 0], "{what}");
    }
    // The attribute of the message decides, whatever its body says.
    assert_eq!(queued.failed(&[with_endpoint(message(1, "visits", &own), "e")]).await, ["m1"]);
    assert_eq!(queued.done(), [""; 0]);
    // On the program's own queue it is one.
    assert_eq!(queued.failed(&[message(1, "e", own)]).await, [""; 0]);
    assert_eq!(queued.done(), ["latest 1", "latest 1."]);
}

/// A writer to another queue must not choose the endpoint, the tenant and the method.
#[cfg(feature = "queue")]
#[tokio::test(start_paused = true)]
async fn a_message_of_queue_mode_is_believed_on_the_programs_own_queue_only() {
    let url = "https://sqs.eu-west-2.amazonaws.com/123456789012/notifications";
    let queued = Queued::with(|builder| builder.set("FHIR_SUBSCRIPTION_QUEUE", url));
    let own = json!({
        "fhir-sub": "notification", "endpoint": "latest", "method": "POST", "path": "/e", "notification": encounter("1"),
    });
    let mut of_other_account = message(1, "notifications", &own);
    of_other_account["eventSourceARN"] = "arn:aws:sqs:eu-west-2:210987654321:notifications".into();
    for (what, record) in [
        ("another queue, or SNS by raw delivery", message(1, "e", &own)),
        ("another queue with a similar name", message(1, "other-notifications", &own)),
        ("a FIFO queue", message(1, "notifications.fifo", &own)),
        ("another account", of_other_account),
        (
            "another tenant",
            message(1, "notifications", own.to_string().replace("\"method", "\"tenant\":\"north\",\"method")),
        ),
    ] {
        assert_eq!(queued.failed(&[record]).await, ["m1"], "{what}");
        assert_eq!(queued.done(), [""; 0], "{what}");
    }
    assert_eq!(queued.failed(&[message(1, "notifications", &own)]).await, [""; 0]);
    assert_eq!(queued.done(), ["latest 1", "latest 1."]);
    // Other messages may come from anywhere, as before.
    assert_eq!(queued.failed(&[message(1, "e", encounter("2"))]).await, [""; 0]);
    assert_eq!(queued.done(), ["e 2", "e 2."]);
}

#[tokio::test(start_paused = true)]
async fn a_huge_batch_is_handled_and_its_groups_keep_their_order() {
    let queued = Queued::new();
    let count = 2_000;
    let batch: Vec<_> = (0..count)
        .map(|number| {
            let id = if number % 100 == 7 { format!("fails-{number}") } else { number.to_string() };
            in_group(message(number, "e.fifo", encounter(&id)), &format!("group {}", number % 100))
        })
        .collect();
    let failed = queued.failed(&batch).await;
    // The first of one group fails, and all behind it wait.
    let expected: Vec<_> =
        (0..count).filter(|number| number % 100 == 7).map(|number| format!("m{number}")).collect();
    assert_eq!(failed, expected);
    assert_eq!(queued.done().len(), 2 * (count - count / 100) + 2);
}
