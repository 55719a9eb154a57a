use super::*;

const PROXY: &str = "http://canary:canary@proxy.example:3128";

fn proxies(direct: &str) -> Proxies {
    Proxies { direct: Direct::parse_list(direct).unwrap(), ..Proxies::all(proxy(PROXY).unwrap()) }
}

#[track_caller]
fn check(direct: &str, url: &str, is_proxied: bool) {
    assert_eq!(proxies(direct).of(&url.parse().unwrap()).is_some(), is_proxied, "{direct} {url}");
}

#[test]
fn this_machine_and_the_metadata_of_a_cloud_are_reached_without_a_proxy() {
    for host in [
        "localhost",
        "LOCALHOST:8080",
        "localhost.",
        "a.localhost",
        "127.0.0.1",
        "127.9.9.9:1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "169.254.170.2",
        "[fe80::1]",
        "[fd00:ec2::254]",
    ] {
        for scheme in ["http", "https"] {
            check("", &format!("{scheme}://{host}/x"), false);
        }
    }
    for host in
        ["example.org", "localhost.example.org", "notlocalhost", "10.0.0.1", "[fd00::1]", "[2001:db8::1]"]
    {
        check("", &format!("https://{host}/x"), true);
    }
}

#[test]
fn what_no_proxy_names_is_reached_without() {
    let list = "example.org, .internal *.corp,10.0.0.0/8,192.168.7.7,[2001:db8::1],2001:db8:1::/48 host:8443,1.2.3.4:80";
    for direct in [
        "https://example.org",
        "https://EXAMPLE.org.",
        "https://a.b.example.org",
        "http://internal",
        "http://x.internal",
        "http://x.corp",
        "http://10.200.1.1",
        "https://192.168.7.7:9",
        "https://[2001:db8::1]",
        "https://[2001:db8:1:2::9]",
        "https://[::ffff:10.1.1.1]",
        "https://host:8443",
        "http://1.2.3.4",
    ] {
        check(list, direct, false);
    }
    for proxied in [
        "https://notexample.org",
        "https://example.org.evil",
        "https://11.0.0.1",
        "https://192.168.7.8",
        "https://[2001:db8::2]",
        "https://[2001:db8:2::1]",
        "https://host",
        "https://1.2.3.4",
    ] {
        check(list, proxied, true);
    }
    check("*", "https://anything.example", false);
    check("0.0.0.0/0", "https://9.9.9.9", false);
    check("0.0.0.0/0", "https://[2001:db8::1]", true);
}

#[test]
fn an_entry_that_is_none_is_named_by_its_place() {
    for (list, place) in
        [("a, b/8", 2), ("10.0.0.0/33", 1), ("a:b", 1), ("a,,http://x", 2), ("[::x]", 1), (".", 1)]
    {
        assert_eq!(Direct::parse_list(list), Err(place), "{list}");
    }
    assert_eq!(Direct::parse_list(" , "), Ok(Vec::new()));
}

#[test]
fn each_scheme_has_its_own_proxy() {
    let only = Proxies { https: proxy("proxy.example:3128"), ..Proxies::default() };
    let of = |url: &str| only.of(&url.parse().unwrap()).map(Url::as_str);
    assert_eq!(of("https://example.org"), Some("http://proxy.example:3128/"));
    assert_eq!((of("http://example.org"), of("ftp://example.org")), (None, None));
    for bad in ["", "socks5://proxy.example", "http://", "a b"] {
        assert_eq!(proxy(bad), None, "{bad}");
    }
    assert!(!format!("{:?}", proxies("")).contains("canary"));
}
