//! The frame of a notification, read as serde would read it.

use super::*;
use crate::decode::by_serde::must_agree;
use crate::json::swar::{equal, lowest, quote_or_control, word};

/// Everything that the frame of a Bundle may contain, with a hundred places to break it.
const BUNDLE: &str = r#"{ "resourceType" : "Bundle", "id": null, "type": "history", "total": 1e3, "link": [{"url":"\u0061"}],
    "entry": [{ "fullUrl": "urn:\"1\"", "resource": {"resourceType":"A","active":true,"n":-1.5,"list":[{},[ ]],
    "meta":{"tag":[{"code":"}\\"}],"versionId":"3"},"id":"\u0031","text":"a \"}]\\"}, "request": null, "response": {"status":"200"} },
    {}, {"request":{"url":"A/1","method":"PUT","x":[]},"resource":{"id":"ä","resourceType":"A","meta":null}} ] } "#;

#[test]
fn whole() {
    must_agree(BUNDLE);
    let read = told(&topic(), BUNDLE);
    assert_eq!(read, ["422"], "it has no status");
    must_agree(&r4().to_string());
    must_agree(&serde_json::to_string_pretty(&r5()).unwrap());
}

#[test]
fn ended_at_any_place() {
    let places = (0..BUNDLE.trim_end().len()).filter(|place| BUNDLE.is_char_boundary(*place));
    for place in places {
        must_agree(&BUNDLE[..place]);
        assert_eq!(told(&topic(), &BUNDLE[..place]), ["400"], "ended at {place}");
    }
}

#[test]
fn with_another_character_at_any_place() {
    for (place, character) in BUNDLE.char_indices() {
        let (before, behind) = (&BUNDLE[..place], &BUNDLE[place + character.len_utf8()..]);
        must_agree(&format!("{before}{behind}"));
        for other in
            ["{", "}", "[", "]", "\"", "\\", ",", ":", " ", "\n", "0", "n", "\u{1}", "ä", "null", "\"id\":"]
        {
            must_agree(&format!("{before}{other}{behind}"));
            must_agree(&format!("{before}{other}{character}{behind}"));
        }
    }
}

#[test]
fn with_strings_of_any_length() {
    for length in 0..40 {
        let text = "x".repeat(length);
        for end in ["", "\\\"", "\\\\", "\\u0041", "ä", "\u{1f}", "\u{7f}", "\\"] {
            let string = format!(r#""{text}{end}""#);
            for body in [
                format!(r#"{{"resourceType":"Bundle","type":{string}}}"#),
                format!(r#"{{"resourceType":"Bundle",{string}:1}}"#),
                format!(
                    r#"{{"resourceType":"Bundle","entry":[{{"resource":{{"resourceType":"A","id":{string},"a":[{string}]}}}}]}}"#
                ),
            ] {
                must_agree(&body);
            }
        }
    }
}

#[test]
fn what_is_said_twice_is_refused() {
    let twice = |before: &str, after: &str| {
        let body = r5().to_string();
        assert!(body.contains(before), "{before}");
        told(&topic(), &body.replacen(before, after, 1))
    };
    for (before, after) in [
        (r#""id":"1""#, r#""id":"1","id":"2""#),
        (r#""id":"1""#, r#""id":"1","\u0069d":"2""#),
        (r#""id":"1""#, r#""id":null,"id":"1""#),
        (r#""meta":{"#, r#""meta":null,"meta":{"#),
        (r#""versionId":"3""#, r#""versionId":"3","versionId":"4""#),
        (r#""resourceType":"Encounter""#, r#""resourceType":"Encounter","resourceType":"Encounter""#),
        (r#""fullUrl":"#, r#""fullUrl":null,"fullUrl":"#),
        (r#""request":{"#, r#""request":{},"request":{"#),
        (r#""method":"PUT""#, r#""method":"PUT","method":"DELETE""#),
        (r#""type":"subscription-notification""#, r#""type":"history","type":"subscription-notification""#),
        (r#""entry":["#, r#""entry":[],"entry":["#),
    ] {
        assert_eq!(twice(before, after), ["422"], "{after}");
    }
    // Only the handler reads other elements.
    assert_eq!(twice(r#""text":"canary""#, r#""text":"canary","text":"1""#), [USUAL]);
    let resource = r#"{"resourceType":"Encounter","id":"1","id":"2"}"#;
    assert_eq!(told(&declaration::<Event, Succeed>("Encounter?", "e"), resource), ["422"]);
}

#[test]
fn a_resource_that_is_no_json_is_left_to_whoever_reads_it() {
    let body = r5().to_string();
    for (name, inside) in [
        ("a word", r#""text":canary"#),
        ("no colon", r#""list":[{"a" 1}]"#),
        ("a control character", "\"text\":\"\u{1}\""),
        ("an escape that is none", r#""text":"\x""#),
        ("brackets of another kind", r#""list":[}"#),
    ] {
        let broken = body.replacen(r#""text":"canary""#, inside, 1);
        let headers = HeaderMap::new();
        let head = Head { method: &Method::POST, path: "/e", query: None, headers: &headers };
        let decoded = decode(&head, &expected(&topic()), None, broken.as_bytes());
        match name {
            // A value at the first level is read at once unless it is a text, a list or an object.
            "a word" => assert_eq!(status(&decoded.unwrap_err()), 400),
            _ => {
                let Ok(Decoded::Events(events, _)) = decoded else { panic!("{name}: {decoded:?}") };
                assert!(serde_json::from_str::<Value>(events[0].resource.unwrap()).is_err(), "{name}");
            }
        }
    }
    for inside in [r#""list":["#, r#""list":]"#, r#""text":"canary"#] {
        let broken = body.replacen(r#""text":"canary""#, inside, 1);
        assert_eq!(told(&topic(), &broken), ["400"], "{inside}");
    }
}

#[test]
fn eight_bytes_at_once() {
    for place in 0..8 {
        for byte in 0..=u8::MAX {
            let mut bytes = [b'x'; 8];
            bytes[place] = byte;
            // Later bytes are marked too, but are not the first.
            bytes[place + 1..].fill(b'"');
            let first = |marks: u64| (marks != 0).then(|| lowest(marks));
            let next = (place < 7).then_some(place + 1);
            let is_marked = byte == b'"' || byte < b' ';
            let expected = if is_marked { Some(place) } else { next };
            assert_eq!(first(quote_or_control(word(&bytes))), expected, "{byte:#x} at {place}");
            let expected = if byte == b'"' { Some(place) } else { next };
            assert_eq!(first(equal(word(&bytes), b'"')), expected, "{byte:#x} at {place}");
            assert_eq!(word(&bytes[..place]).to_le_bytes()[..place], bytes[..place]);
        }
    }
}
