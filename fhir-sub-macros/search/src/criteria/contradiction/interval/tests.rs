use super::{DAY, Dates, Numbers, civil, days};
use crate::definitions::DateForm;
use crate::search::Text;

fn dates(values: &[&str]) -> bool {
    let mut read = values.iter().map(|value| Dates::read(&Text::plain(value), DateForm::Date).expect(value));
    let first = read.next().expect("there is one");
    read.try_fold(first, |both, next| both.and(&next)).is_some()
}

#[test]
fn a_day_and_its_number_are_the_same() {
    for (year, month, day) in [(1, 1, 1), (1900, 2, 28), (2000, 2, 29), (2023, 12, 31), (2024, 3, 1)] {
        assert_eq!(civil(days(year, month, day)), (year, month, day));
    }
    assert_eq!(days(2000, 3, 1) - days(2000, 2, 28), 2);
    assert_eq!(days(1900, 3, 1) - days(1900, 2, 28), 1);
    assert_eq!(days(2001, 1, 1) - days(2000, 1, 1), 366);
    assert_eq!(DAY, 86_400_000);
}

#[test]
fn dates_that_exclude_each_other_do() {
    for values in [
        &["ge2024-01-01", "lt2023-01-01"][..],
        &["ge2024", "lt2024"],
        &["gt2024", "lt2024"],
        &["gt2024", "le2024"],
        &["gt2024", "2024"],
        &["2024", "2025"],
        &["2024-01-31", "2024-02"],
        &["sa2024", "eb2024"],
        &["sa2024-05", "lt2024-05-10"],
        &["eb2024-05", "ge2024-05-10"],
        &["ge2024-01-01", "le2024-12-31", "lt2023"],
        &["2024-01-01T10:00:00Z", "2024-01-01T11:00:00Z"],
        &["ge2024-01-01T10:00:00Z", "lt2023-12-31T10:00:00Z"],
        &["ge2024-01-03", "lt2023-12-30T00:00:00+02:00"],
        &["gt9999", "lt0001"],
    ] {
        assert!(!dates(values), "{values:?}");
    }
}

#[test]
fn dates_that_a_value_can_have_are_possible() {
    for values in [
        &["ge2024-01-01", "lt2025-01-01"][..],
        &["ge2024", "le2024"],
        &["ge2024-05-10", "le2024-05-10"],
        &["2024", "2024-02"],
        &["gt2023", "2024"],
        // The date may be a year, which reaches from before one moment to after the other.
        &["ge2024-06-01", "lt2024-01-15"],
        &["ge2024-06-20", "lt2024-06-15"],
        &["gt2024-06-01", "lt2024-06-01"],
        &["ge2024-06-01", "le2024-05-31"],
        // An absent zone may be any zone.
        &["ge2024-01-01", "lt2023-12-31T20:00:00Z"],
        &["ge2024-01-01T10:00:00Z", "lt2024-01-01T11:00:00Z"],
        &["sa2024-01", "eb2024-03"],
    ] {
        assert!(dates(values), "{values:?}");
    }
    assert!(Dates::read(&Text::plain("ap2024"), DateForm::Date).is_none());
    assert!(Dates::read(&Text::plain("ge%today"), DateForm::Date).is_none());
    // Found by texts that nobody would write.
    for text in ["gt20186666666666666", "lt2024-01-01T99999999999999999:00:00Z"] {
        assert!(Dates::read(&Text::plain(text), DateForm::Date).is_none(), "{text}");
    }
}

#[test]
fn numbers_go_by_their_digits() {
    let possible = |one: &str, other: &str| {
        let read = |value| Numbers::read(&Text::plain(value)).expect("it is a number");
        read(one).and(&read(other)).is_some()
    };
    for (one, other) in [
        ("gt8", "lt5"),
        ("5", "6.1"),
        ("5.4", "5.6"),
        ("ge5", "lt5"),
        ("gt5", "le5"),
        ("sa1", "eb1"),
        ("1e3", "lt400"),
    ] {
        assert!(!possible(one, other), "{one} {other}");
    }
    for (one, other) in
        [("gt5", "lt8"), ("5", "5.4"), ("ge5", "le5"), ("5", "ge5.5"), ("1e3", "lt600"), ("-5", "lt0")]
    {
        assert!(possible(one, other), "{one} {other}");
    }
    assert!(Numbers::read(&Text::plain("ap5")).is_none());
}
