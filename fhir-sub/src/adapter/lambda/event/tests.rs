use base64::Engine as _;
use base64::engine::general_purpose;
use serde_json::Value;

use super::*;

fn event(text: &str) -> Event<'_> {
    Event::read(text.as_bytes()).unwrap()
}

#[test]
fn a_header_in_any_case_and_form_is_found_once() {
    let version_1 = event(
        r#"{"headers":{"X-Auth":"last"},"multiValueHeaders":{"X-Auth":["first","last"],"Accept":["*/*"],"E":[]}}"#,
    );
    assert_eq!(version_1.get("x-auth"), Header::Repeated);
    assert_eq!(version_1.get("accept"), Header::Once(b"*/*"));
    assert_eq!(version_1.get("e"), Header::Absent);
    let version_2 = event(r#"{"headers":{"x-auth":"a","n":null}}"#);
    assert_eq!(version_2.get("x-auth"), Header::Once(b"a"));
    assert_eq!(version_2.get("n"), Header::Absent);
    assert_eq!(event(r#"{"headers":{"x-auth":"a","X-Auth":"a"}}"#).get("x-auth"), Header::Repeated);
    assert_eq!(event(r#"{"headers":null}"#).get("x-auth"), Header::Absent);
}

#[test]
fn what_is_no_request_is_no_kind() {
    for text in [
        "{}",
        r#"{"source":"aws.events"}"#,
        r#"{"requestContext":{}}"#,
        r#"{"requestContext":{"http":null},"path":"/"}"#,
    ] {
        assert!(event(text).kind().is_none(), "{text}");
    }
    assert!(Event::read(b"[]").is_none());
    assert!(Event::read(br#"{"requestContext":7}"#).is_none());
}

#[test]
fn queries_come_in_three_forms() {
    assert_eq!(event(r#"{"rawQueryString":"dry-run=true"}"#).query().as_deref(), Some("dry-run=true"));
    assert_eq!(event(r#"{"queryStringParameters":{"prune":"true"}}"#).query().as_deref(), Some("prune=true"));
    let multi = r#"{"queryStringParameters":{"a":"2"},"multiValueQueryStringParameters":{"a":["1","2"]}}"#;
    assert_eq!(event(multi).query().as_deref(), Some("a=1&a=2"));
    assert_eq!(event("{}").query(), None);
}

#[test]
fn a_body_is_what_was_sent() {
    let long = r#"{"resourceType":"Encounter","id":"é/😀"}"#.repeat(100);
    let escaped = serde_json::to_string(&long).unwrap();
    assert_eq!(event(&format!(r#"{{"body":{escaped}}}"#)).body().as_deref(), Some(long.as_bytes()));
    let encoded = general_purpose::STANDARD.encode(&long);
    for encoded in [encoded.clone(), encoded.replace('/', r"\/")] {
        let text = format!(r#"{{"isBase64Encoded":true,"body":"{encoded}"}}"#);
        assert_eq!(event(&text).body().as_deref(), Some(long.as_bytes()));
    }
    for none in ["{}", r#"{"body":null}"#, r#"{"body":""}"#, r#"{"body":"","isBase64Encoded":true}"#] {
        assert_eq!(event(none).body().as_deref(), Some(&b""[..]), "{none}");
    }
}

#[test]
fn a_body_that_is_not_whole_is_none() {
    for body in [r"\ud800", r"a\ud83d\n", r"\x", "\n", "a\u{1f}", r"\n\"] {
        let text = format!(r#"{{"body":"{body}","isBase64Encoded":false}}"#);
        let body_read = Event::read(text.as_bytes()).map(|event| event.body().map(Cow::into_owned));
        assert!(matches!(body_read, None | Some(None)), "{body:?}");
    }
    // The same rules as in `base64`: each content has exactly one encoding.
    for encoded in ["e30", "e30==", "e31=", "e3 0=", "e30=\\n", "e30-", "e30=e30=", "=", "%%%"] {
        let text = format!(r#"{{"body":"{encoded}","isBase64Encoded":true}}"#);
        assert_eq!(event(&text).body(), None, "{encoded}");
    }
}

/// serde_json reads or refuses every string of an event in the same way.
#[test]
fn strings_are_read_as_serde_reads_them() {
    const PIECES: [&str; 24] = [
        "a",
        "seven--",
        "eight---",
        "é",
        "😀",
        "#",
        "]",
        "{",
        ",",
        "/",
        "e30=",
        "\u{7f}",
        r#"\""#,
        r"\\",
        r"\/",
        r"\n",
        r"\b",
        r"\u0022",
        r"\u00e9",
        r"\ud83d\ude00",
        r"\ude00",
        r"\u12",
        "\n",
        r#"""#,
    ];
    let seed =
        std::env::var("FHIR_SUB_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut read = 0;
    for round in 0..20_000 {
        let mut string = || -> String {
            // Refused events must be rare, or nothing would be read.
            let pieces = if dice.u8(..4) == 0 { PIECES.len() } else { PIECES.len() - 4 };
            (0..dice.usize(..12)).map(|_| PIECES[dice.usize(..pieces)]).collect()
        };
        let (body, header) = (string(), string());
        let is_encoded = dice.bool();
        let text =
            format!(r#"{{"body":"{body}","headers":{{"h":"{header}"}},"isBase64Encoded":{is_encoded}}}"#);
        let event = Event::read(text.as_bytes());
        let told = format!("FHIR_SUB_SEED={seed} runs this again; round {round}: {text}");
        match serde_json::from_str::<Value>(&text) {
            Err(_) => {
                assert!(event.is_none_or(|event| event.body().is_none()), "{told}");
            }
            Ok(value) => {
                let event = event.expect(&told);
                let body = value["body"].as_str().unwrap();
                let decoded = general_purpose::STANDARD.decode(body).ok();
                let expected = if is_encoded { decoded } else { Some(body.as_bytes().to_vec()) };
                assert_eq!(event.body().as_deref(), expected.as_deref(), "{told}");
                assert_eq!(
                    event.get("h"),
                    Header::Once(value["headers"]["h"].as_str().unwrap().as_bytes()),
                    "{told}"
                );
                read += 1;
            }
        }
    }
    assert!(read > 5_000, "only {read} were read");
}
