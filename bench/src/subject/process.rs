//! A process that does nothing: how soon it listens, and what it takes to wait.

use std::thread;
use std::time::Duration;

use turnpike_issuer_embedded::Algorithm;

use crate::measure::{Beside, in_turn};
use crate::plane::Plane;
use crate::report::{Budget, Row};
use crate::serve::Server;
use crate::subject::{Settings, Subject};
use crate::{Failure, cpu};

const START: &str = "start, turnpike up, executed to listening";
const MEMORY: &str = "memory, turnpike up, idle";

pub(crate) const SUBJECT: Subject =
    Subject { title: "start and memory", names: &[START, MEMORY], measure };

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
