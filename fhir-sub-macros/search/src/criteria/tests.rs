use crate::definitions::{FhirVersion, WITH_CRITERIA};
use crate::search;

/// The versions in which a search is right, or its mistakes as they are told.
fn judge(text: &str, versions: &[FhirVersion], also: &[&str]) -> Result<Vec<FhirVersion>, Vec<String>> {
    let (search, mut mistakes) = search::parse(text);
    let mut right = Vec::new();
    if let Some(search) = &search {
        let also: Vec<_> = also.iter().map(ToString::to_string).collect();
        match super::check(search, versions, &also) {
            Ok(versions) => right = versions,
            Err(more) => mistakes.extend(more),
        }
    }
    if mistakes.is_empty() {
        return Ok(right);
    }
    Err(mistakes.iter().map(|mistake| mistake.within(text)).collect())
}

#[track_caller]
fn right(text: &str, versions: &[FhirVersion]) {
    assert_eq!(judge(text, &FhirVersion::ALL, &[]), Ok(versions.to_vec()), "{text}");
}

/// The message begins so, and points at the piece.
#[track_caller]
fn wrong(text: &str, piece: &str, message: &str) {
    let mistakes = judge(text, &WITH_CRITERIA, &[]).expect_err(text);
    let [mistake] = &mistakes[..] else { panic!("{text}: {mistakes:#?}") };
    assert!(mistake.starts_with(message), "{text}: {mistake}");
    let lines: Vec<_> = mistake.lines().collect();
    let carets = lines.iter().position(|line| line.trim_start().starts_with('^')).expect("one has carets");
    let pointed: String = lines[carets - 1]
        .chars()
        .zip(lines[carets].chars())
        .filter_map(|(letter, mark)| (mark == '^').then_some(letter))
        .collect();
    assert_eq!(pointed, piece, "{mistake}");
}

fn lines(file: &str) -> Vec<&str> {
    file.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn what_servers_and_the_specification_show_is_right() {
    let corpus = lines(include_str!("../../tests/criteria/right.txt"));
    assert!(corpus.len() >= 350, "{}", corpus.len());
    for text in corpus {
        if let Err(mistakes) = judge(text, &WITH_CRITERIA, &[]) {
            panic!("{text}: {}", mistakes.join("\n"));
        }
        // Written anew it means the same.
        let printed = search::parse(text).0.expect("it is right").to_string();
        assert_eq!(
            judge(&printed, &FhirVersion::ALL, &[]),
            judge(text, &FhirVersion::ALL, &[]),
            "{text} was printed as {printed}"
        );
    }
}

#[test]
fn what_is_known_to_be_refused_is_refused() {
    for text in lines(include_str!("../../tests/criteria/refused.txt")) {
        assert!(judge(text, &WITH_CRITERIA, &[]).is_err(), "{text} is right: move it to right.txt");
    }
}

#[test]
fn a_search_has_the_versions_that_define_all_of_it() {
    use FhirVersion::{R4, R4B, R5};
    right("Encounter?status=finished", &[R4, R4B]);
    right("Encounter?status=completed", &[R5]);
    right("Ingredient?role=x", &[R4B, R5]);
    right("MedicinalProduct?name=x", &[R4]);
    right("[Encounter,Ingredient]", &[R4B, R5]);
    right("[*]", &[R4, R4B, R5]);
    right("Patient?_has:Observation:patient:status=final", &[R4, R4B, R5]);
    right("ValueSet?url:contains=example", &[R5]);
    wrong(
        "Encounter?status=completed",
        "completed",
        "`status` of `Encounter` has no code `completed` in FHIR R4, it has in FHIR R5",
    );
    wrong(
        "Encounter?end-date=2030",
        "end-date",
        "`Encounter` has no search parameter `end-date` in FHIR R4, it has in FHIR R5",
    );
    wrong(
        "ActorDefinition",
        "ActorDefinition",
        "`ActorDefinition` is a resource type of FHIR R5, and not of FHIR R4",
    );
    wrong(
        "ValueSet?url:contains=a",
        "contains",
        "a uri such as `url` takes `:contains` in FHIR R5, and not in FHIR R4",
    );
}

#[test]
fn the_version_that_has_the_type_and_the_fewest_mistakes_is_told() {
    let mistakes = judge("Ingredient?rol=x", &WITH_CRITERIA, &[]).expect_err("there is no such parameter");
    let [mistake] = &mistakes[..] else { panic!("{mistakes:#?}") };
    assert!(
        mistake.starts_with("`Ingredient` has no search parameter `rol`: did you mean `role`?"),
        "{mistake}"
    );
    assert!(mistake.contains("https://hl7.org/fhir/R4B/ingredient.html"), "{mistake}");
}

#[test]
fn a_chain_may_name_any_type_that_one_of_its_references_has() {
    for text in [
        "Observation?part-of.subject:Device.device-name=x",
        "Observation?has-member.part-of:MedicationAdministration.status=completed",
        "Provenance?target.recipient:Group._id=1",
        "SupplyRequest?subject.partof:Location._id=1",
    ] {
        judge(text, &WITH_CRITERIA, &[]).expect(text);
    }
}

#[test]
fn a_chain_is_right_where_one_target_has_all_of_it() {
    use FhirVersion::{R4, R4B, R5};
    right("Observation?subject.name=x", &[R4, R4B, R5]);
    right("Observation?subject.birthdate=2000", &[R4, R4B, R5]);
    right("Patient?general-practitioner.name=x", &[R4, R4B, R5]);
    right("Provenance?target.status=final", &[R4, R4B, R5]);
    wrong("Observation?subject.birthdate=x", "x", "`birthdate` takes a date");
    wrong(
        "Observation?subject:Group.birthdate=2000",
        "birthdate",
        "`Group` has no search parameter `birthdate`",
    );
    wrong("Observation?subject.nam=x", "nam", "none of the types that this may refer to");
    wrong("Observation?code.text=x", "code", "`code` of `Observation` is no reference but a token");
    wrong("Encounter?part-of.part-of.statsu=x", "statsu", "`Encounter` has no search parameter `statsu`");
}

#[test]
fn a_parameter_in_also_is_not_looked_at() {
    for text in [
        "Patient?ward=7",
        "Patient?ward:exact=7",
        "Patient?ward.name=x",
        "Patient?general-practitioner.ward=x",
        "Patient?_has:Observation:ward:code=x",
        "Patient?_has:Observation:patient:ward=x",
    ] {
        judge(text, &FhirVersion::ALL, &[]).expect_err(text);
        assert_eq!(judge(text, &FhirVersion::ALL, &["ward"]), Ok(FhirVersion::ALL.to_vec()), "{text}");
    }
}

#[test]
fn what_means_nothing_means_nothing_in_also_either() {
    for text in ["Patient?_count=1", "Patient?_type=Patient"] {
        judge(text, &FhirVersion::ALL, &["_count", "_type"]).expect_err(text);
    }
    wrong("Patient?_has=x", "_has", "`_has` names a type");
    wrong(
        "Observation?subject=Patient",
        "Patient",
        "`Patient` is a type, and a reference names one resource",
    );
    wrong(
        "Encounter?subject:patient=1",
        "patient",
        "there is no modifier `:patient`: did you mean `:Patient`?",
    );
    right(
        "Observation?_filter=code%20eq%20http://loinc.org|1%20or%20code%20eq%20http://loinc.org|2",
        &FhirVersion::ALL,
    );
}

#[test]
fn a_code_of_another_system_may_stand_beside_a_required_one() {
    use FhirVersion::{R4, R4B, R5};
    right("Condition?clinical-status=http://snomed.info/sct|55561003", &[R4, R4B, R5]);
    wrong(
        "Condition?clinical-status=http://hl7.org/fhir/condition-clinical|active",
        "http://hl7.org/fhir/condition-clinical",
        "the codes of `clinical-status` are of `http://terminology.hl7.org/CodeSystem/condition-clinical`",
    );
    wrong(
        "Encounter?status=http://snomed.info/sct|1",
        "http://snomed.info/sct",
        "the codes of `status` are of",
    );
}

#[test]
fn an_identifier_may_look_like_much_else() {
    for text in [
        "Specimen?accession=sa2021-01-02",
        "Device?identifier=eb1234-01",
        "Patient?identifier=ge2030-12",
        "Patient?identifier=|le1990-11",
        "ValueSet?url=file:///colours",
        "ValueSet?url=urn:oid:1.2.3",
    ] {
        right(text, &FhirVersion::ALL);
    }
    wrong(
        "Patient?identifier=ge2030-12-31",
        "ge2030-12-31",
        "`identifier` is a token, which takes no prefix",
    );
    wrong("ValueSet?url=http:///colours", "http:///colours", "`url` takes a URI");
}

#[test]
fn what_is_to_be_written_instead_is_right() {
    wrong("Patient?active!=true", "!=", "what is not to be is said by a modifier: write `active:not=true`");
    wrong("Patient?name>x", ">", "dates, numbers and quantities are compared");
    wrong("Patient?name:exact", "name:exact", "`name:exact` has no value: write `name:exact=…`\n");
    wrong(
        "Patient?_has:Observation:patient:code=",
        "_has:Observation:patient:code=",
        "`_has:Observation:patient:code` has no value, and servers leave such a parameter unread: write a value\n",
    );
    wrong("Encounter/?status=planned", "/", "a search has no `/` after the type: write `Encounter?…`");
}

#[test]
fn what_excludes_itself_finds_nothing() {
    use FhirVersion::{R4, R4B};
    wrong(
        "Encounter?status=planned&status=finished",
        "status=finished",
        "`status` of `Encounter` cannot be `planned` and also `finished`",
    );
    right("Encounter?status=planned,finished&status=finished", &[R4, R4B]);
    right("Encounter?status=planned&status:not=finished", &[R4, R4B]);
    right("Encounter?date=ge2030&date=lt2031", &[R4, R4B, FhirVersion::R5]);
}

/// `docs/criteria.md`: a criteria, the compiler's message, and the criteria as it should be.
#[test]
fn the_page_on_mistakes_quotes_what_is_said() {
    let page = include_str!("../../../../docs/criteria.md");
    let sections: Vec<_> = page.split("\n## ").filter(|section| section.contains("\nerror: ")).collect();
    assert_eq!(sections.len(), 10);
    let (_, first) = sections[0].split_once("error: ").expect("it has a message");
    let (first, _) = first.split_once("```").expect("what begins ends");
    assert!(include_str!("../../../../README.md").contains(first), "the README shows the first of them");
    for section in sections {
        let between = |start: &str, end: &str| {
            let (_, rest) = section.split_once(start).unwrap_or_else(|| panic!("{start} is in {section}"));
            rest.split_once(end).expect("what begins ends").0.to_owned()
        };
        let before = between("```text\ncriteria = \"", "\"\n");
        let mistakes = judge(&before, &WITH_CRITERIA, &[]).expect_err(&before);
        // The compiler indents the lines after the first.
        let told = mistakes[0].replace("\n", "\n       ").replace("       \n", "\n");
        assert_eq!(between("error: ", "\n```"), told);
        let after = between("Write `criteria = \"", "\"`");
        judge(&after, &WITH_CRITERIA, &[]).expect(&after);
    }
}
