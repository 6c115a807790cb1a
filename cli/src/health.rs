//! `turnpike health`: asks a process of this machine how it is, for containers that have no other program to ask with.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// More of an answer than its first line and what it lacks is nobody's business here.
const ANSWER_MAX: u64 = 4096;

/// Whom to ask.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Such as http://127.0.0.1:8080/healthz (does it live) or .../readyz (is it ready). Without TLS.
    url: String,
}

/// Asks; it is well if the answer is 200.
///
/// # Errors
///
/// What it answered, or that it did not.
pub(crate) fn run(Args { url }: &Args) -> Result<(), String> {
    let rest = url.strip_prefix("http://").ok_or_else(|| format!("`{url}` is no http:// URL"))?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.is_empty() || url.contains(char::is_whitespace) {
        return Err(format!("`{url}` is no http:// URL"));
    }
    let answer = ask(authority, path).map_err(|error| format!("{url}: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(format!("{url}: {} {}", head.lines().next().unwrap_or_default(), body.trim())),
    }
}

fn ask(authority: &str, path: &str) -> std::io::Result<String> {
    let named =
        if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    let address = named.to_socket_addrs()?.next().ok_or(std::io::ErrorKind::AddrNotAvailable)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A server that gives this answer once: its URL.
    fn server(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"GET /readyz HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).unwrap();
        });
        format!("http://{address}/readyz")
    }

    fn health(url: &str) -> Result<(), String> {
        run(&Args { url: url.to_owned() })
    }

    #[test]
    fn only_200_is_well() {
        assert_eq!(health(&server("HTTP/1.1 200 OK\r\n\r\nready\n")), Ok(()));
        for (answer, said) in [
            ("HTTP/1.1 503 Service Unavailable\r\n\r\nnot ready\nlacks: store\n", "lacks: store"),
            ("HTTP/1.1 302 Found\r\n\r\n", "302"),
            ("", ""),
        ] {
            let problem = health(&server(answer)).unwrap_err();
            assert!(problem.contains(said), "{problem}");
        }
    }

    #[test]
    fn nobody_there_is_not_well() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/healthz", listener.local_addr().unwrap());
        drop(listener);
        assert!(health(&url).is_err());
        for url in ["https://127.0.0.1/", "127.0.0.1", "http://", "http://a b/"] {
            assert!(health(url).unwrap_err().contains("is no http:// URL"), "{url}");
        }
    }
}
