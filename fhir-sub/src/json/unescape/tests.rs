use super::*;

/// `unescape` accepts and refuses the same strings as serde_json.
fn check(raw: &str) {
    let by_serde = serde_json::from_str::<String>(&format!("\"{raw}\"")).ok();
    let unescaped = unescape(format!("{raw}\"…").as_bytes());
    let expected = by_serde.map(|text| (text.into_bytes(), raw.len()));
    assert_eq!(unescaped, expected, "{raw:?}");
}

#[test]
fn a_string_is_read_as_serde_reads_it() {
    let pieces = [
        "",
        "a",
        "seven--",
        "eight---",
        "é",
        "😀",
        r#"\""#,
        r"\\",
        r"\/",
        r"\b\f\n\r\t",
        r"\u0041",
        r"\u00e9",
        r"\ud83d\ude00",
        "\u{7f}",
        "#",
        "]",
    ];
    for first in pieces {
        for second in pieces {
            for third in pieces {
                check(&format!("{first}{second}{third}"));
            }
        }
    }
}

#[test]
fn what_is_no_string_is_refused() {
    for raw in [
        "\n",
        "\u{1}",
        "\u{1f}",
        r"\",
        r"\x",
        r"\u",
        r"\u12",
        r"\u12g4",
        r"\u+123",
        r"\ud83d",
        r"\ud83dabcdef",
        r"\ud83d\n",
        r"\ud83d\u0041",
        r"\ude00",
        r"\ud83d\ud83d",
        r"\ud83d\u",
        r"\u00é",
    ] {
        for before in ["", "seven--", "eight---"] {
            for behind in ["", "seven--", "eight---"] {
                check(&format!("{before}{raw}{behind}"));
            }
        }
    }
    for unfinished in ["", "a", "a\\", "a\\\"", "seven--", "eight---"] {
        assert_eq!(unescape(unfinished.as_bytes()), None, "{unfinished}");
    }
}

#[test]
fn a_control_character_is_found_wherever_it_is() {
    for length in 0..20 {
        let text = vec![b' '; length];
        assert!(!has_control_character(&text), "{length}");
        assert!(!has_control_character(&vec![0xff; length]), "{length}");
        for place in 0..length {
            for control in [0, 0x0a, 0x1f] {
                let mut text = text.clone();
                text[place] = control;
                assert!(has_control_character(&text), "{control} at {place} of {length}");
            }
        }
    }
}

#[test]
fn a_long_string_is_read_to_its_end() {
    check(&"{'resourceType': 'Encounter'}".repeat(100));
    check(&r#"{\"resourceType\": \"Encounter\"}\n"#.repeat(100));
}
