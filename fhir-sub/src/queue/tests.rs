use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

use super::*;

fn of_answer(status: u16, body: &str) -> (bool, NotSent) {
    let error = CallError::Refused(StatusCode::from_u16(status).unwrap(), body.to_owned().into());
    (error.may_succeed_later(), error.into())
}

#[test]
fn what_sqs_answers_is_told_by_a_code_and_nothing_else() {
    let refused = |may_succeed, text: &str| (may_succeed, NotSent::Refused(text.into()));
    let of = |kind: &str| format!(r#"{{"__type":"{kind}","message":"canary"}}"#);
    let of_length = |kind: &str, member: &str| {
        let words = "One or more parameters are invalid. Reason: Message must be shorter than 262144 bytes.";
        format!(r#"{{"__type":"{kind}","{member}":"{words}"}}"#)
    };
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
        (400, of_length("InvalidParameterValue", "message"), (false, NotSent::TooLong)),
        (
            400,
            of_length("com.amazonaws.sqs#InvalidParameterValueException", "Message"),
            (false, NotSent::TooLong),
        ),
        (400, of("com.amazonaws.sqs#BatchRequestTooLong"), (false, NotSent::TooLong)),
        // A group for a queue that is not FIFO, for one: no reference mends it.
        (
            400,
            of("com.amazonaws.sqs#InvalidParameterValue"),
            refused(false, "SQS answered 400 Bad Request (InvalidParameterValue)"),
        ),
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

/// Gives credentials after three seconds, as a metadata service that is slow at first.
#[derive(Clone, Debug, Default)]
struct Slow(Arc<std::sync::atomic::AtomicUsize>);

impl ProvideCredentials for Slow {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(3)).await;
            Ok(Credentials::new("AKIDEXAMPLE", "canary-secret-key", None, None, "tests"))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_take_longer_than_a_sending_are_there_for_the_next() {
    let slow = Slow::default();
    let access = Access::by(SharedCredentialsProvider::new(slow.clone()));
    let sending = || tokio::time::timeout(SENDING, access.credentials());
    assert!(sending().await.is_err(), "the time is over");
    let found = sending().await.expect("the first one's task has gone on").unwrap();
    assert_eq!(found.access_key_id(), "AKIDEXAMPLE");
    assert_eq!(slow.0.load(std::sync::atomic::Ordering::Relaxed), 1);
}
