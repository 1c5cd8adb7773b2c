//! Connections that stall, wait, or are under way when innfri stops; and TLS.

use std::path::PathBuf;
use std::time::Instant;

use axum::Extension;
use axum::routing::get;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

const REQUEST: &[u8] = b"GET /who HTTP/1.1\r\nhost: innfri\r\nconnection: close\r\n\r\n";
const KEPT_OPEN: &[u8] = b"GET /who HTTP/1.1\r\nhost: innfri\r\n\r\n";

async fn who(Extension(peer): Extension<Peer>) -> String {
    let shown = peer.certificate.map_or(0, |shown| shown.len());
    format!("{} {shown}.", peer.address.ip())
}

/// A request that stays until it may leave.
#[derive(Clone, Default)]
struct Stay {
    came: Arc<Notify>,
    may_leave: Arc<Notify>,
}

async fn stay(Extension(stay): Extension<Stay>) -> &'static str {
    stay.came.notify_one();
    stay.may_leave.notified().await;
    "done"
}

struct Server {
    address: SocketAddr,
    stay: Stay,
    stop: CancellationToken,
    task: JoinSet<()>,
}

impl Server {
    async fn start(tls: Option<Tls>, limits: ListenLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stay_here = Stay::default();
        let router = Router::new().route("/who", get(who)).route("/stay", get(stay));
        let router = router.layer(Extension(stay_here.clone()));
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        task.spawn(listen(listener, tls, router, limits, stop.clone()));
        Self { address, stay: stay_here, stop, task }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn ended(mut self) {
        patiently(self.task.join_next()).await.unwrap().unwrap();
    }
}

async fn patiently<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("in time")
}

/// Everything until the other end closes; what came until then, when it breaks off.
async fn to_the_end(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    patiently(stream.read_to_end(&mut bytes)).await.unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &[u8]) -> String {
    match stream.write_all(request).await {
        Ok(()) => to_the_end(stream).await,
        Err(_) => String::new(),
    }
}

/// Reads one answer of a connection that stays open.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    while !text.contains(" 0.") {
        let byte = patiently(stream.read_u8()).await.unwrap();
        text.push(char::from(byte));
    }
    text
}

fn soon() -> ListenLimits {
    let moment = Duration::from_secs(1);
    ListenLimits { header: moment, handshake: moment, ..ListenLimits::default() }
}

#[tokio::test]
async fn a_request_is_answered_and_knows_its_peer() {
    let server = Server::start(None, ListenLimits::default()).await;
    let said = ask(&mut server.connect().await, REQUEST).await;
    assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("127.0.0.1 0."), "{said}");
}

#[tokio::test]
async fn a_client_that_sends_nothing_or_half_a_head_is_cut_off() {
    let server = Server::start(None, soon()).await;
    for sent in ["", "GET /who HT", "GET /who HTTP/1.1\r\nhost: inn"] {
        let said = ask(&mut server.connect().await, sent.as_bytes()).await;
        assert!(!said.contains("200"), "{said}");
    }
    let mut idle = server.connect().await;
    idle.write_all(KEPT_OPEN).await.unwrap();
    answer(&mut idle).await;
    assert_eq!(to_the_end(&mut idle).await, "");
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_a_place() {
    let limits = ListenLimits { connections: 1, ..ListenLimits::default() };
    let server = Server::start(None, limits).await;
    let mut first = server.connect().await;
    first.write_all(KEPT_OPEN).await.unwrap();
    answer(&mut first).await;
    let mut second = server.connect().await;
    second.write_all(REQUEST).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(300), second.read_u8()).await;
    assert!(early.is_err(), "it was served");
    drop(first);
    assert!(to_the_end(&mut second).await.contains("200"));
}

#[tokio::test]
async fn a_connection_that_lasts_too_long_gives_its_place_to_others() {
    let longest = Some(Duration::from_millis(300));
    let limits = ListenLimits { connections: 1, longest, ..ListenLimits::default() };
    let server = Server::start(None, limits).await;
    let mut endless = server.connect().await;
    endless.write_all(b"GET /stay HTTP/1.1\r\nhost: innfri\r\n\r\n").await.unwrap();
    patiently(server.stay.came.notified()).await;
    assert!(ask(&mut server.connect().await, REQUEST).await.contains("200"));
    assert_eq!(to_the_end(&mut endless).await, "");
}

#[tokio::test]
async fn a_stop_lets_a_request_end_and_closes_what_is_idle() {
    let limits = ListenLimits { header: PATIENCE, grace: PATIENCE, ..ListenLimits::default() };
    let server = Server::start(None, limits).await;
    let mut idle = server.connect().await;
    idle.write_all(KEPT_OPEN).await.unwrap();
    answer(&mut idle).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /stay HTTP/1.1\r\nhost: innfri\r\n\r\n").await.unwrap();
    patiently(server.stay.came.notified()).await;
    server.stop.cancel();
    assert_eq!(to_the_end(&mut idle).await, "");
    server.stay.may_leave.notify_one();
    assert!(to_the_end(&mut busy).await.ends_with("done"));
    assert!(TcpStream::connect(server.address).await.is_err());
    server.ended().await;
}

#[tokio::test]
async fn a_stop_cuts_off_what_does_not_end_in_the_grace_period() {
    let limits = ListenLimits { grace: Duration::from_millis(300), ..ListenLimits::default() };
    let server = Server::start(None, limits).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /stay HTTP/1.1\r\nhost: innfri\r\n\r\n").await.unwrap();
    patiently(server.stay.came.notified()).await;
    let begun = Instant::now();
    server.stop.cancel();
    server.ended().await;
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert!(!to_the_end(&mut busy).await.contains("200"));
}

/// Certificates in a folder: an authority's, a server's and a client's.
struct Paper {
    folder: tempfile::TempDir,
    authority: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
}

impl Paper {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        let root = certificate.der().clone();
        let paper = Self { folder, authority: Issuer::new(params, key), root };
        paper.issue("server", ExtendedKeyUsagePurpose::ServerAuth);
        paper.issue("client", ExtendedKeyUsagePurpose::ClientAuth);
        paper
    }

    fn issue(&self, name: &str, purpose: ExtendedKeyUsagePurpose) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.insert_extended_key_usage(purpose);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        std::fs::write(self.path(&format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self, client_certificate: Option<ClientCertificate>) -> TlsConfig {
        TlsConfig {
            certificate_file: self.path("server.pem"),
            key_file: self.path("server.key"),
            client_ca_file: client_certificate.map(|_| self.path("ca.pem")),
            client_certificate: client_certificate.unwrap_or_default(),
        }
    }

    /// What the server says, or nothing when the connection fails.
    async fn ask(&self, server: &Server, client: Option<&Self>) -> String {
        self.shown(server, client).await.0
    }

    /// As [`Paper::ask`], with the certificate that the server has shown.
    async fn shown(&self, server: &Server, client: Option<&Self>) -> (String, Vec<u8>) {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match client {
            None => config.with_no_client_auth(),
            Some(paper) => {
                let chain = CertificateDer::from_pem_file(paper.path("client.pem")).unwrap();
                let key = PrivateKeyDer::from_pem_file(paper.path("client.key")).unwrap();
                config.with_client_auth_cert(vec![chain], key).unwrap()
            }
        };
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let connected = patiently(connector.connect(name, server.connect().await)).await;
        let Ok(mut stream) = connected else { return (String::new(), Vec::new()) };
        let said = ask(&mut stream, REQUEST).await;
        let shown = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
        (said, shown)
    }

    async fn start(&self, client_certificate: Option<ClientCertificate>) -> (Server, Tls) {
        let tls = Tls::from_files(&self.config(client_certificate)).unwrap();
        let limits = ListenLimits { handshake: PATIENCE, ..ListenLimits::default() };
        (Server::start(Some(tls.clone()), limits).await, tls)
    }
}

#[tokio::test]
async fn a_client_without_the_certificate_it_must_show_is_refused() {
    let (paper, stranger) = (Paper::new(), Paper::new());
    let (server, _) = paper.start(Some(ClientCertificate::Required)).await;
    assert!(!paper.ask(&server, None).await.contains("200"));
    assert!(!paper.ask(&server, Some(&stranger)).await.contains("200"));
    let said = paper.ask(&server, Some(&paper)).await;
    let shown = CertificateDer::from_pem_file(paper.path("client.pem")).unwrap();
    assert!(said.ends_with(&format!("127.0.0.1 {}.", shown.len())), "{said}");
}

#[tokio::test]
async fn a_client_may_come_without_a_certificate_where_it_is_optional_but_not_with_a_wrong_one() {
    let (paper, stranger) = (Paper::new(), Paper::new());
    let (server, _) = paper.start(Some(ClientCertificate::Optional)).await;
    assert!(paper.ask(&server, None).await.ends_with("127.0.0.1 0."));
    assert!(paper.ask(&server, Some(&paper)).await.contains("200"));
    assert!(!paper.ask(&server, Some(&stranger)).await.contains("200"));
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_cut_off_and_plain_http_is_refused() {
    let tls = Tls::from_files(&Paper::new().config(None)).unwrap();
    let server = Server::start(Some(tls), soon()).await;
    assert_eq!(ask(&mut server.connect().await, b"").await, "");
    assert!(!ask(&mut server.connect().await, REQUEST).await.contains("200"));
}

#[tokio::test]
async fn a_renewed_certificate_is_used_without_a_restart_and_a_damaged_one_is_not() {
    let paper = Paper::new();
    let (server, tls) = paper.start(None).await;
    let (_, first) = paper.shown(&server, None).await;
    assert!(!tls.read_again().unwrap());
    paper.issue("server", ExtendedKeyUsagePurpose::ServerAuth);
    assert!(tls.read_again().unwrap());
    let (_, second) = paper.shown(&server, None).await;
    assert!(!second.is_empty() && first != second);
    // Halfway through a renewal: the certificate is new and the key is not.
    let key = std::fs::read(paper.path("server.key")).unwrap();
    paper.issue("server", ExtendedKeyUsagePurpose::ServerAuth);
    std::fs::write(paper.path("server.key"), key).unwrap();
    assert!(matches!(tls.read_again(), Err(TlsError::Pair { .. })));
    assert_eq!(paper.shown(&server, None).await.1, second);
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_what_to_do() {
    let paper = Paper::new();
    let refusal = |change: &dyn Fn(&mut TlsConfig)| {
        let mut config = paper.config(Some(ClientCertificate::Required));
        change(&mut config);
        Tls::from_files(&config).err().map(|error| error.to_string()).unwrap_or_default()
    };
    std::fs::write(paper.path("text"), "no PEM").unwrap();
    let damaged = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    std::fs::write(paper.path("damaged"), damaged).unwrap();
    let named = |told: String, parts: &[&str]| {
        assert!(parts.iter().all(|part| told.contains(part)), "{told}");
    };
    let missing = refusal(&|config| config.certificate_file = paper.path("none"));
    named(missing, &["/none", "http.tls.certificate_file", "must be there"]);
    let empty = refusal(&|config| config.key_file = paper.path("text"));
    named(empty, &["/text", "http.tls.key_file", "no private key"]);
    let damaged = refusal(&|config| config.client_ca_file = Some(paper.path("damaged")));
    named(damaged, &["/damaged", "http.tls.client_ca_file", "damaged certificate"]);
    let other = refusal(&|config| config.key_file = paper.path("client.key"));
    named(other, &["client.key", "server.pem", "belong together"]);
}
