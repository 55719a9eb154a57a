use super::*;

/// It reads what serde_json reads, and refuses what it refuses.
fn check(raw: &str) {
    let by_serde = serde_json::from_str::<String>(&format!("\"{raw}\"")).ok();
    assert_eq!(unescape(raw).as_deref(), by_serde.as_deref(), "{raw:?}");
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
    assert_eq!(unescape("a\"b"), None);
}

#[test]
fn what_has_no_escape_is_as_it_was() {
    check(&"{'resourceType': 'Encounter'}".repeat(100));
    check(&r#"{\"resourceType\": \"Encounter\"}\n"#.repeat(100));
}
