use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Encounter", endpoint = "encounters")]
async fn encounters(event: Event) -> Result<()> {
    let focus = event.focus().ok_or("nothing is named")?;
    let id = focus.split_once('/').ok_or_else(|| format!("{focus} has no id"))?;
    let _ = id;
    Ok(())
}

fhir_lambda_main!();
