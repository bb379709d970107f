//! Receivers with certificates.

use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use tokio_rustls::TlsAcceptor;

use super::*;

/// For `localhost` and 127.0.0.1, signed by [`CA`].
const CERT: &[u8] = include_bytes!("../../../../testkit/fixtures/receiver-cert.pem");
const KEY: &[u8] = include_bytes!("../../../../testkit/fixtures/receiver-key.pem");
const CA: &[u8] = include_bytes!("../../../../testkit/fixtures/receiver-ca.pem");

fn trusting() -> PosterSettings {
    let extra_roots = vec![CertificateDer::from_pem_slice(CA).unwrap()];
    PosterSettings { extra_roots, ..patient() }
}

/// A receiver that answers over TLS, with what it was offered as protocols.
async fn secured() -> (Receiver, tokio::sync::mpsc::UnboundedReceiver<Option<Vec<u8>>>) {
    let chain = vec![CertificateDer::from_pem_slice(CERT).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (chosen, choices) = tokio::sync::mpsc::unbounded_channel();
    let serve = move |stream| {
        let (acceptor, chosen) = (acceptor.clone(), chosen.clone());
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            chosen.send(stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)).unwrap();
            while hear(&mut stream).await.is_ok() {
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
        }
    };
    (Receiver::start(serve).await, choices)
}

fn url(receiver: &Receiver, host: &str) -> String {
    format!("https://{host}:{}/hook", receiver.addr.port())
}

#[tokio::test]
async fn a_certificate_of_a_trusted_authority_is_accepted() {
    let (receiver, mut choices) = secured().await;
    let resolver = Scripted::new([vec![receiver.addr]]);
    let poster = resolver.poster(trusting());
    for _ in 0..2 {
        let answer = poster.post(outgoing(&url(&receiver, "localhost"))).await;
        assert_eq!((answer.failure, answer.status), (None, Some(200)), "{}", answer.detail);
    }
    assert_eq!(receiver.connections(), 1);
    assert_eq!(choices.recv().await.unwrap(), Some(b"http/1.1".to_vec()));
    let by_address = post(trusting(), &url(&receiver, "127.0.0.1")).await;
    assert_eq!(by_address.failure, None, "{}", by_address.detail);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let (receiver, _) = secured().await;
    let answer = post(patient(), &url(&receiver, "127.0.0.1")).await;
    assert_eq!((answer.failure, answer.status), (Some(Failure::Tls), None));
    let expected = "the certificate of 127.0.0.1 is signed by no authority that is trusted here";
    assert_eq!(answer.detail, expected);
    assert_eq!(answer.remote, Some(receiver.addr.to_string()));
    assert_eq!(answer.request_head, "", "nothing was sent");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let (receiver, _) = secured().await;
    let resolver = Scripted::new([vec![receiver.addr]]);
    let answer = resolver.poster(trusting()).post(outgoing(&url(&receiver, "a.test"))).await;
    assert_eq!(answer.failure, Some(Failure::Tls));
    assert_eq!(answer.detail, "the certificate is not for a.test");
}

#[tokio::test]
async fn who_does_not_speak_tls_fails_the_handshake() {
    let receiver = Receiver::start(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read(&mut [0; 1024]).await;
    })
    .await;
    let answer = post(trusting(), &url(&receiver, "127.0.0.1")).await;
    assert_eq!(answer.failure, Some(Failure::Tls));
    assert!(answer.detail.starts_with("the TLS handshake failed: "), "{}", answer.detail);
}

#[tokio::test]
async fn who_hangs_up_during_the_handshake_fails_it() {
    let receiver = Receiver::start(|mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
    })
    .await;
    let answer = post(trusting(), &url(&receiver, "127.0.0.1")).await;
    assert_eq!(answer.failure, Some(Failure::Tls));
    assert_eq!(answer.detail, "the receiver hung up during the TLS handshake");
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_given_up() {
    let receiver = Receiver::start(|stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let answer = post(hasty(), &url(&receiver, "127.0.0.1")).await;
    assert_eq!(answer.failure, Some(Failure::Timeout));
}

#[test]
fn what_is_no_certificate_is_no_authority() {
    let extra_roots = vec![CertificateDer::from(b"nonsense".to_vec())];
    let settings = PosterSettings { extra_roots, ..PosterSettings::default() };
    assert!(matches!(Poster::new(settings), Err(PosterError::Root(_))));
}
