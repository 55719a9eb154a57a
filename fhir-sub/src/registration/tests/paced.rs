//! A server with a limit of requests per minute.

use super::odd::{Ways, odd};
use super::*;

#[tokio::test(start_paused = true)]
async fn medplum_gets_fewer_than_500_writes_a_minute() {
    let declarations = || (0..700).map(|number| patients(format!("e{number}").leak())).collect();
    let (app, server) = odd(Ways::default(), declarations(), &[("FHIR_SERVER", "medplum")]);
    let limit = Duration::from_secs(120) + further_time(&app);
    let report = register(&app, Options::default(), Deadline::after(limit)).await;
    assert!(report.is_complete(), "{:?}", report.rows().iter().find(|row| row.result == RowResult::Failed));
    let times = server.times_of_writes();
    assert_eq!(times.len(), 700);
    for (first, at) in times.iter().enumerate() {
        let within =
            times[first..].iter().take_while(|other| **other < *at + Duration::from_secs(60)).count();
        assert!(within < 500, "{within}");
    }
    // Registrations with other servers do not wait.
    let (app, server) = odd(Ways::default(), declarations(), &[]);
    app.register(Options::default()).await;
    assert!(server.times_of_writes().last().is_some_and(|at| *at < Duration::from_secs(10)));
}
