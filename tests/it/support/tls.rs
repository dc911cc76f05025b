//! TLS in front of a server that speaks none, with certificates made on the spot.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};

/// First message of a client of PostgreSQL that wants TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Somebody who vouches for certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::new(Vec::new()).expect("parameters");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).expect("signed").pem();
        Self { issuer: Issuer::new(parameters, key), certificate }
    }

    /// Writes its own certificate into a folder.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, &self.certificate).expect("written");
        path
    }

    /// What a server of that name needs.
    pub(crate) fn server(&self, host: &str) -> Arc<ServerConfig> {
        let key = KeyPair::generate().expect("a key");
        let parameters = CertificateParams::new(vec![host.to_owned()]).expect("parameters");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("signed");
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = versions.expect("versions").with_no_client_auth();
        Arc::new(config.with_single_cert(chain, key).expect("a certificate and its key"))
    }
}

/// Where what was deciphered goes.
#[derive(Clone)]
pub(crate) enum Backend {
    /// A server on a port of this machine.
    Port(u16),
    /// The socket of a PostgreSQL, whose clients ask for TLS before they begin it.
    Postgres(PathBuf),
}

/// Listens with TLS; lives as long as the process. Returns its port. Without a
/// configuration it tells clients of PostgreSQL that it has no TLS.
pub(crate) fn front(config: Option<Arc<ServerConfig>>, backend: Backend) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (config, backend) = (config.clone(), backend.clone());
            // A client that goes away or refuses the certificate is no failure.
            thread::spawn(move || serve(stream, config, backend).ok());
        }
    });
    port
}

fn serve(
    mut outside: TcpStream,
    config: Option<Arc<ServerConfig>>,
    backend: Backend,
) -> std::io::Result<()> {
    if matches!(backend, Backend::Postgres(_)) {
        let mut asked = [0; 8];
        outside.read_exact(&mut asked)?;
        let wants_tls = asked == SSL_REQUEST && config.is_some();
        outside.write_all(if wants_tls { b"S" } else { b"N" })?;
    }
    let Some(config) = config else { return Ok(()) };
    let session = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let session = Mutex::new(session);
    match backend {
        Backend::Port(port) => {
            let inside = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            relay(&outside, &session, &inside, &inside, || inside.shutdown(Shutdown::Both))
        }
        Backend::Postgres(socket) => {
            let inside = UnixStream::connect(socket)?;
            relay(&outside, &session, &inside, &inside, || inside.shutdown(Shutdown::Both))
        }
    }
}

/// Deciphers one way and enciphers the other, until either side ends.
fn relay(
    outside: &TcpStream,
    session: &Mutex<ServerConnection>,
    mut from_inside: impl Read + Send,
    mut to_inside: impl Write,
    end_inside: impl Fn() -> std::io::Result<()>,
) -> std::io::Result<()> {
    let locked = || session.lock().unwrap_or_else(PoisonError::into_inner);
    let flush = |session: &mut ServerConnection| -> std::io::Result<()> {
        while session.wants_write() {
            session.write_tls(&mut { outside })?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut bytes = [0; 8192];
            while let Ok(length @ 1..) = from_inside.read(&mut bytes) {
                let mut session = locked();
                let sent = session.writer().write_all(&bytes[..length]);
                if sent.and_then(|()| flush(&mut session)).is_err() {
                    break;
                }
            }
            let mut session = locked();
            session.send_close_notify();
            let _ = flush(&mut session);
            let _ = outside.shutdown(Shutdown::Both);
        });
        let mut bytes = [0; 8192];
        let relayed = loop {
            let length = match { outside }.read(&mut bytes) {
                Ok(0) => break Ok(()),
                Ok(length) => length,
                Err(error) => break Err(error),
            };
            let mut session = locked();
            let mut received = &bytes[..length];
            let mut plain = Vec::new();
            let step = (|| {
                while !received.is_empty() {
                    session.read_tls(&mut received)?;
                    let state = session.process_new_packets().map_err(std::io::Error::other)?;
                    let from = plain.len();
                    plain.resize(from + state.plaintext_bytes_to_read(), 0);
                    session.reader().read_exact(&mut plain[from..])?;
                }
                Ok(())
            })();
            let sent = flush(&mut session);
            drop(session);
            if let Err(error) = step.and(sent).and_then(|()| to_inside.write_all(&plain)) {
                break Err(error);
            }
        };
        let _ = end_inside();
        relayed
    })
}
