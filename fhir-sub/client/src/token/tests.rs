use std::sync::Mutex as StdMutex;
use std::sync::atomic::AtomicUsize;

use super::*;
use crate::token_provider::TokenFuture;

type Reply = Result<AccessToken, &'static str>;

/// Returns `token-1`, `token-2`, … through `reply`, and keeps the refused tokens.
struct Counting<F> {
    fetches: AtomicUsize,
    running: AtomicUsize,
    refused: StdMutex<Vec<Option<String>>>,
    reply: F,
}

impl<F: Fn(usize) -> Reply + Send + Sync + 'static> TokenProvider for Counting<F> {
    fn token<'a>(&'a self, request: TokenRequest<'a>) -> TokenFuture<'a> {
        Box::pin(async move {
            assert_eq!(self.running.fetch_add(1, Ordering::SeqCst), 0, "asked twice at once");
            let refused = request.refused().map(|token| token.secret().expose_secret().to_owned());
            self.refused.lock().unwrap().push(refused);
            tokio::task::yield_now().await;
            let fetch = self.fetches.fetch_add(1, Ordering::SeqCst) + 1;
            self.running.fetch_sub(1, Ordering::SeqCst);
            (self.reply)(fetch).map_err(Into::into)
        })
    }
}

fn cache<F: Fn(usize) -> Reply + Send + Sync + 'static>(reply: F) -> (Arc<Counting<F>>, Arc<TokenCache>) {
    let (fetches, running) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let provider = Arc::new(Counting { fetches, running, refused: StdMutex::default(), reply });
    (provider.clone(), Arc::new(TokenCache::new(provider)))
}

fn numbered(fetch: usize) -> AccessToken {
    AccessToken::new(format!("token-{fetch}"))
}

async fn token(cache: &TokenCache, refused: Option<&Signature>) -> (Signature, String) {
    let signature = cache.signature(refused, None).await.unwrap();
    let text = signature.header.to_str().unwrap().to_owned();
    (signature, text)
}

#[tokio::test]
async fn however_many_ask_one_fetches() {
    let (provider, cache) = cache(|fetch| Ok(numbered(fetch)));
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            tokio::spawn({
                let cache = cache.clone();
                async move { token(&cache, None).await.1 }
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), "Bearer token-1");
    }
    assert_eq!(provider.fetches.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn those_who_waited_share_a_failure_and_the_next_tries_again() {
    let (provider, cache) = cache(|fetch| if fetch == 1 { Err("canary") } else { Ok(numbered(fetch)) });
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            tokio::spawn({
                let cache = cache.clone();
                async move { cache.signature(None, None).await.err().unwrap() }
            })
        })
        .collect();
    for task in tasks {
        let error = task.await.unwrap();
        assert!(error.is_transient() && !format!("{error} {error:?}").contains("canary"));
    }
    assert_eq!(provider.fetches.load(Ordering::SeqCst), 1);
    assert_eq!(token(&cache, None).await.1, "Bearer token-2");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_all_whose_it_was() {
    let (provider, cache) = cache(|fetch| Ok(numbered(fetch)));
    let (old, _) = token(&cache, None).await;
    for _ in 0..50 {
        assert_eq!(token(&cache, Some(&old)).await.1, "Bearer token-2");
    }
    assert_eq!(*provider.refused.lock().unwrap(), [None, Some("token-1".to_owned())]);
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end() {
    // Of a life of 60 seconds, the margin is 12, so the token is used for 48.
    let held = |age: u64| {
        let now = SystemTime::now();
        let fetched_at = now - Duration::from_secs(age);
        let token = numbered(1).expires_at(fetched_at + Duration::from_secs(60));
        Held::new(token, HeaderValue::from_static("x"), 1, fetched_at).holds(now)
    };
    assert!(held(0) && held(47) && !held(48) && !held(61));
    let hour = |age: u64| {
        let now = SystemTime::now();
        let fetched_at = now - Duration::from_secs(age);
        let token = numbered(1).expires_at(fetched_at + Duration::from_secs(3600));
        Held::new(token, HeaderValue::from_static("x"), 1, fetched_at).holds(now)
    };
    assert!(hour(3539) && !hour(3540));
}

#[tokio::test]
async fn after_the_clock_went_backwards_the_token_is_fetched_anew() {
    let now = SystemTime::now();
    let held = Held::new(numbered(1), HeaderValue::from_static("x"), 1, now + Duration::from_secs(5));
    assert!(!held.holds(now));
}

#[tokio::test]
async fn a_token_that_still_holds_outlives_a_failed_renewal() {
    let (provider, cache) =
        cache(
            |fetch| {
                if fetch == 1 { Ok(numbered(1).expires_in(Duration::from_secs(600))) } else { Err("down") }
            },
        );
    token(&cache, None).await;
    cache.slot.lock().await.held.as_mut().unwrap().renew_at = Some(SystemTime::now());
    assert_eq!(token(&cache, None).await.1, "Bearer token-1");
    assert_eq!(token(&cache, None).await.1, "Bearer token-1");
    assert_eq!(provider.fetches.load(Ordering::SeqCst), 2, "a failed renewal is not tried again at once");
}

#[tokio::test]
async fn a_caller_that_gives_up_leaves_the_fetch_to_the_next() {
    let (provider, cache) = cache(|fetch| Ok(numbered(fetch)));
    {
        let mut first = std::pin::pin!(cache.signature(None, None));
        let waker = std::task::Waker::noop();
        assert!(first.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
    }
    provider.running.store(0, Ordering::SeqCst);
    assert_eq!(token(&cache, None).await.1, "Bearer token-1");
}

/// An earlier failure is remembered. The next fetch fails after its caller's deadline, and another caller waits for it.
#[tokio::test]
async fn who_waited_for_a_fetch_that_ran_out_of_time_fetches_in_spite_of_an_earlier_failure() {
    let (provider, cache) = cache(|fetch| if fetch < 3 { Err("canary") } else { Ok(numbered(fetch)) });
    let failed = cache.signature(None, None).await.err().unwrap();
    assert!(matches!(failed.kind(), Kind::SignIn(_)));

    let passed = Some(Deadline::after(Duration::ZERO));
    let (first, second) = tokio::join!(cache.signature(None, passed), cache.signature(None, None));
    assert!(matches!(first.err().unwrap().kind(), Kind::Deadline));
    assert_eq!(second.unwrap().header.to_str().unwrap(), "Bearer token-3");
    assert_eq!(provider.fetches.load(Ordering::SeqCst), 3);
}

#[test]
fn a_secret_that_no_header_carries_is_refused() {
    assert!(secret_header("Bearer ", "a.b-c~d+e/f==").unwrap().is_sensitive());
    for bad in ["", "a b", "a\r\nx: y", "ä"] {
        assert!(secret_header("Bearer ", bad).is_none(), "{bad:?}");
    }
}

struct Hanging;

impl TokenProvider for Hanging {
    fn token<'a>(&'a self, _request: TokenRequest<'a>) -> TokenFuture<'a> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_hangs_leaves_a_valid_token_and_time_to_use_it() {
    let cache = TokenCache::new(Arc::new(Hanging));
    let (began, now) = (tokio::time::Instant::now(), SystemTime::now());
    let held = numbered(1).expires_at(now + Duration::from_secs(30));
    let header = bearer(&held).unwrap();
    let mut held = Held::new(held, header, 1, now - Duration::from_secs(600));
    held.renew_at = Some(now - Duration::from_secs(1));
    cache.slot.lock().await.held = Some(held);
    for _ in 0..2 {
        assert_eq!(token(&cache, None).await.1, "Bearer token-1");
    }
    // The second request did not wait.
    assert_eq!(began.elapsed().as_secs(), RENEWAL_PATIENCE.as_secs());
}
