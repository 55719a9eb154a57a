//! Criteria that must compile: the examples of the specification and of servers' documentation, from
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

/// A handler for each criteria: its name, its endpoint, and the criteria.
macro_rules! handlers {
    ($($name:ident $endpoint:tt $criteria:tt)*) => {
        $(
            #[fhir_subscription(criteria = $criteria, endpoint = $endpoint)]
            async fn $name(_: Event) {}
        )*
    };
}

mod specification {
    use super::*;
    handlers! {
        number_1 "specification-1" "AllergyIntolerance?clinical-status:missing=true"
        number_2 "specification-2" "AllergyIntolerance?clinical-status=http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical|active"
        number_4 "specification-4" "AllergyIntolerance?patient=42&_list=$current-allergies"
        number_5 "specification-5" "Composition?section:not=48765-2"
        number_6 "specification-6" "Composition?section=48765-2"
        number_7 "specification-7" "Condition?code:in=http%3A%2F%2Fsnomed.info%2Fsct%3Ffhir_vs%3Disa%2F126851005"
        number_8 "specification-8" "Condition?code:in=http%3A%2F%2Fsnomed.info%2Fsct%3Ffhir_vs%3Disa%2F235862008"
        number_9 "specification-9" "Condition?code:not-in=http%3A%2F%2Fsnomed.info%2Fsct%3Ffhir_vs%3Disa%2F235862008"
        number_10 "specification-10" "Condition?code=http://acme.org/conditions/codes|ha125"
        number_11 "specification-11" "DiagnosticReport?_profile=http://hl7.org/fhir/StructureDefinition/lipid"
        number_12 "specification-12" "DiagnosticReport?result.code-value-quantity=http://loinc.org|2823-3$gt5.4|http://unitsofmeasure.org|mmol/L"
        number_13 "specification-13" "DiagnosticReport?subject.name=peter"
        number_14 "specification-14" "DiagnosticReport?subject:Patient.name=peter"
        number_15 "specification-15" "DocumentReference?contenttype:below=text/xml"
        number_16 "specification-16" "DocumentReference?contenttype=text/xml"
        number_17 "specification-17" "Group?characteristic-value=gender$mixed"
        number_18 "specification-18" "Group?characteristic-value=gender$mixed,owner$Eve"
        number_19 "specification-19" "Medication?ingredient-code=abc"
        number_20 "specification-20" "MedicationRequest?"
        number_21 "specification-21" "MedicationRequest?medication.ingredient-code=abc"
        number_22 "specification-22" "Observation?code=http://loinc.org|8867-4&value-quantity=lt60,gt100"
        number_23 "specification-23" "Observation?component-code-value-quantity=http://loinc.org|8480-6$lt60"
        number_24 "specification-24" "Observation?patient.identifier=http://example.com/fhir/identifier/mrn|123456"
        number_25 "specification-25" "Observation?patient.identifier=http://example.com/fhir/mrn|1234"
        number_26 "specification-26" "Patient?_has:Observation:patient:_has:AuditEvent:entity:agent=MyUserId"
        number_27 "specification-27" "Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|12345"
        number_28 "specification-28" "Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|446053"
        number_29 "specification-29" "Patient?identifier=http://acme.org/patient|2345"
        number_30 "specification-30" "Procedure?location:above=A101"
        number_31 "specification-31" "Procedure?location:below=42"
        number_32 "specification-32" "Procedure?location:below=BuildingA"
        number_33 "specification-33" "Questionnaire?context-type-value=focus$http://snomed.info/sct|408934002"
        number_34 "specification-34" "QuestionnaireResponse?questionnaire:below=http://example.org/fhir/questionnaire/patient-intake"
        number_35 "specification-35" "QuestionnaireResponse?questionnaire:below=http://example.org/fhir/questionnaire/patient-intake|1"
        number_36 "specification-36" "RiskAssessment?probability=gt0.8"
        number_37 "specification-37" "ValueSet?url:above=http://acme.org/fhir/ValueSet/123/_history/5"
        number_38 "specification-38" "ValueSet?url:below=http://acme.org/fhir"
        number_39 "specification-39" "ValueSet?url=http://acme.org/fhir/ValueSet/123,http://acme.org/fhir/ValueSet/124,ValueSet/125"
        number_40 "specification-40" "ValueSet?url=http://acme.org/fhir/ValueSet/123,http://acme.org/fhir/ValueSet/124\\,ValueSet/125"
    }
}

mod hapi {
    use super::*;
    handlers! {
        number_1 "hapi-1" "Bundle?composition.type=http://loinc.org%7C60591-5"
        number_2 "hapi-2" "Encounter?"
        number_3 "hapi-3" "Encounter?practitioner=practitioner-id&date=2023-02"
        number_4 "hapi-4" "Encounter?status=in-progress"
        number_5 "hapi-5" "Encounter?subject.name=Simpson"
        number_6 "hapi-6" "Observation?_has:DiagnosticReport:result:identifier=foo|IDENTIFIER"
        number_7 "hapi-7" "Observation?identifier=foo|bar1"
        number_8 "hapi-8" "Observation?subject.active=false"
        number_9 "hapi-9" "Observation?subject.organization.name=HealthCo"
        number_10 "hapi-10" "Patient"
        number_11 "hapi-11" "Patient?identifier=ZKG3868"
        number_12 "hapi-12" "Patient?identifier=foo|bar2"
        number_13 "hapi-13" "ServiceRequest?"
        number_14 "hapi-14" "[*]"
        number_15 "hapi-15" "[Observation,Patient]"
        number_16 "hapi-16" "[Observation]"
        number_17 "hapi-17" "[Patient   , Observation]"
    }
}

mod medplum {
    use super::*;
    handlers! {
        number_1 "medplum-1" "Communication?part-of:missing=true&_lastUpdated=gt2023-10-01"
        number_2 "medplum-2" "Observation?_tag=https://example.org/tags|critical"
        number_3 "medplum-3" "Observation?subject:Patient.name=homer"
        number_4 "medplum-4" "Observation?value-quantity=gt40&value-quantity=lt60"
        number_5 "medplum-5" "Observation?value-quantity=lt40,gt60"
        number_6 "medplum-6" "Organization?identifier=http://terminology.hl7.org/CodeSystem/NCPDPProviderIdentificationNumber|"
        number_7 "medplum-7" "Patient?_has:Observation:subject:code=8867-4"
        number_8 "medplum-8" "Patient?_has:Observation:subject:performer:CareTeam.participant:Practitioner.name=bob"
        number_9 "medplum-9" "Patient?_lastUpdated=ge2023-04-01T07%3A00%3A00.000Z&_lastUpdated=le2023-05-01T06%3A59%3A59.999Z"
        number_10 "medplum-10" "Patient?organization.name=Kaiser%20Permanente&_has:Observation:subject:performer:Practitioner.name=Alice"
        number_11 "medplum-11" "Specimen?_has:DiagnosticReport:specimen:_has:Procedure:reason-reference:date=2023-11-12"
        number_12 "medplum-12" "Task?code=http://medplum.com/ai-command|*"
    }
}

mod aidbox {
    use super::*;
    handlers! {
        number_1 "aidbox-1" "Encounter?part-of:Encounter._id=enc1&subject:Patient._id=patient1"
        number_2 "aidbox-2" "Encounter?subject:Patient.name=Alex"
        number_3 "aidbox-3" "Encounter?subject=Patient/patientid"
        number_4 "aidbox-4" "Encounter?subject=patientid"
        number_5 "aidbox-5" "Patient?_has:Encounter:subject:_id=enc1"
        number_6 "aidbox-6" "Patient?email:text=GMail.com,ICloud.com"
        number_7 "aidbox-7" "Patient?email:text=JoHnDoE@mail.com"
        number_8 "aidbox-8" "Patient?identifier:of-type=system|code|value"
        number_9 "aidbox-9" "ServiceRequest?identifier:not=foo"
        number_10 "aidbox-10" "ServiceRequest?identifier:text=foo"
    }
}

mod azure {
    use super::*;
    handlers! {
        number_1 "azure-1" "DiagnosticReport?result.code-value-quantity=2823-3$lt9.2"
        number_2 "azure-2" "DiagnosticReport?subject:Patient.name=Sarah"
        number_3 "azure-3" "Encounter?subject:Patient.birthdate=1987-02-20"
        number_4 "azure-4" "Observation?component-code-value-quantity=http://loinc.org|8462-4$gt90,http://loinc.org|8480-6$gt140"
        number_5 "azure-5" "Patient?_has:Observation:patient:_has:AuditEvent:entity:agent:Practitioner.name=janedoe"
        number_6 "azure-6" "Patient?_has:Observation:patient:code=527"
        number_7 "azure-7" "Patient?gender:not=female"
        number_8 "azure-8" "Patient?general-practitioner:Practitioner.name=Sarah&general-practitioner:Practitioner.address-state=WA"
    }
}

mod us_core {
    use super::*;
    handlers! {
        number_1 "us-core-1" "CarePlan?patient=1137192&category=http://hl7.org/fhir/us/core/CodeSystem/careplan-category|assess-plan&date=ge2018-01-01T00:00:00Z&date=le2019-01-01T00:00:00Z"
        number_2 "us-core-2" "CarePlan?patient=1137192&category=http://hl7.org/fhir/us/core/CodeSystem/careplan-category|assess-plan&date=ge2019-01-01T00:00:00Z"
        number_3 "us-core-3" "CarePlan?patient=1137192&category=http://hl7.org/fhir/us/core/CodeSystem/careplan-category|assess-plan&status=active&date=ge2018-01-01T00:00:00Z&date=le2019-01-01T00:00:00Z"
        number_4 "us-core-4" "DiagnosticReport?patient=f201&category=http://terminology.hl7.org/CodeSystem/v2-0074|LAB"
        number_5 "us-core-5" "DiagnosticReport?patient=f201&category=http://terminology.hl7.org/CodeSystem/v2-0074|LAB&_lastUpdated=ge2010-01-14T00:00:00Z"
        number_6 "us-core-6" "DiagnosticReport?patient=f201&category=http://terminology.hl7.org/CodeSystem/v2-0074|LAB&date=ge2010-01-14T00:00:00Z"
        number_7 "us-core-7" "DiagnosticReport?patient=f201&code=http://loinc.org|24323-8&date=ge2019-01-14T00:00:00Z"
        number_8 "us-core-8" "Encounter?identifier=http://hospital.smarthealthit.org|1032702"
        number_9 "us-core-9" "Observation?patient=1134281&category=http://terminology.hl7.org/CodeSystem/observation-category|social-history"
        number_10 "us-core-10" "Observation?patient=ex-patient&category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs"
    }
}

mod bonfhir {
    use super::*;
    handlers! {
        number_1 "bonfhir-1" "CommunicationRequest"
        number_2 "bonfhir-2" "CommunicationRequest?"
        number_3 "bonfhir-3" "CommunicationRequest?status=active"
    }
}

mod fhir_candle {
    use super::*;
    handlers! {
        number_1 "fhir-candle-1" "Observation?code-value-quantity=http://loinc.org|29463-7$185|http://unitsofmeasure.org|[lb_av]"
        number_2 "fhir-candle-2" "Observation?value-quantity=185|http://unitsofmeasure.org|[lb_av]"
        number_3 "fhir-candle-3" "Observation?value-quantity=84.1|http://unitsofmeasure.org|[kg]"
        number_4 "fhir-candle-4" "Observation?value-quantity=ge185|http://unitsofmeasure.org|[lb_av]"
        number_5 "fhir-candle-5" "Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|EXT|12345"
        number_6 "fhir-candle-6" "Patient?identifier=urn:oid:1.2.36.146.595.217.0.1|12345"
    }
}

mod google {
    use super::*;
    handlers! {
        number_1 "google-1" "Patient?identifier=my_code_system|104"
    }
}

mod aws {
    use super::*;
    handlers! {
        number_1 "aws-1" "Patient?name=Smith"
    }
}

/// Each differs little from a search that can never match.
mod near {
    use super::*;
    handlers! {
        number_1 "near-1" "AppointmentResponse?actor=Patient/1&patient=Patient/1"
        number_2 "near-2" "CodeSystem?url=http://example.org/a&system=http://example.org/a"
        number_3 "near-3" "Condition?onset-info=childhood&abatement-date=gt2020"
        number_4 "near-4" "Coverage?beneficiary=Patient/1&patient=1&subscriber=Patient/2"
        number_5 "near-5" "DocumentReference?contenttype=multipart/related;type=application/dicom"
        number_6 "near-6" "MedicationRequest?code=http://www.nlm.nih.gov/research/umls/rxnorm|1&code:not=http://www.nlm.nih.gov/research/umls/rxnorm|2"
        number_7 "near-7" "MedicationRequest?medication.code=http://www.nlm.nih.gov/research/umls/rxnorm|1&status=active"
        number_8 "near-8" "Observation?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
        number_9 "near-9" "ValueSet?url=https://example.org/a;version=1"
    }
}
