//! Odd cases that the report must mention.

use crate::promises::kit::{
    Do, REQUIRED, app, criteria, front, moment, otherwise, page, reply, script, shared, swept,
};
use crate::sandbox::Behaviour;

/// 21: a first sweep with a `since` in the future, by mistake.
#[tokio::test(start_paused = true)]
async fn t21_a_first_since_in_the_future() {
    let script = script(|_| Do::Ok);
    let server = front(move |asked| {
        let mut reply = if asked.starts_with("GET Encounter?") {
            reply(200, page(asked, &[("1".to_owned(), "1".to_owned(), 60_000)]))
        } else {
            otherwise(asked)
        };
        reply.date = Some(moment(120_000));
        reply
    });
    let app = app(Behaviour::Generic, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    swept(&app, Some("2062-01-01T00:00:00Z"), 60).await;
    for _ in 0..10 {
        swept(&app, None, 60).await;
    }
    swept(&app, None, 60).await;
    assert_eq!(script.ran().len(), 1, "nothing is ever found");
}
