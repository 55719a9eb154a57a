//! The tools of the page for coding agents.

use serde_json::{Value, json};

use crate::support::launch::{APP, ARRIVALS, Launch};
use crate::support::page::page;
use crate::support::sandbox::printed;
use crate::support::wire::Request;

#[tokio::test]
async fn a_coding_agent_lists_triggers_and_replays() {
    let program = Launch::bare(ARRIVALS).set("PORT", "0").start();
    let (address, path) = page(&program).await;
    let post = async |path: &str, message: Value| {
        let request = Request::of_a_stranger("POST", path).header("host", address.to_string());
        request.json(message.to_string()).send(address).await
    };
    let mcp = format!("{path}mcp");
    let call = async |method: &str, parameters: Value| {
        let message = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": parameters });
        let answer = post(&mcp, message).await.json();
        assert_eq!(answer["id"], 7, "{answer}");
        answer
    };
    let tool = async |name: &str, arguments: Value| {
        let result =
            call("tools/call", json!({ "name": name, "arguments": arguments })).await["result"].take();
        let text = result["content"][0]["text"].as_str().expect("a text").to_owned();
        (result["isError"] == true, serde_json::from_str::<Value>(&text).unwrap_or_default())
    };
    let begun = call("initialize", json!({ "protocolVersion": "2025-03-26" })).await;
    assert_eq!(begun["result"]["protocolVersion"], "2025-03-26", "{begun}");
    let notified = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(post(&mcp, notified).await.status, 202);
    let tools = call("tools/list", json!({})).await;
    assert_eq!(tools["result"]["tools"].as_array().map(Vec::len), Some(5), "{tools}");
    // The subscription is there once the program has said so.
    printed(&program).await;
    let (_, subscriptions) = tool("list_subscriptions", json!({})).await;
    assert_eq!(subscriptions["subscriptions"][0]["endpoint"], "arrived-appointments", "{subscriptions}");
    let (failed, triggered) = tool("trigger", json!({ "endpoint": "arrived-appointments" })).await;
    assert_eq!((failed, &triggered["events"][0]["outcome"]), (false, &json!("handled")), "{triggered}");
    let (_, replayed) = tool("replay", json!({ "id": triggered["id"] })).await;
    assert_eq!(
        (&replayed["again"], &replayed["events"][0]["outcome"]),
        (&triggered["id"], &json!("handled"))
    );
    let (_, listed) =
        tool("list_deliveries", json!({ "endpoint": "arrived-appointments", "limit": 1 })).await;
    assert_eq!(listed["deliveries"][0]["id"], replayed["id"], "{listed}");
    let (_, delivery) = tool("get_delivery", json!({ "id": triggered["id"] })).await;
    assert!(
        delivery["test"].as_str().is_some_and(|test| test.contains("TestRequest::recorded")),
        "{delivery}"
    );
    // The command can be run as it is.
    let curl = delivery["curl"].as_str().expect("a command");
    assert!(curl.contains(&format!("'http://{address}{path}send/arrived-appointments/")), "{curl}");
    for interaction in ["update", "create"] {
        let arguments = json!({ "endpoint": "arrived-appointments", "interaction": interaction });
        let (failed, triggered) = tool("trigger", arguments).await;
        assert_eq!((failed, &triggered["events"][0]["outcome"]), (false, &json!("handled")), "{triggered}");
    }
    for (name, arguments) in [
        ("trigger", json!({ "endpoint": "nowhere" })),
        ("replay", json!({ "id": 99 })),
        ("get_delivery", json!({})),
    ] {
        assert!(tool(name, arguments).await.0, "{name}");
    }
    assert_eq!(call("tools/call", json!({ "name": "nothing" })).await["error"]["code"], -32602);
    assert_eq!(call("nothing", json!({})).await["error"]["code"], -32601);
    let wrong = format!("/{}/mcp", "0".repeat(32));
    assert_eq!(post(&wrong, json!({})).await.status, 401);
}

#[tokio::test]
async fn a_trigger_waits_for_its_own_delivery() {
    let program = Launch::bare(APP).set("PORT", "0").start();
    let (address, path) = page(&program).await;
    let trigger = async |arguments: Value| {
        let message = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": "trigger", "arguments": arguments },
        });
        let request =
            Request::of_a_stranger("POST", &format!("{path}mcp")).header("host", address.to_string());
        let result = request.json(message.to_string()).send(address).await.json()["result"].take();
        let text = result["content"][0]["text"].as_str().expect("a text").to_owned();
        (result["isError"] == true, text)
    };
    let patient = |id: &str, family: &str| json!({ "resourceType": "Patient", "id": id, "name": [{ "family": family }] });
    let event = |text: &str| {
        serde_json::from_str::<Value>(text).unwrap_or_else(|_| panic!("{text}"))["events"][0].take()
    };
    // The newest version, and the deletion of it.
    for (family, version) in [("Meer", "1"), ("See", "2")] {
        let arguments = json!({ "endpoint": "takes-deletions", "resource": patient("one", family) });
        let (failed, text) = trigger(arguments).await;
        let event = event(&text);
        assert!(!failed, "{text}");
        assert_eq!((&event["reference"], &event["version"]), (&json!("Patient/one"), &json!(version)));
    }
    let arguments = json!({
        "endpoint": "takes-deletions", "interaction": "delete",
        "resource": { "resourceType": "Patient", "id": "one" },
    });
    let (failed, text) = trigger(arguments).await;
    assert!(!failed, "{text}");
    assert_eq!(event(&text)["interaction"], "delete", "{text}");

    // This handler has failed for the first patient. HAPI repeats that delivery, and sends nothing else to the handler.
    let arguments = json!({ "endpoint": "fails", "resource": patient("two", "Meer") });
    let (failed, text) = trigger(arguments).await;
    assert!(failed && text.contains("no delivery of the create of Patient/two came"), "{text}");
    assert!(text.contains("of Patient/one: failed"), "{text}");
}

#[tokio::test]
async fn odd_messages_are_answered_as_the_protocol_says() {
    let program = Launch::bare(ARRIVALS).set("PORT", "0").start();
    let (address, path) = page(&program).await;
    let mcp = format!("{path}mcp");
    let request = |method: &str| Request::of_a_stranger(method, &mcp).header("host", address.to_string());
    let post = async |body: &[u8]| {
        request("POST").header("content-type", "application/json").body(body).send(address).await
    };
    // The status, and the id and the code of the answer.
    let deep = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
    for (message, status, id, code) in [
        (&b""[..], 400, json!(null), -32700),
        (b"{", 400, json!(null), -32700),
        (b"\xff\xfe", 400, json!(null), -32700),
        (&deep, 400, json!(null), -32700),
        (b"[]", 400, json!(null), -32600),
        (b"7", 400, json!(null), -32600),
        (b"null", 400, json!(null), -32600),
        (br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, 400, json!(null), -32600),
        (br#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, 400, json!(null), -32600),
        (br#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, 400, json!(null), -32600),
        (br#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, 400, json!(null), -32600),
        (br#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, 200, json!(1), -32600),
        (br#"{"id":1,"method":"ping"}"#, 200, json!(1), -32600),
        (br#"{"jsonrpc":"2.0","id":1}"#, 200, json!(1), -32600),
        (br#"{"jsonrpc":"2.0","id":1,"method":7}"#, 200, json!(1), -32600),
        (br#"{"jsonrpc":"2.0","id":"a","method":"resources/list"}"#, 200, json!("a"), -32601),
        (br#"{"jsonrpc":"2.0","id":"a","method":"Ping"}"#, 200, json!("a"), -32601),
        (br#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":[]}"#, 200, json!(2), -32602),
        (br#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{}}"#, 200, json!(2), -32602),
        (br#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":7}}"#, 200, json!(2), -32602),
    ] {
        let answer = post(message).await;
        let said = (answer.status, answer.json()["id"].clone(), answer.json()["error"]["code"].clone());
        assert_eq!(
            said,
            (status, id, json!(code)),
            "{:?}: {answer:?}",
            String::from_utf8_lossy(&message[..message.len().min(80)])
        );
    }
    // An id comes back as it is, and what needs no answer has none.
    for id in [json!("x"), json!(""), json!(0), json!(-7), json!(9_007_199_254_740_993_u64)] {
        let answer =
            post(json!({ "jsonrpc": "2.0", "id": id, "method": "ping" }).to_string().as_bytes()).await.json();
        assert_eq!((&answer["id"], &answer["result"]), (&id, &json!({})), "{answer}");
    }
    for message in [
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }),
        json!({ "jsonrpc": "2.0", "method": "of/nobody" }),
        json!({ "jsonrpc": "2.0", "id": 1, "result": {} }),
        json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": 1, "message": "x" } }),
        json!([{ "jsonrpc": "2.0", "method": "notifications/initialized" }]),
    ] {
        let answer = post(message.to_string().as_bytes()).await;
        assert_eq!((answer.status, answer.body.len()), (202, 0), "{message}");
    }
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "ping" },
        { "jsonrpc": "2.0", "method": "notifications/initialized" },
        7,
        { "jsonrpc": "2.0", "id": 2, "method": "nothing" },
    ]);
    let answers = post(batch.to_string().as_bytes()).await.json();
    let ids: Vec<_> = answers.as_array().expect("a list").iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, [json!(1), Value::Null, json!(2)], "{answers}");
    // Arguments that a tool does not take are no guess of ours.
    for (name, arguments, said) in [
        ("list_deliveries", json!({ "limit": "5" }), "`limit`"),
        ("list_deliveries", json!({ "limit": 0 }), "`limit`"),
        ("list_deliveries", json!({ "endpiont": "x" }), "`endpiont`"),
        ("list_deliveries", json!([]), "`arguments`"),
        ("get_delivery", json!({}), "needs `id`"),
        ("get_delivery", json!({ "id": -1 }), "`id`"),
        ("trigger", json!({ "endpoint": "arrived-appointments", "resource": 5 }), "`resource`"),
        (
            "trigger",
            json!({ "endpoint": "arrived-appointments", "resource": { "resourceType": "Nonsense" } }),
            "refuses",
        ),
        (
            "trigger",
            json!({
                "endpoint": "arrived-appointments",
                "resource": { "resourceType": "Appointment", "status": "arived", "participant": [{ "status": "accepted" }] },
            }),
            "did you mean `arrived`?",
        ),
        ("trigger", json!({ "endpoint": "arrived-appointments", "interaction": "merge" }), "`interaction`"),
    ] {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": name, "arguments": arguments } });
        let answer = post(message.to_string().as_bytes()).await.json();
        let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
        assert!(answer["result"]["isError"] == true && text.contains(said), "{message}: {answer}");
    }
    for (method, status) in [("GET", 405), ("DELETE", 405), ("PUT", 405)] {
        let answer = request(method).send(address).await;
        assert_eq!((answer.status, answer.header("allow")), (status, Some("POST")), "{method}");
    }
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
    for (version, status) in [("2025-06-18", 200), ("2024-11-05", 200), ("1999-01-01", 400), ("", 400)] {
        let answer = request("POST").header("mcp-protocol-version", version).body(&ping).send(address).await;
        assert_eq!(answer.status, status, "{version}: {answer:?}");
    }
    // More than the page reads.
    let answer = post(&vec![b' '; (64 << 20) + 1]).await;
    assert_eq!(answer.status, 413);
}
