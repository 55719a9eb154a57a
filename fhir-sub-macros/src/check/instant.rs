//! The form of a FHIR `instant`: <https://hl7.org/fhir/R4/datatypes.html#instant>.

use syn::LitStr;

use fhir_sub_search::calendar;

/// A date, a time with seconds and a zone: `2030-12-31T23:59:59Z`.
pub(super) fn check(literal: &LitStr) -> Result<LitStr, String> {
    match parse(&literal.value()) {
        Ok(()) => Ok(literal.clone()),
        Err(mistake) => Err(format!(
            "{mistake}: `end` takes a FHIR instant, such as `end = \"2030-12-31T23:59:59Z\"` or \
             `end = \"2030-12-31T23:59:59.5+01:00\"`"
        )),
    }
}

fn parse(text: &str) -> Result<(), &'static str> {
    let (date, rest) = text.split_once('T').ok_or("the instant has no time")?;
    calendar::date(date)?;
    let (time, zone) = rest.split_at(rest.find(['Z', '+', '-']).ok_or("the instant has no zone")?);
    calendar::time(time)?;
    calendar::zone(zone)
}

#[cfg(test)]
mod tests;
