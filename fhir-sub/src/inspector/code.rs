//! A delivery as a test in Rust, and as a command.

mod expected;
mod needed;
mod needs;

use serde_json::Value;

use self::expected::Expected;
use self::needed::Needed;
use self::needs::test_app;
use super::delivery::Delivery;
use crate::app::App;
use crate::declaration::Declaration;

/// A test that sends the delivery again, and expects the same outcome. It first creates the resources that the handlers
/// read, and the resources that the delivery names but does not contain. `now` returns the sandbox's current version of a
/// resource.
pub(crate) fn as_test(app: &App, delivery: &Delivery, now: impl Fn(&str) -> Option<Value>) -> String {
    let declaration = delivery.endpoint().and_then(|endpoint| app.registry().find(endpoint));
    let mut text = format!(
        "/// What came at {}.\n#[tokio::test]\nasync fn {}() {{\n{}",
        delivery.at,
        name(declaration, delivery),
        test_app(app, delivery)
    );
    let Needed { created, lacking } = Needed::of(declaration, delivery, now);
    created.iter().for_each(|resource| text.push_str(&resource.to_code()));
    if !lacking.is_empty() {
        text.push_str(&format!(
            "    // The handler needs resources that the recorder does not have. Create them first, each with\n    \
             // `test.sandbox().update(&resource).await`: {}.\n",
            list(&lacking)
        ));
    }
    let expected = Expected::of(delivery);
    expected.notes.iter().for_each(|note| text.push_str(&format!("    // {note}\n")));
    text.push_str(&format!(
        "    let request = fhir_sub::testing::TestRequest::recorded(\n        {},\n    ){};\n    \
         let answer = test.send(request).await;\n    \
         assert_eq!(answer.status(), {});\n",
        raw(delivery.recorded().to_text().trim_end()),
        if expected.is_of_stranger { ".without_secret()" } else { "" },
        expected.status.as_u16()
    ));
    let outcomes: Vec<_> = expected.outcomes.iter().map(|outcome| format!("{outcome:?}")).collect();
    text.push_str(&match (expected.is_whole, outcomes.first()) {
        (false, Some(first)) => format!("    assert_eq!(answer.outcome(), {first});\n"),
        (false, None) => String::new(),
        (true, _) => {
            format!("    assert_eq!(answer.outcomes().collect::<Vec<_>>(), [{}]);\n", outcomes.join(", "))
        }
    });
    text.push_str("}\n");
    text
}

/// The name of the test: the handler, the outcome, and the time of the delivery. Numbers of deliveries begin at 1 in each
/// run, so a number alone would give two tests the same name.
fn name(declaration: Option<&Declaration>, delivery: &Delivery) -> String {
    let handler = declaration.map_or("a_delivery", |declaration| declaration.handler);
    let outcome = delivery.events.first().map_or("", |event| event.outcome);
    let words = format!("{handler} {outcome} {} {}", delivery.at, delivery.id).to_ascii_lowercase();
    let words = words.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("_");
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// The most references in a comment.
const MOST_NAMES: usize = 10;

fn list(references: &[String]) -> String {
    let shown = &references[..references.len().min(MOST_NAMES)];
    let list = shown.join(", ");
    match references.len() - shown.len() {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}

/// JSON as a raw string of Rust, whatever it contains.
fn raw(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            // The compiler refuses these in a literal, because they change the direction in which it is shown. An
            // escape means the same in JSON.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            _ => text.push(letter),
        }
    }
    let mut hashes = String::from("#");
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    format!("r{hashes}\"{text}\"{hashes}")
}

/// The receiver of a delivery that a command sends again.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// The program, with the secret in the environment: the program's base URL, and the name of the header.
    Program { base_url: String, header: String },
    /// The page, which needs no secret. This is for a program that made its own secret.
    Desk { base_url: String },
}

/// A command that sends the delivery again.
pub(crate) fn as_curl(delivery: &Delivery, target: &Target) -> String {
    let sent = &delivery.sent;
    // A stranger chooses the method, and `|`, `&`, `$` and a backtick may be part of one.
    let method = match sent.method.as_str() {
        plain if plain.bytes().all(|byte| byte.is_ascii_alphanumeric()) => plain.to_owned(),
        other => quoted(other),
    };
    // curl would send a request for each alternative of `{a,b}` and `[1-9]`.
    let glob_off = if sent.path.contains(['[', ']', '{', '}']) { " -g" } else { "" };
    let mut text = format!("curl -i{glob_off} -X {method}");
    let base_url = match target {
        Target::Program { base_url, header } => {
            text.push_str(&format!(" \\\n  -H \"{header}: $FHIR_SUBSCRIPTION_SECRET\""));
            base_url
        }
        Target::Desk { base_url } => base_url,
    };
    for (name, value) in &sent.headers {
        if let Ok(value) = value.to_str() {
            text.push_str(&format!(" \\\n  -H {}", quoted(&format!("{name}: {value}"))));
        }
    }
    let (body, url) = (String::from_utf8_lossy(&sent.body), quoted(&format!("{base_url}{}", sent.path)));
    if body.len() > LONGEST_ARGUMENT {
        let mut end = String::from("BODY");
        while body.lines().any(|line| line == end) {
            end.push('_');
        }
        text.push_str(&format!(" \\\n  --data-binary @- \\\n  {url} <<'{end}'\n{body}\n{end}"));
        return text;
    }
    if !body.is_empty() {
        text.push_str(&format!(" \\\n  --data-raw {}", quoted(&body)));
    }
    text.push_str(&format!(" \\\n  {url}"));
    text
}

/// Linux allows 128 KiB for an argument, and a quote within it becomes four letters.
const LONGEST_ARGUMENT: usize = 24 << 10;

/// The text in single quotes, within which a shell interprets nothing.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
