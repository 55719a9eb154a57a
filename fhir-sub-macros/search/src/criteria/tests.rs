use crate::definitions::{Definitions, FhirVersion, WITH_CRITERIA};
use crate::search;

/// The versions that accept a search, or its mistakes as they are printed.
fn judge(text: &str, versions: &[FhirVersion], also: &[&str]) -> Result<Vec<FhirVersion>, Vec<String>> {
    let (search, mut mistakes) = search::parse(text);
    let mut right = Vec::new();
    if let Some(search) = &search {
        let also: Vec<_> = also.iter().map(ToString::to_string).collect();
        match super::check(search, super::Purpose::Subscription, versions, &also) {
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

/// Checks the beginning of the message, and the piece that it points at.
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
        // The printed search has the same meaning.
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
fn the_wrong_part_of_a_position_is_told() {
    for (text, piece) in [
        ("Location?near=42.25", "42.25"),
        ("Location?near=100|20", "100"),
        ("Location?near=42.25|200|11.2|km", "200"),
        ("Location?near=42.25|20|far", "far"),
        ("Location?near=42.25|", "42.25|"),
        ("Location?near=1|2|3|km|5", "1|2|3|km|5"),
    ] {
        wrong(text, piece, "`near` takes a position");
    }
    for text in ["Location?near=42.25|-83.69", "Location?near=42.25|-83.69|11.2|km", "Location?near=1|2||km"]
    {
        right(text, &FhirVersion::ALL);
    }
}

#[test]
fn what_no_server_stores_is_never_found() {
    use FhirVersion::{R4, R4B, R5};
    let message = "no server stores `Parameters`";
    for text in [
        "Parameters",
        "Parameters?_id=1",
        "[Encounter,Parameters]",
        "Provenance?target:Parameters._id=1",
        "Patient?_has:Parameters:_profile:_id=1",
    ] {
        wrong(text, "Parameters", message);
    }
    let only_there = judge("Parameters?statsu=1", &WITH_CRITERIA, &[]).expect_err("no server stores them");
    assert!(only_there[0].starts_with(message), "{only_there:?}");
    // R5 lets a server store them.
    right("Parameters", &[R5]);
    // The names of types, and references that need no server.
    for text in [
        "CapabilityStatement?resource=Parameters",
        "Provenance?target=Parameters/1",
        "Provenance?target:Parameters=1",
        "OperationOutcome",
    ] {
        right(text, &[R4, R4B, R5]);
    }
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
    wrong("Observation?code.text=x", "code", "`code` of `Observation` is not a reference but a token");
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
    wrong("Patient?active!=true", "!=", "a search has no `!=`: write `active:not=true` for a code");
    wrong("Patient?name>x", ">", "only dates, numbers and quantities can be compared");
    wrong("Patient?name:exact", "name:exact", "`name:exact` has no value: write `name:exact=…`\n");
    wrong(
        "Patient?_has:Observation:patient:code=",
        "_has:Observation:patient:code=",
        "`_has:Observation:patient:code` has no value, and servers ignore such a parameter: write a value\n",
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

#[test]
fn what_one_value_cannot_be_together_finds_nothing() {
    for (text, piece) in [
        ("Observation?subject=Patient/1&subject=Patient/2", "subject=Patient/2"),
        ("Observation?subject=Patient/1&subject=Group/1", "subject=Group/1"),
        ("Observation?subject:Patient=1&subject:Group=1", "subject:Group=1"),
        (
            "Observation?subject=1&subject=http://example.org/fhir/Patient/2",
            "subject=http://example.org/fhir/Patient/2",
        ),
        ("Observation?subject=Patient/1,Patient/2&subject=Patient/3", "subject=Patient/3"),
        ("Observation?encounter=1&status=final&encounter=2", "encounter=2"),
        ("Patient?birthdate=ge2024-01-01&birthdate=lt2023-01-01", "birthdate=lt2023-01-01"),
        ("Patient?birthdate=2024&birthdate=2025-01", "birthdate=2025-01"),
        ("Patient?birthdate=sa2024&birthdate=le2024-12", "birthdate=le2024-12"),
        ("Patient?birthdate=gt2030,2028&birthdate=lt2028,2029", "birthdate=lt2028,2029"),
        ("Patient?birthdate=ge2020&birthdate=le2030&birthdate=eb2010", "birthdate=eb2010"),
        ("Patient?_lastUpdated=gt2030&_lastUpdated=lt2029", "_lastUpdated=lt2029"),
        ("Patient?_id=1&_id=2", "_id=2"),
        ("Patient?active=true&active=false", "active=false"),
        ("Patient?deceased=true&deceased=false", "deceased=false"),
        ("Encounter?class=IMP&class=AMB", "class=AMB"),
        (
            "Encounter?class=http://terminology.hl7.org/CodeSystem/v3-ActCode|IMP&class=http://example.org|IMP",
            "class=http://example.org|IMP",
        ),
        ("Encounter?length=gt5||h&length=lt4||h", "length=lt4||h"),
        ("ValueSet?url=http://a.example/1&url=http://a.example/2", "url=http://a.example/2"),
        ("Encounter?status=planned&status=finished&status=finished", "status=finished"),
        ("Observation?subject=Patient/1&patient=2", "patient=2"),
        ("Observation?patient=Patient/1&subject=Group/1", "subject=Group/1"),
        (
            "Observation?subject=http://a.example/Patient/1&subject=http://b.example/Patient/1",
            "subject=http://b.example/Patient/1",
        ),
        ("Observation?subject=Patient%2F1&subject=Patient/2", "subject=Patient/2"),
        ("Patient?birthdate=ne2024&birthdate=2024-01", "birthdate=2024-01"),
        ("Encounter?length=5||h&length=ne5||h", "length=ne5||h"),
        ("Encounter?date=sa2024&date=eb2023", "date=eb2023"),
        ("Encounter?date=2023&date=2024", "date=2024"),
        ("Condition?onset-date=sa2024&onset-date=eb2023", "onset-date=eb2023"),
        (
            "Appointment?date=ge2024-01-01T10:00:00Z&date=lt2024-01-01T10:00:00Z",
            "date=lt2024-01-01T10:00:00Z",
        ),
        (
            "Patient?_lastUpdated=ge2024-01-01T10:00:00.500Z&_lastUpdated=lt2024-01-01T12:00:00.200%2B02:00",
            "_lastUpdated=lt2024-01-01T12:00:00.200%2B02:00",
        ),
        ("Observation?subject:missing=true&subject=Patient/1", "subject=Patient/1"),
        ("Observation?patient=1&subject:missing=true", "subject:missing=true"),
        ("Observation?subject.name=a&subject:missing=true", "subject:missing=true"),
        ("Patient?active:missing=true&active:missing=false", "active:missing=false"),
        ("Patient?gender=male&gender:not=male", "gender:not=male"),
        ("Observation?value-concept=a&value-quantity=gt5", "value-quantity=gt5"),
        ("Observation?value-date=2020&status=final&value-concept=a", "value-concept=a"),
        ("Condition?onset-age=gt5||a&onset-date=gt2020", "onset-date=gt2020"),
        ("Condition?onset-info=childhood&onset-date=gt2020", "onset-date=gt2020"),
        ("Condition?abatement-age=gt5||a&abatement-string=early", "abatement-string=early"),
        ("Observation?value-string=a&value-quantity=gt5", "value-quantity=gt5"),
        ("MedicationRequest?code=a&medication=Medication/1", "medication=Medication/1"),
        ("MedicationAdministration?medication=1&status=completed&code=a", "code=a"),
        ("MedicationDispense?code:text=a&medication=1", "medication=1"),
        ("MedicationStatement?code=a&medication:identifier=b", "medication:identifier=b"),
        ("DeviceRequest?device=Device/1&code=a", "code=a"),
        ("MedicationRequest?code=a&medication.code=b", "medication.code=b"),
        ("MedicationRequest?medication:Medication.form=b&code=a", "code=a"),
        ("MedicationDispense?medication.ingredient.code=b&code=a", "code=a"),
        ("DeviceRequest?code=a&device.type=b", "device.type=b"),
        ("Observation?subject:Patient.name=a&subject=Group/1", "subject=Group/1"),
        (
            "Observation?subject=Group/1,Device/1&status=final&subject:Patient.name=a",
            "subject:Patient.name=a",
        ),
        ("Observation?subject:Patient.name=a&subject:Group.code=b", "subject:Group.code=b"),
        (
            "Observation?patient.name=a&subject=http://example.org/fhir/Group/1",
            "subject=http://example.org/fhir/Group/1",
        ),
        ("Observation?subject:Group=1&patient.name=a", "patient.name=a"),
        ("AppointmentResponse?patient.name=a&practitioner=1", "practitioner=1"),
        ("AppointmentResponse?patient=1&practitioner=1", "practitioner=1"),
        ("AppointmentResponse?location=1&actor=Location/2", "actor=Location/2"),
        ("AppointmentResponse?actor:missing=true&patient=1", "patient=1"),
        ("Coverage?patient=1&beneficiary=2", "beneficiary=2"),
        ("ResearchSubject?individual=1&patient=2", "patient=2"),
        ("CodeSystem?url=http://a.example/1&system=http://a.example/2", "system=http://a.example/2"),
        ("Encounter?status:not=planned,arrived&status=planned", "status=planned"),
        ("Observation?category=http://example.org|a&category:not=a", "category:not=a"),
    ] {
        wrong_in(text, piece);
    }
    for text in [
        "Observation?subject=Patient/1&subject=1",
        "Observation?subject=Patient/1&subject=http://example.org/fhir/Patient/1",
        "Observation?subject=Patient/1&subject=Patient/1/_history/2",
        "Observation?subject=urn:uuid:1&subject=Patient/1",
        "Observation?subject=Patient/1&subject:identifier=http://example.org|2",
        "Observation?subject=Patient/1&patient=1",
        "Observation?subject:missing=false&subject=Patient/1",
        "Observation?performer=Practitioner/1&performer=Practitioner/2",
        "Observation?category=laboratory&category=vital-signs",
        "Observation?code=http://loinc.org|1&code=http://snomed.info/sct|2",
        "Encounter?date=ge2024&date=lt2023",
        "Patient?birthdate=ge2024-06-01&birthdate=lt2024-01-15",
        "Patient?birthdate=ap2024&birthdate=2030",
        "Patient?birthdate=ne2024-01&birthdate=2024",
        "Observation?subject=Patient/1&patient=http://example.org/fhir/Patient/1",
        "Observation?patient:missing=true&subject=Group/1",
        "Observation?subject:missing=false&patient=1",
        "SupplyRequest?subject=Patient/1&requester=Patient/2",
        "Patient?gender=male&gender:not=female",
        "Observation?value-concept=a&value-quantity:missing=true",
        "Observation?value-concept=a&value-concept:not=b",
        "Condition?onset-age=gt5||a&abatement-date=gt2020",
        "Condition?onset-info=childhood&abatement-string=early",
        "Condition?onset-info:missing=true&onset-date=gt2020",
        "Condition?onset-date=gt2020&onset-date=lt2030",
        // `value-string` also finds the text of a concept.
        "Observation?value-concept=a&value-string=b",
        "Observation?value-quantity=gt5&component-value-concept=a",
        "MedicationRequest?code=a&code:not=b",
        "MedicationRequest?code:not=a&medication=1",
        "MedicationRequest?medication.code=a&medication=1",
        "MedicationRequest?medication=1,2&medication:missing=false",
        "MedicationRequest?medication.code=a&code:not=b",
        // Servers disagree on a chain that ends with a negation.
        "MedicationRequest?medication.code:not=a&code=b",
        "MedicationRequest?code=a&_has:Provenance:target:agent=1",
        "AppointmentResponse?patient=1&actor=1",
        "AppointmentResponse?patient:missing=true&practitioner=1",
        "AppointmentResponse?practitioner=1&appointment=2&actor=Practitioner/1",
        "Coverage?patient=1&beneficiary=Patient/1&subscriber=2&policy-holder=3",
        "ResearchSubject?individual=Patient/1&patient=1&study=2",
        "CodeSystem?url=http://a.example/1&system=http://a.example/1&supplements=http://a.example/2",
        "Observation?component-value-concept=a&component-value-quantity=5",
        "Patient?gender=male,female&gender:not=male",
        "Patient?gender:not=male&gender:not=female",
        "Observation?category=a&category:not=http://example.org|a",
        "Observation?code=a&code:text=a&code:missing=false",
        "Encounter?date=ge2024-06&date=lt2023",
        "Patient?_lastUpdated=ge2024-01-01T10:00:00.100Z&_lastUpdated=lt2024-01-01T10:00:00.200Z",
        "Patient?_lastUpdated=ge2024-01-01T10:00&_lastUpdated=le2024-01-01T10:00",
        "Encounter?length=5||h&length=ne5.2||h",
        "Patient?birthdate=ge2024,2010&birthdate=lt2023",
        "Patient?_id=1,2&_id=2",
        "Patient?identifier=1&identifier=2",
        "Patient?given=a&given=b",
        "Patient?email=a@example.org&email=b@example.org",
        "Encounter?class=IMP&class=http://terminology.hl7.org/CodeSystem/v3-ActCode|imp",
        "Encounter?class:not=IMP&class=AMB",
        "Encounter?length=gt5||h&length=lt4||d",
        "Observation?value-quantity=gt8&value-quantity=lt5",
        "ValueSet?url=http://a.example/1&url=http://a.example/1|2",
        "ValueSet?url=http://a.example/1&url:below=http://a.example",
        "Patient?general-practitioner=1&general-practitioner=2",
        "Observation?subject.name=a&subject.name=b",
        "Observation?subject:Patient.name=a&subject=Patient/1,Group/1",
        "Observation?subject:Patient.name=a&subject=1",
        "Observation?subject:Patient.name=a&subject=urn:uuid:1",
        "Observation?subject:Patient.name=a&subject:identifier=1",
        "Observation?subject:Patient.name=a&patient.birthdate=ge2000",
        "Observation?subject.name=a&subject=Group/1",
        // Servers disagree on a chain that ends with a negation, and a resource has several performers.
        "Observation?subject:Patient.gender:not=male&subject=Group/1",
        "Observation?performer:Practitioner.name=a&performer=Organization/1",
        "SupplyRequest?subject:Patient.name=a&requester=Organization/2",
        "Observation?subject._id=1&subject._id=2",
    ] {
        judge(text, &WITH_CRITERIA, &[]).unwrap_or_else(|told| panic!("{text}: {told:?}"));
    }
}

/// The name in the cure takes all the values in it.
#[test]
fn the_cure_of_a_contradiction_is_right() {
    for (text, cure) in [
        ("Observation?subject=Group/1&patient=2", "subject=Group/1,Patient/2"),
        ("Observation?patient=1&subject=Group/2", "subject=Patient/1,Group/2"),
        ("Observation?patient=1&patient=2", "patient=Patient/1,Patient/2"),
        ("AppointmentResponse?patient=1&location=1", "actor=Patient/1,Location/1"),
        ("AppointmentResponse?location=1&location=2", "location=Location/1,Location/2"),
        ("AppointmentResponse?actor=Location/1&patient=2", "actor=Location/1,Patient/2"),
        ("Coverage?beneficiary=1&patient=2", "beneficiary=Patient/1,Patient/2"),
        ("ResearchSubject?individual=1&patient=2", "individual=Patient/1,Patient/2"),
        (
            "CodeSystem?url=http://a.example/1&system=http://a.example/2",
            "url=http://a.example/1,http://a.example/2",
        ),
        (
            "Observation?subject=1&patient=http://a.example/Patient/1&patient=2",
            "subject=1,http://a.example/Patient/1,Patient/2",
        ),
    ] {
        let told = judge(text, &WITH_CRITERIA, &[]).expect_err(text);
        assert!(told[0].contains(&format!(": write `{cure}` for any of them")), "{text}: {told:?}");
        let (on, _) = text.split_once('?').expect("a search");
        judge(&format!("{on}?{cure}"), &WITH_CRITERIA, &[]).unwrap_or_else(|told| panic!("{cure}: {told:?}"));
    }
    // The third parameter is compared with the second one.
    let told = judge("AppointmentResponse?patient=1&location=1&patient=2", &WITH_CRITERIA, &[]).unwrap_err();
    assert!(told[1].contains("write `actor=Location/1,Patient/2`"), "{told:?}");
}

#[test]
fn a_concept_may_stand_beside_a_reference_in_r5() {
    for text in [
        "MedicationRequest?code=a&medication=Medication/1",
        "MedicationStatement?code=a&medication=Medication/1",
        "DeviceRequest?device=Device/1&code=a",
        "MedicationRequest?code=a&medication.code=b",
    ] {
        right(text, &[FhirVersion::R5]);
    }
    let text = "Observation?value-reference=MolecularSequence/1&value-concept=a";
    let told = judge(text, &[FhirVersion::R5], &[]).expect_err(text);
    assert!(told[0].starts_with("`value-reference` and `value-concept` are of one element"), "{told:?}");
    let text = "AppointmentResponse?group=1&patient=1";
    let told = judge(text, &[FhirVersion::R5], &[]).expect_err(text);
    assert!(told[0].contains("write `actor=Group/1,Patient/1`"), "{told:?}");
}

#[test]
fn only_an_ampersand_joins_parameters() {
    for (text, piece, message) in [
        ("Observation?status=final;code=1234-5", "final;code=1234-5", "write `&code=1234-5`"),
        ("Observation?status=final,code=1234-5", "code=1234-5", "write `&code=1234-5`"),
        ("Observation?status=final%20code:in=x", "final%20code:in=x", "write `&code:in=x`"),
        ("Observation?date=ge2030;status=final", "ge2030;status=final", "write `&status=final`"),
        ("Observation?subject=Patient/1;status=final", "Patient/1;status=final", "write `&status=final`"),
        (
            "Observation?subject=http://example.org/fhir/Patient/1;status=final",
            "http://example.org/fhir/Patient/1;status=final",
            "write `&status=final`",
        ),
        ("Observation?subject=Patient/1;patient.name=a=b", "Patient/1;patient.name=a=b", "name=a=b`"),
        ("Observation?subject.gender=male;birthdate=2030", "male;birthdate=2030", "write `&birthdate=2030`"),
        ("ValueSet?url=a;status=active", "a;status=active", "write `&status=active`"),
    ] {
        let told = judge(text, &WITH_CRITERIA, &[]).expect_err(text);
        assert!(told[0].starts_with("an `&` joins parameters: "), "{text}: {told:?}");
        assert!(told[0].contains(message), "{text}: {told:?}");
        wrong_in(text, piece);
    }
    for text in [
        "DocumentReference?contenttype=multipart/related;type=application/dicom",
        "DocumentReference?contenttype=multipart/related;type%3Dapplication/dicom",
        "ValueSet?url=https://example.org/a;version=1",
        "ValueSet?url=https://example.org/a?status=active",
        "Observation?_source=https://example.org/a?code=b;status=c",
        "Observation?code:in=https://example.org/fhir/ValueSet/1?date=2030;status=active",
        "Observation?subject:identifier=https://example.org|ward;code=7",
        "Observation?status:text=blood%20code=7",
        "Observation?_tag=https://example.org|status=7",
        "Observation?code-value-string=http://loinc.org|1$a;status=b",
        "Observation?code=http://snomed.info/sct|1:{2=3}",
        "Patient?identifier=https://example.org|a;gender=b",
        "Patient?name=a;gender=male",
        "Patient?email=a;gender=male@example.org",
    ] {
        judge(text, &WITH_CRITERIA, &[]).unwrap_or_else(|told| panic!("{text}: {told:?}"));
    }
    // It is wrong for another reason: the value has no `=` that could join.
    let told = judge("Observation?status=final;code%3D1", &WITH_CRITERIA, &[]).unwrap_err();
    assert!(told[0].starts_with("`status` of `Observation` is never"), "{told:?}");
    // R5 searches the text of a section.
    right("Composition?section-text=diabetes%20type=2", &[FhirVersion::R5]);
}

/// A topic has several filters: all of them are one search.
#[test]
fn contradictions_need_a_version_that_has_them() {
    let contradictions = |text: &str, versions: &[FhirVersion]| {
        let search = search::parse(text).0.expect("a search");
        super::contradictions(&search, versions).len()
    };
    use FhirVersion::{R4, R4B, R5};
    let medication = "MedicationRequest?code=a&medication=Medication/1";
    assert_eq!(contradictions(medication, &[R4, R4B]), 1);
    assert_eq!(contradictions(medication, &FhirVersion::ALL), 0);
    // R4 lacks the type, and says nothing about it.
    let ingredient = "Ingredient?_id=1&_id=2";
    assert_eq!(contradictions(ingredient, &[R4]), 0);
    assert_eq!(contradictions(ingredient, &[R4, R5]), 1);
    assert_eq!(contradictions("[*]", &[R4]), 0);
}

#[track_caller]
fn wrong_in(text: &str, piece: &str) {
    wrong(text, piece, "");
}

#[test]
fn a_name_in_braces_is_a_placeholder_or_a_unit() {
    for (text, braces, capitals) in [
        (
            "Encounter?service-provider=Organization/{organization_id}",
            "{organization_id}",
            "{ORGANIZATION_ID}",
        ),
        ("Encounter?service-provider={Organization}", "{Organization}", "{ORGANIZATION}"),
        ("Encounter?class={class}", "{class}", "{CLASS}"),
        ("Encounter?class=AMB,{class-code}", "{class-code}", "{CLASS_CODE}"),
        ("Observation?code=http://loinc.org|{code}", "{code}", "{CODE}"),
        ("Observation?code=http://loinc.org%7C%7Bcode%7D", "{code}", "{CODE}"),
        ("Patient?family={family}", "{family}", "{FAMILY}"),
        ("Patient?organization:identifier=urn:x|{id1}", "{id1}", "{ID1}"),
        ("Encounter?date=ge{from}", "{from}", "{FROM}"),
        ("Encounter?date={from}", "{from}", "{FROM}"),
        ("RiskAssessment?probability=gt{limit}", "{limit}", "{LIMIT}"),
        ("Patient?identifier=urn:x|{feed-deaf-cafe}", "{feed-deaf-cafe}", "{FEED_DEAF_CAFE}"),
    ] {
        let told = judge(text, &WITH_CRITERIA, &[]).unwrap_err().concat();
        let expected = format!(
            "`{braces}` is not a placeholder, and would be searched for as it stands: write `{capitals}`"
        );
        assert!(told.contains(&expected), "{text}: {told}");
    }
    for text in [
        "Observation?code=http://loinc.org|{CODE_1}",
        "Observation?value-quantity=5||{score}",
        "Observation?value-quantity=gt5|http://unitsofmeasure.org|{score}",
        "Observation?code-value-quantity=http://loinc.org|1-2$5||{score}",
        "Observation?code=http://unitsofmeasure.org|{score}",
        "Patient?family={1}",
        "Patient?identifier=urn:x|{F9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4}",
        "Patient?identifier=urn:x|%7Bf9168c5e-ceb2-4faa-b6bf-329bf39fa1e4%7D",
        "Patient?identifier={f9168c5eceb24faab6bf329bf39fa1e4}",
        "Encounter?subject:identifier=%7BF9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4%7D",
    ] {
        assert!(judge(text, &WITH_CRITERIA, &[]).is_ok(), "{text}");
    }
}

#[test]
fn what_is_nearly_a_code_system_is_none() {
    for (written, meant) in [
        ("https://loinc.org", "http://loinc.org"),
        ("http://loinc.org/", "http://loinc.org"),
        ("http://www.loinc.org", "http://loinc.org"),
        ("https://www.loinc.org/", "http://loinc.org"),
        ("HTTP://LOINC.ORG", "http://loinc.org"),
        ("http://loinc.org%23", "http://loinc.org"),
        ("loinc.org", "http://loinc.org"),
        ("http:/loinc.org", "http://loinc.org"),
        ("http:loinc.org", "http://loinc.org"),
        ("http:///loinc.org", "http://loinc.org"),
        ("http//loinc.org", "http://loinc.org"),
        ("https:/www.loinc.org/", "http://loinc.org"),
        ("HTTP:/loinc.org", "http://loinc.org"),
        ("htp://loinc.org", "http://loinc.org"),
        ("htttp://snomed.info/sct", "http://snomed.info/sct"),
        ("http:/hl7.org/fhir/sid/icd10", "http://hl7.org/fhir/sid/icd-10"),
        ("http:/hl7.org/fhir/v3/ActCode", "http://terminology.hl7.org/CodeSystem/v3-ActCode"),
        ("http:/terminology.hl7.org/CodeSystem/x", "http://terminology.hl7.org/CodeSystem/x"),
        ("http://snomed.info/sct/", "http://snomed.info/sct"),
        ("https://snomed.info/sct", "http://snomed.info/sct"),
        ("http://snomed.org/sct", "http://snomed.info/sct"),
        ("http://snomed.info", "http://snomed.info/sct"),
        ("http://snomed.info/SCT", "http://snomed.info/sct"),
        ("http://snomed.info/sct/900000000000207008", "http://snomed.info/sct"),
        ("https://www.nlm.nih.gov/research/umls/rxnorm", "http://www.nlm.nih.gov/research/umls/rxnorm"),
        ("http://nlm.nih.gov/research/umls/rxnorm", "http://www.nlm.nih.gov/research/umls/rxnorm"),
        ("http://www.nlm.nih.gov/research/umls/rxnorm/", "http://www.nlm.nih.gov/research/umls/rxnorm"),
        ("https://hl7.org/fhir/sid/icd-10", "http://hl7.org/fhir/sid/icd-10"),
        ("http://hl7.org/fhir/sid/icd-10-cm/", "http://hl7.org/fhir/sid/icd-10-cm"),
        ("http://www.hl7.org/fhir/sid/cvx", "http://hl7.org/fhir/sid/cvx"),
        ("http://hl7.org/fhir/sid/CVX", "http://hl7.org/fhir/sid/cvx"),
        ("http://hl7.org/fhir/sid/icd10", "http://hl7.org/fhir/sid/icd-10"),
        ("http://hl7.org/fhir/sid/icd10-cm", "http://hl7.org/fhir/sid/icd-10-cm"),
        ("https://hl7.org/fhir/sid/icd9cm", "http://hl7.org/fhir/sid/icd-9-cm"),
        ("http://hl7.org/fhir/sid/rxnorm", "http://www.nlm.nih.gov/research/umls/rxnorm"),
        ("http://hl7.org/fhir/sid/npi", "http://hl7.org/fhir/sid/us-npi"),
        ("http://hl7.org/fhir/v3/ActCode", "http://terminology.hl7.org/CodeSystem/v3-ActCode"),
        ("https://www.hl7.org/fhir/v2/0203/", "http://terminology.hl7.org/CodeSystem/v2-0203"),
        (
            "http://hl7.org/fhir/observation-category",
            "http://terminology.hl7.org/CodeSystem/observation-category",
        ),
        ("https://hl7.org/fhir/service-type/", "http://terminology.hl7.org/CodeSystem/service-type"),
        ("http://www.hl7.org/fhir/admit-source", "http://terminology.hl7.org/CodeSystem/admit-source"),
        (
            "https://terminology.hl7.org/CodeSystem/v3-ActCode",
            "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        ),
        (
            "http://terminology.hl7.org/CodeSystem/v3-ActCode/",
            "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        ),
        ("http://www.terminology.hl7.org/CodeSystem/x", "http://terminology.hl7.org/CodeSystem/x"),
    ] {
        let text = format!("Observation?code={written}|1");
        let told = judge(&text, &WITH_CRITERIA, &[]).expect_err(&text);
        assert!(told[0].contains(&format!("write `{meant}|1`")), "{text}: {told:?}");
        judge(&text, &WITH_CRITERIA, &["code"]).expect("`also` lets it through");
    }
    for (text, message) in [
        (
            "Observation?value-quantity=5|https://unitsofmeasure.org|mg",
            "write `5|http://unitsofmeasure.org|mg`",
        ),
        (
            "Observation?value-quantity=5|http://unitsofmeasure.org/|mg",
            "write `5|http://unitsofmeasure.org|mg`",
        ),
        ("Observation?value-quantity=5|ucum|mg", "write `5|http://unitsofmeasure.org|mg`"),
        ("Observation?code-value-quantity=https://loinc.org|1$5", "write `http://loinc.org|1`"),
        ("Patient?_has:Observation:patient:code=https://loinc.org|1", "write `http://loinc.org|1`"),
        ("Observation?code:below=https://loinc.org|1", "write `http://loinc.org|1`"),
        ("Patient?identifier=https://hl7.org/fhir/sid/us-ssn|1", "write `http://hl7.org/fhir/sid/us-ssn|1`"),
        ("Patient?identifier=http:/hl7.org/fhir/sid/us-ssn|1", "write `http://hl7.org/fhir/sid/us-ssn|1`"),
        (
            "Patient?identifier:of-type=http:/terminology.hl7.org/CodeSystem/v2-0203|MR|1",
            "write `http://terminology.hl7.org/CodeSystem/v2-0203|MR",
        ),
        (
            "Observation?value-quantity=5|http:/unitsofmeasure.org|mg",
            "write `5|http://unitsofmeasure.org|mg`",
        ),
        (
            "Observation?status=http:/hl7.org/fhir/observation-status|final",
            "write `http://hl7.org/fhir/observation-status|final`",
        ),
        ("Observation?code=http:/loinc.org/2823-3", "write `http://loinc.org|2823-3`"),
        ("Observation?code=http:/loinc.org", "write `http://loinc.org|` for any code of it"),
        (
            "Encounter?class=http:/terminology.hl7.org/CodeSystem/v3-ActCode/AMB",
            "write `http://terminology.hl7.org/CodeSystem/v3-ActCode|AMB`",
        ),
        ("Observation?code=http:/example.org/codes|1", "is not a URI, because it has no host"),
        ("Condition?clinical-status=HTTPS:example.org|1", "is not a URI, because it has no host"),
        ("Observation?_tag=http:///example.org|1", "is not a URI, because it has no host"),
        ("Observation?code:in=http:/snomed.info/sct%3Ffhir_vs=isa/235862008", "take a value set"),
        ("Observation?code:not-in=http:///example.org/fhir/ValueSet/1", "take a value set"),
        ("Patient?_profile=HTTP:/example.org/a", "takes a URI"),
        ("Patient?_source=Https:///example.org/a", "takes a URI"),
        ("ValueSet?url=http:example.org", "takes a URI"),
        (
            "Observation?status=https://hl7.org/fhir/observation-status|final",
            "write `http://hl7.org/fhir/observation-status|final`",
        ),
        (
            "Condition?clinical-status=https://terminology.hl7.org/CodeSystem/condition-clinical|active",
            "write `http://terminology.hl7.org/CodeSystem/condition-clinical|active`",
        ),
        ("Observation?code=http://loinc.org/2823-3", "write `http://loinc.org|2823-3`"),
        ("Observation?code=https://loinc.org/2823-3/", "write `http://loinc.org|2823-3`"),
        ("Observation?code=http://snomed.info/sct/73211009", "write `http://snomed.info/sct|73211009`"),
        ("Observation?code=http://snomed.info/id/73211009", "write `http://snomed.info/sct|73211009`"),
        (
            "Condition?code=http://hl7.org/fhir/sid/icd-10-cm/E11.9",
            "write `http://hl7.org/fhir/sid/icd-10-cm|E11.9`",
        ),
        ("Observation?code=a,http://loinc.org%232823-3", "write `http://loinc.org|2823-3`"),
        ("Observation?code=http://loinc.org", "write `http://loinc.org|` for any code of it"),
        ("Observation?code=urn:iso:std:iso:3166:AU", "write `urn:iso:std:iso:3166|AU`"),
        ("Observation?code=urn:iso:std:iso:3166:-2", "write `urn:iso:std:iso:3166:-2|` for any code of it"),
        ("Observation?code=urn:iso:std:iso:3166:-2:AU-NSW", "write `urn:iso:std:iso:3166:-2|AU-NSW`"),
        ("Observation?code=http://loinc.org;2823-3", "write `http://loinc.org|2823-3`"),
        (r"Observation?code=http://loinc.org\|2823-3", "write `http://loinc.org|2823-3`"),
        ("Observation?code=http://loinc.org$2823-3", "write `http://loinc.org|2823-3`"),
        ("Observation?code=|http://loinc.org", "write `http://loinc.org|` for any code of it"),
        ("Observation?code=2823-3|http://loinc.org", "write `http://loinc.org|2823-3`"),
        (
            "Encounter?class=http://terminology.hl7.org/CodeSystem/v3-ActCode/AMB",
            "write `http://terminology.hl7.org/CodeSystem/v3-ActCode|AMB`",
        ),
        (
            "Observation?category=https://terminology.hl7.org/CodeSystem/observation-category%23laboratory",
            "write `http://terminology.hl7.org/CodeSystem/observation-category|laboratory`",
        ),
        (
            "Encounter?class=http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "write `http://terminology.hl7.org/CodeSystem/v3-ActCode|` for any code of it",
        ),
        (
            "Observation?code=http://loinc.org|%202823-3",
            "no code begins or ends with a space: write `2823-3`",
        ),
        ("Encounter?subject=https://example.org/fhir/Observation/1", "never refers to `Observation`"),
        ("Patient?gender:!=male", "write `gender:not=male`"),
    ] {
        let told = judge(text, &WITH_CRITERIA, &[]).expect_err(text);
        assert!(told[0].contains(message), "{text}: {told:?}");
    }
    for text in [
        "Observation?code=http://loinc.org|1",
        "Observation?code=http://loinc.org|",
        "Observation?code=http://example.org/loinc|1",
        "Observation?code=https://example.org/|1",
        "Observation?code=urn:oid:2.16.840.1.113883.6.1|1",
        "Observation?code=http://www.ama-assn.org/go/cpt|1",
        "Observation?code=http://hl7.org/fhir/sid/icd-10|1",
        "Observation?code=http://hl7.org/fhir/sid/icd-10-de|1",
        "Observation?code=urn:iso:std:iso:3166:-2|AU-NSW",
        "Observation?code=http://www.nlm.nih.gov/research/umls/rxnorm|1",
        "Observation?code=http://terminology.hl7.org/CodeSystem/v2-0203|MR",
        "Observation?code=http://terminology.hl7.org/CodeSystem/observation-category|1",
        "Observation?code=http://hl7.org/fhir/observation-status|final",
        "Observation?code=http://hl7.org/fhir/observation-categories|1",
        "Observation?code=http://example.org/hl7.org/fhir/service-type|1",
        "Observation?code=http://terminology.hl7.org.au/CodeSystem/x|1",
        "Observation?code=http://terminology.hl7.org.nz/CodeSystem/x|1",
        "Observation?code=http://hl7.org/fhirpath/x|1",
        "Observation?code=http://hl7.org/fhir-x|1",
        "Observation?code=http://hl7.org/fhir|1",
        "Patient?identifier=http://hl7.org.au/id/medicare-number|1",
        "Observation?code=http://example.org/1",
        "Observation?code:in=http://snomed.info/sct?fhir_vs=isa/235862008",
        "Patient?identifier=system|1",
        "Patient?identifier=https://example.org/|1",
        // A server may have stored it so.
        "Patient?identifier=http:/example.org/mrn|1",
        "Observation?code=httpx:loinc.org|1",
        "Observation?code=http.example:codes|1",
        "Observation?code=ftp://example.org|1",
        "Observation?code=urn:x://loinc.org|1",
        "Patient?_tag=https://example.org/tags|a",
    ] {
        judge(text, &WITH_CRITERIA, &[]).unwrap_or_else(|told| panic!("{text}: {told:?}"));
    }
}

#[test]
fn a_plus_that_is_written_as_it_is_would_be_a_space() {
    for text in [
        "Patient?email=a+b@example.org",
        "Patient?phone=+15555550100",
        "Patient?phone=0049,+15555550100",
        "Patient?telecom=phone|+49152236898",
        "Practitioner?telecom=a+b@example.org",
        "Observation?patient.phone=+1555",
        "Patient?phone:not=+1555",
        "DocumentReference?contenttype=application/fhir+json",
        "Observation?value-quantity=1e+3",
        "Observation?value-quantity=5|http://unitsofmeasure.org|10*+3/uL",
        "ValueSet?url=http://example.org/a+b",
        "Observation?code=http://example.org/a+b|1",
        "Observation?value-concept=A+",
        "Observation?value-concept=http://example.org/blood|AB+",
        "Patient?identifier=+15555550100",
        "Patient?identifier=https://example.org/phones|+15555550100",
        "Patient?identifier=https://example.org/phones|1555+",
        "Observation?subject:identifier=https://example.org/phones|+1555",
        "Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|+1555",
    ] {
        let plus = if text.contains("http://example.org/a+b|") { "http://example.org/a+b" } else { "+" };
        wrong_in(text, plus);
    }
    for text in [
        "Patient?email=a%2Bb@example.org",
        "Patient?phone=%2B15555550100",
        "Patient?phone=03%205555%206473",
        "Patient?name=van+der+Meer",
        "Patient?address=Main+Street",
        "DocumentReference?contenttype=application/fhir%2Bjson",
        "Observation?value-quantity=1e%2B3",
        "Patient?identifier=a+b",
    ] {
        judge(text, &WITH_CRITERIA, &[]).unwrap_or_else(|told| panic!("{text}: {told:?}"));
    }
}

#[test]
fn a_decimal_comma_separates_two_values() {
    for (text, written) in [
        ("RiskAssessment?probability=gt0,8", "probability=gt0.8"),
        ("RiskAssessment?probability=0,8", "probability=0.8"),
        ("RiskAssessment?probability=ge0,5,le0,7", "probability=ge0.5,le0.7"),
        ("Encounter?length=5,5", "length=5.5"),
        ("Observation?value-quantity=1.000,5||mg", "value-quantity=1000.5||mg"),
        (
            "Observation?code-value-quantity=http://loinc.org|1$5,4",
            "code-value-quantity=http://loinc.org|1$5.4",
        ),
        (
            "Observation?code-value-quantity=http://loinc.org|1$gt5,4||mg",
            "code-value-quantity=http://loinc.org|1$gt5.4||mg",
        ),
        (
            "Observation?component-code-value-quantity=a$1,b$ge140,5",
            "component-code-value-quantity=b$ge140.5",
        ),
        ("Observation?value-quantity=5,4||mg", "value-quantity=5.4||mg"),
        (
            "Observation?value-quantity=5,4|http://unitsofmeasure.org|mg",
            "value-quantity=5.4|http://unitsofmeasure.org|mg",
        ),
        ("Observation?value-quantity=ge5,4|http://unitsofmeasure.org|mg", "value-quantity=ge5.4|"),
        (r"Observation?value-quantity=5\,4||mg", "write `5.4`"),
        (r"RiskAssessment?probability=gt0\,8", "write `0.8`"),
    ] {
        let told = judge(text, &WITH_CRITERIA, &[]).expect_err(text);
        assert!(told[0].contains(written), "{text}: {told:?}");
    }
    for text in [
        "Observation?value-quantity=5,4",
        "Observation?value-quantity=1.5,2",
        "Observation?code-value-quantity=http://loinc.org|1$5,http://loinc.org|2$6",
        "Observation?value-quantity=lt60,gt100",
        "Observation?value-quantity=5||mg,4||mg",
        "RiskAssessment?probability=gt0.8,0.1",
        "RiskAssessment?probability=lt0,eq5",
    ] {
        judge(text, &WITH_CRITERIA, &[]).unwrap_or_else(|told| panic!("{text}: {told:?}"));
    }
}

#[test]
fn one_question_mark_stands_before_all_parameters() {
    wrong(
        "Encounter?status=finished?class=AMB",
        "?",
        "one `?` stands before all parameters: write `&class=AMB`",
    );
    wrong(
        "Encounter??status=finished",
        "?",
        "one `?` stands between the type and the parameters: take this one out",
    );
    wrong("Encounter?status=finished&?class=AMB", "?", "one `?` stands between");
    wrong("Observation?code=http://loinc.org|1?status=final", "?", "one `?` stands before all parameters");
    wrong("Observation?_id=1?subject:Patient.name=a", "?", "one `?` stands before all parameters");
    for text in [
        "ValueSet?url=http://example.org/a?b=c",
        "ValueSet?url=urn:x:a?b=c",
        "Patient?name=who?",
        "Patient?name=a%3Fb=c",
        "Condition?code:in=http%3A%2F%2Fsnomed.info%2Fsct?fhir_vs=isa/126851005",
    ] {
        judge(text, &WITH_CRITERIA, &[]).unwrap_or_else(|told| panic!("{text}: {told:?}"));
    }
}

#[test]
fn a_code_with_a_prefix_is_told_the_modifier() {
    wrong("Patient?gender=nemale", "nemale", "a token takes no prefix: write `gender:not=male`");
    wrong("Patient?gender=!male", "!male", "a token takes no prefix: write `gender:not=male`");
    wrong(
        "Encounter?status=nefinished",
        "nefinished",
        "a token takes no prefix: write `status:not=finished`",
    );
    wrong(
        "Patient?gender=eqmale",
        "eqmale",
        "a token takes no prefix, and is compared for equality: write `gender=male`",
    );
    wrong(
        "Patient?gender=http://hl7.org/fhir/administrative-gender|nemale",
        "nemale",
        "a token takes no prefix: write `gender:not=http://hl7.org/fhir/administrative-gender|male`",
    );
    for text in ["Patient?gender=notmale", "Patient?gender=ne:male", "Patient?gender=not:male"] {
        wrong(
            text,
            text.split_once('=').expect("a value").1,
            "a token takes no prefix: write `gender:not=male`",
        );
    }
    wrong("Patient?gender=femal", "femal", "`gender` of `Patient` is never `femal`: did you mean `female`?");
}

/// The path of a parameter in a version. The tables of this crate do not contain the elements' paths; the tables of
/// the sandbox do.
fn path(name: &str, code: &str, version: FhirVersion) -> String {
    let elements = include_str!("../../../../fhir-sub/sandbox/src/search/parameters.txt");
    let line = elements.lines().find(|line| line.split([' ', '@']).next() == Some(name)).expect(name);
    let (_, path) = line.split_once(&format!(" {code}=")).expect(code);
    let path = path.split(' ').next().unwrap_or_default();
    // Only the path of this version: `subject>Patient@4`.
    let own = |path: &&str| {
        path.split_once('@')
            .is_none_or(|(_, mask)| mask.parse::<u8>().expect("a mask") & [1, 2, 4][version as usize] != 0)
    };
    let path = path.split('+').find(own).unwrap_or_default();
    path.split(['>', '@']).next().unwrap_or_default().to_owned()
}

#[test]
fn a_patient_beside_a_subject_is_the_subject() {
    let mut both = 0;
    for version in FhirVersion::ALL {
        let definitions = Definitions::of(version);
        for name in definitions.resource_types() {
            let on = definitions.resource_type(name).expect("it is a type");
            let (Some(patient), Some(subject)) = (on.parameter("patient"), on.parameter("subject")) else {
                continue;
            };
            if !patient.is_single || !subject.is_single || name == "SupplyRequest" {
                continue;
            }
            both += 1;
            assert_eq!(path(name, "patient", version), path(name, "subject", version), "{name} in {version}");
        }
    }
    assert!(both > 60, "{both}");
}

#[test]
fn names_of_one_element_have_one_path() {
    use FhirVersion::{R4, R4B, R5};
    let (all, before_r5) = (&FhirVersion::ALL[..], &[R4, R4B][..]);
    for (name, codes, versions, element) in [
        ("AppointmentResponse", &["actor", "patient", "practitioner", "location"][..], all, "actor"),
        ("AppointmentResponse", &["actor", "group"], &[R5], "actor"),
        ("CodeSystem", &["url", "system"], all, "url"),
        ("Coverage", &["beneficiary", "patient"], all, "beneficiary"),
        ("ResearchSubject", &["individual", "patient"], before_r5, "individual"),
        ("Observation", &["value-concept", "value-quantity", "value-date"], all, "value[x]"),
        ("Observation", &["value-string"], before_r5, "value[x]"),
        ("Observation", &["value-reference"], &[R5], "value[x]"),
        ("Condition", &["onset-age", "onset-date", "onset-info"], all, "onset[x]"),
        ("Condition", &["abatement-age", "abatement-date", "abatement-string"], all, "abatement[x]"),
        ("MedicationRequest", &["code", "medication"], before_r5, "medication[x]"),
        ("MedicationAdministration", &["code", "medication"], before_r5, "medication[x]"),
        ("MedicationDispense", &["code", "medication"], before_r5, "medication[x]"),
        ("MedicationStatement", &["code", "medication"], before_r5, "medication[x]"),
        ("DeviceRequest", &["code", "device"], before_r5, "code[x]"),
    ] {
        for version in versions {
            let on = Definitions::of(*version).resource_type(name).expect(name);
            for code in codes {
                on.parameter(code).expect(code);
                let path = path(name, code, *version);
                // A list would end with a `*`.
                assert_eq!(path.split(':').next(), Some(element), "{code} of {name} in {version}");
            }
        }
    }
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
        // The compiler indents all lines after the first one.
        let told = mistakes[0].replace("\n", "\n       ").replace("       \n", "\n");
        assert_eq!(between("error: ", "\n```"), told);
        let after = between("Write `criteria = \"", "\"`");
        judge(&after, &WITH_CRITERIA, &[]).expect(&after);
    }
}
