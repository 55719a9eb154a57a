//! Over five hundred wrong signatures for each way to sign: none lets anybody in.

use std::collections::BTreeSet;

use ring::{digest, hmac};

use super::*;
use crate::signature::hex;

const HUB: &str = "a-canary-to-sign-as-websub-has-it-!";
const SHARED: &str = "the-secret-of-a-test-and-no-other";
/// The secret of two rotations ago, which counts no longer.
const BEFORE_LAST: &str = "a-canary-of-two-rotations-ago-!!!!!";

/// A way to sign, and an app that accepts it.
struct Way {
    settings: &'static [(&'static str, &'static str)],
    header: &'static str,
    prefix: &'static str,
    current: &'static str,
    /// The secret that the caller shows too.
    shows: Option<&'static str>,
}

const WAYS: [Way; 4] = [
    Way {
        settings: &[
            ("FHIR_SUBSCRIPTION_SIGNING_SECRET", SIGNING),
            ("FHIR_SUBSCRIPTION_SIGNING_SECRET_PREVIOUS", PREVIOUS),
        ],
        header: "x-signature",
        prefix: "",
        current: SIGNING,
        shows: Some(SHARED),
    },
    Way {
        settings: &[
            ("FHIR_SUBSCRIPTION_SECRET", ""),
            ("FHIR_SUBSCRIPTION_SIGNING_SECRET", SIGNING),
            ("FHIR_SUBSCRIPTION_SIGNING_SECRET_PREVIOUS", PREVIOUS),
        ],
        header: "x-signature",
        prefix: "",
        current: SIGNING,
        shows: None,
    },
    Way {
        settings: &[
            ("FHIR_SUBSCRIPTION_SIGNING_SECRET", SIGNING),
            ("FHIR_SUBSCRIPTION_HUB_SECRET", HUB),
            ("FHIR_SUBSCRIPTION_HUB_SECRET_PREVIOUS", PREVIOUS),
        ],
        header: "x-hub-signature",
        prefix: "sha256=",
        current: HUB,
        shows: None,
    },
    Way {
        settings: &[
            ("FHIR_SERVER", "athenahealth"),
            ("FHIR_SUBSCRIPTION_SIGNING_SECRET", SIGNING),
            ("FHIR_SUBSCRIPTION_SIGNING_SECRET_PREVIOUS", PREVIOUS),
        ],
        header: "x-hub-signature",
        prefix: "sha256=",
        current: SIGNING,
        shows: None,
    },
];

/// The signature headers and the body of a request.
type Request = (Vec<(String, String)>, String);

#[test]
fn no_wrong_signature_lets_in() {
    let body = patient().to_string();
    for way in WAYS {
        let test = app(way.settings);
        let lets_in = |(headers, body): &Request| {
            let post = TestRequest::post("e").header("content-type", "application/json").body(body.clone());
            let post = way.shows.map_or(post.clone().without_secret(), |secret| post.secret(secret));
            let request = headers.iter().fold(post, |post, (name, value)| post.header(name, value));
            let answer = crate::command::block_on(test.send(request));
            assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
            assert_eq!(
                answer.status(),
                if answer.handler().is_some() { 204 } else { 401 },
                "{headers:?} {body}"
            );
            answer.handler().is_some()
        };
        let right = [way.current, PREVIOUS].map(|secret| way.request(way.right(secret, &body), &body));
        assert!(right.iter().all(lets_in));
        let wrong: BTreeSet<_> = way.forged(&body).into_iter().filter(|it| !right.contains(it)).collect();
        assert!(wrong.len() >= 500, "{}", wrong.len());
        let asked = test.sandbox().requests().len();
        for request in &wrong {
            assert!(!lets_in(request), "{request:?}");
        }
        assert_eq!(test.sandbox().requests().len(), asked, "a stranger costs no request");
        assert!(right.iter().all(lets_in));
    }
}

impl Way {
    fn right(&self, secret: &str, body: &str) -> String {
        format!("{}{}", self.prefix, sign(secret, body.as_bytes()))
    }

    fn request(&self, value: String, body: &str) -> Request {
        (vec![(self.header.to_owned(), value)], body.to_owned())
    }

    fn forged(&self, body: &str) -> Vec<Request> {
        let right = self.right(self.current, body);
        let mut values = Vec::new();
        for secret in [self.current, PREVIOUS] {
            values.extend(
                changed(&sign(secret, body.as_bytes())).map(|digits| format!("{}{digits}", self.prefix)),
            );
            values.extend(otherwise_prefixed(&sign(secret, body.as_bytes())));
            values.extend(otherwise_computed(self.prefix, secret, body));
        }
        values.extend(with_other_secrets(self.current).iter().map(|secret| self.right(secret, body)));
        values.extend(other_bodies(body).iter().map(|other| self.right(self.current, other)));
        let mut all: Vec<_> = values.into_iter().map(|value| self.request(value, body)).collect();
        all.extend(other_bodies(body).iter().map(|other| self.request(right.clone(), other)));
        all.extend(several(self.header, &right).map(|headers| (headers, body.to_owned())));
        all.extend(elsewhere(self.header, self.prefix, &right).map(|headers| (headers, body.to_owned())));
        all
    }
}

/// Right digits that are cut, lengthened, or different in one place.
fn changed(right: &str) -> impl Iterator<Item = String> {
    let mut all = Vec::new();
    for at in 0..right.len() {
        let (before, digit, after) = (&right[..at], &right[at..=at], &right[at + 1..]);
        let other = if digit == "0" { "1" } else { "0" };
        all.extend([before.to_owned(), after.to_owned(), format!("{before}{after}")]);
        all.extend([format!("{before}{other}{after}"), format!("{before}{}{after}", digit.to_uppercase())]);
        all.extend([format!("{before}{digit}{digit}{after}"), format!("{before} {digit}{after}")]);
    }
    let reversed = right.chars().rev().collect();
    let pairs: Vec<_> = (0..right.len()).step_by(2).map(|at| &right[at..at + 2]).collect();
    all.extend([reversed, pairs.join(":"), pairs.join(" "), right.to_uppercase()]);
    all.extend([
        format!("{right}{right}"),
        format!("{right},{right}"),
        format!("{right};"),
        format!("{right}="),
    ]);
    all.extend([format!("0x{right}"), format!("\"{right}\""), format!("{right}\t"), format!("{right} ")]);
    all.extend(["0".repeat(64), "f".repeat(64), "*".into(), "none".into(), "null".into(), "-".into()]);
    all.into_iter().filter({
        let right = right.to_owned();
        move |digits| *digits != right
    })
}

/// Right digits behind the name of another algorithm, or of none.
fn otherwise_prefixed(right: &str) -> Vec<String> {
    const PREFIXES: [&str; 29] = [
        " sha256=",
        "sha256 =",
        "sha256= ",
        "sha256==",
        "sha256:",
        "sha256",
        "sha256=sha256=",
        "sha1=",
        "sha-1=",
        "sha224=",
        "sha384=",
        "sha512=",
        "sha3-256=",
        "md5=",
        "sha-256=",
        "SHA256=",
        "Sha256=",
        "sha256=,",
        "hmac-sha256=",
        "hmac=",
        "HMAC-SHA256 ",
        "v0=",
        "v1=",
        "t=1,v1=",
        "sha1=x,sha256=",
        "=",
        "none=",
        "keyId=\"1\",signature=",
        "Bearer ",
    ];
    PREFIXES.iter().map(|prefix| format!("{prefix}{right}")).collect()
}

/// Values of other algorithms over the same secret and body.
fn otherwise_computed(prefix: &str, secret: &str, body: &str) -> Vec<String> {
    let tag = |algorithm, secret: &str, body: &[u8]| {
        hex(hmac::sign(&hmac::Key::new(algorithm, secret.as_bytes()), body).as_ref())
    };
    let hash = |text: String| hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    let mut all = Vec::new();
    for (name, algorithm) in [
        ("sha1=", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        ("sha384=", hmac::HMAC_SHA384),
        ("sha512=", hmac::HMAC_SHA512),
    ] {
        let digits = tag(algorithm, secret, body.as_bytes());
        all.extend([format!("{name}{digits}"), format!("{prefix}{digits}"), digits[..40].to_owned()]);
        all.extend(digits.get(..64).map(|digits| format!("{prefix}{digits}")));
    }
    let right = tag(hmac::HMAC_SHA256, secret, body.as_bytes());
    for digits in [
        hash(body.to_owned()),
        hash(format!("{secret}{body}")),
        hash(format!("{body}{secret}")),
        hash(right.clone()),
        hash(String::new()),
        tag(hmac::HMAC_SHA256, body, secret.as_bytes()),
        tag(hmac::HMAC_SHA256, secret, right.as_bytes()),
        tag(hmac::HMAC_SHA256, secret, hash(body.to_owned()).as_bytes()),
        tag(hmac::HMAC_SHA256, secret, format!("/e{body}").as_bytes()),
        tag(hmac::HMAC_SHA256, &hex(secret.as_bytes()), body.as_bytes()),
    ] {
        all.push(format!("{prefix}{digits}"));
    }
    // A caller with the secret must still sign.
    all.extend([
        secret.to_owned(),
        format!("{prefix}{secret}"),
        format!("{prefix}{}", hex(secret.as_bytes())),
    ]);
    all
}

/// Secrets that do not count for this signature.
fn with_other_secrets(current: &str) -> Vec<String> {
    let mut all: Vec<_> =
        [BEFORE_LAST, SHARED, SIGNING, HUB, "", "another-secret", "secret"].map(str::to_owned).into();
    all.retain(|secret| secret != current);
    all.extend([current.to_uppercase(), current[1..].to_owned(), format!("{current}{current}")]);
    all.extend([format!("{current}\n"), format!(" {current}"), format!("{current}, {PREVIOUS}")]);
    all
}

/// The body with each byte changed, and other bodies.
fn other_bodies(body: &str) -> Vec<String> {
    let mut all: Vec<_> = (0..body.len())
        .map(|at| {
            format!("{}{}{}", &body[..at], if &body[at..=at] == "x" { "y" } else { "x" }, &body[at + 1..])
        })
        .collect();
    all.extend([String::new(), "{}".into(), "null".into(), format!("{body}\n"), format!(" {body}")]);
    all.extend([format!("{body}{body}"), format!("\u{feff}{body}"), body[..body.len() - 1].to_owned()]);
    all.extend([body.replace(":\"7\"", ":\"8\""), body.replace(':', ": "), json!([patient()]).to_string()]);
    all
}

/// The header more than once: nobody knows which of them a proxy has checked.
fn several(header: &str, right: &str) -> impl Iterator<Item = Vec<(String, String)>> {
    let lists = [
        vec![right, right],
        vec![right, ""],
        vec!["", right],
        vec![right, "wrong"],
        vec!["wrong", right],
        vec![right, right, right],
        vec![],
    ];
    lists.map(|list| list.iter().map(|value| (header.to_owned(), (*value).to_owned())).collect()).into_iter()
}

/// The right value in another header.
fn elsewhere(header: &str, prefix: &str, right: &str) -> impl Iterator<Item = Vec<(String, String)>> {
    let names = [
        "x-signature",
        "x-hub-signature",
        "x-hub-signature-256",
        "x-signature-256",
        "x-medplum-signature",
        "signature",
        "x-subscription-signature",
        "digest",
        "content-digest",
        "authorization",
    ];
    let names: Vec<_> = names.into_iter().filter(|name| *name != header).map(str::to_owned).collect();
    let digits = right[prefix.len()..].to_owned();
    let values = [right.to_owned(), digits.clone(), format!("sha256={digits}"), format!("Bearer {digits}")];
    names.into_iter().flat_map(move |name| values.clone().map(|value| vec![(name.clone(), value)]))
}
