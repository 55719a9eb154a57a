use std::time::Duration;

use super::{Report, Work};
use crate::deadline::Deadline;

/// The level and the metric of the line.
async fn told(work: Work, doing: impl Future<Output = Report> + Send) -> String {
    let record = work.answer(doing, Deadline::after(Duration::from_secs(1))).await.record;
    let told = format!("{record:?}");
    let (_, severity) = told.split_once("severity: ").expect("it has one");
    severity.split(", given_up").next().expect("it has a metric").to_owned()
}

fn unsound() -> Report {
    Report { is_sound: false, body: "{}".into() }
}

/// A status that tells of a subscription that is wrong is an answer like others: nobody was refused.
#[tokio::test(start_paused = true)]
async fn only_what_failed_is_a_failure() {
    assert_eq!(told(Work::Status, async { unsound() }).await, "Doubtful, measure: None");
    assert_eq!(told(Work::Register, async { unsound() }).await, "Failed, measure: None");
    assert_eq!(told(Work::Status, async { panic!("broken") }).await, "Failed, measure: None");
    assert_eq!(told(Work::Status, std::future::pending()).await, "Failed, measure: None");
}
