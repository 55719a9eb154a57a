//! [`Certificates`]: the client certificates of callers that may send notifications.

use super::Variables;
use crate::problems::Problems;
use crate::signature::bytes;

/// The client certificates of callers that may send notifications, by subject or by fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificates {
    pub(crate) subjects: Vec<String>,
    /// The SHA-256 of each certificate's DER.
    pub(crate) fingerprints: Vec<[u8; 32]>,
    /// Whether the load balancer before the function verifies certificates, so that its headers can be
    /// trusted.
    pub(crate) load_balancer_verifies: bool,
}

const NAME: &str = "FHIR_SUBSCRIPTION_CLIENT_CERTIFICATES";
const LOAD_BALANCER: &str = "FHIR_SUBSCRIPTION_CLIENT_CERTIFICATES_ALB";

impl Certificates {
    pub(super) fn read(variables: &Variables, problems: &mut Problems) -> Option<Self> {
        let load_balancer = variables.get(LOAD_BALANCER);
        if load_balancer.is_some_and(|value| value != "verify") {
            problems.add(format!(
                "{LOAD_BALANCER} is not `verify`: write verify if the load balancer's listener verifies client \
                 certificates (mode verify), else leave it out"
            ));
        }
        let Some(text) = variables.get(NAME) else {
            if load_balancer.is_some() {
                problems.add(format!("{LOAD_BALANCER} is set, but {NAME} is not: set both, or neither"));
            }
            return None;
        };
        let mut certificates = Self {
            subjects: Vec::new(),
            fingerprints: Vec::new(),
            load_balancer_verifies: load_balancer.is_some(),
        };
        for entry in text.split(';').map(str::trim).filter(|entry| !entry.is_empty()) {
            match fingerprint(entry) {
                Some(fingerprint) => certificates.fingerprints.push(fingerprint),
                None if entry.contains('=') => certificates.subjects.push(entry.to_owned()),
                None => problems.add(format!(
                    "{NAME} has an entry that is neither a subject, as `CN=ehr.example.org,O=Example`, nor a SHA-256 \
                     fingerprint of 64 hexadecimal digits: correct it, and separate entries by `;`"
                )),
            }
        }
        if text.split(';').all(|entry| entry.trim().is_empty()) {
            problems
                .add(format!("{NAME} names no certificate: write subjects or fingerprints, or leave it out"));
        }
        Some(certificates)
    }
}

/// A SHA-256 in hexadecimal digits, with or without colons between its bytes.
fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let has_colons = text.len() == 95 && text.bytes().skip(2).step_by(3).all(|byte| byte == b':');
    let digits = if has_colons { text.replace(':', "") } else { text.to_owned() };
    bytes(digits.to_ascii_lowercase().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn read(text: &str) -> Result<Option<Certificates>, Problems> {
        let (mut variables, mut problems) = (Variables::default(), Problems::default());
        variables.set(NAME, text);
        let certificates = Certificates::read(&variables, &mut problems);
        problems.or(certificates)
    }

    #[test]
    fn subjects_and_fingerprints_stand_side_by_side() {
        let pairs: Vec<_> = DIGITS.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap()).collect();
        let text = format!("CN=ehr,O=A; {DIGITS} ;{};", pairs.join(":").to_uppercase());
        let certificates = read(&text).unwrap().unwrap();
        assert_eq!(certificates.subjects, ["CN=ehr,O=A"]);
        assert_eq!(certificates.fingerprints, [bytes(DIGITS.as_bytes()).unwrap(); 2]);
        assert!(!certificates.load_balancer_verifies);
        assert_eq!(read("").unwrap(), None);
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in [
            ";",
            " ; ",
            " ",
            "\t",
            "\n",
            ";\t;\r\n",
            "ehr",
            &DIGITS[1..],
            &format!("{DIGITS}0"),
            &DIGITS.replace('0', "g"),
        ] {
            let problems = read(text).unwrap_err().to_string();
            assert!(problems.contains(NAME), "{text}: {problems}");
        }
        let mut variables = Variables::default();
        variables.set(LOAD_BALANCER, "verify");
        let mut problems = Problems::default();
        Certificates::read(&variables, &mut problems);
        assert!(problems.or(()).unwrap_err().to_string().contains("set both, or neither"));
    }
}
