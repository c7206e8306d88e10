//! The few binary shapes that the store writes: numbers, short strings and ids, in a row.

use bytes::BufMut as _;
use common::{EventId, Fault, id::Id as _};
use uuid::Uuid;

/// Bytes of an event's id.
pub(super) const ID_LEN: usize = 16;

/// Appends a string of at most 64 KiB with its length. `internal` when it is longer.
pub(super) fn put_text(bytes: &mut Vec<u8>, text: &str) -> Result<(), Fault> {
    let length = u16::try_from(text.len())
        .map_err(|_| Fault::internal(format!("a name of {} bytes is too long for the store", text.len())))?;
    bytes.put_u16(length);
    bytes.put_slice(text.as_bytes());
    Ok(())
}

/// Appends an event's id.
pub(super) fn put_id(bytes: &mut Vec<u8>, id: &EventId) {
    bytes.put_slice(id.uuid().as_bytes());
}

/// The id in exactly [`ID_LEN`] bytes.
pub(super) fn id(bytes: &[u8]) -> Option<EventId> {
    Uuid::from_slice(bytes).ok().map(EventId::from_uuid)
}

/// Reads in the order of writing; `None` when the bytes end too early.
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_be_bytes)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = self.take(2)?.try_into().ok().map(u16::from_be_bytes)?;
        std::str::from_utf8(self.take(length.into())?).ok()
    }
}
