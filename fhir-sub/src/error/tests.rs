use super::*;

fn question_mark() -> Result<u32> {
    Ok("twelve".parse::<u32>()?)
}

#[test]
fn a_question_mark_keeps_kind_and_place() {
    let error = question_mark().unwrap_err();
    assert_eq!(error.kind(), "core::num::error::ParseIntError");
    let place = error.place().unwrap();
    assert!(place.file().ends_with("error/tests.rs"), "{place}");
    assert_eq!(error.to_string(), "invalid digit found in string");
}

#[test]
fn permanent_survives_a_boxed_error() {
    let boxed: BoxError = Error::permanent("no such patient").into();
    assert_eq!(boxed.to_string(), "no such patient");
    assert!(Error::from_boxed("boxed", boxed).is_permanent());
}
