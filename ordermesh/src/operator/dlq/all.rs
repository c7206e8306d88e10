//! Every dead letter of a queue, once: those that were there when it began.

use std::collections::HashSet;

use bus::DeadLetters;
use common::Fault;

use super::Verb;

/// How many are asked for at a time.
const PAGE: usize = 100;

/// What became of them.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) done: usize,
    /// Those that stay, by id.
    pub(super) problems: Vec<(String, Fault)>,
}

/// Stops at a fault that would meet the others too. What is replayed and dies again has a new id; it counts as one of
/// those that were there, so that this ends.
pub(super) async fn run(letters: &dyn DeadLetters, verb: Verb, queue: &str) -> Result<Outcome, Fault> {
    let (mut outcome, mut tried) = (Outcome::default(), HashSet::new());
    let mut left = there_now(letters, queue).await?;
    while left > 0 {
        let mut page = letters.list(queue, PAGE).await?;
        page.retain(|letter| !tried.contains(&letter.id));
        page.truncate(left);
        if page.is_empty() {
            break;
        }
        for letter in page {
            left -= 1;
            match verb.apply(letters, queue, &letter.id).await {
                Ok(true) => outcome.done += 1,
                Ok(false) => {}
                Err(fault) if fault.is_transient() => return Err(fault),
                Err(fault) => outcome.problems.push((letter.id.clone(), fault)),
            }
            tried.insert(letter.id);
        }
    }
    Ok(outcome)
}

/// `invalid_parameter` when there is no such queue.
async fn there_now(letters: &dyn DeadLetters, queue: &str) -> Result<usize, Fault> {
    let depths = letters.depths().await?;
    let depth = depths.into_iter().find(|depth| depth.queue == queue);
    let depth = depth.ok_or_else(|| Fault::new(common::Code::InvalidParameter, "there is no such queue"))?;
    Ok(usize::try_from(depth.dead_letters).unwrap_or(usize::MAX))
}
