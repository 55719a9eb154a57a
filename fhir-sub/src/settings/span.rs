//! Durations: `90s`, `5m`, `1h`.

use std::time::Duration;

use super::Variables;
use crate::problems::Problems;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The duration in the setting `name`, from `least` to a day.
pub(super) fn span(
    variables: &Variables,
    name: &str,
    least: Duration,
    problems: &mut Problems,
) -> Option<Duration> {
    let text = variables.get(name)?;
    let span = parse(text).filter(|span| (least..=DAY).contains(span));
    if span.is_none() {
        let least = least.as_secs();
        problems.add(format!(
            "{name} is {text:?}: write a length of time like 90s, 5m or 1h, from {least}s to 24h"
        ));
    }
    span
}

/// A whole number of seconds, minutes or hours.
fn parse(text: &str) -> Option<Duration> {
    let (number, seconds) = match text.as_bytes().last()? {
        b's' => (&text[..text.len() - 1], 1),
        b'm' => (&text[..text.len() - 1], 60),
        b'h' => (&text[..text.len() - 1], 3600),
        _ => return None,
    };
    // `parse` would accept a sign.
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = is_number.then(|| number.parse().ok()).flatten()?;
    Some(Duration::from_secs(number.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::time::Duration;

    #[test]
    fn a_number_and_a_unit() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("1h", 3600), ("0s", 0)] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "m", "5 m", "-1m", "+1m", "1.5h", "5min", "99999999999999999999h", "5µ"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
