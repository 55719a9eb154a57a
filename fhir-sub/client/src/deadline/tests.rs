use super::*;

#[tokio::test(start_paused = true)]
async fn remaining_goes_down_to_zero_and_stays_there() {
    let deadline = Deadline::after(Duration::from_secs(2));
    assert_eq!(deadline.remaining(), Duration::from_secs(2));
    tokio::time::advance(Duration::from_secs(3)).await;
    assert_eq!(deadline.remaining(), Duration::ZERO);
    assert!(deadline.has_passed());
}

#[test]
fn a_time_beyond_the_clock_does_not_panic() {
    assert!(!Deadline::after(Duration::MAX).has_passed());
}
