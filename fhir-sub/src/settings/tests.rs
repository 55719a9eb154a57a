mod connection;

use super::*;

const SECRET: &str = "a-secret-of-more-than-32-characters";

fn variables(pairs: &[(&str, &str)]) -> Variables {
    let mut variables = Variables::default();
    let usual = [
        ("APP_BASE_URL", "https://app.example.org/prod/"),
        ("FHIR_BASE_URL", "https://fhir.example.org/r4"),
        ("FHIR_SUBSCRIPTION_SECRET", SECRET),
    ];
    for (name, value) in usual.iter().chain(pairs) {
        variables.set(name, *value);
    }
    variables
}

/// The problems with these settings in addition to sound ones; empty if there are none.
fn problems(pairs: &[(&str, &str)]) -> String {
    Settings::read(&variables(pairs)).map_or_else(|problems| problems.to_string(), |_| String::new())
}

#[track_caller]
fn check(pairs: &[(&str, &str)], expected: &str) {
    let problems = problems(pairs);
    assert!(problems.contains(expected), "{problems:?} does not say {expected:?}");
}

#[test]
fn sound_settings_are_read() {
    let settings = Settings::read(&variables(&[])).unwrap();
    assert_eq!(settings.base_url.join("patients"), "https://app.example.org/prod/patients");
    assert_eq!(settings.header, "x-subscription-auth");
    assert_eq!(settings.payload, "application/fhir+json");
    assert_eq!(settings.fhir_version, FhirVersion::R4);
    assert_eq!(Settings::read(&variables(&[("FHIR_VERSION", "R5")])).unwrap().fhir_version, FhirVersion::R5);
    assert_eq!(listen_address(&variables(&[])).unwrap().to_string(), "127.0.0.1:9000");
    assert!(settings.warnings().is_empty());
}

#[test]
fn all_that_is_missing_is_said_at_once() {
    let problems = Settings::read(&Variables::default()).unwrap_err();
    let names = ["APP_BASE_URL", "FHIR_BASE_URL", "FHIR_SUBSCRIPTION_SECRET"];
    assert_eq!(problems.iter().count(), names.len(), "{problems}");
    for (problem, name) in problems.iter().zip(names) {
        assert!(problem.starts_with(&format!("{name} is not set")), "{problem}");
    }
}

#[test]
fn an_unfit_secret_is_refused() {
    check(&[("FHIR_SUBSCRIPTION_SECRET", "")], "FHIR_SUBSCRIPTION_SECRET is not set");
    check(&[("FHIR_SUBSCRIPTION_SECRET", "short")], "has 5 characters, and needs at least 16");
    check(&[("FHIR_SUBSCRIPTION_SECRET", "0123456789:abcdef")], "has a `:` in it");
    check(&[("FHIR_SUBSCRIPTION_SECRET", "0123456789,abcdef")], "has a `,` in it");
    check(&[("FHIR_SUBSCRIPTION_SECRET", "0123456789 abcdef")], "has white space in it");
    check(&[("FHIR_SUBSCRIPTION_SECRET", "0123456789ä0abcdef")], "not visible ASCII");
    check(&[("FHIR_SUBSCRIPTION_SECRET_PREVIOUS", "short")], "FHIR_SUBSCRIPTION_SECRET_PREVIOUS has 5");
    check(&[("FHIR_SUBSCRIPTION_ADMIN_SECRET", "short")], "FHIR_SUBSCRIPTION_ADMIN_SECRET has 5");
    check(&[("FHIR_SUBSCRIPTION_ADMIN_SECRET", SECRET)], "is the same as FHIR_SUBSCRIPTION_SECRET");
    let previous = "a-secret-of-before-the-rotation!";
    check(
        &[("FHIR_SUBSCRIPTION_SECRET_PREVIOUS", previous), ("FHIR_SUBSCRIPTION_ADMIN_SECRET", previous)],
        "is the same as FHIR_SUBSCRIPTION_SECRET_PREVIOUS",
    );
}

#[test]
fn an_authorization_has_a_scheme_and_a_secret() {
    const AUTHORIZATION: (&str, &str) = ("FHIR_SUBSCRIPTION_HEADER", "Authorization");
    let (long, canary) = ("0123456789abcdef0123456789abcdef", "canary89abcdef0123456789abcdef");
    for secret in [
        format!("Bearer {long}"),
        format!("Basic {long}=="),
        format!("ApiKey {long}"),
        format!("bearer {long}"),
        long.to_owned(),
    ] {
        assert_eq!(problems(&[AUTHORIZATION, ("FHIR_SUBSCRIPTION_SECRET", &secret)]), "", "{secret}");
        // Only `Authorization` may have a value of two words.
        if secret.contains(' ') {
            for header in ["X-Subscription-Auth", "X-Authorization", "Proxy-Authorization"] {
                let other =
                    [("FHIR_SUBSCRIPTION_HEADER", header), ("FHIR_SUBSCRIPTION_SECRET", secret.as_str())];
                check(&other, "FHIR_SUBSCRIPTION_SECRET has white space in it");
            }
            check(&[("FHIR_SUBSCRIPTION_SECRET", &secret)], "FHIR_SUBSCRIPTION_SECRET has white space in it");
        }
    }
    for (secret, expected) in [
        (format!("Bearer  {canary}"), "white space in it besides the one space"),
        (format!(" {canary}"), "has no scheme"),
        (format!("Bearer {canary} "), "white space in it besides"),
        (format!("Bearer\t{canary}"), "white space in it besides"),
        (format!("Bearer {canary} {canary}"), "white space in it besides"),
        (format!("Bear:er {canary}"), "has no scheme"),
        (format!("Bearer {canary}:x"), "has a `:` in it"),
        (format!("Bearer {canary},x"), "has a `,` in it"),
        ("Bearer canary".to_owned(), "has 6 characters after its scheme, and needs at least 16"),
        (format!("Bearer {canary}ä"), "not visible ASCII"),
    ] {
        let said = problems(&[AUTHORIZATION, ("FHIR_SUBSCRIPTION_SECRET", &secret)]);
        assert!(said.contains(expected) && !said.contains("canary"), "{secret:?}: {said}");
    }
    // The same credentials are the same secret, whatever their schemes.
    let (one, other) = (format!("Bearer {long}"), format!("Basic {long}"));
    let both =
        [AUTHORIZATION, ("FHIR_SUBSCRIPTION_SECRET", &*one), ("FHIR_SUBSCRIPTION_ADMIN_SECRET", &*other)];
    check(&both, "ADMIN_SECRET is the same as FHIR_SUBSCRIPTION_SECRET");
    let signing =
        [AUTHORIZATION, ("FHIR_SUBSCRIPTION_SECRET", &*one), ("FHIR_SUBSCRIPTION_SIGNING_SECRET", long)];
    check(&signing, "SIGNING_SECRET is the same as FHIR_SUBSCRIPTION_SECRET");
    check(
        &[AUTHORIZATION, ("FHIR_SUBSCRIPTION_SIGNING_SECRET", &*one)],
        "SIGNING_SECRET has white space in it",
    );
    // A scheme does not make a short secret long, and is not hidden.
    let settings = |secret: &str| {
        Settings::read(&variables(&[AUTHORIZATION, ("FHIR_SUBSCRIPTION_SECRET", secret)])).unwrap()
    };
    let short = settings("Bearer canary0123456789abcdef01234");
    assert!(short.warnings()[0].starts_with("FHIR_SUBSCRIPTION_SECRET has fewer than 32"));
    assert!(!format!("{short:?}").contains("canary"));
    #[cfg(feature = "registration")]
    for said in ["no Bearer canary0123456789abcdef01234", "no canary0123456789abcdef01234!"] {
        assert!(!short.secrets.hide_in(said).contains("canary"), "{said}");
    }
}

#[test]
fn a_signing_secret_is_one_of_its_own() {
    const SIGNING: &str = "FHIR_SUBSCRIPTION_SIGNING_SECRET";
    const SIGNING_PREVIOUS: &str = "FHIR_SUBSCRIPTION_SIGNING_SECRET_PREVIOUS";
    let (one, other) = ("a-secret-to-sign-notifications-with", "another-secret-to-sign-them-with-!");
    assert!(Settings::read(&variables(&[])).unwrap().secrets.signing.is_none());
    let both = Settings::read(&variables(&[(SIGNING, one), (SIGNING_PREVIOUS, other)])).unwrap();
    assert!(both.secrets.signing.is_some_and(|signing| signing.previous.is_some()));
    check(&[(SIGNING, "short")], "FHIR_SUBSCRIPTION_SIGNING_SECRET has 5 characters");
    check(&[(SIGNING_PREVIOUS, one)], "SECRET_PREVIOUS is set, but FHIR_SUBSCRIPTION_SIGNING_SECRET is not");
    check(&[(SIGNING, SECRET)], "is the same as FHIR_SUBSCRIPTION_SECRET, which every notification carries");
    check(
        &[(SIGNING, one), (SIGNING_PREVIOUS, SECRET)],
        "SIGNING_SECRET_PREVIOUS is the same as FHIR_SUBSCRIPTION",
    );
    check(
        &[(SIGNING, one), ("FHIR_SUBSCRIPTION_ADMIN_SECRET", one)],
        "ADMIN_SECRET is the same as FHIR_SUBSCRIPTION_S",
    );
    const HUB: &str = "FHIR_SUBSCRIPTION_HUB_SECRET";
    check(&[(SIGNING, one), (HUB, one)], "HUB_SECRET is the same as FHIR_SUBSCRIPTION_SIGNING_SECRET");
    check(&[(SIGNING, other), (SIGNING_PREVIOUS, one), (HUB, one)], "HUB_SECRET is the same as");
    check(&[("FHIR_SUBSCRIPTION_HEADER", "X-Signature")], "which has a meaning of its own");
    let warned = |pairs: &[(&str, &str)]| Settings::read(&variables(pairs)).unwrap().warnings().join("\n");
    assert!(warned(&[(SIGNING, one)]).contains("FHIR_SERVER is generic"));
    assert_eq!(warned(&[(SIGNING, one), ("FHIR_SERVER", "medplum")]), "");
    let same = warned(&[(SIGNING, one), (SIGNING_PREVIOUS, one), ("FHIR_SERVER", "medplum")]);
    assert!(same.contains("SIGNING_SECRET_PREVIOUS is the same as"), "{same}");
}

#[test]
fn a_short_secret_is_warned_of() {
    let settings = Settings::read(&variables(&[("FHIR_SUBSCRIPTION_SECRET", "0123456789abcdef")])).unwrap();
    assert!(settings.warnings()[0].starts_with("FHIR_SUBSCRIPTION_SECRET has fewer than 32"));
}

#[test]
fn no_problem_repeats_a_value_that_may_be_secret() {
    let canary = "canary-7f3a";
    let problems = problems(&[
        ("FHIR_SUBSCRIPTION_SECRET", canary),
        ("FHIR_SUBSCRIPTION_SIGNING_SECRET", canary),
        ("APP_BASE_URL", "https://user:canary-7f3a@app.example.org"),
        ("FHIR_BASE_URL", "https://fhir.example.org?key=canary-7f3a"),
        ("FHIR_SUBSCRIPTION_HEADER", "canary-7f3a canary-7f3a"),
        ("FHIR_AUTH_USER", canary),
        ("FHIR_AUTH_TOKEN_URL", "canary-7f3a"),
    ]);
    let listen = listen_address(&variables(&[("HOST", canary), ("PORT", canary)])).unwrap_err();
    assert!(listen.iter().count() == 2 && !listen.to_string().contains(canary), "{listen}");
    assert!(!problems.contains(canary), "{problems}");
    assert!(!format!("{:?}", variables(&[("FHIR_AUTH_BEARER", canary)])).contains(canary));
    let settings = Settings::read(&variables(&[("FHIR_AUTH_BEARER", canary)])).unwrap();
    let shown = format!("{settings:?}");
    assert!(!shown.contains(canary) && !shown.contains(SECRET), "{shown}");
}

#[test]
fn http_is_for_loopback() {
    check(&[("FHIR_BASE_URL", "http://fhir.example.org")], "FHIR_ALLOW_HTTP=1");
    assert_eq!(problems(&[("FHIR_BASE_URL", "http://localhost:8080/fhir")]), "");
    assert_eq!(problems(&[("FHIR_BASE_URL", "http://[::1]:8080/fhir")]), "");
    assert_eq!(problems(&[("FHIR_BASE_URL", "http://fhir.internal/r4"), ("FHIR_ALLOW_HTTP", "1")]), "");
    check(&[("FHIR_ALLOW_HTTP", "yes")], "FHIR_ALLOW_HTTP: write 1");
}

#[test]
fn a_url_of_another_form_is_refused() {
    check(&[("APP_BASE_URL", "app.example.org")], "APP_BASE_URL is not a URL");
    check(&[("APP_BASE_URL", "ftp://app.example.org")], "APP_BASE_URL is neither");
    check(&[("APP_BASE_URL", "https://app.example.org?k=v")], "APP_BASE_URL has a `?`");
    check(&[("FHIR_BASE_URL", "https://a:b@fhir.example.org")], "has a user or a password in it");
}

#[test]
fn a_private_key_signs_in_instead_of_a_secret() {
    let pem = include_str!("../../client/src/tests/keys/p384.pkcs8.pem");
    let (id, key, kid) = ("FHIR_AUTH_CLIENT_ID", "FHIR_AUTH_PRIVATE_KEY", "FHIR_AUTH_KEY_ID");
    let read = |pairs: &[(&str, &str)]| Settings::read(&variables(pairs)).unwrap();
    let whole = [(id, "my-lambda"), (key, pem), (kid, "2026-11")];
    let settings = read(&whole);
    assert!(matches!(settings.authorization, Authorization::BackendServices(_)));
    let with_url = [&whole[..], &[("FHIR_AUTH_TOKEN_URL", "https://login.example.org/token/")]].concat();
    let Authorization::BackendServices(services) = read(&with_url).authorization else { panic!() };
    let endpoint = services.token_endpoint.unwrap();
    assert_eq!((endpoint.url.path(), &*endpoint.audience), ("/token/", "https://login.example.org/token/"));
    read(&[&with_url[..], &[("FHIR_AUTH_SCOPE", "system/*.rs"), ("FHIR_AUTH_AUDIENCE", "a")]].concat());
    // As one line, which some consoles require.
    let line = pem.trim().replace('\n', "\\n");
    read(&[(id, "my-lambda"), (key, &line), (kid, "k")]);

    check(&[(id, "c"), (key, pem)], "FHIR_AUTH_KEY_ID is not set, but FHIR_AUTH_PRIVATE_KEY is");
    check(
        &[(key, pem), (kid, "k")],
        "FHIR_AUTH_CLIENT_ID is not set, but FHIR_AUTH_PRIVATE_KEY and FHIR_AUTH_KEY_ID is",
    );
    check(
        &[(id, "c"), (kid, "k")],
        "FHIR_AUTH_PRIVATE_KEY is not set, but FHIR_AUTH_CLIENT_ID and FHIR_AUTH_KEY_ID is",
    );
    check(&[&whole[..], &[("FHIR_AUTH_CLIENT_SECRET", "s")]].concat(), "are two ways to sign in");
    check(&[&whole[..], &[("FHIR_AUTH_BEARER", "s")]].concat(), "are two ways to sign in");
    check(
        &[&whole[..], &[("FHIR_AUTH_TOKEN_URL", "http://login.example.org/token")]].concat(),
        "FHIR_AUTH_TOKEN_URL is an http URL",
    );
    // All mistakes together, and none of them repeats the key.
    let problems = problems(&[
        (id, "canary"),
        (key, "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----"),
        (kid, "canary"),
        ("FHIR_AUTH_TOKEN_URL", "ftp://canary.example"),
        ("FHIR_AUTH_USER", "canary"),
    ]);
    for expected in
        ["FHIR_AUTH_PASSWORD is not set", "are two ways to sign in", "FHIR_AUTH_TOKEN_URL is neither"]
    {
        assert!(problems.contains(expected), "{problems}");
    }
    check(&[(id, "c"), (key, "canary"), (kid, "k")], "FHIR_AUTH_PRIVATE_KEY holds no private key");
    assert!(!problems.contains("canary"), "{problems}");
    let shown = format!("{:?} {:?}", read(&whole), variables(&whole));
    assert!(!shown.contains("BEGIN") && !shown.contains("2026-11"), "{shown}");
}

#[test]
fn a_signer_of_setup_needs_a_client_id_and_no_key() {
    let key = || {
        crate::client::SigningKey::from_pem(include_str!("../../client/src/tests/keys/p384.pkcs8.pem"), "k")
    };
    let read = |pairs: &[(&str, &str)]| {
        let mut variables = variables(pairs);
        variables.signer = Some(std::sync::Arc::new(key().unwrap()));
        Settings::read(&variables)
    };
    let settings = read(&[("FHIR_AUTH_CLIENT_ID", "c"), ("FHIR_AUTH_TOKEN_URL", "https://a/token")]).unwrap();
    assert!(matches!(settings.authorization, Authorization::BackendServices(_)));
    let problems = |pairs: &[(&str, &str)]| read(pairs).unwrap_err().to_string();
    assert!(problems(&[]).contains("FHIR_AUTH_CLIENT_ID is not set, but a signer is"));
    let both = problems(&[
        ("FHIR_AUTH_CLIENT_ID", "c"),
        ("FHIR_AUTH_CLIENT_SECRET", "s"),
        ("FHIR_AUTH_TOKEN_URL", "https://a/t"),
    ]);
    assert!(both.contains("are two ways to sign in"), "{both}");
    assert!(
        problems(&[("FHIR_AUTH_CLIENT_ID", "c"), ("FHIR_AUTH_KEY_ID", "k")])
            .contains("FHIR_AUTH_KEY_ID is set, but the signer")
    );
}

#[test]
fn ways_to_sign_in_are_whole_and_one() {
    check(&[("FHIR_AUTH_USER", "u")], "FHIR_AUTH_PASSWORD is not set, but FHIR_AUTH_USER is");
    check(&[("FHIR_AUTH_CLIENT_ID", "c")], "FHIR_AUTH_TOKEN_URL is not set, but FHIR_AUTH_CLIENT_ID is");
    check(&[("FHIR_AUTH_SCOPE", "s")], "FHIR_AUTH_SCOPE is set, but FHIR_AUTH_TOKEN_URL is not");
    check(
        &[("FHIR_AUTH_BEARER", "t"), ("FHIR_AUTH_USER", "u"), ("FHIR_AUTH_PASSWORD", "p")],
        "are two ways to sign in",
    );
    let whole = [
        ("FHIR_AUTH_TOKEN_URL", "https://login.example.org/token"),
        ("FHIR_AUTH_CLIENT_ID", "c"),
        ("FHIR_AUTH_CLIENT_SECRET", "s"),
        ("FHIR_AUTH_SCOPE", "system/*.rs"),
    ];
    let settings = Settings::read(&variables(&whole)).unwrap();
    assert!(matches!(settings.authorization, Authorization::ClientCredentials(_)));
}

#[test]
fn choices_are_named() {
    check(&[("FHIR_VERSION", "R6")], "FHIR_VERSION is \"R6\": write R4, R4B or R5");
    check(&[("FHIR_SERVER", "hapy")], "write one of generic, auto, hapi, medplum");
    check(&[("FHIR_SUBSCRIPTION_LOG_ERRORS", "all")], "write text or kind");
    check(&[("FHIR_SUBSCRIPTION_METRICS", "statsd")], "write emf, prometheus or off");
    check(&[("FHIR_SUBSCRIPTION_METRICS", "emf")], "from a Lambda's log only");
    check(&[("FHIR_SUBSCRIPTION_STOP_WITHIN", "30")], "write a length of time like 90s");
    check(&[("FHIR_SUBSCRIPTION_BODIES_MAXIMUM", "0")], "write a number of MiB, from 1");
    check(&[("FHIR_SUBSCRIPTION_BODIES_MAXIMUM", "128MiB")], "write a number of MiB, from 1");
    check(
        &[("FHIR_SUBSCRIPTION_STORE_KEY_PREVIOUS", "the-old-key-of-the-store-of-the-ward")],
        "FHIR_SUBSCRIPTION_STORE_KEY_PREVIOUS is set, but FHIR_SUBSCRIPTION_STORE_KEY is not",
    );
    check(&[("FHIR_SUBSCRIPTION_GAPS", "1")], "write ask or log");
    check(&[("FHIR_SUBSCRIPTION_LOG_REFERENCES", "yes")], "write plain or off");
    check(&[("FHIR_SUBSCRIPTION_PAYLOAD", "application/fhir+xml")], "only JSON is read");
    for number in ["0", "5001", "-1", "many"] {
        check(&[("FHIR_SUBSCRIPTION_EVENTS_MAXIMUM", number)], "write a number from 1 to 5000");
    }
    let told = ["X-Request-Id", "X-Trace-Id", "Traceparent", "Tracestate"];
    // A proxy keeps these for itself.
    let dropped = ["Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Trailer"];
    let changed = ["Content-Type", "User-Agent", "If-Match", "Cookie", "X-Forwarded-For", "Forwarded", "Via"];
    for header in changed.into_iter().chain(told).chain(dropped) {
        check(&[("FHIR_SUBSCRIPTION_HEADER", header)], "has a meaning of its own");
    }
    assert_eq!(problems(&[("FHIR_SUBSCRIPTION_HEADER", "Authorization")]), "");
    check(&[("FHIR_SUBSCRIPTION_HEADR", "X")], "there is no such setting");
}

#[test]
fn missing_events_are_not_asked_for_under_lambda() {
    let asks = |on_lambda, pairs: &[(&str, &str)]| {
        let mut variables = variables(pairs);
        variables.on_lambda = on_lambda;
        Settings::read(&variables).unwrap().asks_for_missing_events
    };
    assert!(asks(false, &[]) && !asks(true, &[]));
    assert!(asks(true, &[("FHIR_SUBSCRIPTION_GAPS", "ask")]));
    assert!(!asks(false, &[("FHIR_SUBSCRIPTION_GAPS", "log")]));
}

#[test]
fn a_line_end_in_a_value_that_is_used_as_it_is_is_refused() {
    for name in super::variables::EXACT {
        let said = format!("{name} ends with a line end");
        for end in ["\n", "\r\n"] {
            check(&[(name, &format!("https://id.example.org/canary{end}"))], &said);
        }
        let problems = problems(&[(name, "https://id.example.org/canary")]);
        assert!(!problems.contains(&said), "{problems}");
    }
}

/// As it stands in a template that names each variable.
#[test]
fn an_empty_variable_of_a_tenant_keeps_the_shared_value() {
    let shared = variables(&[("FHIR_SERVER", "medplum")]);
    let mut north = shared.of_tenant("north", ["north", "south"].into_iter());
    let mut server = |found| {
        north.set_as_found("FHIR_SERVER", "NORTH_FHIR_SERVER", found);
        north.get("FHIR_SERVER").map(str::to_owned)
    };
    assert_eq!(server(Ok(String::new())).as_deref(), Some("medplum"));
    assert_eq!(server(Err(std::env::VarError::NotPresent)).as_deref(), Some("medplum"));
    assert_eq!(server(Ok("hapi".to_owned())).as_deref(), Some("hapi"));
}

#[test]
fn a_store_key_that_a_caller_knows_is_warned_of() {
    let warned = |key: &str| {
        let settings = Settings::read(&variables(&[("FHIR_SUBSCRIPTION_STORE_KEY", key)])).unwrap();
        settings.warnings().join("\n")
    };
    assert!(warned(SECRET).contains("FHIR_SUBSCRIPTION_STORE_KEY is the same as FHIR_SUBSCRIPTION_SECRET: "));
    assert_eq!(warned("a-key-that-nobody-else-has-in-hands"), "");
}

#[test]
#[cfg(feature = "sqlite")]
fn a_file_as_the_store_of_a_lambda_is_warned_of() {
    let warned = |on_lambda| {
        let pairs =
            [("FHIR_SUBSCRIPTION_IDEMPOTENCY", "sqlite:/tmp/store"), ("FHIR_SUBSCRIPTION_STORE_KEY", SECRET)];
        let mut variables = variables(&pairs);
        variables.on_lambda = on_lambda;
        let warnings = Settings::read(&variables).unwrap().warnings().join("\n");
        warnings.contains("each instance of a Lambda has its own files")
    };
    assert_eq!((warned(false), warned(true)), (false, true));
}

#[test]
fn that_a_lambda_does_not_sweep_by_itself_is_warned_of() {
    let warnings = |on_lambda| {
        let mut variables = variables(&[("FHIR_SUBSCRIPTION_SWEEP_EVERY", "5m")]);
        variables.on_lambda = on_lambda;
        let warnings = Settings::read(&variables).unwrap().warnings();
        warnings.iter().filter(|it| it.starts_with("FHIR_SUBSCRIPTION_SWEEP_EVERY is set")).count()
    };
    assert_eq!((warnings(false), warnings(true)), (0, 1));
}

#[test]
fn logs_tell_less_under_lambda() {
    assert!(Settings::read(&variables(&[])).unwrap().log.error_text);
    let under_lambda = |pairs: &[(&str, &str)]| {
        let mut variables = variables(pairs);
        variables.on_lambda = true;
        Settings::read(&variables).unwrap().log
    };
    assert!(!under_lambda(&[]).error_text);
    assert!(under_lambda(&[("FHIR_SUBSCRIPTION_LOG_ERRORS", "text")]).error_text);
    assert!(under_lambda(&[]).metrics);
    assert!(!under_lambda(&[("FHIR_SUBSCRIPTION_METRICS", "off")]).metrics);
    assert!(!under_lambda(&[("FHIR_SUBSCRIPTION_LOG_REFERENCES", "off")]).references);
}

#[test]
fn what_a_server_fetches_its_token_with_is_whole_or_absent() {
    let names = ["FHIR_SUBSCRIPTION_TOKEN_CLIENT_ID", "FHIR_SUBSCRIPTION_TOKEN_CLIENT_SECRET"];
    let url = "FHIR_SUBSCRIPTION_TOKEN_URL";
    let whole = [(names[0], "fs"), (names[1], "canary"), (url, "https://id.example.org/token")];
    let token = Settings::read(&variables(&whole)).unwrap().secrets.caller_token.unwrap();
    assert_eq!((token.client_id.as_str(), token.expose_secret()), ("fs", "canary"));
    assert!(!format!("{token:?}").contains("canary"));
    for left_out in 0..3 {
        let mut two = whole.to_vec();
        two.remove(left_out);
        check(&two, "set all three, or none");
    }
    check(&[whole[0], whole[1], (url, "http://id.example.org/token")], "FHIR_SUBSCRIPTION_TOKEN_URL");
    assert!(Settings::read(&variables(&[])).unwrap().secrets.caller_token.is_none());
}
