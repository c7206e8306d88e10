//! The sandbox's own switches, for tests: faults, and the charges that were made. On the sandbox's port only.

use axum::{
    body::Body,
    extract::{RawQuery, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;

use super::{Shared, body, reply};
use crate::{app::listing, error::ApiError, faults::Rule, form::Form, verify};

#[derive(Serialize)]
struct Armed {
    faults: Vec<Rule>,
}

#[derive(Serialize)]
struct Charges {
    charges: Vec<verify::Charge>,
}

pub async fn faults(State(web): Shared) -> Response {
    reply::object(Ok(Armed { faults: web.faults.armed() }))
}

/// JSON only: a form of another site's page cannot send that without asking first.
pub async fn arm(State(web): Shared, headers: HeaderMap, body: Body) -> Response {
    let json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"));
    if !json {
        return reply::object(Err::<(), _>(ApiError::invalid("Send the fault as application/json.")));
    }
    let armed = async {
        let body = body::read(body).await?;
        let rule: Rule = serde_json::from_slice(&body)
            .map_err(|error| ApiError::invalid(format!("This is not a fault: {error}.")))?;
        if web.faults.arm(rule) {
            Ok(rule)
        } else {
            Err(ApiError::invalid("There are too many faults, or this one exceeds its bounds."))
        }
    };
    reply::object(armed.await)
}

pub async fn clear(State(web): Shared) -> Response {
    web.faults.clear();
    StatusCode::NO_CONTENT.into_response()
}

/// `?client_reference_id=`: the succeeded charges of one order, or of all.
pub async fn charges(State(web): Shared, RawQuery(query): RawQuery) -> Response {
    let charges = async {
        let mut form = Form::parse(query.unwrap_or_default().as_bytes())?;
        let reference = form.text("client_reference_id")?;
        form.finish()?;
        let sessions = match &reference {
            Some(reference) => listing::all(&web.books.sessions, Some("reference"), reference).await?,
            None => listing::all(&web.books.sessions, None, "").await?,
        };
        let ours = sessions
            .into_iter()
            .map(|s| s.body)
            .filter(|s| reference.is_none() || s.client_reference_id == reference);
        Ok(Charges { charges: ours.filter_map(|session| verify::Charge::of(&session)).collect() })
    };
    reply::object(charges.await)
}
