//! Connections over pipes in memory, under a clock that leaps whenever nothing else happens.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::*;

fn endpoint() -> EndpointId {
    "ep_a".parse().unwrap()
}

fn origin() -> Origin {
    Origin { is_tls: false, host: "a.test".into(), port: 80 }
}

/// A connection, and its other end.
async fn connection() -> (Connection, DuplexStream) {
    let (ours, theirs) = duplex(1024);
    let remote = ([127, 0, 0, 1], 1).into();
    (Connection::open(Box::new(ours), remote).await.unwrap(), theirs)
}

async fn pool_of_one() -> (Pool, DuplexStream) {
    let (connection, theirs) = connection().await;
    let pool = Pool::default();
    pool.put(&endpoint(), origin(), connection);
    (pool, theirs)
}

#[tokio::test(start_paused = true)]
async fn a_connection_can_be_taken_once() {
    let (pool, _theirs) = pool_of_one().await;
    assert!(pool.take(&endpoint(), &origin()).is_some());
    assert!(pool.take(&endpoint(), &origin()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_the_receiver_has_closed_is_not_taken() {
    let (pool, theirs) = pool_of_one().await;
    drop(theirs);
    assert!(pool.take(&endpoint(), &origin()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_something_came_unasked_is_not_taken() {
    let (pool, mut theirs) = pool_of_one().await;
    theirs.write_all(b"HTTP/1.1 408 Request Timeout\r\n\r\n").await.unwrap();
    assert!(pool.take(&endpoint(), &origin()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_not_taken_after_a_minute() {
    let (pool, _theirs) = pool_of_one().await;
    tokio::time::advance(LIMITS.idle).await;
    assert!(pool.take(&endpoint(), &origin()).is_none());
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_though_nobody_asks_for_it() {
    let started = Instant::now();
    let (pool, mut theirs) = pool_of_one().await;
    assert_eq!(theirs.read(&mut [0; 1]).await.unwrap(), 0);
    assert!(started.elapsed() >= LIMITS.idle);
    // Another sweep begins with the next connection.
    let (second, mut theirs) = connection().await;
    pool.put(&endpoint(), origin(), second);
    assert_eq!(theirs.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_old_is_not_kept_however_busy_it_is() {
    let (mut taken, _theirs) = connection().await;
    let pool = Pool::default();
    let mut rounds = 0;
    loop {
        pool.put(&endpoint(), origin(), taken);
        tokio::time::advance(Duration::from_secs(30)).await;
        match pool.take(&endpoint(), &origin()) {
            Some(connection) => taken = connection,
            None => break,
        }
        rounds += 1;
    }
    assert_eq!(rounds * 30, AGE_MAX.as_secs());
}

#[tokio::test(start_paused = true)]
async fn connections_go_with_the_pool() {
    let (pool, mut theirs) = pool_of_one().await;
    drop(pool);
    assert_eq!(theirs.read(&mut [0; 1]).await.unwrap(), 0);
}
