//! Lists as Stripe pages them: newest first, by time of creation, continued behind an id.

use common::Fault;
use store::{Document, Documents, IndexQuery, Loaded, Order};

use crate::{
    domain::{EventRecord, Refund, Session, Token, token},
    error::ApiError,
    form::Form,
};

/// Objects per page.
const DEFAULT_LIMIT: i64 = 10;
const MAX_LIMIT: i64 = 100;
/// Documents read at a time.
const READ_AHEAD: usize = 100;

/// What can be listed by time.
pub trait Listed: Document {
    const PREFIX: &'static str;

    fn token(&self) -> Token;
}

impl Listed for Session {
    const PREFIX: &'static str = token::SESSION;

    fn token(&self) -> Token {
        self.token
    }
}

impl Listed for EventRecord {
    const PREFIX: &'static str = token::EVENT;

    fn token(&self) -> Token {
        self.token
    }
}

impl Listed for Refund {
    const PREFIX: &'static str = token::REFUND;

    fn token(&self) -> Token {
        self.token
    }
}

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Created in this second or later.
    from: u64,
    /// Only tokens below this one.
    below: Option<Token>,
    pub limit: usize,
}

impl Window {
    /// Takes `created[…]`, `limit` and `starting_after`, whose id has this prefix.
    pub fn parse(form: &mut Form, prefix: &str) -> Result<Self, ApiError> {
        let limit = form.integer("limit", 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT);
        let after = form.text("starting_after")?;
        let after = after.map(|id| {
            Token::parse(&id, prefix).ok_or_else(|| ApiError::no_such_param("object", &id, "starting_after"))
        });
        let (from, until) = created(form)?;
        let below = [after.transpose()?, until.map(Token::first_of_second)].into_iter().flatten().min();
        Ok(Self { from, below, limit: usize::try_from(limit).expect("bounded when it was parsed") })
    }

    /// Cuts a list that is at hand, newest first, to the window; true when more follows.
    pub fn cut<T: Listed>(&self, entries: Vec<Loaded<T>>) -> (Vec<Loaded<T>>, bool) {
        let fits = |t: Token| t.created() >= self.from && self.below.is_none_or(|below| t < below);
        let mut entries: Vec<_> = entries.into_iter().filter(|e| fits(e.body.token())).collect();
        let more = entries.len() > self.limit;
        entries.truncate(self.limit);
        (entries, more)
    }
}

/// `created` as a second, or as bounds: the first second wanted and the first one too late.
fn created(form: &mut Form) -> Result<(u64, Option<u64>), ApiError> {
    const SECONDS: std::ops::RangeInclusive<i64> = 0..=253_402_300_799;
    if let Ok(Some(second)) = form.clone().integer("created", SECONDS) {
        form.ignore(&["created"]);
        return Ok((second.unsigned_abs(), Some(second.unsigned_abs() + 1)));
    }
    let Some(mut bounds) = form.branch("created")? else { return Ok((0, None)) };
    let mut bound = |name| Ok::<_, ApiError>(bounds.integer(name, SECONDS)?.map(i64::unsigned_abs));
    let (gte, gt, lte, lt) = (bound("gte")?, bound("gt")?, bound("lte")?, bound("lt")?);
    bounds.finish()?;
    let from = gte.into_iter().chain(gt.map(|s| s + 1)).max().unwrap_or(0);
    let until = lt.into_iter().chain(lte.map(|s| s + 1)).min();
    Ok((from, until))
}

/// The newest objects of the window that `keep` wants, and whether there are more. Faults: `unavailable`.
pub async fn newest<T: Listed>(
    documents: &Documents<T>,
    window: Window,
    keep: impl Fn(&T) -> bool + Send,
) -> Result<(Vec<Loaded<T>>, bool), Fault> {
    let mut found = Vec::with_capacity(window.limit);
    let mut query = IndexQuery {
        index: None,
        prefix: T::PREFIX.to_owned(),
        below: window.below.map(|token| token.with(T::PREFIX)),
        order: Order::Descending,
        limit: READ_AHEAD.min(window.limit + 1),
        cursor: None,
    };
    // Ends with the collection at the latest: each round continues behind the one before.
    loop {
        let page = documents.list(query.clone()).await?;
        for entry in page.entries {
            if entry.body.token().created() < window.from {
                return Ok((found, false));
            }
            if keep(&entry.body) {
                if found.len() == window.limit {
                    return Ok((found, true));
                }
                found.push(entry);
            }
        }
        if page.next_cursor.is_none() {
            return Ok((found, false));
        }
        query.cursor = page.next_cursor;
    }
}

/// Everything under a prefix of an index, oldest first. Faults: `unavailable`.
pub async fn all<T: Document>(
    documents: &Documents<T>,
    index: Option<&'static str>,
    prefix: &str,
) -> Result<Vec<Loaded<T>>, Fault> {
    let mut found = Vec::new();
    let mut query = IndexQuery {
        index,
        prefix: prefix.to_owned(),
        below: None,
        order: Order::Ascending,
        limit: READ_AHEAD,
        cursor: None,
    };
    loop {
        let page = documents.list(query.clone()).await?;
        found.extend(page.entries);
        if page.next_cursor.is_none() {
            return Ok(found);
        }
        query.cursor = page.next_cursor;
    }
}
