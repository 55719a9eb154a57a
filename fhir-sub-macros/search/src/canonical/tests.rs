use super::mistake;

#[test]
fn absolute_uris_are_right() {
    for right in [
        "https://example.org/topics/admission",
        "http://example.org/topics/admission|1.0.0",
        "https://example.org",
        "HTTP://[::1]:8080/topics?x=y",
        "https://example.org/%C3%A4",
        "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7",
        "urn:oid:1.2.3|2",
        "tag:example.org,2030:admission",
    ] {
        assert_eq!(mistake(right), None, "{right}");
    }
}

#[test]
fn whatever_else_is_told() {
    for (wrong, expected) in [
        ("", "is empty"),
        (" https://example.org", "white space around it"),
        ("admission", "not an absolute URI"),
        ("SubscriptionTopic/admission", "not an absolute URI"),
        ("/topics", "not an absolute URI"),
        ("example.org/topics:a", "not an absolute URI"),
        ("1https://example.org", "not an absolute URI"),
        ("https://example.org/a topic", "write it as `%20`"),
        ("https://example.org/ä", "write it as `%C3%A4`"),
        ("https://example.org/{id}", "write it as `%7B`"),
        ("https://example.org/a#b", "a part of one"),
        ("https://example.org|", "a version is missing"),
        ("https://example.org|1|2", "one `|`"),
        ("https://example.org/%2", "`%2` is not a character"),
        ("https://example.org/%zz/%C3", "two hexadecimal digits"),
        ("https:", "not a whole URI"),
        ("https:example.org", "not a whole URI"),
        ("https:///topics", "not a whole URI"),
        ("urn:oid", "urn:oid:1.2.3"),
        ("tag:", "not a whole URI"),
    ] {
        let told = mistake(wrong).unwrap_or_default();
        assert!(told.contains(expected), "{wrong}: {told}");
    }
}

#[test]
fn a_placeholder_stands_for_any_value() {
    for right in [
        "{TOPIC}",
        "{TOPIC}|{VERSION}",
        "{DATASTORE}/SubscriptionTopic/{ID}",
        "https://healthlake.{REGION}.amazonaws.com/datastore/{DATASTORE}/r4/SubscriptionTopic/{ID}",
        "https://{HOST}",
        "urn:oid:{OID}",
    ] {
        assert_eq!(mistake(right), None, "{right}");
    }
    for (wrong, expected) in [
        ("topics/{ID}", "`topics/{ID}` is not an absolute URI"),
        ("https://example.org/{ID}#a", "a part of one"),
        ("https://example.org/{ID}|", "a version is missing"),
        ("https:{ID}", "`https:{ID}` is not a whole URI"),
        ("https://example.org/{id}", "write it as `%7B`"),
        (" {TOPIC}", "write \"{TOPIC}\""),
    ] {
        let told = mistake(wrong).unwrap_or_default();
        assert!(told.contains(expected), "{wrong}: {told}");
    }
}
