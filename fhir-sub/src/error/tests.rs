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

#[test]
fn a_text_is_called_a_message() {
    let errors = [
        Error::transient("canary"),
        Error::permanent(String::from("canary")),
        Error::transient(std::borrow::Cow::from("canary")),
        Error::from_boxed(std::any::type_name::<&str>(), "canary".into()),
        Error::from_boxed(std::any::type_name::<String>(), "canary".into()),
    ];
    for error in errors {
        assert_eq!(error.kind(), "message");
    }
    let error = Error::transient(BoxError::from("canary"));
    assert_eq!(error.kind(), "boxed error");
    let again = Error::permanent(BoxError::from(Error::transient(std::fmt::Error)));
    assert_eq!((again.kind(), again.is_permanent()), ("core::fmt::Error", true));
    let boxed = std::any::type_name::<Box<dyn std::error::Error>>();
    assert_eq!(Error::from_boxed(boxed, "canary".into()).kind(), "boxed error");
    assert!(error.place().unwrap().file().ends_with("error/tests.rs"));
}
