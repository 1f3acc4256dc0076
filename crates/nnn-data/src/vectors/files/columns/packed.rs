//! Lengths that packed buffers of Arrow files claim, looked at before memory is taken for them.

use super::super::kind::Format;
use crate::file_error::FileProblem;
use arrow_ipc::{Message, RecordBatch, root_as_message};

/// Bytes of a buffer that are always believed, and how many times its packed length else.
const SURE: i64 = 1 << 30;
const TIMES: i64 = 1000;

/// What stands before a message of a stream.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// Checks all messages of a stream.
pub(super) fn check_stream(mut bytes: &[u8]) -> Result<(), FileProblem> {
    while let Some((message, rest)) = message(bytes)? {
        let length = usize::try_from(message.bodyLength()).unwrap_or(usize::MAX);
        // Where a stream is cut off the decoder says so.
        let Some((body, next)) = rest.split_at_checked(length) else {
            return Ok(());
        };
        check(&message, body)?;
        bytes = next;
    }
    Ok(())
}

/// Checks the message that `bytes` begin with.
pub(super) fn check_block(bytes: &[u8]) -> Result<(), FileProblem> {
    match message(bytes)? {
        Some((message, body)) => check(&message, body),
        None => Ok(()),
    }
}

/// The next message, and what follows it; `None` at the end.
fn message(bytes: &[u8]) -> Result<Option<(Message<'_>, &[u8])>, FileProblem> {
    let bytes = bytes.strip_prefix(&CONTINUATION).unwrap_or(bytes);
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let length = usize::try_from(i32::from_le_bytes(*length)).unwrap_or(0);
    let Some((message, body)) = rest.split_at_checked(length).filter(|_| length > 0) else {
        return Ok(None);
    };
    let message = root_as_message(message).map_err(|it| Format::Arrow.bad(it))?;
    Ok(Some((message, body)))
}

fn check(message: &Message<'_>, body: &[u8]) -> Result<(), FileProblem> {
    let dictionary = message
        .header_as_dictionary_batch()
        .and_then(|it| it.data());
    for batch in message
        .header_as_record_batch()
        .into_iter()
        .chain(dictionary)
    {
        if batch.compression().is_some() {
            check_batch(&batch, body)?;
        }
    }
    Ok(())
}

fn check_batch(batch: &RecordBatch<'_>, body: &[u8]) -> Result<(), FileProblem> {
    for buffer in batch.buffers().into_iter().flatten() {
        let start = usize::try_from(buffer.offset()).unwrap_or(usize::MAX);
        let claim = body.get(start..).and_then(|it| it.first_chunk::<8>());
        let claim = claim.map_or(0, |it| i64::from_le_bytes(*it));
        if buffer.length() > 0 && claim > SURE.max(buffer.length().saturating_mul(TIMES)) {
            let said = format!("a packed buffer claims {claim} bytes");
            return Err(Format::Arrow.bad(said));
        }
    }
    Ok(())
}
