//! Values with an order, which may have a prefix: numbers, dates and quantities. Also positions.

use super::value::Asked;
use super::{reference, system};
use crate::calendar;
use crate::mistake::Mistake;
use crate::search::{Prefix, Text, comparison};

/// `5.4`, `ge5.4`
pub(super) fn number(asked: &Asked<'_>, value: &Text) -> Result<(), Mistake> {
    let number = without_prefix(asked, value, "number", "5")?;
    if is_number(&number.to_string()) {
        return Ok(());
    }
    Err(not_a_number(asked, &number, "number"))
}

/// `2030-12-31`, `ge2030-12-31T23:59Z`
pub(super) fn date(asked: &Asked<'_>, value: &Text) -> Result<(), Mistake> {
    let date = without_prefix(asked, value, "date", "2030-12-31")?;
    let written = date.to_string();
    // HAPI FHIR accepts these in subscriptions.
    if ["%now", "%today"].contains(&&*written.to_lowercase()) {
        return Ok(());
    }
    if written.contains('T')
        && let Some(plus) = date.plus()
    {
        let message = "a `+` in a URL stands for a space: write the zone's `+` as `%2B`";
        return Err(Mistake::new(plus, message, asked.check.chapter("date")));
    }
    date_time(&written).map_err(|wrong| {
        let message = format!(
            "`{written}` is not a date: {wrong}: write as much of it as counts, as in `2030`, `2030-12`, `2030-12-31` or \
             `2030-12-31T23:59:59Z`"
        );
        asked.mistake(value, message, "date")
    })
}

/// `5.4`, `5.4|http://unitsofmeasure.org|mg`, `le5.4||mg`
pub(super) fn quantity(asked: &Asked<'_>, value: &Text) -> Result<(), Mistake> {
    let parts = value.split('|');
    let number = without_prefix(asked, &parts[0], "quantity", "5.4")?;
    if !is_number(&number.to_string()) {
        return Err(not_a_number(asked, &number, "quantity"));
    }
    match &parts[1..] {
        [] => Ok(()),
        [system, code]
            if !code.is_empty() && (system.is_empty() || reference::is_uri(&system.to_string())) =>
        {
            system::check(asked, system, &code.to_string(), [])
                .map_err(|mistake| of_unit(mistake, &number))?;
            match code.plus() {
                Some(plus) => {
                    let message =
                        "a `+` in a URL stands for a space, and a unit has none: write the `+` as `%2B`";
                    Err(Mistake::new(plus, message, asked.check.chapter("quantity")))
                }
                None => Ok(()),
            }
        }
        [system, code] if !code.is_empty() => {
            let message = format!(
                "the system of a unit is a URI, and `{system}` is not one: write `{number}|http://unitsofmeasure.org|{code}` \
                 for a unit of UCUM, or `{number}||{code}` for any system's"
            );
            Err(asked.mistake(system, message, "quantity"))
        }
        [unit] => {
            let message = format!(
                "a quantity is a number, or a number with a system and a unit: write `{number}||{unit}` for a unit of any \
                 system, or `{number}|http://unitsofmeasure.org|{unit}` for one of UCUM"
            );
            Err(asked.mistake(value, message, "quantity").of_separators())
        }
        _ => {
            let message =
                "a quantity is a number, or `number|system|unit`, such as `5.4|http://unitsofmeasure.org|mg`";
            Err(asked.mistake(value, message, "quantity").of_separators())
        }
    }
}

/// `latitude|longitude`, `latitude|longitude|distance|unit`
pub(super) fn position(asked: &Asked<'_>, value: &Text) -> Result<(), Mistake> {
    let parts = value.split('|');
    let within = |part: &Text, limit: f64| {
        let part = part.to_string();
        is_number(&part) && part.parse().is_ok_and(|degrees: f64| degrees.abs() <= limit)
    };
    let wrong = match &parts[..] {
        [latitude, _, ..] if !within(latitude, 90.0) => latitude,
        [_, longitude, ..] if !within(longitude, 180.0) => longitude,
        [_, _, distance] | [_, _, distance, _]
            if !distance.is_empty() && !is_number(&distance.to_string()) =>
        {
            distance
        }
        [_, _] | [_, _, _] | [_, _, _, _] => return Ok(()),
        _ => value,
    };
    let message = format!(
        "`{}` takes a position, `latitude|longitude` in degrees, and a distance with its unit, such as \
         `42.2565|-83.6948|11.2|km`",
        asked.code
    );
    let mistake = asked.mistake(if wrong.is_empty() { value } else { wrong }, message, "special");
    Err(if (2..=4).contains(&parts.len()) { mistake } else { mistake.of_separators() })
}

/// Whether a value of a type without an order looks as if it had a prefix: `ge2030-12-31`. Identifiers may
/// contain other letters and shorter dates.
pub(super) fn has_prefix_and_date(value: &str) -> bool {
    ["gt", "lt", "ge", "le"].iter().any(|prefix| {
        value
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.len() >= "2030-12-31".len() && date_time(rest).is_ok())
    })
}

/// The value after its prefix, if it has one.
fn without_prefix(asked: &Asked<'_>, value: &Text, kind: &str, example: &str) -> Result<Text, Mistake> {
    let written = value.to_string();
    if let Some(comparison) = comparison(&written).filter(|comparison| comparison.at == 0) {
        let message = format!(
            "a comparison is a prefix of the value: write `{}={}{}`",
            asked.code,
            comparison.prefix,
            &written[comparison.length..]
        );
        return Err(asked.mistake(value, message, "prefix"));
    }
    let letters = written.chars().take_while(char::is_ascii_alphabetic).count();
    let (prefix, rest) = value.split_at(letters);
    if letters == 0 || Prefix::ALL.iter().any(|known| known.code() == prefix.to_string()) && !rest.is_empty()
    {
        return Ok(rest);
    }
    let is_followed_by_value = rest.to_string().starts_with(|letter: char| letter.is_ascii_digit());
    if is_followed_by_value && letters <= 3 {
        let message = format!(
            "there is no prefix `{prefix}`: they are `eq`, `ne`, `gt`, `lt`, `ge`, `le`, `sa` (starts after), `eb` \
             (ends before) and `ap` (about)"
        );
        return Err(Mistake::new(prefix.place.clone(), message, asked.check.chapter("prefix")));
    }
    let message = format!(
        "`{}` takes a {kind}, and `{written}` is not one: write it as in `{example}` or `ge{example}`",
        asked.code
    );
    Err(asked.mistake(value, message, kind))
}

/// Adds the number to the cure of a mistake in the system, so that the cure shows the whole value:
/// `5.4|http://unitsofmeasure.org|mg`.
fn of_unit(mut mistake: Mistake, number: &Text) -> Mistake {
    mistake.message = mistake.message.replace("write `", &format!("write `{number}|"));
    mistake
}

fn not_a_number(asked: &Asked<'_>, number: &Text, section: &str) -> Mistake {
    let code = asked.code;
    if let Some(plus) = number.plus().filter(|_| is_number(&number.to_string().replace(' ', "+"))) {
        let message = "a `+` in a URL stands for a space: write the `+` as `%2B`, or leave it out";
        return Mistake::new(plus, message, asked.check.chapter(section));
    }
    let pointed = number.to_string().replace(',', ".");
    let message = if pointed != number.to_string() && is_number(&pointed) {
        format!("a number has a decimal point, and no comma: write `{pointed}`")
    } else {
        format!(
            "`{code}` takes a number, and `{number}` is not one: write digits with a decimal point, as in `100`, `0.5` or `1e3`"
        )
    };
    asked.mistake(number, message, section)
}

/// Finds a number with a decimal comma, because a comma separates two values: `0,5`, `5,5`, `gt5,4`, `5,4||mg`,
/// `1.000,5||mg`, and lists of such numbers. To search for two values, write `5,4`, `5||mg,4||mg` or
/// `lt60,gt100`.
pub(super) fn decimal_comma(asked: &Asked<'_>, values: &[Text]) -> Result<(), Mistake> {
    if !values.len().is_multiple_of(2) || values.iter().any(Text::has_hole) {
        return Ok(());
    }
    let pairs: Vec<_> = values.chunks(2).map(|pair| (&pair[0], &pair[1])).collect();
    if !pairs.iter().all(|(first, second)| is_one_number(first, second)) {
        return Ok(());
    }
    let code = asked.code;
    let written = |joint: &str| {
        let pairs = pairs.iter().map(|(first, second)| {
            let whole = first.to_string();
            // In `1.000`, the point separates thousands.
            let whole = if joint == "." { whole.replace('.', "") } else { whole };
            format!("{whole}{joint}{second}")
        });
        pairs.collect::<Vec<_>>().join(",")
    };
    let message = format!(
        "a `,` separates two values, and a number has a decimal point: write `{code}={}`, or `{code}={}` where two values \
         are meant",
        written("."),
        written(",eq")
    );
    let place = values[0].place.start..values[values.len() - 1].place.end;
    Err(Mistake::new(place, message, asked.check.chapter("number")))
}

/// Whether the two values are the halves of one number.
fn is_one_number(first: &Text, second: &Text) -> bool {
    let (before, after) = (first.to_string(), second.split('|'));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let letters = before.chars().take_while(char::is_ascii_alphabetic).count();
    let (prefix, whole) = before.split_at(letters);
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    let has_thousands = whole.contains('.') && {
        let mut groups = whole.split('.');
        groups.next().is_some_and(|first| is_digits(first) && first.len() <= 3)
            && groups.all(|group| is_digits(group) && group.len() == 3)
    };
    (is_digits(whole) || has_thousands)
        && is_digits(&after[0].to_string())
        && (after.len() > 1 || whole == "0" || !prefix.is_empty() || whole == after[0].to_string())
}

/// Finds a decimal comma in the number of a composite, which splits the value in two: `http://loinc.org|1$5`
/// and `4||mg`.
pub(super) fn decimal_comma_of_composite(asked: &Asked<'_>, values: &[Text]) -> Result<(), Mistake> {
    for pair in values.windows(2) {
        let parts = pair[0].split('$');
        let Some(last) = parts.last().filter(|_| parts.len() > 1) else { continue };
        let is_number = |text: &Text| {
            let text = text.to_string();
            let text = text.trim_start_matches(|letter: char| letter.is_ascii_alphabetic() || letter == '-');
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if pair[1].split('$').len() > 1 || !is_number(last) || !is_number(&pair[1].split('|')[0]) {
            continue;
        }
        let message = format!(
            "a `,` separates two values, and a number has a decimal point: write `{}={}.{}`",
            asked.code, pair[0], pair[1]
        );
        let place = pair[0].place.start..pair[1].place.end;
        return Err(Mistake::new(place, message, asked.check.chapter("number")));
    }
    Ok(())
}

/// `100`, `-0.5`, `1e-3`
fn is_number(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) =
        text.split_once(['e', 'E']).map_or((text, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let is_mantissa = match mantissa.split_once('.') {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => is_digits(mantissa),
    };
    is_mantissa
        && exponent.is_none_or(|exponent| is_digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)))
}

/// A year, a month, a day, or a time with or without seconds and zone.
fn date_time(text: &str) -> Result<(), &'static str> {
    let Some((date, time)) = text.split_once('T') else {
        let is_short = |length: usize| text.len() == length && text.is_ascii();
        return match text {
            _ if is_short(4) => calendar::date(&format!("{text}-01-01")),
            _ if is_short(7) => calendar::date(&format!("{text}-01")),
            _ => calendar::date(text),
        };
    };
    calendar::date(date)?;
    let (time, zone) = time.split_at(time.find(['Z', '+', '-']).unwrap_or(time.len()));
    let minutes = time.len() == 5 && time.is_ascii();
    calendar::time(&if minutes { format!("{time}:00") } else { time.to_owned() })?;
    if zone.is_empty() { Ok(()) } else { calendar::zone(zone) }
}
