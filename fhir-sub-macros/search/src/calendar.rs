//! Checks dates and times in FHIR's form.

/// Numbers between separators, each with exactly the given count of digits.
pub fn numbers<const COUNT: usize>(
    text: &str,
    separator: char,
    digits: [usize; COUNT],
) -> Option<[u32; COUNT]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; COUNT];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits)?;
        if !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Checks a day: `2030-12-31`.
///
/// # Errors
/// The problem, as a part of a sentence.
pub fn date(text: &str) -> Result<(), &'static str> {
    let date = numbers(text, '-', [4, 2, 2]).ok_or("the date is not of the form YYYY-MM-DD")?;
    if is_date(date) { Ok(()) } else { Err("there is no such day") }
}

fn is_date([year, month, day]: [u32; 3]) -> bool {
    let is_leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap_year => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    year > 0 && (1..=days).contains(&day)
}

/// Checks a time with seconds, or with parts of a second: `23:59:59.5`.
///
/// # Errors
/// The problem, as a part of a sentence.
pub fn time(text: &str) -> Result<(), &'static str> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let [hour, minute, second] =
        numbers(whole, ':', [2, 2, 2]).ok_or("the time is not of the form HH:MM:SS")?;
    // 60 is a leap second.
    if hour > 23 || minute > 59 || second > 60 {
        return Err("there is no such time");
    }
    if fraction.is_some_and(|digits| digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err("the fraction of the second is not in digits");
    }
    Ok(())
}

/// Checks a zone: `Z`, `+01:00` or `-01:00`.
///
/// # Errors
/// The problem, as a part of a sentence.
pub fn zone(text: &str) -> Result<(), &'static str> {
    if text == "Z" {
        return Ok(());
    }
    let [hours, minutes] = text
        .strip_prefix(['+', '-'])
        .and_then(|offset| numbers(offset, ':', [2, 2]))
        .ok_or("the zone is not of the form Z or +HH:MM")?;
    // The specification's pattern ends at 14:00.
    if minutes > 59 || hours * 60 + minutes > 14 * 60 {
        return Err("there is no such zone");
    }
    Ok(())
}
