//! Bodies that are not resources.

use serde_json::{Value, json};

use crate::bad_requests::{Bad, bad};
use crate::support::patient;
use crate::support::wire::Request;

pub(crate) fn all() -> Vec<Bad> {
    let malformed = malformed().into_iter().map(|body| (body, 400));
    let unprocessable = unprocessable().into_iter().map(|body| (body.into_bytes(), 422));
    let bodies: Vec<_> = malformed.chain(unprocessable).collect();
    let posts =
        bodies.iter().map(|(body, status)| bad(Request::new("POST", "/succeeds").json(body), *status));
    let puts = bodies
        .iter()
        .map(|(body, status)| bad(Request::new("PUT", "/succeeds/Patient/1").json(body), *status));
    posts.chain(puts).chain(other_shapes()).collect()
}

/// Bodies that are not JSON.
fn malformed() -> Vec<Vec<u8>> {
    let texts = [
        "{",
        "}",
        "[",
        "]",
        "{]",
        "\"",
        "nul",
        "True",
        "undefined",
        "NaN",
        "Infinity",
        "-",
        "01",
        "0x10",
        "+1",
        ".5",
        "1.",
        "1e",
        "'a'",
        "a",
        "<Patient/>",
        "resourceType=Patient",
        "{\"resourceType\"}",
        "{\"resourceType\":}",
        "{\"resourceType\":\"Patient\" \"id\":\"1\"}",
        "{'resourceType':'Patient','id':'1'}",
        "{resourceType:\"Patient\",id:\"1\"}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\",}",
        "{,\"resourceType\":\"Patient\",\"id\":\"1\"}",
        "{\"resourceType\":\"Patient\",,\"id\":\"1\"}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\"}}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\"} x",
        "{\"resourceType\":\"Patient\",\"id\":\"1\"}{}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\"},",
        "// a comment\n{\"resourceType\":\"Patient\",\"id\":\"1\"}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\"/**/}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":\"\u{1}\"}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":\"a\nb\"}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":\"\\q\"}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":\"\\u12\"}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":\"\\ud800\"}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":\"\\udc00x\"}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":1e999}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":00}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":tru}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":[1,]}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":{1:2}}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":\"\u{0}\"}",
        "\u{0}",
    ];
    let not_utf8: [&[u8]; 8] = [
        b"\xff",
        b"\xc0\xaf",
        b"\x80",
        b"\xe2\x82",
        b"\xed\xa0\x80",
        b"\xf5\x80\x80\x80",
        b"\xfe\xff\x00{",
        b"M\xfcller",
    ];
    let whole = patient::text();
    let cut = (1..whole.len()).step_by(whole.len() / 24).map(|end| whole.as_bytes()[..end].to_vec());
    let in_a_name = not_utf8
        .map(|bytes| [b"{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":\"", bytes, b"\"}"].concat());
    let wide: Vec<u8> = whole.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let texts = texts.map(|text| text.as_bytes().to_vec());
    let not_utf8 = not_utf8.map(<[u8]>::to_vec);
    texts.into_iter().chain(not_utf8).chain(in_a_name).chain(cut).chain(nested()).chain([wide]).collect()
}

/// Nine thousand nested levels, closed and unclosed: deeper than any resource, and than a stack.
fn nested() -> Vec<Vec<u8>> {
    const LEVELS: usize = 9_000;
    let closed = format!(
        "{{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":{}{}}}",
        "[".repeat(LEVELS),
        "]".repeat(LEVELS)
    );
    let open = format!("{{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":{}", "[".repeat(LEVELS));
    let objects = format!("{{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":{}", "{\"x\":".repeat(3_000));
    let before = format!(
        "{{\"x\":{}{},\"resourceType\":\"Patient\",\"id\":\"1\"}}",
        "[".repeat(LEVELS),
        "]".repeat(LEVELS)
    );
    let moderate =
        format!("{{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":{}{}}}", "[".repeat(200), "]".repeat(200));
    [closed, open, objects, before, moderate].map(String::into_bytes).to_vec()
}

/// JSON, but not the right resource.
fn unprocessable() -> Vec<String> {
    let texts = [
        "null",
        "true",
        "0",
        "-1.5e3",
        "\"Patient/1\"",
        "[]",
        "[{}]",
        "{}",
        "[[]]",
        "[\"Patient\",\"1\",null]",
        "[\"Patient\",\"1\",{\"versionId\":\"3\"}]",
        " [\"Patient\",\"1\",[\"3\"]]",
        "{\"resourceType\":\"Patient\",\"resourceType\":\"Patient\",\"id\":\"1\"}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\",\"id\":\"1\"}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\",\"meta\":{},\"meta\":{}}",
        "{\"resourceType\":\"Patient\",\"id\":\"1\",\"id\":\"2\"}",
    ];
    let with = |member: &str, value: Value| {
        let mut resource = patient::patient();
        resource[member] = value;
        resource.to_string()
    };
    let without = |member: &str| {
        let mut resource = patient::patient();
        resource.as_object_mut().expect("it is one").remove(member);
        resource.to_string()
    };
    let types = [
        json!(null),
        json!(1),
        json!(true),
        json!([]),
        json!({}),
        json!(["Patient"]),
        json!(""),
        json!("patient"),
        json!("PATIENT"),
        json!("Patient "),
        json!(" Patient"),
        json!("Patient/1"),
        json!("Pati ent"),
        json!("Pátient"),
        json!("Group"),
        json!("OperationOutcome"),
        json!("Bundle"),
        json!("Subscription"),
        json!("P".repeat(65)),
        json!("Patient\u{0}"),
    ];
    let ids = [
        json!(null),
        json!(1),
        json!([]),
        json!({}),
        json!(true),
        json!(""),
        json!(" "),
        json!("."),
        json!(".."),
        json!("a/b"),
        json!("a_b"),
        json!("a b"),
        json!("é"),
        json!("1\n"),
        json!("1\u{0}"),
        json!("1".repeat(65)),
        json!("../../etc"),
        json!("1?x=y"),
        json!("%31"),
        json!("1#2"),
    ];
    let metas = [
        json!(1),
        json!("3"),
        json!(true),
        json!({ "versionId": 3 }),
        json!({ "versionId": ["3"] }),
        json!({ "versionId": {} }),
    ];
    let types = types.into_iter().map(|value| with("resourceType", value));
    let ids = ids.into_iter().map(|value| with("id", value));
    let metas = metas.into_iter().map(|value| with("meta", value));
    let texts = texts.map(str::to_owned).into_iter();
    texts.chain(types).chain(ids).chain(metas).chain([without("resourceType"), without("id")]).collect()
}

/// Patients that do not have the shape of the handler's type.
fn other_shapes() -> Vec<Bad> {
    let shapes = [
        json!({ "active": null }),
        json!({ "active": 1 }),
        json!({ "active": "true" }),
        json!({ "birthDate": 1970 }),
        json!({ "birthDate": null }),
        json!({ "birthDate": [] }),
        json!({ "name": "Chalmers" }),
        json!({ "name": {} }),
        json!({ "name": null }),
        json!({ "name": [1] }),
        json!({ "name": [{}] }),
        json!({ "name": [{ "family": 1 }] }),
        json!({ "name": [{ "family": ["Chalmers"] }] }),
    ];
    let request = |shape: Value| {
        let mut resource = patient::patient();
        for (member, value) in shape.as_object().into_iter().flatten() {
            resource[member] = value.clone();
        }
        Request::new("POST", "/takes-its-own-type").json(resource.to_string())
    };
    shapes.into_iter().map(|shape| bad(request(shape), 422)).collect()
}
