use std::panic::panic_any;
use std::time::Duration;

use super::*;

/// Panics when it is dropped, this many times, each time with another bomb as its payload.
struct Bomb(u8);

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            match self.0.checked_sub(1) {
                Some(left) => panic_any(Self(left)),
                None => panic!("in drop"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_panic_gets_out() {
    assert_eq!(contain(async { 1 }).await, Ok(1));
    assert_eq!(contain(async { panic!("at once") }).await.map(|()| 0), Err(Panicked));
    for depth in 0..4 {
        let carries = async move { panic_any(Bomb(depth)) };
        assert_eq!(contain(carries).await.map(|()| 0), Err(Panicked));
        let drops = async move {
            let _bomb = Bomb(depth);
            tokio::task::yield_now().await;
        };
        assert_eq!(contain(drops).await, Err(Panicked), "at its own end");
        assert_eq!(attempt(|| drop(Bomb(depth))), Err(Panicked));
        dispose(Bomb(depth));
    }
}

#[tokio::test(start_paused = true)]
async fn nor_does_that_of_one_whose_time_is_over() {
    for depth in 0..4 {
        let hangs = async move {
            let _bomb = Bomb(depth);
            std::future::pending::<()>().await;
        };
        let ended = tokio::time::timeout(Duration::from_secs(1), contain(hangs)).await;
        assert!(ended.is_err(), "out of time");
    }
    let mut never_polled = contain(async {});
    never_polled.end();
    assert_eq!(never_polled.await, Err(Panicked));
}
