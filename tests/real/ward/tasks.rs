//! A handler that fails twice before it succeeds, and still has only one effect.

use std::collections::HashMap;
use std::sync::Mutex;

use fhir_sub::prelude::*;
use serde_json::{Value, json};

/// How often each task has been tried.
#[derive(Debug, Default)]
pub(crate) struct Tries(Mutex<HashMap<String, u32>>);

impl Tries {
    fn count(&self, reference: &str) -> u32 {
        let mut tries = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = tries.entry(reference.to_owned()).or_default();
        *count += 1;
        *count
    }
}

/// Tell the ward what is to be done.
///
/// The first try fails by its own, the second by the server, whose diagnostics quote the description.
#[fhir_subscription(criteria = "Task?status=requested", endpoint = "tasks")]
async fn tasks(task: Resource<Value>, event: Event, tries: State<Tries>, fhir: FhirClient) -> Result<()> {
    let reference = event.focus().unwrap_or_default();
    let count = tries.count(reference);
    tracing::info!(handler = "tasks", reference, count);
    let message = |status: &Value| {
        json!({
            "resourceType": "Communication",
            "status": status,
            "basedOn": [{ "reference": reference }],
            "identifier": task["identifier"],
            "payload": [{ "contentString": task["description"] }],
        })
    };
    match count {
        1 => return Err(Error::transient("the ward does not answer")),
        2 => drop(fhir.create("Communication", &message(&task["description"])).await?),
        _ => {
            let identifier = task["identifier"][0]["value"].as_str().unwrap_or_default();
            let condition = [("identifier", identifier)];
            fhir.create("Communication", &message(&json!("completed"))).if_none_exist(&condition).await?;
            // A search too: its query contains a canary.
            let told = fhir.search_type::<Value>("Communication", &condition).all().await?.len();
            tracing::info!(handler = "tasks", reference, told);
        }
    }
    Ok(())
}
