//! Faults within the bytes of a body: compressed, cut off, or slow.

use std::io;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::{self, Stream};

/// A slow body comes in this many parts.
const SLOW_PARTS: usize = 10;

/// Between the last byte of a cut body and the end of its connection, so that the byte is sent.
const BEFORE_THE_CUT: Duration = Duration::from_millis(30);

/// The first `kept` bytes, then the end of the connection.
pub(super) fn cut(bytes: &Bytes, kept: usize) -> Body {
    let kept = bytes.slice(..kept.min(bytes.len()));
    Body::from_stream(stream::unfold(Some(kept), |kept| async {
        match kept {
            Some(kept) if !kept.is_empty() => Some((Ok(kept), Some(Bytes::new()))),
            Some(_) => {
                tokio::time::sleep(BEFORE_THE_CUT).await;
                Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), None))
            }
            None => None,
        }
    }))
}

/// The whole body, spread evenly over `duration`.
pub(super) fn slow(bytes: &Bytes, duration: Duration) -> Body {
    Body::from_stream(parts(bytes.clone(), duration / 10))
}

fn parts(bytes: Bytes, wait: Duration) -> impl Stream<Item = io::Result<Bytes>> {
    let part_bytes = bytes.len().div_ceil(SLOW_PARTS).max(1);
    stream::unfold(bytes, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(wait).await;
        let part = rest.split_to(part_bytes.min(rest.len()));
        Some((Ok(part), rest))
    })
}

/// The bytes as a gzip file that stores them without making them smaller (RFC 1951 and 1952).
///
/// A client must undo it all the same, and no compressor is needed for it.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut file = HEADER.to_vec();
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    if blocks.peek().is_none() {
        file.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        file.push(u8::from(blocks.peek().is_none()));
        file.extend(length.to_le_bytes());
        file.extend((!length).to_le_bytes());
        file.extend(block);
    }
    let length = u32::try_from(bytes.len() & 0xffff_ffff).unwrap_or(0);
    file.extend(checksum(bytes).to_le_bytes());
    file.extend(length.to_le_bytes());
    file
}

/// CRC-32 as gzip wants it.
fn checksum(bytes: &[u8]) -> u32 {
    const REVERSED_POLYNOMIAL: u32 = 0xedb8_8320;
    let shift = |rest: u32, _| {
        let polynomial = if rest & 1 == 1 { REVERSED_POLYNOMIAL } else { 0 };
        (rest >> 1) ^ polynomial
    };
    !bytes.iter().fold(u32::MAX, |rest, byte| (0..8).fold(rest ^ u32::from(*byte), shift))
}

/// Undoes [`gzip`], and nothing else that a compressor writes.
#[cfg(test)]
pub(super) fn stored_in_gzip(file: &[u8]) -> Vec<u8> {
    let number =
        |bytes: &[u8]| bytes.iter().rev().fold(0, |sum, byte| sum * 256 + usize::from(*byte));
    let (mut rest, trailer) = file[10..].split_at(file.len() - 18);
    let mut bytes = Vec::new();
    while !rest.is_empty() {
        let length = number(&rest[1..3]);
        assert_eq!(length + number(&rest[3..5]), 0xffff);
        bytes.extend(&rest[5..5 + length]);
        let is_last = rest.len() == 5 + length;
        assert_eq!(rest[0] == 1, is_last);
        rest = &rest[5 + length..];
    }
    assert_eq!(number(&trailer[..4]), checksum(&bytes) as usize);
    assert_eq!(number(&trailer[4..]), bytes.len());
    bytes
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[test]
    fn the_checksum_is_the_published_one() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn what_was_stored_comes_out_again() {
        for length in [0, 1, 65_535, 65_536, 200_000] {
            let bytes = vec![7; length];
            assert_eq!(stored_in_gzip(&gzip(&bytes)), bytes);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_is_whole_in_the_end() {
        let bytes = Bytes::from_static(b"0123456789abcdef");
        let started = tokio::time::Instant::now();
        let body = slow(&bytes, Duration::from_secs(3));
        assert_eq!(to_bytes(body, 100).await.expect("whole"), bytes);
        assert!(started.elapsed() > Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_body_never_ends_well() {
        let bytes = Bytes::from_static(b"0123456789");
        assert!(to_bytes(cut(&bytes, 4), 100).await.is_err());
        assert!(to_bytes(cut(&bytes, 0), 100).await.is_err());
    }
}
