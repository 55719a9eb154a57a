//! The canonical URL of a topic, <https://hl7.org/fhir/R5/references.html#canonical>.

use crate::search::placeholders;

/// The mistake in a topic's URL: it must be an absolute URI, with or without a version after a `|`.
///
/// A placeholder stands for any value. At the beginning, it stands for the scheme and the host too.
pub fn mistake(text: &str) -> Option<String> {
    let places: Vec<_> = placeholders(text).collect();
    if places.is_empty() {
        return mistake_in(text);
    }
    let mut filled = text.to_owned();
    for place in places.into_iter().rev() {
        let value = if place.start == 0 { "https://1" } else { "1" };
        filled.replace_range(place, value);
    }
    // The mistake quotes the text as written, without the values.
    let url = |text: &str| text.split('|').next().unwrap_or_default().to_owned();
    mistake_in(&filled)
        .map(|mistake| mistake.replace(filled.trim(), text.trim()).replace(&url(&filled), &url(text)))
}

fn mistake_in(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("the topic is empty".to_owned());
    }
    if text.trim() != text {
        return Some(format!("the topic has white space around it: write {:?}", text.trim()));
    }
    if let Some(character) = text.chars().find(|character| !is_of_uri(*character) && *character != '|') {
        return Some(match character {
            '#' => "a topic is a resource of its own, and a `#` names a part of one: take out the `#` and the text after it"
                .to_owned(),
            _ => format!("a URI cannot have the character {character:?}: write it as `{}`", encoded(character)),
        });
    }
    let (url, version) = text.split_once('|').map_or((text, None), |(url, version)| (url, Some(version)));
    match version {
        Some("") => {
            return Some("a version is missing after the `|`: write one, or take the `|` out".to_owned());
        }
        Some(version) if version.contains('|') => {
            return Some(
                "one `|` stands between a topic's URL and its version: take the others out".to_owned(),
            );
        }
        _ => {}
    }
    if let Some(at) = url.find('%').filter(|_| !is_encoded_rightly(url)) {
        let rest: String = url[at..].chars().take(3).collect();
        return Some(format!(
            "`{rest}` is not a character: a `%` is followed by two hexadecimal digits, and a `%` itself is written `%25`"
        ));
    }
    let scheme = url.split_once(':').filter(|(scheme, _)| is_scheme(scheme));
    let Some((scheme, rest)) = scheme else {
        return Some(format!(
            "`{url}` is not an absolute URI: a topic is named by its canonical URL, as it stands in `SubscriptionTopic.url`, \
             such as `https://example.org/topics/admission`"
        ));
    };
    let is_empty = match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => {
            let host = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?']).next());
            host.is_none_or(str::is_empty)
        }
        "urn" => !rest.split_once(':').is_some_and(|(space, name)| !space.is_empty() && !name.is_empty()),
        _ => rest.is_empty(),
    };
    is_empty.then(|| {
        let form = if scheme.eq_ignore_ascii_case("urn") {
            "urn:oid:1.2.3"
        } else {
            "https://example.org/topics/admission"
        };
        format!("`{url}` is not a whole URI: write the topic's canonical URL, such as `{form}`")
    })
}

/// RFC 3986: a character that may stand in a URI, including the `%` of an escape.
fn is_of_uri(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~:/?[]@!$&'()*+,;=%".contains(character)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
}

fn is_encoded_rightly(url: &str) -> bool {
    url.split('%').skip(1).all(|rest| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

fn encoded(character: char) -> String {
    character.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[cfg(test)]
mod tests;
