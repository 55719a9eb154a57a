//! The few parts of DER that keys and signatures need; ring reads the rest.

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT: u8 = 0x06;
/// `[0]`, the parameters of an `ECPrivateKey`.
const PARAMETERS: u8 = 0xa0;

/// `rsaEncryption` (RFC 8017).
pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// `id-ecPublicKey` (RFC 5480).
pub(super) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// `secp384r1`.
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];

/// Splits off the first value, which must have this tag. Returns the value and the rest.
pub(super) fn take(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 | 0x82 => {
            let (length, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length)).flatten()
}

fn write(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut written = vec![tag];
    if value.len() > 0x7f {
        written.push(0x80 | u8::try_from(length.len()).unwrap_or_default());
        written.extend(length);
    } else {
        written.push(length.first().copied().unwrap_or_default());
    }
    written.extend(value);
    written
}

/// The object identifier of a PKCS#8 key's algorithm.
pub(super) fn algorithm(pkcs8: &[u8]) -> Option<&[u8]> {
    let (info, _) = take(SEQUENCE, pkcs8)?;
    let (_, info) = take(INTEGER, info)?;
    let (algorithm, _) = take(SEQUENCE, info)?;
    Some(take(OBJECT, algorithm)?.0)
}

/// Whether a PKCS#8 key of an elliptic curve names P-384.
pub(super) fn names_p384(pkcs8: &[u8]) -> bool {
    let curve = || {
        let (info, _) = take(SEQUENCE, pkcs8)?;
        let (_, info) = take(INTEGER, info)?;
        let (algorithm, _) = take(SEQUENCE, info)?;
        let (_, parameters) = take(OBJECT, algorithm)?;
        Some(take(OBJECT, parameters)?.0)
    };
    curve() == Some(P384)
}

/// Converts an `ECPrivateKey` (RFC 5915) to PKCS#8, the only form that ring accepts. If the key names no
/// curve, it counts as P-384.
pub(super) fn pkcs8_of_sec1(sec1: &[u8]) -> Vec<u8> {
    let named = || {
        let (key, _) = take(SEQUENCE, sec1)?;
        let (_, key) = take(INTEGER, key)?;
        let (_, key) = take(OCTET_STRING, key)?;
        Some(take(OBJECT, take(PARAMETERS, key)?.0)?.0)
    };
    let curve = named().unwrap_or(P384);
    let algorithm = [write(OBJECT, EC), write(OBJECT, curve)].concat();
    let info = [write(INTEGER, &[0]), write(SEQUENCE, &algorithm), write(OCTET_STRING, sec1)].concat();
    write(SEQUENCE, &info)
}
