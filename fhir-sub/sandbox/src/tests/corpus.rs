//! The sandbox runs every search that the compiler accepts: every criteria of the compiler's corpus, in every
//! behaviour.

use std::path::Path;

use super::*;
use crate::fhir::FhirVersion;
use crate::sample::sample;

/// `fhir-sub-macros/search/tests/criteria/right.txt`: the examples of the specification and of servers'
/// documents.
fn corpus() -> Vec<String> {
    let file = "../../fhir-sub-macros/search/tests/criteria/right.txt";
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// The parts of criteria without a sample, and why there is none.
const WITHOUT_SAMPLE: [(&str, &str); 5] = [
    ("_list=$", "the server makes the list itself"),
    ("_lastUpdated=le2023", "what is created now has another date"),
    ("Bundle?composition.", "the sample would be a document within a Bundle"),
    ("email:text=", "a ContactPoint has no text beside its value"),
    ("telecom:text=", "the same"),
];

#[tokio::test(start_paused = true)]
async fn every_criteria_is_taken_and_fires_for_its_sample() {
    let corpus = corpus();
    let (mut wrong, mut fired) = (Vec::new(), 0);
    for criteria in &corpus {
        for behaviour in [Behaviour::Generic, Behaviour::Hapi, Behaviour::Medplum] {
            let program = Program::default();
            let sandbox = Sandbox::builder().behaviour(behaviour).build(program.clone());
            // The same form as `register` sends.
            let is_bare = behaviour == Behaviour::Hapi && criteria.bytes().all(|it| it.is_ascii_alphabetic());
            let criteria = &if is_bare { format!("{criteria}?") } else { criteria.clone() };
            let status = if behaviour == Behaviour::Medplum { "active" } else { "requested" };
            let reply = post(&sandbox, "/Subscription", subscription(status, criteria, json!({}))).await;
            if reply.status != 201 {
                wrong.push(format!("{behaviour:?} {criteria}: {} {}", reply.status, reply.body));
                continue;
            }
            sandbox.idle().await;
            // Medplum also stores criteria that it never fires for.
            if behaviour == Behaviour::Medplum {
                continue;
            }
            let Some(sample) = sample(criteria, FhirVersion::R4) else {
                if !WITHOUT_SAMPLE.iter().any(|(part, _)| criteria.contains(part)) {
                    wrong.push(format!("{criteria}: it has no sample"));
                }
                break;
            };
            for other in &sample.others {
                if let Err(error) = sandbox.update(other).await {
                    wrong.push(format!("{criteria}: {other} is refused: {error:?}"));
                }
            }
            sandbox.idle().await;
            program.received();
            match sample.resource.get("id") {
                Some(_) => sandbox.update(&sample.resource).await.unwrap(),
                None => sandbox.create(&sample.resource).await.unwrap(),
            };
            sandbox.idle().await;
            if program.received().is_empty() {
                wrong.push(format!("{behaviour:?} {criteria}: it does not fire for {}", sample.resource));
            } else {
                fired += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), corpus.len());
    assert!(fired >= 740, "{fired} of {}", corpus.len() * 2);
}
