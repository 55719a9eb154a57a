//! The failed step of a connection, and its cause: the name, TCP, the proxy, or one of the checks of TLS.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

/// The reason of a failed connection, from the underlying errors; `None` if they do not tell.
///
/// All texts are constants, because the underlying errors may quote names and addresses. `connecting` means
/// that nothing of the request was sent; `proxied` means that the request goes through a proxy.
pub(super) fn reason(error: &(dyn Error + 'static), connecting: bool, proxied: bool) -> Option<&'static str> {
    let mut tcp = None;
    let mut step = Step::Unknown;
    for error in chain(error) {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(tls(error));
        }
        if !connecting {
            continue;
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            tcp = tcp.or_else(|| io_reason(error.kind()));
        }
        // These types are private to hyper-util, so only their texts distinguish them.
        match error.to_string().as_str() {
            "dns error" => step = Step::Name,
            "tunnel error: proxy authorization required" => {
                return Some("the proxy wants a sign-in (407): put user and password into the proxy's URL");
            }
            "tunnel error: unsuccessful" => {
                return Some(
                    "the proxy refused to open a tunnel to the server: it may not allow this host or port",
                );
            }
            "tunnel error: unexpected end of file"
            | "tunnel error: proxy response headers too long"
            | "tunnel error: io error establishing tunnel" => {
                return Some("the proxy did not answer as a proxy does: is its URL right?");
            }
            _ => {}
        }
    }
    match step {
        Step::Name if proxied => Some("DNS: the proxy's name is not known: is its URL right?"),
        Step::Name => Some("DNS: the server's name is not known: is the host of the URL right?"),
        Step::Unknown => tcp.map(|[server, proxy]| if proxied { proxy } else { server }),
    }
}

enum Step {
    Name,
    Unknown,
}

/// An error and the errors below it. It includes the error in an [`io::Error`], which `source` skips.
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    fn below<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
        match error.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    }
    std::iter::successors(Some(error), |error| below(*error))
}

/// The meaning of a TCP failure: for a server, and for a proxy.
fn io_reason(kind: io::ErrorKind) -> Option<[&'static str; 2]> {
    Some(match kind {
        io::ErrorKind::ConnectionRefused => [
            "TCP: the connection was refused: does the server run, and is the port right?",
            "TCP: the proxy refused the connection: does it run, and is its port right?",
        ],
        io::ErrorKind::TimedOut => ["TCP: the server did not answer", "TCP: the proxy did not answer"],
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => [
            "TCP: the server closed the connection before it was made",
            "TCP: the proxy closed the connection before it was made",
        ],
        io::ErrorKind::UnexpectedEof => [
            "TLS: the server closed the connection during the handshake: does this port speak TLS?",
            "TLS: the connection was closed during the handshake, by the server or the proxy",
        ],
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => [
            "TCP: no route leads to the server's network: do the routes and security groups allow it?",
            "TCP: no route leads to the proxy's network: do the routes and security groups allow it?",
        ],
        io::ErrorKind::AddrNotAvailable => ["TCP: no local port or address is free for the connection"; 2],
        io::ErrorKind::PermissionDenied => ["TCP: this system forbids the connection"; 2],
        _ => return None,
    })
}

fn tls(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(error) => certificate(error),
        rustls::Error::NoCertificatesPresented => "TLS: the server showed no certificate",
        rustls::Error::AlertReceived(alert) => alert_reason(*alert),
        rustls::Error::PeerIncompatible(_) => {
            "TLS: the server speaks neither TLS 1.2 nor 1.3 with a cipher that is known here"
        }
        rustls::Error::InvalidMessage(_) => "TLS: the server did not answer in TLS: is this an http port?",
        rustls::Error::UnsupportedNameType => "TLS: the host of the URL can stand in no certificate",
        _ => "TLS: the handshake failed",
    }
}

fn certificate(error: &CertificateError) -> &'static str {
    use CertificateError as E;
    match error {
        E::UnknownIssuer => {
            "TLS: the server's certificate is by an issuer that is not trusted (unknown issuer): if it is a CA \
             of your own, name its certificate in FHIR_CA_FILE"
        }
        E::Expired | E::ExpiredContext { .. } => "TLS: the server's certificate has expired",
        E::NotValidYet | E::NotValidYetContext { .. } => {
            "TLS: the server's certificate is not valid yet: is this system's clock right?"
        }
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            "TLS: the server's certificate is for another name than the URL's host (name mismatch)"
        }
        E::Revoked => "TLS: the server's certificate has been revoked",
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => {
            "TLS: the server's certificate is not for servers (key usage)"
        }
        E::BadSignature => "TLS: a signature in the server's certificates is wrong",
        E::BadEncoding => "TLS: the server's certificate cannot be read",
        E::UnsupportedSignatureAlgorithmContext { .. }
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "TLS: the server's certificate is signed by an algorithm that is not supported"
        }
        // webpki reports this error if a server presents a CA's certificate as its own.
        E::Other(_) => {
            "TLS: the server's certificate cannot be used: it may be a CA's own, or miss what RFC 5280 wants"
        }
        _ => "TLS: the server's certificate was refused",
    }
}

fn alert_reason(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::CertificateRequired => {
            "TLS: the server wants a client certificate: name it in FHIR_CLIENT_CERTIFICATE_FILE"
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::DecryptError
        | AlertDescription::AccessDenied => "TLS: the server refused the client certificate, or wants one",
        AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure => {
            "TLS: the server and this client have no version or cipher in common, or it wants a client certificate"
        }
        AlertDescription::UnrecognisedName => "TLS: the server does not know the host of the URL (SNI)",
        _ => "TLS: the server ended the handshake with an alert",
    }
}
