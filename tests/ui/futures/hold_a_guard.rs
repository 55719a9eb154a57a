use fhir_sub::prelude::*;

static TOTAL: std::sync::Mutex<u32> = std::sync::Mutex::new(0);

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(_: Event) -> Result<()> {
    let guard = TOTAL.lock().unwrap();
    std::future::ready(()).await;
    drop(guard);
    Ok(())
}

fhir_lambda_main!();
