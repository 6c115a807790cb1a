//! New login links from a running process, for whoever runs it: `turnpike links`.
//!
//! The process listens on a Unix socket in a folder of its own inside one that it is given (the data folder, where it has
//! one), which nobody else may enter (mode 0700). No web page reaches such a socket, and no other user of the machine; what
//! it gives out, its owner could read in the terminal of the process anyway.

use std::fs::{self, DirBuilder};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as Client;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::login::{IssueError, LoginLink, LoginLinks};

/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than any question is long.
const QUESTION_BYTES: u64 = 4096;
/// More than any answer is long.
const ANSWER_BYTES: u64 = 4 * 1024 * 1024;

/// What is asked.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// For whom; everyone if absent.
    persona: Option<String>,
}

/// What is answered, in one line.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    /// The links.
    Links(Vec<Link>),
    /// Why there are none.
    Problem(String),
}

/// A link as it is handed out. Its `Debug` does not show the address: whoever reads that can sign in.
#[derive(Deserialize, Serialize)]
pub struct Link {
    /// Key of the persona.
    pub persona: String,
    /// What people call them.
    pub display_name: String,
    /// Their teams.
    pub teams: Vec<String>,
    /// The address that signs in who opens it, once.
    pub url: String,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("persona", &self.persona).finish_non_exhaustive()
    }
}

impl From<&LoginLink> for Link {
    fn from(link: &LoginLink) -> Self {
        let persona = &link.persona;
        Self {
            persona: persona.id.clone(),
            display_name: persona.display_name.clone(),
            teams: persona.teams.iter().map(ToString::to_string).collect(),
            url: link.expose().to_owned(),
        }
    }
}

/// Why no link came.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nothing listens in this folder.
    #[error("no Turnpike runs over `{}`: start it, or name its folder (`--data-dir`)", .0.display())]
    NotRunning(PathBuf),
    /// It said why not.
    #[error("{0}")]
    Refused(String),
    /// The conversation broke.
    #[error("the running process did not answer")]
    Io(#[from] io::Error),
}

/// Asks the process that listens in this folder for new links: of this persona, or of each.
///
/// # Errors
///
/// [`AskError`].
pub fn ask(folder: &Path, persona: Option<&str>) -> Result<Vec<Link>, AskError> {
    let mut stream =
        Client::connect(socket_in(folder)).map_err(|_| AskError::NotRunning(folder.to_owned()))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let question = Question { persona: persona.map(str::to_owned) };
    let question = serde_json::to_string(&question).map_err(io::Error::other)?;
    stream.write_all(format!("{question}\n").as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream.take(ANSWER_BYTES)).read_line(&mut answer)?;
    match serde_json::from_str(&answer).map_err(io::Error::other)? {
        Answer::Links(links) => Ok(links),
        Answer::Problem(problem) => Err(AskError::Refused(problem)),
    }
}

/// Answers questions until it is dropped, and then leaves no socket behind.
pub struct Server {
    path: PathBuf,
    answers: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Listens in this folder, which no other process has, if there is anybody to make links for. Where it cannot, it
    /// says so in the log: whoever needs a link starts the process again. Needs a tokio runtime.
    pub fn start(folder: &Path, links: LoginLinks) -> Option<Self> {
        links.personas().next()?;
        match Self::listen(folder, links) {
            Ok(server) => Some(server),
            Err(error) => {
                tracing::warn!(error = %error, "links.no_socket");
                None
            }
        }
    }

    /// # Errors
    ///
    /// The folder of the socket cannot be made, others may enter it, or its path is too long for a socket (108
    /// bytes on Linux).
    fn listen(within: &Path, links: LoginLinks) -> io::Result<Self> {
        let path = socket_in(within);
        let folder = path.parent().unwrap_or(within);
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
        let found = fs::symlink_metadata(folder)?;
        if !found.is_dir() || found.permissions().mode() & 0o077 != 0 {
            return Err(io::Error::other("others may enter the folder of the socket"));
        }
        // What a process left that was killed.
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
        let listener = UnixListener::bind(&path)?;
        let owner = fs::symlink_metadata(&path)?.uid();
        let answers = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) if is_owner(&stream, owner) => {
                        // One after the other: there is one person.
                        let _ = tokio::time::timeout(PATIENCE, answer(stream, &links)).await;
                    }
                    Ok(_) => tracing::warn!("links.stranger"),
                    Err(error) => {
                        tracing::warn!(error = %error, "links.accept_failed");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
            }
        });
        Ok(Self { path, answers })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.answers.abort();
        let _ = fs::remove_file(&self.path);
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("path", &self.path).finish_non_exhaustive()
    }
}

fn socket_in(folder: &Path) -> PathBuf {
    folder.join("links").join("socket")
}

/// Whether the other end is the user that runs this process, or root, who may read its memory as well.
fn is_owner(stream: &UnixStream, owner: u32) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == owner || peer.uid() == 0)
}

async fn answer(stream: UnixStream, links: &LoginLinks) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    tokio::io::BufReader::new(read.take(QUESTION_BYTES)).read_line(&mut line).await?;
    let answer = match serde_json::from_str::<Question>(&line) {
        Ok(Question { persona }) => match issue(links, persona.as_deref()) {
            Ok(links) => Answer::Links(links),
            Err(problem) => Answer::Problem(problem.to_string()),
        },
        Err(_) => Answer::Problem("the question is not understood".to_owned()),
    };
    let mut line = serde_json::to_string(&answer).map_err(io::Error::other)?;
    line.push('\n');
    write.write_all(line.as_bytes()).await
}

/// A new link for a persona, or for each.
///
/// # Errors
///
/// There is no such persona, or too many links are open.
pub fn issue(links: &LoginLinks, persona: Option<&str>) -> Result<Vec<Link>, IssueError> {
    let everyone = || links.personas().map(|persona| persona.id.as_str()).collect();
    let wanted: Vec<&str> = persona.map_or_else(everyone, |persona| vec![persona]);
    wanted.into_iter().map(|id| links.issue(id).map(|link| Link::from(&link))).collect()
}
