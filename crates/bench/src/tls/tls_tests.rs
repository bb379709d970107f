use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection};
use rustls_pki_types::PrivateKeyDer;

use super::*;
use crate::net;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A server that shows this certificate, says back what it hears, and ends with the connection.
fn echo(certificate: &Certificate) -> SocketAddr {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = certificate.write(folder.path()).expect("both files");
    let cert = CertificateDer::from_pem_file(&pair.cert).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(&pair.key).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![cert], key));
    let config = Arc::new(config.expect("a server's config"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        let (tcp, _) = listener.accept().expect("a client");
        let connection = ServerConnection::new(config).expect("a connection");
        let mut stream = rustls::StreamOwned::new(connection, tcp);
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            stream.write_all(&buffer[..read]).expect("an open connection");
        }
    });
    address
}

/// What is said comes back, or the error that ended it.
fn talk(trust: &Trust, address: SocketAddr) -> std::io::Result<Vec<u8>> {
    let tcp = net::connect(address)?;
    let mut stream = Stream::new(tcp, Some(trust))?;
    let (said, mut heard) = (vec![b'x'; 50_000], Vec::new());
    let mut buffer = vec![0; 4000];
    let until = Instant::now() + Duration::from_secs(10);
    stream.write(&said)?;
    while heard.len() < said.len() && Instant::now() < until {
        stream.flush()?;
        match stream.read(&mut buffer) {
            Ok(read) => heard.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(1));
            }
            Err(error) => return Err(error),
        }
    }
    assert!(!stream.keeps_something());
    Ok(heard)
}

#[test]
fn our_own_certificate_is_taken_and_everything_comes_through() {
    let certificate = Certificate::for_loopback().expect("a certificate");
    let address = echo(&certificate);
    let trust = Trust::in_authority(LOOPBACK, certificate.der).expect("an authority");
    assert_eq!(talk(&trust, address).expect("a stream"), vec![b'x'; 50_000]);
}

#[test]
fn another_certificate_is_refused_unless_anybody_is_believed() {
    let [ours, other] = [(), ()].map(|()| Certificate::for_loopback().expect("a certificate"));
    let trust = Trust::in_authority(LOOPBACK, ours.der).expect("an authority");
    let error = talk(&trust, echo(&other)).expect_err("a stranger");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
    let trust = Trust::in_anybody(LOOPBACK).expect("a client");
    assert_eq!(talk(&trust, echo(&other)).expect("a stream").len(), 50_000);
}
