//! A process that does nothing: how soon it listens, and what it takes to wait. And what it takes to know a token.

use std::thread;
use std::time::Duration;

use turnpike_issuer_embedded::Algorithm;
use turnpike_sdk::{Require, VerdictCache};

use crate::measure::{Beside, in_turn};
use crate::plane::Plane;
use crate::report::{Budget, Row};
use crate::serve::Server;
use crate::subject::{Settings, Subject, local_verify};
use crate::{Failure, cpu};

const START: &str = "start, turnpike up, executed to listening";
const MEMORY: &str = "memory, turnpike up, idle";

const VERDICT: &str = "memory, one cached verdict";

pub(crate) const SUBJECT: Subject =
    Subject { title: "start and memory", names: &[START, MEMORY], measure };

pub(crate) const CACHE: Subject =
    Subject { title: "the memory of cached verdicts", names: &[VERDICT], measure: verdict };

/// After it listens, what it does beside that has been done once.
const SETTLED: Duration = Duration::from_millis(300);

struct Sample {
    millis: f64,
    megabytes: f64,
}

fn measure(settings: &Settings) -> Result<Vec<Row>, Failure> {
    let plane = Plane::new(Algorithm::Rs256, 1, 0)?;
    let [floor, up] = in_turn(
        settings.rounds,
        [&mut || sample(Server::floor()?), &mut || sample(Server::up(plane.data())?)],
    )?;
    let row = |subject, unit, part: fn(&Sample) -> f64, most| {
        let of = |samples: &[Sample]| samples.iter().map(part).collect::<Vec<_>>();
        Row::new(subject, unit, Beside::new(&of(&floor), &of(&up)), Some(Budget::Figure(most)))
    };
    Ok(vec![
        row(START, "ms", |sample| sample.millis, 25.0),
        row(MEMORY, "MB", |sample| sample.megabytes, 30.0),
    ])
}

fn sample(server: Server) -> Result<Sample, Failure> {
    thread::sleep(SETTLED);
    let megabytes = cpu::resident(server.id())? as f64 / 1e6;
    Ok(Sample { millis: server.start.as_secs_f64() * 1e3, megabytes })
}

/// Beside the token itself, which is what it is found by. Measured once: what is freed afterwards is used again, and not
/// seen.
fn verdict(settings: &Settings) -> Result<Vec<Row>, Failure> {
    let (issuer, require) = (local_verify::issuer(), Require::any_token());
    let verifier = local_verify::verifier(&issuer, VerdictCache::by_token())?;
    let scopes = local_verify::SCOPES.join(" ");
    let token = || issuer.token(local_verify::CLIENT, &scopes);
    let tokens: Vec<String> = std::iter::repeat_with(token).take(settings.known_tokens).collect();
    let here = std::process::id();
    let before = cpu::resident(here)?;
    for token in &tokens {
        verifier.verify(token, &require)?;
    }
    let after = cpu::resident(here)?.max(before + 1);
    let count = tokens.len() as f64;
    let floor = tokens.iter().map(String::len).sum::<usize>() as f64 / count;
    let beside = Beside::new(&[floor], &[(after - before) as f64 / count]);
    Ok(vec![Row::new(VERDICT, "bytes", beside, Some(Budget::Figure(2048.0)))])
}
