use super::parse;

fn check(text: &str, expected: Result<(), &str>) {
    assert_eq!(parse(text), expected, "{text}");
}

#[test]
fn with_seconds_and_a_zone() {
    check("2030-12-31T23:59:59Z", Ok(()));
    check("2030-12-31T23:59:59.123456789Z", Ok(()));
    check("2030-12-31T23:59:60Z", Ok(()));
    check("2030-12-31T00:00:00+14:00", Ok(()));
    check("2030-12-31T00:00:00.5-11:30", Ok(()));
    check("2028-02-29T00:00:00Z", Ok(()));
}

#[test]
fn with_a_part_missing() {
    check("", Err("the instant has no time"));
    check("2030", Err("the instant has no time"));
    check("2030-12-31", Err("the instant has no time"));
    check("2030-12-31T23:59:59", Err("the instant has no zone"));
    check("2030-12-31T23:59Z", Err("the time is not of the form HH:MM:SS"));
    check("2030-12T23:59:59Z", Err("the date is not of the form YYYY-MM-DD"));
    check("2030-12-31T23:59:59.Z", Err("the fraction of the second is not in digits"));
    check("2030-12-31T23:59:59+01", Err("the zone is not of the form Z or +HH:MM"));
}

#[test]
fn with_a_part_that_is_not_there() {
    check("0000-01-01T00:00:00Z", Err("there is no such day"));
    check("2030-13-01T00:00:00Z", Err("there is no such day"));
    check("2030-02-29T00:00:00Z", Err("there is no such day"));
    check("2030-04-31T00:00:00Z", Err("there is no such day"));
    check("2030-01-00T00:00:00Z", Err("there is no such day"));
    check("2030-01-01T24:00:00Z", Err("there is no such time"));
    check("2030-01-01T00:00:61Z", Err("there is no such time"));
    check("2030-01-01T00:00:00+14:01", Err("there is no such zone"));
}

#[test]
fn with_something_else() {
    check("2030-12-31 23:59:59Z", Err("the instant has no time"));
    check("+030-12-31T23:59:59Z", Err("the date is not of the form YYYY-MM-DD"));
    check("2030-12-31T23:59:59Zulu", Err("the zone is not of the form Z or +HH:MM"));
    check("2030-12-31T23:59:٥٩Z", Err("the time is not of the form HH:MM:SS"));
}
