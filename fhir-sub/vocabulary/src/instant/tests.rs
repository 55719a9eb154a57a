use std::time::{Duration, SystemTime};

use super::Instant;

#[test]
fn instants_are_written_in_utc() {
    for (text, written) in [
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("2026-02-03T04:05:06.007Z", "2026-02-03T04:05:06.007Z"),
        ("2026-02-03T04:05:06.1234567Z", "2026-02-03T04:05:06.123Z"),
        ("2026-02-03T04:05:06.5Z", "2026-02-03T04:05:06.500Z"),
        ("2024-03-01T01:00:00+02:00", "2024-02-29T23:00:00.000Z"),
        ("2023-12-31T20:00:00-05:30", "2024-01-01T01:30:00.000Z"),
        ("2020-04-17T10:24:13.1882432-05:00", "2020-04-17T15:24:13.188Z"),
        ("1900-03-01T00:00:00Z", "1900-03-01T00:00:00.000Z"),
        ("2000-02-29T23:59:59.999Z", "2000-02-29T23:59:59.999Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
    ] {
        assert_eq!(Instant::parse(text).map(|instant| instant.to_string()).as_deref(), Some(written));
    }
}

#[test]
fn each_day_comes_after_the_one_before() {
    let mut last = Instant::parse("1899-12-31T00:00:00Z").unwrap();
    let mut days = 0;
    for year in 1900..2110 {
        for month in 1..=12 {
            let long = [1, 3, 5, 7, 8, 10, 12].contains(&month);
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = if long {
                31
            } else if month != 2 {
                30
            } else if leap {
                29
            } else {
                28
            };
            for day in 1..=length {
                let text = format!("{year:04}-{month:02}-{day:02}T00:00:00.000Z");
                let instant = Instant::parse(&text).unwrap();
                assert_eq!(instant.since(last), Duration::from_secs(24 * 60 * 60), "{text}");
                assert_eq!(instant.to_string(), text);
                last = instant;
                days += 1;
            }
        }
    }
    assert_eq!(days, 76_701);
}

#[test]
fn what_is_no_instant_is_none() {
    for text in [
        "",
        "T",
        "2026-02-03",
        "2026-02-03T04:05Z",
        "2026-02-03T04:05:06",
        "2026-13-03T04:05:06Z",
        "2026-02-03T04:05:06.Z",
        "2026-02-03T04:05:06.xZ",
        "26-02-03T04:05:06Z",
        "2026-02-03T+4:05:06Z",
        "2026-02-03T04:05:06+2:00",
        "2026-02-03T04:05:06+0200",
        "2026-02-03T04:05:06Z ",
        "2026-02-00T04:05:06Z",
        "2026-02-30T04:05:06Z",
        "2026-02-03T24:00:00Z",
        "2026-02-03T04:05:61Z",
        "2026-02-03T04:05:06+14:01",
        "2026-02-03T04:05:06-99:99",
        "2025-02-29T04:05:06Z",
        "2026-02-03T04:05:06+ä0:00",
        "2026-02-03T04:65:06Z",
        "-026-02-03T04:05:06Z",
    ] {
        assert_eq!(Instant::parse(text), None, "{text}");
    }
}

#[test]
fn time_goes_by() {
    let instant = Instant::from(SystemTime::UNIX_EPOCH + Duration::from_millis(90_061_001));
    assert_eq!(instant.to_string(), "1970-01-02T01:01:01.001Z");
    let before = Instant::from(SystemTime::UNIX_EPOCH);
    assert_eq!(instant.since(before), Duration::from_millis(90_061_001));
    assert_eq!(before.since(instant), Duration::ZERO);
}
