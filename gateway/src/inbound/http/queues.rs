//! The operators' routes about the bus: how full its queues are, and what to do with dead letters.

use axum::{
    Json,
    extract::{Path, RawQuery, State},
};
use common::{Code, Fault};
use contracts::orders::{
    GetDeadLetterRequest, GetStatsRequest, ListDeadLettersRequest, PurgeDeadLetterRequest,
    ReplayDeadLetterRequest,
};
use http::StatusCode;

use super::{
    Answer, Api,
    params::{DeadLetterLimit, DeadLetterPath, QueuePath},
};
use crate::inbound::{
    peers::{answer, present},
    views::{DeadLetterList, OneDeadLetter, QueueList, StatsView},
};

/// Every queue of the bus and how full it is.
#[utoipa::path(
    get, path = "/api/queues", operation_id = "list_queues", tag = "queues",
    responses((status = 200, description = "The queues", body = QueueList))
)]
pub(crate) async fn list(State(api): State<Api>) -> Answer<Json<QueueList>> {
    let stats: StatsView = answer(api.peers.orders().get_stats(GetStatsRequest {})).await?.into();
    if stats.queues.is_empty() {
        return Err(Fault::unavailable("orders reports no queues: it cannot ask the broker").into());
    }
    Ok(Json(QueueList { queues: stats.queues }))
}

/// The oldest dead letters of a queue.
#[utoipa::path(
    get, path = "/api/queues/{queue}/dead-letters", operation_id = "list_dead_letters", tag = "queues",
    params(QueuePath, DeadLetterLimit),
    responses((status = 200, description = "Oldest first", body = DeadLetterList))
)]
pub(crate) async fn dead_letters(
    State(api): State<Api>,
    Path(path): Path<QueuePath>,
    RawQuery(query): RawQuery,
) -> Answer<Json<DeadLetterList>> {
    let page_size = DeadLetterLimit::parse(query.as_deref())?.limit;
    let request = ListDeadLettersRequest { queue: path.queue, page_size };
    let letters = answer(api.peers.orders().list_dead_letters(request)).await?.dead_letters;
    Ok(Json(DeadLetterList { dead_letters: letters.into_iter().map(Into::into).collect() }))
}

/// One dead letter.
#[utoipa::path(
    get, path = "/api/queues/{queue}/dead-letters/{dead_letter_id}", operation_id = "get_dead_letter",
    tag = "queues",
    params(DeadLetterPath),
    responses((status = 200, description = "The dead letter", body = OneDeadLetter))
)]
pub(crate) async fn dead_letter(
    State(api): State<Api>,
    Path(path): Path<DeadLetterPath>,
) -> Answer<Json<OneDeadLetter>> {
    let request = GetDeadLetterRequest { queue: path.queue, id: path.dead_letter_id };
    let letter = answer(api.peers.orders().get_dead_letter(request)).await?.dead_letter;
    Ok(Json(OneDeadLetter { dead_letter: present(letter, "a dead letter")?.into() }))
}

/// Replay a dead letter.
///
/// It goes back to the end of its queue, its failures forgotten; mend what it failed on first.
#[utoipa::path(
    post, path = "/api/queues/{queue}/dead-letters/{dead_letter_id}/replay",
    operation_id = "replay_dead_letter", tag = "queues",
    params(DeadLetterPath),
    responses((status = 204, description = "It is back in its queue"))
)]
pub(crate) async fn replay(State(api): State<Api>, Path(path): Path<DeadLetterPath>) -> Answer<StatusCode> {
    let request = ReplayDeadLetterRequest { queue: path.queue, id: path.dead_letter_id };
    done(answer(api.peers.orders().replay_dead_letter(request)).await?.found)
}

/// Remove a dead letter for good.
#[utoipa::path(
    delete, path = "/api/queues/{queue}/dead-letters/{dead_letter_id}", operation_id = "purge_dead_letter",
    tag = "queues",
    params(DeadLetterPath),
    responses((status = 204, description = "It is gone"))
)]
pub(crate) async fn purge(State(api): State<Api>, Path(path): Path<DeadLetterPath>) -> Answer<StatusCode> {
    let request = PurgeDeadLetterRequest { queue: path.queue, id: path.dead_letter_id };
    done(answer(api.peers.orders().purge_dead_letter(request)).await?.found)
}

fn done(found: bool) -> Answer<StatusCode> {
    if found {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Fault::new(Code::DeadLetterNotFound, "there is no such dead letter").into())
}
