//! The sandbox fires as Medplum does, and `register` refuses what Medplum never fires for. This test compares
//! both with Medplum's own matcher, which `tests/real/medplum/test` installs.
//!
//! It compares the criteria of all tests, and one for each parameter of each type of R4 and each kind of value.
//! Each criteria is compared for every resource of its type: those that it finds, those that it misses, and
//! the resources of the other criteria.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fhir_sub_search::search::{ParameterType, split_filter};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fhir::FhirVersion;
use crate::sandbox::compared::{kind_of, medplum_fires, names, types};
use crate::sandbox::sample::sample;
use crate::server::{Room, filters};

/// The versions of `@medplum/core`: the newest one, and the nearest before 5.1.6, which was recorded but is
/// not published.
const VERSIONS: [&str; 2] = [OLDEST, NEWEST];
const OLDEST: &str = "5.1.5";
const NEWEST: &str = "5.2.13";

/// The matcher's result for a criteria.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// The indexes of the resources for which it fires.
    Fires(BTreeSet<usize>),
    /// Why it fires for none.
    Never(String),
}

/// A case that the suite against a real HAPI also tries.
#[derive(Deserialize)]
struct Case {
    criteria: String,
    found: Value,
    missed: Value,
}

/// The known differences between the sandbox and Medplum's matcher, and the criteria that `register` refuses
/// although a version fires for them, with their reasons.
const DIFFERENCES: [Difference; 3] = [
    Difference {
        is_it: |it| it.refused.is_some_and(|why| why.contains("is an id alone")),
        reason: "later versions find an id alone where a reference may point to one type, and 5.1.6 finds none",
    },
    Difference {
        is_it: |it| it.version == NEWEST && it.criteria.contains("=urn:uuid:"),
        reason: "the newest version takes `urn:` for a type; `check` warns of it",
    },
    Difference {
        is_it: |it| {
            it.version == OLDEST && ["abatement", "onset"].iter().any(|of| is_missing_choice(it.criteria, of))
        },
        reason: "5.1.5 looks for a value of any type where a choice of types is missing",
    },
];

fn is_missing_choice(criteria: &str, of: &str) -> bool {
    criteria
        .strip_prefix("Condition?")
        .is_some_and(|parameter| parameter.starts_with(of) && parameter.contains(":missing="))
}

struct Difference {
    is_it: fn(&Compared<'_>) -> bool,
    reason: &'static str,
}

/// A criteria with its results in the sandbox and in a version of Medplum's matcher.
struct Compared<'a> {
    version: &'static str,
    criteria: &'a str,
    /// Why `register` refuses it.
    refused: Option<&'a str>,
}

#[test]
#[ignore = "tests/real/medplum/test runs this, with Medplum's own matcher"]
#[allow(clippy::print_stdout, reason = "it says how much it has compared")]
fn the_sandbox_fires_as_medplum_does() {
    let criteria = criteria();
    let resources = resources(&criteria);
    let mut of_type: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, resource) in resources.iter().enumerate() {
        of_type.entry(resource["resourceType"].as_str().unwrap()).or_default().push(number);
    }
    let generated: BTreeSet<_> = generated().into_iter().collect();
    let numbers: BTreeMap<_, _> =
        resources.iter().enumerate().map(|(number, resource)| (resource.to_string(), number)).collect();
    let tried: Vec<_> = criteria
        .iter()
        .map(|criteria| {
            let of_type = of_type.get(type_of(criteria)).map(Vec::as_slice).unwrap_or_default();
            let own = sample(criteria, FhirVersion::R4).map(|sample| stored(sample.resource).to_string());
            let own = own.and_then(|own| numbers.get(&own).copied());
            tried(of_type, own, if generated.contains(criteria) { AT_MOST } else { of_type.len() }, criteria)
        })
        .collect();
    let [oldest, newest] = std::thread::scope(|scope| {
        let (criteria, tried, resources) = (&criteria, &tried, &resources);
        let ask = |version| scope.spawn(move || matcher(version, criteria, tried, resources));
        VERSIONS.map(ask).map(|thread| thread.join().unwrap())
    });
    let (mut counts, mut differing, mut unknown) = ([0; DIFFERENCES.len()], BTreeSet::new(), Vec::new());
    let (mut compared, mut seen) = (0, 0);
    for (version, verdicts) in VERSIONS.into_iter().zip([oldest, newest]) {
        assert_eq!(verdicts.len(), criteria.len());
        for ((criteria, tried), verdict) in criteria.iter().zip(&tried).zip(&verdicts) {
            let fires = medplum_fires(criteria, FhirVersion::R4);
            let ours: BTreeSet<_> =
                tried.iter().copied().filter(|number| fires(&resources[*number])).collect();
            let none = BTreeSet::new();
            let theirs = match verdict {
                Verdict::Fires(theirs) => theirs,
                Verdict::Never(_) => &none,
            };
            compared += 1;
            seen += usize::from(!theirs.is_empty());
            let refused = refused(criteria);
            let mut told = Vec::new();
            if let Some(number) = ours.symmetric_difference(theirs).next() {
                let who = if ours.contains(number) { "only the sandbox" } else { "only Medplum" };
                told.push(format!("{who} fires for {}", resources[*number]));
            }
            // `register` refuses a criteria that certainly never fires, and accepts one that was seen to
            // fire.
            match (verdict, &refused) {
                (Verdict::Never(why), None) => told.push(format!("not refused: {why}")),
                (Verdict::Fires(theirs), Some(why)) if !theirs.is_empty() => {
                    told.push(format!("refused: {why}"))
                }
                _ => {}
            }
            if told.is_empty() {
                continue;
            }
            let compared = Compared { version, criteria, refused: refused.as_deref() };
            match DIFFERENCES.iter().position(|difference| (difference.is_it)(&compared)) {
                Some(known) => {
                    counts[known] += 1;
                    differing.insert(criteria);
                }
                None => unknown.push(format!("{version} {criteria}: {}", told.join("; "))),
            }
        }
    }
    for (difference, count) in DIFFERENCES.iter().zip(counts) {
        println!("medplum: {count} differ: {}", difference.reason);
    }
    println!(
        "medplum: {} criteria held against {} resources in {} versions, {seen} of {compared} fired for one: {} criteria differ",
        criteria.len(),
        resources.len(),
        VERSIONS.len(),
        differing.len()
    );
    assert!(unknown.is_empty(), "{} differences that are not known: {unknown:#?}", unknown.len());
    assert!(counts.iter().all(|count| *count > 0), "a difference is none any more: {counts:?}");
}

/// The most resources that a generated criteria is compared with: each takes the matcher a moment, and there
/// are thousands.
const AT_MOST: usize = 16;

/// Some of the resources of a type, spread over all, and the sample of the criteria itself.
fn tried(of_type: &[usize], own: Option<usize>, at_most: usize, criteria: &str) -> Vec<usize> {
    if of_type.len() <= at_most {
        return of_type.to_vec();
    }
    // Criteria of other lengths get other resources.
    let first = criteria.len() % of_type.len();
    let spread = (0..at_most).map(|index| of_type[(first + index * of_type.len() / at_most) % of_type.len()]);
    spread.chain(own).collect::<BTreeSet<_>>().into_iter().collect()
}

/// A resource as Medplum's server stores it.
fn stored(mut resource: Value) -> Value {
    resource["id"] = "1".into();
    resource["meta"]["lastUpdated"] = "2026-11-29T12:00:00.000Z".into();
    resource
}

fn type_of(criteria: &str) -> &str {
    criteria.split('?').next().unwrap_or_default()
}

/// Why `register` refuses a criteria.
fn refused(criteria: &str) -> Option<String> {
    let room = Room::named("medplum").unwrap();
    let server = room.criteria.as_ref().ok()?;
    let kind = type_of(criteria);
    let written = split_filter(criteria).map(|written| {
        let code = written.name.split(':').next().unwrap_or_default();
        let kind = kind_of(kind, code, FhirVersion::R4);
        (written, kind.map_or(ParameterType::Unknown, parameter_type))
    });
    filters(written, None).iter().find_map(server.never_fires)
}

fn parameter_type(kind: &str) -> ParameterType {
    match kind {
        "token" => ParameterType::Token,
        "string" => ParameterType::String,
        "reference" => ParameterType::Reference,
        "date" => ParameterType::Date,
        "uri" => ParameterType::Uri,
        "number" => ParameterType::Number,
        "quantity" => ParameterType::Quantity,
        "composite" => ParameterType::Composite,
        "special" => ParameterType::Special,
        _ => unreachable!("{kind}"),
    }
}

/// The results of the matcher in this version for each criteria.
fn matcher(version: &str, criteria: &[String], tried: &[Vec<usize>], resources: &[Value]) -> Vec<Verdict> {
    let modules = std::env::var("FHIR_SUB_MEDPLUM_MODULES").expect("tests/real/medplum/test runs this");
    let mut node = Command::new("node")
        .arg(repository().join("tests/real/medplum/matcher.mjs"))
        .args([version, &modules])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node");
    let question = json!({ "criteria": criteria, "tried": tried, "resources": resources }).to_string();
    let mut stdin = node.stdin.take().unwrap();
    // The matcher reads all input before it answers.
    stdin.write_all(question.as_bytes()).unwrap();
    drop(stdin);
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "matcher.mjs {version}: {}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn cases() -> Vec<Case> {
    let cases = std::fs::read_to_string(repository().join("tests/real/criteria.json")).unwrap();
    serde_json::from_str(&cases).unwrap()
}

fn criteria() -> Vec<String> {
    let right = repository().join("fhir-sub-macros/search/tests/criteria/right.txt");
    let right = std::fs::read_to_string(right).unwrap();
    let right = right.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned);
    let own = OWN.lines().filter(|line| !line.is_empty()).map(str::to_owned);
    let all = right.chain(cases().into_iter().map(|case| case.criteria)).chain(own).chain(generated());
    let all: BTreeSet<_> = all.filter(|criteria| !criteria.starts_with('[')).collect();
    all.into_iter().collect()
}

/// Every parameter of every type, with values of its kind.
fn generated() -> Vec<String> {
    let values = |kind: &str| match kind {
        "token" => vec!["=http://example.org/s|x", "=X", "=true", ":not=x", ":missing=true", "=|x"],
        "string" => vec!["=abc", ":exact=ABC", ":contains=bc", ":missing=false"],
        "reference" => vec!["=Patient/1", "=http://example.org/Patient/1", ":missing=false"],
        "date" => vec!["=2030-01-31", "=gt2030-01-31", "=le2030", "=ap2030-01", "=sa2029-12-31T10:00:00Z"],
        "uri" => vec!["=http://example.org/a", "=EXAMPLE", ":below=http://example.org/a"],
        "number" => vec!["=5", ":missing=false"],
        "quantity" => vec!["=5.4", ":missing=true"],
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    // For topics, the sandbox knows elements of later versions in every version, but the compiler refuses
    // them.
    let topics = ["Subscription", "SubscriptionTopic"];
    for kind in types(FhirVersion::R4).into_iter().filter(|kind| !topics.contains(kind)) {
        for (name, of) in names(kind, FhirVersion::R4) {
            all.extend(values(of).into_iter().map(|value| format!("{kind}?{name}{value}")));
        }
    }
    assert!(all.len() > 4_000, "{}", all.len());
    all
}

/// The resources that the cases find and miss, and a sample of each criteria; `meta` is what Medplum's server
/// would add.
fn resources(criteria: &[String]) -> Vec<Value> {
    let mut all = Vec::new();
    for case in cases() {
        for more in [case.found, case.missed] {
            let mut resource = sample(type_of(&case.criteria), FhirVersion::R4).unwrap().resource;
            resource.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all.push(resource);
        }
    }
    all.extend(
        criteria.iter().filter_map(|criteria| sample(criteria, FhirVersion::R4)).map(|it| it.resource),
    );
    all.extend(serde_json::from_str::<Vec<Value>>(RESOURCES).unwrap());
    let mut all: Vec<_> = all.into_iter().map(stored).collect();
    let mut seen = BTreeSet::new();
    all.retain(|resource| seen.insert(resource.to_string()));
    all
}

/// Medplum's own forms, beyond what FHIR allows.
const OWN: &str = "
Observation?subject:Patient=Patient/1
Observation?subject:Patient=1
Observation?patient=1
Observation?patient=Patient/1,2
Observation?subject=urn:uuid:1
Observation?subject=http://example.org/Patient/1
Observation?subject.name:missing=true
Observation?_has:Provenance:target:agent=1
Observation?value-quantity:missing=true
Observation?_filter=status%20eq%20final
Observation?date=ge%25today
Observation?date=2030-01-31,2030-02-01
Observation?date=ge2030-01-31T10:00
Observation?date=ge2030-01-31T10:00Z
Observation?date=ne2030
Observation?date=ge2030-01-31T10:00:00%2B02:00
Observation?date=eq2030-01-31T10:00:00.5Z
Observation?date=2030-02
Observation?date=le2030-04
Observation?code=bilirubin
Observation?code:text=bilirubin
Observation?code:in=http://example.org/vs
Observation?code:above=http://loinc.org|1975-2
Observation?status=final&_count=5
Observation?status=FINAL
Patient?name=ann%20m
Patient?name=a\\,b
Patient?address=street%207,nowhere
Patient?phone=%2B15555550100
Patient?telecom=phone|%2B15555550100
Patient?deceased=false
Patient?deceased:missing=true
Patient?_id=1
Patient?_lastUpdated=ge2026-11-29
Patient?_lastUpdated=2026-11-29T12:00:00.000Z
Patient?_lastUpdated=2026-11-29T12:00:00Z
Encounter?date=ge2030&date=lt2031
Encounter?date=sa2030-01-31
Encounter?date=eb2030-01-31
";

/// Resources whose elements have several values, or unusual ones.
const RESOURCES: &str = r#"[
    { "resourceType": "Observation", "status": "final", "effectiveDateTime": "2030-03-01T00:00:00Z",
      "code": { "text": "Bilirubin", "coding": [{ "system": "http://loinc.org", "code": "1975-2", "display": "Bili" }] },
      "subject": { "reference": "http://example.org/Patient/1" }, "valueQuantity": { "value": 5.4, "unit": "mg" } },
    { "resourceType": "Observation", "status": "amended", "effectiveDateTime": "2030-01-31T10:00:00.5Z",
      "code": { "coding": [{ "code": "x" }, { "system": "http://example.org/s" }] },
      "subject": { "type": "Patient", "identifier": { "system": "urn:mrn", "value": "9" } } },
    { "resourceType": "Observation", "status": "final", "effectivePeriod": { "start": "2030-01-31" },
      "code": { "coding": [{ "display": "bilirubin" }] }, "subject": { "reference": "Group/1" } },
    { "resourceType": "Observation", "status": "final", "effectiveTiming": { "event": ["2030-01-31"] },
      "code": { "text": "" }, "subject": { "reference": "urn:uuid:1" } },
    { "resourceType": "Observation", "status": "final", "effectivePeriod": { "end": "2030-05-01" },
      "code": { "text": "b" }, "subject": { "reference": "Patient/1/_history/2" } },
    { "resourceType": "Patient", "deceasedBoolean": false,
      "name": [{ "prefix": ["Dr"], "given": ["Ann", "Mary"], "family": "Müller" }, { "text": "A,B" }],
      "address": [{ "line": ["Street 7"], "city": "Nowhere" }],
      "telecom": [{ "system": "phone", "value": "+15555550100" }, { "system": "email", "value": "A@example.org" }] },
    { "resourceType": "Patient", "deceasedDateTime": "2030" },
    { "resourceType": "Encounter", "status": "planned", "class": { "code": "AMB" },
      "period": { "start": "2030-01-30", "end": "2030-02-01" } },
    { "resourceType": "Encounter", "status": "planned", "class": { "code": "AMB" }, "period": {} }
]"#;
