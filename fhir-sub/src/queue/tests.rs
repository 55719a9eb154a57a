use super::*;

fn of_answer(status: u16, body: &str) -> (bool, NotSent) {
    let failed = Failed::of_answer(StatusCode::from_u16(status).unwrap(), body.as_bytes());
    (failed.may_succeed, failed.reason)
}

#[test]
fn what_sqs_answers_is_told_by_a_code_and_nothing_else() {
    let refused = |may_succeed, text: &str| (may_succeed, NotSent::Refused(text.into()));
    let of = |kind: &str| format!(r#"{{"__type":"{kind}","message":"canary"}}"#);
    for (status, body, expected) in [
        (
            400,
            of("com.amazonaws.sqs#QueueDoesNotExist"),
            refused(false, "SQS answered 400 Bad Request (QueueDoesNotExist)"),
        ),
        (
            400,
            of("AWS.SimpleQueueService.NonExistentQueue"),
            refused(false, "SQS answered 400 Bad Request (NonExistentQueue)"),
        ),
        (
            400,
            of("com.amazonaws.sqs#RequestThrottled"),
            refused(true, "SQS answered 400 Bad Request (RequestThrottled)"),
        ),
        (
            403,
            of("com.amazon.coral.service#AccessDeniedException"),
            refused(false, "SQS answered 403 Forbidden (AccessDeniedException)"),
        ),
        (
            500,
            of("ServiceUnavailable"),
            refused(true, "SQS answered 500 Internal Server Error (ServiceUnavailable)"),
        ),
        (503, "canary".into(), refused(true, "SQS answered 503 Service Unavailable")),
        (400, of("the canary of a patient"), refused(false, "SQS answered 400 Bad Request")),
        (400, of("InvalidParameterValue"), (false, NotSent::TooLong)),
        (400, of("com.amazonaws.sqs#InvalidParameterValueException"), (false, NotSent::TooLong)),
    ] {
        assert_eq!(of_answer(status, &body), expected, "{body}");
    }
}

#[test]
fn a_message_has_the_members_that_sqs_reads() {
    let message = SendMessage {
        queue_url: "https://sqs.eu-west-2.amazonaws.com/1/q",
        message_body: "{\"a\":1}",
        message_group_id: None,
        message_deduplication_id: None,
    };
    let written = serde_json::to_string(&message).unwrap();
    assert_eq!(
        written,
        r#"{"QueueUrl":"https://sqs.eu-west-2.amazonaws.com/1/q","MessageBody":"{\"a\":1}"}"#
    );
}
