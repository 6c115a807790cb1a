//! The frames of gRPC: where messages begin and end (gRPC over HTTP/2, "Length-Prefixed-Message").

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use tonic::Status;

use turnpike_rpc::refusal::Refusal;

const HEADER_LEN: usize = 5;

/// What is wrong with the frames of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It ended within a frame.
    CutOff = 1,
    /// It ended without a message. Fine for a call that streams, which only the service knows.
    Empty,
    /// A flag that nobody may send, or a compressed message where no compression was agreed on.
    Flag,
    /// A message above the limit.
    TooLarge,
}

impl Fault {
    /// What the caller is told, if the service could do nothing with the body.
    pub(crate) const fn refusal(self, limit: u32) -> Refusal {
        match self {
            Self::CutOff => Refusal::Malformed("the request ends within a message"),
            Self::Empty => Refusal::Malformed("the request has no message"),
            Self::Flag => Refusal::Malformed("the request is not framed as gRPC frames messages"),
            Self::TooLarge => Refusal::MessageTooLarge(limit),
        }
    }
}

/// Follows frames through chunks that begin and end anywhere.
#[derive(Debug)]
pub(crate) struct Frames {
    limit: u32,
    compressed: bool,
    header: [u8; HEADER_LEN],
    /// Bytes of `header` that are there.
    filled: usize,
    /// Bytes of the message that are still to come.
    left: usize,
    messages: u64,
}

impl Frames {
    /// For messages of at most `limit` bytes, which may be `compressed` if so agreed.
    pub(crate) const fn new(limit: u32, compressed: bool) -> Self {
        Self { limit, compressed, header: [0; HEADER_LEN], filled: 0, left: 0, messages: 0 }
    }

    /// Goes over `chunk`; says how much of it stands before the last end of a message in it.
    pub(crate) fn advance(&mut self, chunk: &[u8]) -> Result<Option<usize>, Fault> {
        let (mut at, mut boundary) = (0, None);
        while at < chunk.len() {
            if self.filled < HEADER_LEN {
                let taken = (HEADER_LEN - self.filled).min(chunk.len() - at);
                self.header[self.filled..self.filled + taken]
                    .copy_from_slice(&chunk[at..at + taken]);
                self.filled += taken;
                at += taken;
                if self.filled < HEADER_LEN {
                    break;
                }
                self.left = self.announced()?;
            } else {
                let taken = self.left.min(chunk.len() - at);
                self.left -= taken;
                at += taken;
            }
            if self.left == 0 {
                self.filled = 0;
                self.messages += 1;
                boundary = Some(at);
            }
        }
        Ok(boundary)
    }

    /// What is wrong if nothing more comes.
    pub(crate) const fn finish(&self) -> Result<(), Fault> {
        if self.filled > 0 {
            Err(Fault::CutOff)
        } else if self.messages == 0 {
            Err(Fault::Empty)
        } else {
            Ok(())
        }
    }

    fn announced(&self) -> Result<usize, Fault> {
        let [flag, a, b, c, d] = self.header;
        if flag > 1 || (flag == 1 && !self.compressed) {
            return Err(Fault::Flag);
        }
        let length = u32::from_be_bytes([a, b, c, d]);
        if length > self.limit {
            return Err(Fault::TooLarge);
        }
        usize::try_from(length).map_err(|_| Fault::TooLarge)
    }
}

/// The fault found in a request's body, for those who answer the call.
#[derive(Clone, Debug, Default)]
pub(crate) struct FoundFault(Arc<AtomicU8>);

impl FoundFault {
    pub(crate) fn get(&self) -> Option<Fault> {
        [Fault::CutOff, Fault::Empty, Fault::Flag, Fault::TooLarge]
            .into_iter()
            .find(|fault| *fault as u8 == self.0.load(Ordering::Acquire))
    }

    fn set(&self, fault: Fault) {
        self.0.store(fault as u8, Ordering::Release);
    }
}

/// A request's body that is checked on its way to a service. It gives no size: the decoded body of a
/// gRPC-web request would give a wrong one.
#[derive(Debug)]
pub(crate) struct CheckedRequest<B> {
    inner: B,
    frames: Frames,
    found: FoundFault,
    done: bool,
}

impl<B> CheckedRequest<B> {
    pub(crate) fn new(inner: B, frames: Frames) -> (Self, FoundFault) {
        let found = FoundFault::default();
        (Self { inner, frames, found: found.clone(), done: false }, found)
    }

    /// Ends the body with an error. The service's own words for it do not matter: whoever answers the
    /// call looks at `found`.
    fn fail(&mut self, fault: Fault) -> Status {
        self.found.set(fault);
        self.done = true;
        fault.refusal(self.frames.limit).status("")
    }
}

impl<B> Body for CheckedRequest<B>
where
    B: Body<Data = Bytes, Error = Status> + Unpin,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.done {
            return Poll::Ready(None);
        }
        let polled = loop {
            match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                // A gRPC request has no trailers; who sends some wants them taken for metadata.
                Some(Ok(frame)) if frame.is_trailers() => {}
                polled => break polled,
            }
        };
        Poll::Ready(match polled {
            Some(Ok(frame)) => match frame.data_ref().map(|data| this.frames.advance(data)) {
                None | Some(Ok(_)) => Some(Ok(frame)),
                Some(Err(fault)) => Some(Err(this.fail(fault))),
            },
            Some(Err(error)) => {
                this.done = true;
                Some(Err(error))
            }
            None => {
                this.done = true;
                match this.frames.finish() {
                    Ok(()) => None,
                    Err(Fault::Empty) => {
                        this.found.set(Fault::Empty);
                        None
                    }
                    Err(fault) => Some(Err(this.fail(fault))),
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(flag: u8, length: u32, bytes: usize) -> Vec<u8> {
        let mut frame = vec![flag];
        frame.extend_from_slice(&length.to_be_bytes());
        frame.resize(HEADER_LEN + bytes, 7);
        frame
    }

    #[test]
    fn boundaries_are_found_however_the_chunks_are_cut() {
        let body = [message(0, 3, 3), message(0, 0, 0), message(0, 9, 9)].concat();
        let ends = [8, 13, 27];
        for size in 1..=body.len() {
            let mut frames = Frames::new(16, false);
            let mut at = 0;
            for chunk in body.chunks(size) {
                let expected = ends.iter().rfind(|e| **e > at && **e <= at + chunk.len());
                let expected = expected.map(|end| end - at);
                assert_eq!(frames.advance(chunk), Ok(expected), "chunks of {size}, at {at}");
                at += chunk.len();
                assert_eq!(frames.finish().is_ok(), ends.contains(&at));
            }
            assert_eq!(frames.messages, 3);
        }
    }

    #[test]
    fn faults_are_told_apart() {
        let fault = |compressed, body: &[u8]| {
            let mut frames = Frames::new(16, compressed);
            frames.advance(body).and_then(|_| frames.finish()).err()
        };
        assert_eq!(fault(false, &message(0, 16, 16)), None);
        assert_eq!(fault(true, &message(1, 16, 16)), None);
        assert_eq!(fault(false, &message(0, 17, 0)), Some(Fault::TooLarge));
        assert_eq!(fault(false, &message(0, u32::MAX, 0)), Some(Fault::TooLarge));
        assert_eq!(fault(false, &message(1, 3, 3)), Some(Fault::Flag));
        assert_eq!(fault(true, &message(2, 3, 3)), Some(Fault::Flag));
        assert_eq!(fault(true, &message(0x80, 3, 3)), Some(Fault::Flag));
        assert_eq!(fault(false, &message(0, 3, 2)), Some(Fault::CutOff));
        assert_eq!(fault(false, &[0, 0, 0]), Some(Fault::CutOff));
        assert_eq!(fault(false, &[]), Some(Fault::Empty));
    }
}
