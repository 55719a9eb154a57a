use super::*;

fn network() -> Network {
    Network::new(Connection::default(), Duration::from_secs(5))
}

#[test]
fn making_one_sets_nothing_up() {
    let network = network();
    assert!(network.tls.get().is_none());
    assert!(network.client.lock().unwrap().is_none());
    network.client().unwrap();
    assert!(network.tls.get().is_some());
}

#[test]
fn after_a_pause_by_the_wall_clock_the_pool_is_a_new_one() {
    let now = SystemTime::now();
    assert!(is_recent(now, now) && is_recent(now, now + POOL_IDLE));
    assert!(!is_recent(now, now + POOL_IDLE + Duration::from_millis(1)));
    assert!(!is_recent(now + Duration::from_millis(1), now), "the clock went backwards");
}

#[test]
fn a_body_is_put_together_out_of_its_pieces() {
    let body = |pieces: &[&'static str]| {
        let mut body = Body::default();
        for piece in pieces {
            body.push(Bytes::from_static(piece.as_bytes()));
        }
        let length = body.len();
        let bytes = body.finish();
        assert_eq!(bytes.len(), length);
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    assert_eq!(body(&[]), "");
    assert_eq!(body(&["ab"]), "ab");
    assert_eq!(body(&["ab", "", "c", "de"]), "abcde");
    assert_eq!(body(&["", "ab", "c"]), "abc");
}

#[tokio::test]
async fn a_connection_from_before_a_freeze_is_not_used_again() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let connections = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
                }
            });
        }
    });
    let network = network();
    let get = async || {
        let request = http::Request::get(&url).body(Bytes::new()).unwrap();
        network.send(request, Limits { answer_bytes: 1 }).await.unwrap();
        connections.load(std::sync::atomic::Ordering::SeqCst)
    };
    assert_eq!((get().await, get().await), (1, 1));
    network.client.lock().unwrap().as_mut().unwrap().at -= Duration::from_secs(60);
    assert_eq!((get().await, get().await), (2, 2));
}
