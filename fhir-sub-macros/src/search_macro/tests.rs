use proc_macro2::TokenStream;
use quote::quote;

use super::search;

/// The expansion, or the messages.
fn expanded(tokens: TokenStream) -> Result<String, String> {
    let expanded = search(tokens).to_string();
    if expanded.contains("compile_error") { Err(expanded) } else { Ok(expanded.replace(' ', "")) }
}

#[track_caller]
fn right(tokens: TokenStream, expected: TokenStream) {
    let text = tokens.to_string();
    assert_eq!(expanded(tokens).expect(&text), expected.to_string().replace(' ', ""));
}

#[track_caller]
fn wrong(tokens: TokenStream, expected: &str) {
    let text = tokens.to_string();
    let told = expanded(tokens).expect_err(&text);
    assert!(told.contains(expected), "{text}: {told}");
}

#[test]
fn what_captures_nothing_is_a_constant() {
    right(
        quote!("Encounter?status=planned,finished&subject:Patient.name:exact=O%27Hara&_sort=-date&_count=10"),
        quote!(::fhir_sub::__private::Query::fixed(
            "Encounter",
            &[
                ("status", "planned,finished"),
                ("subject:Patient.name:exact", "O'Hara"),
                ("_sort", "-date"),
                ("_count", "10")
            ]
        )),
    );
    right(quote!("Patient", crate = my::fhir), quote!(my::fhir::__private::Query::fixed("Patient", &[])));
    right(
        quote!(r"Patient?name=a\,b\\c"),
        quote!(::fhir_sub::__private::Query::fixed("Patient", &[("name", "a\\,b\\\\c")])),
    );
}

#[test]
fn captured_values_are_written_by_their_parameter() {
    right(
        quote!("Encounter?appointment=Appointment/{id}&_sort=-date"),
        quote!(match (&id,) {
            (__fhir_sub_0,) => ::fhir_sub::__private::Query::of("Encounter")
                .captured(
                    "appointment",
                    &[
                        ::fhir_sub::__private::Piece::Written("Appointment/"),
                        ::fhir_sub::__private::Piece::Id(__fhir_sub_0)
                    ]
                )
                .written("_sort", "-date"),
        }),
    );
    for (tokens, capture) in [
        (quote!("Patient?name={a}"), "Piece::Value"),
        (quote!("Patient?identifier=http://example.org|{a}"), "Piece::Value"),
        (quote!("Patient?birthdate=ge{a}"), "Piece::Value"),
        (quote!("Patient?_id={a}"), "Piece::Value"),
        (quote!("Observation?subject={a}"), "Piece::Uri"),
        (quote!("Observation?subject=Patient/{a}"), "Piece::Id"),
        (quote!("Observation?subject:Patient={a}"), "Piece::Id"),
        (quote!("Observation?subject:identifier=http://example.org|{a}"), "Piece::Value"),
        (quote!("Observation?subject.name={a}"), "Piece::Value"),
        (quote!("Observation?code:in={a}"), "Piece::Uri"),
        (quote!("Observation?code-value-quantity=http://loinc.org|{a}$gt5"), "Piece::Value"),
        (quote!("ValueSet?url={a}"), "Piece::Uri"),
        (quote!("Patient?_has:Observation:patient:encounter=Encounter/{a}"), "Piece::Id"),
        (quote!("Patient?ward={a}", also = ["ward"]), "Piece::Value"),
        (quote!("Ward?bed={a}", unchecked = true), "Piece::Value"),
        (quote!("Patient?_count={a}"), "Piece::Value"),
    ] {
        let text = tokens.to_string();
        assert!(expanded(tokens).expect(&text).contains(capture), "{text}");
    }
}

#[test]
fn values_stand_as_in_format() {
    let values = |tokens: TokenStream| {
        let expanded = expanded(tokens).expect("it is right");
        expanded.split_once("){").expect("it is a match").0.to_owned()
    };
    assert_eq!(values(quote!("Patient?name={},{}", a.b, c())), "match(&a.b,&c(),");
    assert_eq!(values(quote!("Patient?name={1},{0}", a, b)), "match(&b,&a,");
    assert_eq!(values(quote!("Patient?name={name}", name = a.b)), "match(&a.b,");
    assert_eq!(values(quote!("Patient?name={a},{}&family={a}", b)), "match(&a,&b,&a,");
    assert_eq!(values(quote!("Patient?name={}", a == b, fhir = "R4")), "match(&a==b,");
}

#[test]
fn mistakes_are_told() {
    for (tokens, message) in [
        (quote!(), "takes a FHIR search in quotes"),
        (quote!(format!("Patient")), "a search is a literal in quotes"),
        (quote!("Encounter?statsu=a"), "did you mean `status`"),
        (quote!("Encounter?status=arived"), "is never `arived`"),
        (quote!("Encounter?appointment=Patient/{id}"), "never refers to `Patient`"),
        (quote!("Encounter?appointment=Appointmnt/{id}"), "did you mean `Appointment`"),
        (quote!("Observation?code=https://loinc.org|{code}"), "write `http://loinc.org|"),
        (quote!("Observation?date=gte{date}"), "there is no prefix `gte`"),
        (quote!("Observation?value-quantity={a}|mg"), "a quantity is a number"),
        (quote!("Observation?code-value-quantity={a}"), "joins 2 values"),
        (quote!("Encounter?_sort=dat"), "has none called `dat`: did you mean `date`"),
        (quote!("Encounter?_sort:desc=date"), "write `_sort=-date`"),
        (quote!("Encounter?_count=ten"), "takes a whole number"),
        (quote!("Encounter?_summary=yes"), "`_summary` is never `yes`"),
        (quote!("Encounter?_total=accurat"), "did you mean `accurate`"),
        (quote!("Encounter?_elements=id,Status"), "takes the names of elements"),
        (
            quote!("Encounter?_elements=id,statos"),
            "`Encounter` has no element `statos`: did you mean `status`?",
        ),
        (quote!("Encounter?_elements=id,patient"), "`patient` is a search parameter: write the element"),
        (quote!("Observation?_elements=valuequantity"), "has no element `valuequantity`"),
        (quote!("Encounter?_include=Encounter:subjct"), "did you mean `subject`"),
        (quote!("Encounter?_count=5,6"), "`_count` takes one value: take the others out"),
        (
            quote!("Encounter?_include=Encounter:subject,Encounter:location"),
            "`_include` takes one value: write `&_include=Encounter:location` beside it",
        ),
        (quote!("Encounter?_include=Patient:organization"), "begins at what is found, `Encounter`"),
        (quote!("Encounter?_include=Encounter:status"), "is not a reference"),
        (quote!("Encounter?_include=Encounter:subject:Device"), "never refers to"),
        (quote!("Encounter?_include=Encounter"), "write it as in `_include=Encounter:subject`"),
        (quote!("Encounter?_include:iterat=Encounter:subject"), "did you mean `iterate`"),
        (quote!("Encounter?_revinclude=Observation:encountr"), "did you mean `encounter`"),
        (quote!("Encounter?_revinclude=Observation:subject:Patient"), "never refers to"),
        (quote!("Encounter?subject._count=1"), "cannot stand in a chain"),
        (quote!("[Encounter,Patient]"), "a search is of one type"),
        (quote!("{kind}?status=a"), "stands in the place of a value"),
        (quote!("Encounter?{name}=a"), "stands in the place of a value"),
        (quote!("Encounter?status:{m}=a"), "stands in the place of a value"),
        (quote!("Encounter?status={}"), "there is no value for this"),
        (quote!("Encounter?status={1}", a), "there is one value after the text only"),
        (quote!("Encounter?status={a:?}"), "a captured value has no format"),
        (quote!("Encounter?status={a.b}"), "write `{}`, and `a.b` after the text"),
        (quote!("Encounter?status={a"), "a captured value stands between two braces"),
        (quote!("Encounter?status=finished", a), "does not take this value"),
        (quote!("Encounter?status=finished", a = 1), "does not take `a`: take it out"),
        (quote!("Encounter?ward=1", als = ["ward"]), "has no search parameter `ward`"),
        (quote!("Encounter?status=finished", alsso = 1), "did you mean `also`"),
        (quote!("Encounter?status=finished", also = ["ward"]), "is not a parameter of the search"),
        (quote!("Encounter?status=finished", also = ["status"]), "would not be checked"),
        (quote!("Encounter?status=completed", fhir = "R4"), "it has in FHIR R5"),
        (quote!("Encounter?status=finished", fhir = "STU3"), "it takes `\\\"R4\\\"`"),
        (quote!("Encounter?status=finished&status=planned"), "finds nothing"),
        (quote!("Encounter?status=finished&_id=1&_id=2"), "finds nothing"),
        (quote!("Encounter?status=a b"), "a space cannot stand in a URL"),
        (quote!("Observation?subject=Patient/{a}&subject=Group/{b}"), "finds nothing"),
        (quote!("Observation?patient={a}&subject=Group/{b}"), "finds nothing"),
        (
            quote!("Encounter?class=http://a.example|{a}&class=http://b.example|IMP", fhir = "R4"),
            "finds nothing",
        ),
        (quote!("Patient?gender=male&gender:not=male,{a}"), "exclude each other"),
    ] {
        wrong(tokens, message);
    }
}

#[test]
fn parameters_of_results_are_right() {
    for text in [
        "Encounter?_sort=-date,_id,status",
        "Encounter?_sort={field}",
        "Encounter?_count=10&_offset=20&_total=accurate&_summary=count&_pretty=true",
        "Encounter?_elements=id,status,subject.reference",
        "Observation?_elements=id,meta,value,valueQuantity,effective[x]",
        "Encounter?_include=Encounter:subject:Patient&_include=Encounter:*&_include=*",
        "Encounter?_include=Encounter:subject&_include:iterate=Patient:organization",
        "Encounter?_revinclude=Observation:encounter&_revinclude:iterate=Provenance:target",
        "Encounter?_format=json&_contained=both&_containedType=container",
        "MedicationRequest?_include=MedicationRequest:medication",
        "QuestionnaireResponse?_include=QuestionnaireResponse:questionnaire",
        "Encounter?status=completed",
        "Observation?subject=Patient/{a}&subject=Patient/1",
        "Observation?subject={a}&subject=Group/1",
        "Encounter?class={a}&class=http://b.example|IMP",
        "Patient?active:missing={a}&active:missing=true",
        "Patient?active:missing={a}&active=true",
        "Patient?gender=male&gender:not={a}",
        "Patient?birthdate=ge{a}&birthdate=lt2000",
    ] {
        // The variable has the place of the text.
        let tokens = quote!(#text);
        expanded(tokens).unwrap_or_else(|told| panic!("{text}: {told}"));
    }
}
