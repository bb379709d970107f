//! The WebSocket handshake: hyper answers 101, then the bare socket goes to a worker. A client that
//! may not come in gets its upgrade all the same, then an error and a close code, because an HTTP
//! error leaves clients hanging (contract 1.7, 1.8).

use std::io;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bellwire_protocol::{Close, Frame, deflate, server};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Version, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

use super::admission::Admitted;
use super::transport::{Socket, Tls, Transport};
use super::{Arrival, Switchboard};

/// A connection that hyper serves and that can become a worker's socket.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The socket without tokio.
    fn into_socket(self) -> io::Result<Socket>;
}

impl Wire for TcpStream {
    fn into_socket(self) -> io::Result<Socket> {
        let stream = self.into_std()?;
        Ok(Socket::Tcp(mio::net::TcpStream::from_std(stream)))
    }
}

impl Wire for UnixStream {
    fn into_socket(self) -> io::Result<Socket> {
        let stream = self.into_std()?;
        Ok(Socket::Unix(mio::net::UnixStream::from_std(stream)))
    }
}

impl Wire for TlsStream<TcpStream> {
    fn into_socket(self) -> io::Result<Socket> {
        let (stream, state) = self.into_inner();
        let stream = mio::net::TcpStream::from_std(stream.into_std()?);
        Ok(Socket::Tls(Box::new(Tls::new(stream, state))))
    }
}

/// Seconds that a refused client has to read its refusal.
const REFUSAL_WITHIN: Duration = Duration::from_secs(5);
/// The version of RFC 6455.
const VERSION: HeaderValue = HeaderValue::from_static("13");

/// Whether a request wants to become a WebSocket. HTTP/1.0 has no upgrades.
pub(crate) fn is_wanted<B>(request: &Request<B>) -> bool {
    let has = |name, token: &str| {
        let lines = request.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
        let mut parts = lines.flat_map(|line| line.split(','));
        parts.any(|part| part.trim().eq_ignore_ascii_case(token))
    };
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && has(header::UPGRADE, "websocket")
        && has(header::CONNECTION, "upgrade")
}

/// The answer to a wish for a WebSocket: 101, or 426 and 400 for what is no RFC 6455 handshake.
pub(crate) fn handshake(headers: &HeaderMap) -> Result<HeaderMap, (StatusCode, &'static str)> {
    if headers.get(header::SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
        return Err((StatusCode::UPGRADE_REQUIRED, "Sec-WebSocket-Version must be 13"));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes);
    let Some(key) = key.filter(|key| BASE64.decode(key).is_ok_and(|key| key.len() == 16)) else {
        return Err((StatusCode::BAD_REQUEST, "Sec-WebSocket-Key must be 16 bytes in base64"));
    };
    let mut answer = HeaderMap::with_capacity(4);
    answer.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    let accept = HeaderValue::from_str(&accept_key(key));
    answer.insert(header::SEC_WEBSOCKET_ACCEPT, accept.unwrap_or(HeaderValue::from_static("")));
    if let Some(protocol) = offered_protocol(headers) {
        answer.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Ok(answer)
}

/// Agrees to compress messages if the client offers it and its app wants it; whether it does.
pub(crate) fn agree(
    offers: &HeaderMap,
    verdict: &Result<Admitted, Close>,
    answer: &mut HeaderMap,
) -> bool {
    let wanted = verdict.as_ref().is_ok_and(|it| it.app.live().settings.compression);
    let offers = offers.get_all(header::SEC_WEBSOCKET_EXTENSIONS).iter();
    let mut offers = offers.filter_map(|offer| offer.to_str().ok());
    let deflates = wanted && offers.any(deflate::is_offered);
    if deflates {
        let accepted = HeaderValue::from_static(deflate::ACCEPTED);
        answer.insert(header::SEC_WEBSOCKET_EXTENSIONS, accepted);
    }
    deflates
}

fn accept_key(key: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    BASE64.encode(hash.finalize())
}

/// The sub-protocol to echo: the client's first, as Swift's SDK wants (contract 1.6).
fn offered_protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    let offered = headers.get(header::SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
    let first = offered.split(',').next()?.trim();
    HeaderValue::from_str(first).ok().filter(|value| !value.is_empty())
}

/// Waits for the upgrade and hands the socket over, or says why not.
pub(crate) async fn hand_over<W: Wire>(
    upgrade: OnUpgrade,
    verdict: Result<Admitted, Close>,
    deflates: bool,
    switchboard: &Switchboard,
) {
    let upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => return tracing::debug!(%error, "a client left during its upgrade"),
    };
    match verdict {
        Ok(admitted) => {
            if let Err(error) = accept::<W>(upgraded, admitted, deflates, switchboard) {
                tracing::warn!(%error, "a socket cannot be handed to its worker");
            }
        }
        Err(close) => {
            let refusal = tokio::time::timeout(REFUSAL_WITHIN, refuse(upgraded, &close));
            if let Ok(Err(error)) = refusal.await {
                tracing::trace!(%error, "a refused client left early");
            }
        }
    }
}

fn accept<W: Wire>(
    upgraded: Upgraded,
    admitted: Admitted,
    deflates: bool,
    switchboard: &Switchboard,
) -> io::Result<()> {
    let parts = upgraded
        .downcast::<TokioIo<W>>()
        .map_err(|_| io::Error::other("upgraded connection is of another kind"))?;
    let socket = parts.io.into_inner().into_socket()?;
    let Admitted { app, seat, must_authorize, story } = admitted;
    switchboard.accept(Arrival {
        transport: Transport::Socket(socket),
        app,
        seat,
        must_authorize,
        story,
        deflates,
        leftover: parts.read_buf.to_vec(),
    });
    Ok(())
}

async fn refuse(upgraded: Upgraded, close: &Close) -> io::Result<()> {
    let mut stream = TokioIo::new(upgraded);
    let mut words = server::closing(close).bytes().to_vec();
    words.extend_from_slice(Frame::close(close).bytes());
    stream.write_all(&words).await?;
    stream.flush().await?;
    // Closing with unread bytes would reset the connection and lose the refusal.
    let mut rest = [0; 512];
    while stream.read(&mut rest).await? > 0 {
        if rest[0] & 0x0F == 8 {
            break;
        }
    }
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_6455_holds() {
        assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    // contract: 1.6
    #[test]
    fn the_offered_sub_protocol_is_echoed() {
        let mut headers = HeaderMap::new();
        headers.insert(header::SEC_WEBSOCKET_VERSION, VERSION);
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        headers.insert(header::SEC_WEBSOCKET_KEY, key);
        assert!(handshake(&headers).unwrap().get(header::SEC_WEBSOCKET_PROTOCOL).is_none());
        let offered = HeaderValue::from_static("pusher-channels-protocol-7, other");
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, offered);
        let answer = handshake(&headers).unwrap();
        assert_eq!(answer[header::SEC_WEBSOCKET_PROTOCOL], "pusher-channels-protocol-7");
    }
}
