//! Only the app's own server and the sources of `setup` are called, each with its own sign-in, whatever a notification names.

use super::elsewhere::{Answers, outcomes_of, with_source};
use super::*;
use crate::declaration::{Content, Trust};

const OURS: &str = "https://fhir.example.org/r4";
const THEIRS: &str = "https://hospital.example.org/fhir";

/// References that lead a careless reader to another host, port, path or scheme.
fn references() -> Vec<String> {
    let mut all = Vec::new();
    for known in [OURS, THEIRS] {
        let (host, path) = known["https://".len()..].split_once('/').unwrap();
        let upper = host.to_uppercase();
        let (first, rest) = host.split_once('.').unwrap();
        let (start, end) = first.split_at(1);
        for authority in [
            // Other hosts that look alike.
            format!("{host}.evil.test"),
            format!("evil.test.{host}"),
            format!("evil{host}"),
            format!("www.{host}"),
            format!("{host}."),
            format!("{host}.."),
            format!(".{host}"),
            rest.to_owned(),
            format!("{first}.{rest}.org"),
            format!("{first}.еxample.org"),
            format!("{start}\u{131}{end}.{rest}"),
            format!("{start}\u{200b}{end}.{rest}"),
            format!("{start}\u{ad}{end}.{rest}"),
            format!("xn--{first}-q4a.{rest}"),
            host.replace('.', "\u{3002}"),
            host.replace('.', "%2e"),
            host.replace('.', "%252e"),
            format!("{host}%00.evil.test"),
            format!("{host}%2f.evil.test"),
            format!("{host}%40evil.test"),
            upper.replace('O', "\u{ff2f}"),
            // Ports.
            format!("{host}:444"),
            format!("{host}:80"),
            format!("{host}:8443"),
            format!("{host}:0"),
            format!("{host}:65536"),
            format!("{host}:-1"),
            format!("{host}:443:8443"),
            format!("{host}:443@evil.test"),
            format!("{host}: 443"),
            // User names.
            format!("user@{host}"),
            format!("user:password@{host}"),
            format!(":@{host}"),
            format!("@{host}"),
            format!("{host}@evil.test"),
            format!("{host}:x@evil.test"),
            format!("evil.test@{host}@evil.test"),
            format!("evil.test#@{host}"),
            format!("evil.test?@{host}"),
            format!("evil.test\\@{host}"),
            format!("evil.test/{host}"),
            format!("evil.test\t@{host}"),
            // The machine itself, and what only it reaches.
            "localhost".into(),
            "127.0.0.1".into(),
            "[::1]".into(),
            "[::ffff:169.254.169.254]".into(),
            "169.254.169.254".into(),
            "2852039166".into(),
            "0x7f.1".into(),
            "0".into(),
            String::new(),
        ] {
            all.push(format!("https://{authority}/{path}/Encounter/1"));
        }
        for scheme in [
            "ftp",
            "file",
            "gopher",
            "ws",
            "wss",
            "unix",
            "data",
            "javascript",
            "https+x",
            "httpss",
            "view-source:https",
        ] {
            all.push(format!("{scheme}://{host}/{path}/Encounter/1"));
        }
        for beginning in [
            "//",
            "/\\",
            "\\\\",
            "https:",
            "https:/",
            "https:///",
            "https:\\\\",
            "http//",
            "://",
            "HTTPS:/\\",
        ] {
            all.push(format!("{beginning}{host}/{path}/Encounter/1"));
            all.push(format!("{beginning}evil.test/{path}/Encounter/1"));
        }
        for other in [
            format!("{path}x"),
            format!("{path}/.."),
            format!("{path}/../evil"),
            format!("{path}/%2e%2e/evil"),
            format!("{path}/..%2fevil"),
            format!("{path}/..\\evil"),
            format!("{path}/"),
            format!("/{path}"),
            format!("evil/../{path}"),
            path.to_uppercase(),
            String::new(),
        ] {
            all.push(format!("https://{host}/{other}/Encounter/1"));
        }
        for resource in [
            "Encounter/../../evil/1",
            "Encounter/1/../../../evil",
            "Encounter/1/_history/../../../evil",
            "Encounter/..",
            "Encounter/.",
            "Encounter/%2e%2e",
            "Encounter/1?_format=https://evil.test/",
            "Encounter/1#https://evil.test/",
            "Encounter/1@evil.test",
            "Encounter/1;evil.test",
            "Encounter/1\\evil.test",
            "Encounter/1\r\nHost: evil.test",
            "Encounter/1 HTTP/1.1\r\nHost: evil.test\r\n\r\n",
            "Encounter//evil.test/1",
            "Encounter/https://evil.test/Encounter/1",
            "$export",
            "Encounter/$everything",
            "Encounter?_id=1",
        ] {
            all.push(format!("{known}/{resource}"));
            all.push(resource.to_owned());
        }
        for whole in [
            format!("https://evil.test/?{known}/Encounter/1"),
            format!("https://evil.test/#{known}/Encounter/1"),
            format!("https://evil.test/{known}/Encounter/1"),
            format!("https://evil.test\\{known}/Encounter/1"),
            format!(" https://evil.test/{path}/Encounter/1"),
            format!("\u{a0}https://evil.test/{path}/Encounter/1"),
            format!("htt\tps://evil.test/{path}/Encounter/1"),
            format!("https://evil.test/{path}/Encounter/1,{known}/Encounter/1"),
            format!("{known} https://evil.test/Encounter/1"),
            format!("{known}/Encounter/1 https://evil.test/Encounter/1"),
            format!("urn:uuid:{known}/Encounter/1"),
            format!("url:{known}/Encounter/1"),
            "http://evil.test/Encounter/1".into(),
            "https://evil.test/Encounter/1/_history/1".into(),
        ] {
            all.push(whole);
        }
    }
    all.sort();
    all.dedup();
    all
}

/// Every request went to a known server, below its base, and showed what is for that server.
fn assert_known(asked: &[String], of: &str) {
    for line in asked {
        let is = |base: &str, token: &str| {
            let (uri, shown) = line.rsplit_once(" Bearer ").unwrap_or((line, ""));
            let rest = uri.strip_prefix(base).unwrap_or_default();
            let path = rest.split('?').next().unwrap_or_default();
            rest.starts_with('/')
                && !path.contains("..")
                && !path.contains('%')
                && !path.contains("evil")
                && shown == token
        };
        assert!(is(OURS, "ours") || is(THEIRS, "theirs"), "{line:?} for {of:?}");
    }
}

fn doubtful(declaration: Declaration) -> Declaration {
    Declaration { trust: Trust::Reference, content: Content::IdOnly, ..declaration }
}

#[test]
fn no_reference_leads_to_another_host() {
    let references = references();
    assert!(references.len() >= 200, "{}", references.len());
    for reference in &references {
        let event = notification(&[reference]);
        // The resource as an entry too, and the Subscription on the same server.
        let mut whole = notification(&[reference]);
        let resource = json!({ "resourceType": "Encounter", "id": "1", "meta": { "versionId": "1" } });
        let request = json!({ "method": "PUT", "url": reference });
        let entry = json!({ "fullUrl": reference, "resource": resource, "request": request });
        whole["entry"].as_array_mut().unwrap().push(entry);
        let mut of_subscription = notification(&[reference]);
        let subscription = reference.replace("Encounter/1", "Subscription/1");
        of_subscription["entry"][0]["resource"]["subscription"] = json!({ "reference": subscription });
        let mut deleted = notification(&[reference]);
        let request = json!({ "method": "DELETE", "url": reference });
        let entry = json!({ "fullUrl": reference, "request": request });
        deleted["entry"].as_array_mut().unwrap().push(entry);
        for body in [event, whole, of_subscription, deleted] {
            for declaration in [
                topic::<Resource<Value>, Succeed>(),
                doubtful(topic::<Resource<Value>, Succeed>()),
                doubtful(topic::<Both, Succeed>()),
            ] {
                let (status, _, asked) = outcomes_of(Answers::Found, declaration, with_source, &body);
                assert!([204, 400, 422, 503].contains(&status), "{status} for {reference:?}");
                assert_known(&asked, reference);
            }
        }
    }
}

#[test]
fn a_known_server_that_redirects_leads_to_no_other_host() {
    for status in [300, 301, 302, 303, 307, 308] {
        for reference in ["Encounter/1", "https://hospital.example.org/fhir/Encounter/1"] {
            let declaration = doubtful(topic::<Resource<Value>, Succeed>());
            let redirects = Answers::Redirects(status);
            let (told, ended, asked) =
                outcomes_of(redirects, declaration, with_source, &notification(&[reference]));
            assert!((500..600).contains(&told) && ended == ["unread"], "{told} {ended:?} after {status}");
            assert!(!asked.is_empty());
            assert_known(&asked, reference);
        }
    }
}
