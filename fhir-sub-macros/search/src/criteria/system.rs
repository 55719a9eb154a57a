//! The URIs of code systems: a URI that is almost right finds nothing.
//! <https://hl7.org/fhir/R4/terminologies-systems.html>

use super::reference;
use super::value::Asked;
use crate::mistake::Mistake;
use crate::search::Text;

/// Code systems that all of FHIR uses, with other names for them: popular names, and the URLs of their pages.
/// Only lower-case letters and digits.
const SYSTEMS: [(&str, &[&str]); 22] = [
    ("http://loinc.org", &["loinc", "loinccom", "loincorgloinc"]),
    (
        "http://snomed.info/sct",
        &[
            "snomed",
            "snomedct",
            "sct",
            "snomedorg",
            "snomedorgsct",
            "snomedinfo",
            "snomedinfoid",
            "ihtsdoorg",
        ],
    ),
    (
        "http://unitsofmeasure.org",
        &["ucum", "ucumorg", "unitsofmeasure", "unitsofmeasureorgucum", "unitsofmeasureorgucumhtml"],
    ),
    ("http://www.nlm.nih.gov/research/umls/rxnorm", &["rxnorm", "rxnorminfo", "nlmnihgovrxnorm"]),
    ("http://hl7.org/fhir/sid/icd-10", &["icd10", "idc10"]),
    ("http://hl7.org/fhir/sid/icd-10-cm", &["icd10cm"]),
    ("http://hl7.org/fhir/sid/icd-9-cm", &["icd9cm"]),
    ("http://www.cms.gov/Medicare/Coding/ICD10", &["icd10pcs"]),
    ("http://hl7.org/fhir/sid/cvx", &["cvx"]),
    ("http://hl7.org/fhir/sid/mvx", &["mvx"]),
    ("http://hl7.org/fhir/sid/ndc", &["ndc"]),
    ("http://hl7.org/fhir/sid/us-npi", &["npi", "usnpi"]),
    ("http://hl7.org/fhir/sid/us-ssn", &["ssn", "usssn"]),
    ("http://www.ama-assn.org/go/cpt", &["cpt", "amaassnorgcpt"]),
    ("http://www.whocc.no/atc", &["atc"]),
    ("http://nucc.org/provider-taxonomy", &["nucc"]),
    ("http://dicom.nema.org/resources/ontology/DCM", &["dcm", "dicom"]),
    ("http://fdasis.nlm.nih.gov", &["unii"]),
    ("urn:iso:std:iso:3166", &["iso3166"]),
    // The subdivisions of countries.
    ("urn:iso:std:iso:3166:-2", &["iso31662"]),
    ("urn:ietf:bcp:13", &["bcp13"]),
    ("urn:ietf:bcp:47", &["bcp47"]),
];

/// The beginnings of the URLs of HL7's own code systems.
const HL7: [&str; 2] = ["http://terminology.hl7.org/", "http://hl7.org/fhir/"];

/// Endings of a URI that have no meaning.
const ENDS: [char; 3] = ['/', '#', '?'];

/// Checks that `system` is a URI, and not a wrong spelling of a known code system. `of` are the parameter's
/// own code systems, and `code` is the text after the `|`.
pub(super) fn check<'a>(
    asked: &Asked<'_>,
    system: &Text,
    code: &str,
    of: impl IntoIterator<Item = &'a str>,
) -> Result<(), Mistake> {
    check_spelling(asked, system, code, of)?;
    let written = system.to_string();
    if system.is_empty() {
        return Ok(());
    }
    if reference::is_uri(&written) && !written.contains(char::is_whitespace) {
        if reference::has_host(&written) {
            return Ok(());
        }
        let message = format!(
            "`{written}` is not a URI, because it has no host: write the system as in `http://loinc.org|{code}`"
        );
        return Err(of_data(asked.mistake(system, message, "token"), asked.code));
    }
    if reference::is_uri(code) && !reference::is_uri(&written) {
        let message = format!("a code stands behind its system: write `{code}|{written}`");
        return Err(asked.mistake(system, message, "token"));
    }
    let message = if reference::is_uri(&written) {
        format!(
            "a URI has no space, and a `+` in a URL stands for a space: write the `+` of `{written}` as `%2B`"
        )
    } else {
        format!(
            "a code system is named by its URI, and `{written}` is not one: write it as in `http://loinc.org|{code}`, or \
             `{code}` for any system's"
        )
    };
    Err(asked.mistake(system, message, "token"))
}

/// Checks only that `system` is not a wrong spelling of a known code system.
pub(super) fn check_spelling<'a>(
    asked: &Asked<'_>,
    system: &Text,
    code: &str,
    of: impl IntoIterator<Item = &'a str>,
) -> Result<(), Mistake> {
    let written = system.to_string();
    let Some(meant) = meant(&written, of).filter(|_| !system.is_empty()) else { return Ok(()) };
    let is_uri = reference::is_uri(&written);
    let message = if is_uri {
        format!("`{written}` is not the URI of this code system, and finds nothing: write `{meant}|{code}`")
    } else {
        format!("a code system is named by its URI: write `{meant}|{code}`")
    };
    let mistake = Mistake::new(system.place.clone(), message, page(asked));
    Err(if is_uri { of_data(mistake, asked.code) } else { mistake })
}

/// Finds `http://loinc.org/1234-5` instead of `http://loinc.org|1234-5`, and `http://loinc.org` alone.
pub(super) fn check_code(asked: &Asked<'_>, code: &Text) -> Result<(), Mistake> {
    let written = code.to_string();
    if !reference::is_uri(&written) {
        return Ok(());
    }
    let bare = bare(&written);
    let mut known: Vec<_> = SYSTEMS.iter().map(|(system, _)| (*system, self::bare(system))).collect();
    known.push(("http://snomed.info/sct", self::bare("http://snomed.info/id")));
    // The longest first, because ICD-10-CM begins like ICD-10.
    known.sort_by_key(|(_, bare)| std::cmp::Reverse(bare.len()));
    for (system, known) in known {
        let Some(rest) = bare.strip_prefix(known.as_str()) else { continue };
        let message = if rest.is_empty() {
            format!(
                "`{written}` is a code system, and no code: write `{system}|` for any code of it, or `{system}|…`"
            )
        } else if rest.starts_with(['/', '#', ':', ';', '|', '$']) {
            // As written, with its capitals.
            let written = written.trim_end_matches(ENDS);
            let code = &written[written.len() - rest.len() + 1..];
            format!("a `|` stands between a code system and its code: write `{system}|{code}`")
        } else {
            continue;
        };
        return Err(Mistake::new(code.place.clone(), message, page(asked)));
    }
    of_hl7(asked, code, &written)
}

/// The same for the code systems of HL7's terminology, whose URLs end with their names.
fn of_hl7(asked: &Asked<'_>, code: &Text, written: &str) -> Result<(), Mistake> {
    const BASE: &str = "terminology.hl7.org/CodeSystem/";
    let Some(rest) = without_scheme(written).strip_prefix(BASE) else { return Ok(()) };
    let rest = rest.trim_end_matches(ENDS);
    let message = match rest.split_once(['/', '#', ':', ';', '|', '$']) {
        Some((name, code)) => {
            format!("a `|` stands between a code system and its code: write `http://{BASE}{name}|{code}`")
        }
        None => format!(
            "`{written}` is a code system, and no code: write `http://{BASE}{rest}|` for any code of it, or \
             `http://{BASE}{rest}|…`"
        ),
    };
    Err(Mistake::new(code.place.clone(), message, page(asked)))
}

fn page(asked: &Asked<'_>) -> String {
    asked.check.definitions.version.page("terminologies-systems.html")
}

/// Adds a hint for data that contains the system as written, whatever the specification says.
fn of_data(mistake: Mistake, code: &str) -> Mistake {
    mistake.with_hint(format!("A system that your server's data has so: `also = [\"{code}\"]`"))
}

/// Code systems below `http://hl7.org/fhir/` in STU3 that R4 moved to `http://terminology.hl7.org/CodeSystem/`.
const MOVED: [&str; 11] = [
    "admit-source",
    "condition-category",
    "contactentity-type",
    "data-absent-reason",
    "diagnosis-role",
    "discharge-disposition",
    "location-physical-type",
    "observation-category",
    "organization-type",
    "service-category",
    "service-type",
];

/// The right form of the URI `written`; `None` if it is right or unknown.
fn meant<'a>(written: &str, of: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let (bare, is_uri) = (bare(written), reference::is_uri(written));
    let mut near = None;
    for known in SYSTEMS.iter().map(|(system, _)| *system).chain(of) {
        if known == written {
            return None;
        }
        if self::bare(known) == bare {
            near = Some(known.to_owned());
        }
    }
    if near.is_some() {
        return near;
    }
    let letters: String = bare.chars().filter(char::is_ascii_alphanumeric).collect();
    let named = SYSTEMS.iter().find(|(_, names)| names.contains(&letters.as_str()));
    if let Some((system, _)) = named {
        return Some((*system).to_owned());
    }
    // The URIs of SNOMED CT's editions and versions name the version. The system has one URI.
    if bare
        .strip_prefix("snomed.info/sct/")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    {
        return Some("http://snomed.info/sct".to_owned());
    }
    // `http://hl7.org/fhir/sid/icd10`, and URIs of STU3, which R4 replaced by ones such as
    // `http://terminology.hl7.org/CodeSystem/v3-ActCode`.
    if let Some(name) = bare.strip_prefix("hl7.org/fhir/sid/").filter(|_| is_uri) {
        let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        if let Some((system, _)) = SYSTEMS.iter().find(|(_, names)| names.contains(&letters.as_str())) {
            return Some((*system).to_owned());
        }
    }
    for old in ["v2", "v3"] {
        let own = format!("hl7.org/fhir/{old}/");
        if let Some(name) = without_scheme(written).strip_prefix(&own).filter(|_| is_uri) {
            let name = name.trim_end_matches(ENDS);
            return Some(format!("http://terminology.hl7.org/CodeSystem/{old}-{name}"));
        }
    }
    let moved = without_scheme(written).strip_prefix("hl7.org/fhir/").map(|name| name.trim_end_matches(ENDS));
    if let Some(name) = moved.filter(|name| is_uri && MOVED.contains(name)) {
        return Some(format!("http://terminology.hl7.org/CodeSystem/{name}"));
    }
    // `terminology.hl7.org.au` and `hl7.org/fhirpath` only begin like them.
    let is_below =
        |known: &&str| bare.strip_prefix(&*self::bare(known)).is_some_and(|rest| rest.starts_with('/'));
    let hl7 = HL7.into_iter().filter(|_| is_uri).find(is_below)?;
    let rest = &without_scheme(written)[self::bare(hl7).len()..];
    let right = format!("{hl7}{}", rest.trim_start_matches('/').trim_end_matches(ENDS));
    (right != written).then_some(right)
}

/// The URI in lower case, without scheme, `www.` and its ending: all spellings of one URI give the same text.
fn bare(uri: &str) -> String {
    without_scheme(uri).to_ascii_lowercase().trim_end_matches(ENDS).to_owned()
}

/// Without the scheme, and without `www.`. Also a wrong form of the scheme is left out, such as `http:/`, `http///`
/// and `htp://`.
fn without_scheme(uri: &str) -> &str {
    let after = |scheme: &str| {
        let (start, rest) = uri.split_at_checked(scheme.len())?;
        let is_scheme = start.eq_ignore_ascii_case(scheme) && rest.starts_with([':', '/']);
        is_scheme.then(|| rest.trim_start_matches([':', '/']))
    };
    let after_any = || {
        let (scheme, rest) = uri.split_once("://")?;
        scheme.bytes().all(|byte| byte.is_ascii_alphabetic()).then_some(rest)
    };
    let rest = after("https").or_else(|| after("http")).or_else(after_any).unwrap_or(uri);
    match rest.get(..4) {
        Some(www) if www.eq_ignore_ascii_case("www.") => &rest[4..],
        _ => rest,
    }
}
