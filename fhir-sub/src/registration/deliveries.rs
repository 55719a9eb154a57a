//! The last deliveries of a Subscription, from a server that keeps an AuditEvent for each.

use serde_json::Value;

use crate::client::FhirClient;
use crate::fhir::Instant;

/// How many deliveries are read, newest first.
const LOOKED_AT: usize = 20;

/// The failures of the last deliveries. The text repeats nothing of the server's, because the server's texts
/// may quote a patient.
///
/// `None` if no delivery failed, or if the server does not say.
pub(super) async fn failed(client: &FhirClient, id: &str) -> Option<String> {
    let entity = format!("Subscription/{id}");
    let count = LOOKED_AT.to_string();
    let query = [("entity", &*entity), ("_sort", "-_lastUpdated"), ("_count", &*count)];
    let mut search = client.search_type::<Value>("AuditEvent", &query);
    let mut all = Vec::new();
    while all.len() < LOOKED_AT
        && let Some(event) = search.next().await
    {
        all.push(event.ok()?);
    }
    let failures: Vec<_> = all.iter().filter(|event| is_failure(event)).collect();
    let last = failures.first()?;
    let at = ["/recorded", "/meta/lastUpdated"];
    let at = at.iter().find_map(|place| Instant::parse(last.pointer(place)?.as_str()?));
    let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
    let status = last["outcomeDesc"].as_str().and_then(http_status);
    let status = status.map_or_else(|| "no answer".to_owned(), |status| format!("HTTP status {status}"));
    let since = if is_failure(&all[0]) { "" } else { ", and later ones were delivered" };
    Some(format!(
        "the last delivery that failed was{at} ({status}); {} of the last {} failed{since}",
        failures.len(),
        all.len()
    ))
}

/// `AuditEvent.outcome`: `0` is success, <https://hl7.org/fhir/R4/valueset-audit-event-outcome.html>.
fn is_failure(event: &Value) -> bool {
    event["outcome"].as_str().is_some_and(|outcome| outcome != "0")
}

/// The status in Medplum's text `Attempt 1 received status 500`.
fn http_status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("received status ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|status| (100..=599).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_is_taken_from_the_servers_text() {
        for (text, expected) in [
            ("Attempt 1 received status 500", Some(500)),
            ("Attempt 3 received status 422 for John Doe", Some(422)),
            ("Attempt 1 received error connect ECONNREFUSED 10.0.0.1", None),
            ("Attempt 1 received status 99999", None),
            ("Attempt 1 received status John", None),
            ("", None),
        ] {
            assert_eq!(http_status(text), expected, "{text}");
        }
    }
}
