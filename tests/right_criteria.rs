//! Criteria that must compile: what the specification and servers' documentation show, taken from
//! `fhir-sub-macros/search/tests/criteria/right.txt`, as handlers of one program.

use std::collections::BTreeSet;

use fhir_sub::__private::{FHIR_SUB_DECLARATIONS, Trigger};
use fhir_sub::prelude::*;

#[test]
fn each_is_declared_as_it_is_written() {
    let right = include_str!("../fhir-sub-macros/search/tests/criteria/right.txt");
    let right: BTreeSet<_> = right.lines().collect();
    assert!(FHIR_SUB_DECLARATIONS.len() >= 100, "{}", FHIR_SUB_DECLARATIONS.len());
    for declaration in FHIR_SUB_DECLARATIONS {
        let Trigger::Criteria(criteria) = declaration.trigger else { panic!("it has criteria") };
        assert!(right.contains(criteria), "{criteria}");
    }
}

mod specification {
    use super::*;
    #[fhir_subscription(
        criteria = "AllergyIntolerance?clinical-status:missing=true",
        endpoint = "specification-1"
    )]
    async fn number_1(_: Event) {}

    #[fhir_subscription(
        criteria = "AllergyIntolerance?clinical-status=http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical|active",
        endpoint = "specification-2"
    )]
    async fn number_2(_: Event) {}

    #[fhir_subscription(
        criteria = "AllergyIntolerance?clinical-status=http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical|active&clinical-status:missing=true",
        endpoint = "specification-3"
    )]
    async fn number_3(_: Event) {}

    #[fhir_subscription(
        criteria = "AllergyIntolerance?patient=42&_list=$current-allergies",
        endpoint = "specification-4"
    )]
    async fn number_4(_: Event) {}

    #[fhir_subscription(criteria = "Composition?section:not=48765-2", endpoint = "specification-5")]
    async fn number_5(_: Event) {}

    #[fhir_subscription(criteria = "Composition?section=48765-2", endpoint = "specification-6")]
    async fn number_6(_: Event) {}

    #[fhir_subscription(
        criteria = "Condition?code:in=http%3A%2F%2Fsnomed.info%2Fsct%3Ffhir_vs%3Disa%2F126851005",
        endpoint = "specification-7"
    )]
    async fn number_7(_: Event) {}

    #[fhir_subscription(
        criteria = "Condition?code:in=http%3A%2F%2Fsnomed.info%2Fsct%3Ffhir_vs%3Disa%2F235862008",
        endpoint = "specification-8"
    )]
    async fn number_8(_: Event) {}

    #[fhir_subscription(
        criteria = "Condition?code:not-in=http%3A%2F%2Fsnomed.info%2Fsct%3Ffhir_vs%3Disa%2F235862008",
        endpoint = "specification-9"
    )]
    async fn number_9(_: Event) {}

    #[fhir_subscription(
        criteria = "Condition?code=http://acme.org/conditions/codes|ha125",
        endpoint = "specification-10"
    )]
    async fn number_10(_: Event) {}

    #[fhir_subscription(
        criteria = "DiagnosticReport?_profile=http://hl7.org/fhir/StructureDefinition/lipid",
        endpoint = "specification-11"
    )]
    async fn number_11(_: Event) {}

    #[fhir_subscription(
        criteria = "DiagnosticReport?result.code-value-quantity=http://loinc.org|2823-3$gt5.4|http://unitsofmeasure.org|mmol/L",
        endpoint = "specification-12"
    )]
    async fn number_12(_: Event) {}

    #[fhir_subscription(criteria = "DiagnosticReport?subject.name=peter", endpoint = "specification-13")]
    async fn number_13(_: Event) {}

    #[fhir_subscription(
        criteria = "DiagnosticReport?subject:Patient.name=peter",
        endpoint = "specification-14"
    )]
    async fn number_14(_: Event) {}

    #[fhir_subscription(
        criteria = "DocumentReference?contenttype:below=text/xml",
        endpoint = "specification-15"
    )]
    async fn number_15(_: Event) {}

    #[fhir_subscription(criteria = "DocumentReference?contenttype=text/xml", endpoint = "specification-16")]
    async fn number_16(_: Event) {}

    #[fhir_subscription(criteria = "Group?characteristic-value=gender$mixed", endpoint = "specification-17")]
    async fn number_17(_: Event) {}

    #[fhir_subscription(
        criteria = "Group?characteristic-value=gender$mixed,owner$Eve",
        endpoint = "specification-18"
    )]
    async fn number_18(_: Event) {}

    #[fhir_subscription(criteria = "Medication?ingredient-code=abc", endpoint = "specification-19")]
    async fn number_19(_: Event) {}

    #[fhir_subscription(criteria = "MedicationRequest?", endpoint = "specification-20")]
    async fn number_20(_: Event) {}

    #[fhir_subscription(
        criteria = "MedicationRequest?medication.ingredient-code=abc",
        endpoint = "specification-21"
    )]
    async fn number_21(_: Event) {}

    #[fhir_subscription(
        criteria = "Observation?code=http://loinc.org|8867-4&value-quantity=lt60,gt100",
        endpoint = "specification-22"
    )]
    async fn number_22(_: Event) {}

    #[fhir_subscription(
        criteria = "Observation?component-code-value-quantity=http://loinc.org|8480-6$lt60",
        endpoint = "specification-23"
    )]
    async fn number_23(_: Event) {}

    #[fhir_subscription(
        criteria = "Observation?patient.identifier=http://example.com/fhir/identifier/mrn|123456",
        endpoint = "specification-24"
    )]
    async fn number_24(_: Event) {}

    #[fhir_subscription(
        criteria = "Observation?patient.identifier=http://example.com/fhir/mrn|1234",
        endpoint = "specification-25"
    )]
    async fn number_25(_: Event) {}

    #[fhir_subscription(
        criteria = "Patient?_has:Observation:patient:_has:AuditEvent:entity:agent=MyUserId",
        endpoint = "specification-26"
    )]
    async fn number_26(_: Event) {}

    #[fhir_subscription(
        criteria = "Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|12345",
        endpoint = "specification-27"
    )]
    async fn number_27(_: Event) {}

    #[fhir_subscription(
        criteria = "Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|446053",
        endpoint = "specification-28"
    )]
    async fn number_28(_: Event) {}

    #[fhir_subscription(
        criteria = "Patient?identifier=http://acme.org/patient|2345",
        endpoint = "specification-29"
    )]
    async fn number_29(_: Event) {}

    #[fhir_subscription(criteria = "Procedure?location:above=A101", endpoint = "specification-30")]
    async fn number_30(_: Event) {}

    #[fhir_subscription(criteria = "Procedure?location:below=42", endpoint = "specification-31")]
    async fn number_31(_: Event) {}

    #[fhir_subscription(criteria = "Procedure?location:below=BuildingA", endpoint = "specification-32")]
    async fn number_32(_: Event) {}

    #[fhir_subscription(
        criteria = "Questionnaire?context-type-value=focus$http://snomed.info/sct|408934002",
        endpoint = "specification-33"
    )]
    async fn number_33(_: Event) {}

    #[fhir_subscription(
        criteria = "QuestionnaireResponse?questionnaire:below=http://example.org/fhir/questionnaire/patient-intake",
        endpoint = "specification-34"
    )]
    async fn number_34(_: Event) {}

    #[fhir_subscription(
        criteria = "QuestionnaireResponse?questionnaire:below=http://example.org/fhir/questionnaire/patient-intake|1",
        endpoint = "specification-35"
    )]
    async fn number_35(_: Event) {}

    #[fhir_subscription(criteria = "RiskAssessment?probability=gt0.8", endpoint = "specification-36")]
    async fn number_36(_: Event) {}

    #[fhir_subscription(
        criteria = "ValueSet?url:above=http://acme.org/fhir/ValueSet/123/_history/5",
        endpoint = "specification-37"
    )]
    async fn number_37(_: Event) {}

    #[fhir_subscription(criteria = "ValueSet?url:below=http://acme.org/fhir", endpoint = "specification-38")]
    async fn number_38(_: Event) {}

    #[fhir_subscription(
        criteria = "ValueSet?url=http://acme.org/fhir/ValueSet/123,http://acme.org/fhir/ValueSet/124,ValueSet/125",
        endpoint = "specification-39"
    )]
    async fn number_39(_: Event) {}

    #[fhir_subscription(
        criteria = "ValueSet?url=http://acme.org/fhir/ValueSet/123,http://acme.org/fhir/ValueSet/124\\,ValueSet/125",
        endpoint = "specification-40"
    )]
    async fn number_40(_: Event) {}
}

mod hapi {
    use super::*;
    #[fhir_subscription(criteria = "Bundle?composition.type=http://loinc.org%7C60591-5", endpoint = "hapi-1")]
    async fn number_1(_: Event) {}

    #[fhir_subscription(criteria = "Encounter?", endpoint = "hapi-2")]
    async fn number_2(_: Event) {}

    #[fhir_subscription(
        criteria = "Encounter?practitioner=practitioner-id&date=2023-02",
        endpoint = "hapi-3"
    )]
    async fn number_3(_: Event) {}

    #[fhir_subscription(criteria = "Encounter?status=in-progress", endpoint = "hapi-4")]
    async fn number_4(_: Event) {}

    #[fhir_subscription(criteria = "Encounter?subject.name=Simpson", endpoint = "hapi-5")]
    async fn number_5(_: Event) {}

    #[fhir_subscription(
        criteria = "Observation?_has:DiagnosticReport:result:identifier=foo|IDENTIFIER",
        endpoint = "hapi-6"
    )]
    async fn number_6(_: Event) {}

    #[fhir_subscription(criteria = "Observation?identifier=foo|bar1", endpoint = "hapi-7")]
    async fn number_7(_: Event) {}

    #[fhir_subscription(criteria = "Observation?subject.active=false", endpoint = "hapi-8")]
    async fn number_8(_: Event) {}

    #[fhir_subscription(criteria = "Observation?subject.organization.name=HealthCo", endpoint = "hapi-9")]
    async fn number_9(_: Event) {}

    #[fhir_subscription(criteria = "Patient", endpoint = "hapi-10")]
    async fn number_10(_: Event) {}

    #[fhir_subscription(criteria = "Patient?identifier=ZKG3868", endpoint = "hapi-11")]
    async fn number_11(_: Event) {}

    #[fhir_subscription(criteria = "Patient?identifier=foo|bar2", endpoint = "hapi-12")]
    async fn number_12(_: Event) {}

    #[fhir_subscription(criteria = "ServiceRequest?", endpoint = "hapi-13")]
    async fn number_13(_: Event) {}

    #[fhir_subscription(criteria = "[*]", endpoint = "hapi-14")]
    async fn number_14(_: Event) {}

    #[fhir_subscription(criteria = "[Observation,Patient]", endpoint = "hapi-15")]
    async fn number_15(_: Event) {}

    #[fhir_subscription(criteria = "[Observation]", endpoint = "hapi-16")]
    async fn number_16(_: Event) {}

    #[fhir_subscription(criteria = "[Patient   , Observation]", endpoint = "hapi-17")]
    async fn number_17(_: Event) {}
}

mod medplum {
    use super::*;
    #[fhir_subscription(
        criteria = "Communication?part-of:missing=true&_lastUpdated=gt2023-10-01",
        endpoint = "medplum-1"
    )]
    async fn number_1(_: Event) {}

    #[fhir_subscription(
        criteria = "Observation?_tag=https://example.org/tags|critical",
        endpoint = "medplum-2"
    )]
    async fn number_2(_: Event) {}

    #[fhir_subscription(criteria = "Observation?subject:Patient.name=homer", endpoint = "medplum-3")]
    async fn number_3(_: Event) {}

    #[fhir_subscription(
        criteria = "Observation?value-quantity=gt40&value-quantity=lt60",
        endpoint = "medplum-4"
    )]
    async fn number_4(_: Event) {}

    #[fhir_subscription(criteria = "Observation?value-quantity=lt40,gt60", endpoint = "medplum-5")]
    async fn number_5(_: Event) {}

    #[fhir_subscription(
        criteria = "Organization?identifier=http://terminology.hl7.org/CodeSystem/NCPDPProviderIdentificationNumber|",
        endpoint = "medplum-6"
    )]
    async fn number_6(_: Event) {}

    #[fhir_subscription(criteria = "Patient?_has:Observation:subject:code=8867-4", endpoint = "medplum-7")]
    async fn number_7(_: Event) {}

    #[fhir_subscription(
        criteria = "Patient?_has:Observation:subject:performer:CareTeam.participant:Practitioner.name=bob",
        endpoint = "medplum-8"
    )]
    async fn number_8(_: Event) {}

    #[fhir_subscription(
        criteria = "Patient?_lastUpdated=ge2023-04-01T07%3A00%3A00.000Z&_lastUpdated=le2023-05-01T06%3A59%3A59.999Z",
        endpoint = "medplum-9"
    )]
    async fn number_9(_: Event) {}

    #[fhir_subscription(
        criteria = "Patient?organization.name=Kaiser%20Permanente&_has:Observation:subject:performer:Practitioner.name=Alice",
        endpoint = "medplum-10"
    )]
    async fn number_10(_: Event) {}

    #[fhir_subscription(
        criteria = "Specimen?_has:DiagnosticReport:specimen:_has:Procedure:reason-reference:date=2023-11-12",
        endpoint = "medplum-11"
    )]
    async fn number_11(_: Event) {}

    #[fhir_subscription(criteria = "Task?code=http://medplum.com/ai-command|*", endpoint = "medplum-12")]
    async fn number_12(_: Event) {}
}

mod aidbox {
    use super::*;
    #[fhir_subscription(
        criteria = "Encounter?part-of:Encounter._id=enc1&subject:Patient._id=patient1",
        endpoint = "aidbox-1"
    )]
    async fn number_1(_: Event) {}

    #[fhir_subscription(criteria = "Encounter?subject:Patient.name=Alex", endpoint = "aidbox-2")]
    async fn number_2(_: Event) {}

    #[fhir_subscription(criteria = "Encounter?subject=Patient/patientid", endpoint = "aidbox-3")]
    async fn number_3(_: Event) {}

    #[fhir_subscription(criteria = "Encounter?subject=patientid", endpoint = "aidbox-4")]
    async fn number_4(_: Event) {}

    #[fhir_subscription(criteria = "Patient?_has:Encounter:subject:_id=enc1", endpoint = "aidbox-5")]
    async fn number_5(_: Event) {}

    #[fhir_subscription(criteria = "Patient?email:text=GMail.com,ICloud.com", endpoint = "aidbox-6")]
    async fn number_6(_: Event) {}

    #[fhir_subscription(criteria = "Patient?email:text=JoHnDoE@mail.com", endpoint = "aidbox-7")]
    async fn number_7(_: Event) {}

    #[fhir_subscription(criteria = "Patient?identifier:of-type=system|code|value", endpoint = "aidbox-8")]
    async fn number_8(_: Event) {}

    #[fhir_subscription(criteria = "ServiceRequest?identifier:not=foo", endpoint = "aidbox-9")]
    async fn number_9(_: Event) {}

    #[fhir_subscription(criteria = "ServiceRequest?identifier:text=foo", endpoint = "aidbox-10")]
    async fn number_10(_: Event) {}
}

mod azure {
    use super::*;
    #[fhir_subscription(
        criteria = "DiagnosticReport?result.code-value-quantity=2823-3$lt9.2",
        endpoint = "azure-1"
    )]
    async fn number_1(_: Event) {}

    #[fhir_subscription(criteria = "DiagnosticReport?subject:Patient.name=Sarah", endpoint = "azure-2")]
    async fn number_2(_: Event) {}

    #[fhir_subscription(criteria = "Encounter?subject:Patient.birthdate=1987-02-20", endpoint = "azure-3")]
    async fn number_3(_: Event) {}

    #[fhir_subscription(
        criteria = "Observation?component-code-value-quantity=http://loinc.org|8462-4$gt90,http://loinc.org|8480-6$gt140",
        endpoint = "azure-4"
    )]
    async fn number_4(_: Event) {}

    #[fhir_subscription(
        criteria = "Patient?_has:Observation:patient:_has:AuditEvent:entity:agent:Practitioner.name=janedoe",
        endpoint = "azure-5"
    )]
    async fn number_5(_: Event) {}

    #[fhir_subscription(criteria = "Patient?_has:Observation:patient:code=527", endpoint = "azure-6")]
    async fn number_6(_: Event) {}

    #[fhir_subscription(criteria = "Patient?gender:not=female", endpoint = "azure-7")]
    async fn number_7(_: Event) {}

    #[fhir_subscription(
        criteria = "Patient?general-practitioner:Practitioner.name=Sarah&general-practitioner:Practitioner.address-state=WA",
        endpoint = "azure-8"
    )]
    async fn number_8(_: Event) {}
}

mod us_core {
    use super::*;
    #[fhir_subscription(
        criteria = "CarePlan?patient=1137192&category=http://hl7.org/fhir/us/core/CodeSystem/careplan-category|assess-plan&date=ge2018-01-01T00:00:00Z&date=le2019-01-01T00:00:00Z",
        endpoint = "us-core-1"
    )]
    async fn number_1(_: Event) {}

    #[fhir_subscription(
        criteria = "CarePlan?patient=1137192&category=http://hl7.org/fhir/us/core/CodeSystem/careplan-category|assess-plan&date=ge2019-01-01T00:00:00Z",
        endpoint = "us-core-2"
    )]
    async fn number_2(_: Event) {}

    #[fhir_subscription(
        criteria = "CarePlan?patient=1137192&category=http://hl7.org/fhir/us/core/CodeSystem/careplan-category|assess-plan&status=active&date=ge2018-01-01T00:00:00Z&date=le2019-01-01T00:00:00Z",
        endpoint = "us-core-3"
    )]
    async fn number_3(_: Event) {}

    #[fhir_subscription(
        criteria = "DiagnosticReport?patient=f201&category=http://terminology.hl7.org/CodeSystem/v2-0074|LAB",
        endpoint = "us-core-4"
    )]
    async fn number_4(_: Event) {}

    #[fhir_subscription(
        criteria = "DiagnosticReport?patient=f201&category=http://terminology.hl7.org/CodeSystem/v2-0074|LAB&_lastUpdated=ge2010-01-14T00:00:00Z",
        endpoint = "us-core-5"
    )]
    async fn number_5(_: Event) {}

    #[fhir_subscription(
        criteria = "DiagnosticReport?patient=f201&category=http://terminology.hl7.org/CodeSystem/v2-0074|LAB&date=ge2010-01-14T00:00:00Z",
        endpoint = "us-core-6"
    )]
    async fn number_6(_: Event) {}

    #[fhir_subscription(
        criteria = "DiagnosticReport?patient=f201&code=http://loinc.org|24323-8&date=ge2019-01-14T00:00:00Z",
        endpoint = "us-core-7"
    )]
    async fn number_7(_: Event) {}

    #[fhir_subscription(
        criteria = "Encounter?identifier=http://hospital.smarthealthit.org|1032702",
        endpoint = "us-core-8"
    )]
    async fn number_8(_: Event) {}

    #[fhir_subscription(
        criteria = "Observation?patient=1134281&category=http://terminology.hl7.org/CodeSystem/observation-category|social-history",
        endpoint = "us-core-9"
    )]
    async fn number_9(_: Event) {}

    #[fhir_subscription(
        criteria = "Observation?patient=ex-patient&category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs",
        endpoint = "us-core-10"
    )]
    async fn number_10(_: Event) {}
}

mod bonfhir {
    use super::*;
    #[fhir_subscription(criteria = "CommunicationRequest", endpoint = "bonfhir-1")]
    async fn number_1(_: Event) {}

    #[fhir_subscription(criteria = "CommunicationRequest?", endpoint = "bonfhir-2")]
    async fn number_2(_: Event) {}

    #[fhir_subscription(criteria = "CommunicationRequest?status=active", endpoint = "bonfhir-3")]
    async fn number_3(_: Event) {}
}

mod fhir_candle {
    use super::*;
    #[fhir_subscription(
        criteria = "Observation?code-value-quantity=http://loinc.org|29463-7$185|http://unitsofmeasure.org|[lb_av]",
        endpoint = "fhir-candle-1"
    )]
    async fn number_1(_: Event) {}

    #[fhir_subscription(
        criteria = "Observation?value-quantity=185|http://unitsofmeasure.org|[lb_av]",
        endpoint = "fhir-candle-2"
    )]
    async fn number_2(_: Event) {}

    #[fhir_subscription(
        criteria = "Observation?value-quantity=84.1|http://unitsofmeasure.org|[kg]",
        endpoint = "fhir-candle-3"
    )]
    async fn number_3(_: Event) {}

    #[fhir_subscription(
        criteria = "Observation?value-quantity=ge185|http://unitsofmeasure.org|[lb_av]",
        endpoint = "fhir-candle-4"
    )]
    async fn number_4(_: Event) {}

    #[fhir_subscription(
        criteria = "Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|EXT|12345",
        endpoint = "fhir-candle-5"
    )]
    async fn number_5(_: Event) {}

    #[fhir_subscription(
        criteria = "Patient?identifier=urn:oid:1.2.36.146.595.217.0.1|12345",
        endpoint = "fhir-candle-6"
    )]
    async fn number_6(_: Event) {}
}

mod google {
    use super::*;
    #[fhir_subscription(criteria = "Patient?identifier=my_code_system|104", endpoint = "google-1")]
    async fn number_1(_: Event) {}
}

mod aws {
    use super::*;
    #[fhir_subscription(criteria = "Patient?name=Smith", endpoint = "aws-1")]
    async fn number_1(_: Event) {}
}
