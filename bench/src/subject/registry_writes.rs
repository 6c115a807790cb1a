//! Changes of the registry that are on disk when they are answered.

use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::task::JoinSet;
use turnpike_registry::Registry;

use crate::Failure;
use crate::measure::{Beside, in_turn};
use crate::plane::{commit, creation, new_client, registry};
use crate::report::{Budget, Row, folder};
use crate::subject::{Settings, Subject, runtime};

const SIXTEEN: &str = "durable registry writes, 16 waiting beside 1";
const SIXTY_FOUR: &str = "durable registry writes, 64 waiting beside 1";

pub(crate) const SUBJECT: Subject =
    Subject { title: "durable registry writes", names: &[SIXTEEN, SIXTY_FOUR], measure };

fn measure(settings: &Settings) -> Result<Vec<Row>, Failure> {
    let folder = TempDir::new_in(folder()?)?;
    let runtime = runtime()?;
    let registry = runtime.block_on(registry(folder.path()))?;
    let rate = |writers| runtime.block_on(rate(&registry, writers, settings.load));
    let [one, sixteen, sixty_four] =
        in_turn(settings.rounds, [&mut || rate(1), &mut || rate(16), &mut || rate(64)])?;
    let row = |subject, figure: &[f64]| {
        let budget = Some(Budget::RatioAtLeast(3.0));
        Row::new(subject, "changes/s", Beside::new(&one, figure), budget)
    };
    Ok(vec![row(SIXTEEN, &sixteen), row(SIXTY_FOUR, &sixty_four)])
}

/// Changes a second while so many wait for theirs: each registers a client.
async fn rate(registry: &Registry, writers: usize, span: Duration) -> Result<f64, Failure> {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..writers {
        let registry = registry.clone();
        tasks.spawn(async move {
            let mut made = 0_u32;
            while began.elapsed() < span {
                let (client, _) = new_client(&registry)?;
                commit(&registry, || creation(&client)).await?;
                made += 1;
            }
            Ok::<_, Failure>(made)
        });
    }
    let mut made = 0;
    while let Some(done) = tasks.join_next().await {
        made += done??;
    }
    Ok(f64::from(made) / began.elapsed().as_secs_f64())
}
