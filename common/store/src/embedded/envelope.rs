//! A document's bytes: what the store keeps about it, then the body as it came.
//!
//! format, version, number of handled ids, the ids, length of the index keys, the index keys, body.

use bytes::{BufMut as _, Bytes};
use common::{EventId, Fault};

use super::codec::{self, ID_LEN, Reader};
use crate::port::{HANDLED_MAX, IndexKey, Stored};

const FORMAT: u8 = 1;
/// Bytes of everything but ids, index keys and body.
const FIXED_LEN: usize = 1 + 8 + 1 + 4;

/// What stands before the body, unread as far as possible.
pub(super) struct Header<'a> {
    pub(super) version: u64,
    handled: &'a [u8],
    index_keys: &'a [u8],
    body_at: usize,
}

impl<'a> Header<'a> {
    /// `internal` when these are not the bytes of a document.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Fault> {
        Self::read(bytes).ok_or_else(|| Fault::internal("a document in the store cannot be read"))
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader { rest: bytes };
        if reader.u8()? != FORMAT {
            return None;
        }
        let version = reader.u64()?;
        let handled = usize::from(reader.u8()?);
        let handled = reader.take(handled * ID_LEN)?;
        let index_keys = usize::try_from(reader.u32()?).ok()?;
        let index_keys = reader.take(index_keys)?;
        Some(Self { version, handled, index_keys, body_at: bytes.len() - reader.rest.len() })
    }

    /// The index entries that the document has, as index and key.
    pub(super) fn index_keys(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut reader = Reader { rest: self.index_keys };
        std::iter::from_fn(move || Some((reader.text()?, reader.text()?)))
    }
}

/// The document in these bytes; its body shares their memory.
pub(super) fn stored(id: String, bytes: &Bytes) -> Result<Stored, Fault> {
    let header = Header::parse(bytes)?;
    let handled = header.handled.chunks_exact(ID_LEN).filter_map(codec::id).collect();
    Ok(Stored { id, version: header.version, body: bytes.slice(header.body_at..), handled })
}

/// The index keys as a document's bytes hold them. `internal` when one is longer than the store takes.
pub(super) fn encode_index_keys(keys: &[IndexKey]) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::with_capacity(keys.iter().map(|k| k.index.len() + k.key.len() + 4).sum());
    for IndexKey { index, key } in keys {
        codec::put_text(&mut bytes, index)?;
        codec::put_text(&mut bytes, key)?;
    }
    Ok(bytes)
}

/// A document's bytes: the next version of `present`, with the event that it handles at the end of the list.
pub(super) fn encode(
    version: u64,
    present: Option<&Header<'_>>,
    handled: Option<&EventId>,
    index_keys: &[u8],
    body: &[u8],
) -> Bytes {
    let before = present.map_or(&[][..], |header| header.handled);
    let added = handled.filter(|id| before.chunks_exact(ID_LEN).all(|known| codec::id(known) != Some(**id)));
    let room = (HANDLED_MAX - usize::from(added.is_some())) * ID_LEN;
    let kept = &before[before.len().saturating_sub(room)..];
    let count = kept.len() / ID_LEN + usize::from(added.is_some());
    let mut bytes = Vec::with_capacity(FIXED_LEN + count * ID_LEN + index_keys.len() + body.len());
    bytes.put_u8(FORMAT);
    bytes.put_u64(version);
    bytes.put_u8(u8::try_from(count).expect("at most HANDLED_MAX"));
    bytes.put_slice(kept);
    if let Some(id) = added {
        codec::put_id(&mut bytes, id);
    }
    bytes.put_u32(u32::try_from(index_keys.len()).expect("a few keys of at most 64 KiB"));
    bytes.put_slice(index_keys);
    bytes.put_slice(body);
    bytes.into()
}
