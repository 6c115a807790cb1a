//! The frames of gRPC: where messages begin and end (gRPC over HTTP/2, "Length-Prefixed-Message").

use turnpike_rpc::refusal::Refusal;

const HEADER_LEN: usize = 5;

/// What is wrong with the frames of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There is no room for what is not whole yet.
    Crowded = 1,
    /// It ended within a frame.
    CutOff,
    /// It ended without a message. Fine for a call that streams, which only the service knows.
    Empty,
    /// A flag that nobody may send, or a compressed message where no compression was agreed on.
    Flag,
    /// A message that took too long to arrive.
    Late,
    /// Another message after the only one.
    Several,
    /// A message above the limit.
    TooLarge,
}

impl Fault {
    pub(crate) const ALL: [Self; 7] = [
        Self::Crowded,
        Self::CutOff,
        Self::Empty,
        Self::Flag,
        Self::Late,
        Self::Several,
        Self::TooLarge,
    ];

    /// What the caller is told, if the service could do nothing with the body.
    pub(crate) const fn refusal(self, limit: u32) -> Refusal {
        match self {
            Self::Crowded => Refusal::Crowded,
            Self::CutOff => Refusal::Malformed("the request ends within a message"),
            Self::Empty => Refusal::Malformed("the request has no message"),
            Self::Flag => Refusal::Malformed("the request is not framed as gRPC frames messages"),
            Self::Late => Refusal::Deadline,
            Self::Several => Refusal::Malformed("the method takes one message"),
            Self::TooLarge => Refusal::MessageTooLarge(limit),
        }
    }
}

/// Follows frames through chunks that begin and end anywhere.
#[derive(Debug)]
pub(crate) struct Frames {
    limit: u32,
    compressed: bool,
    only_one: bool,
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
        let header = [0; HEADER_LEN];
        Self { limit, compressed, only_one: false, header, filled: 0, left: 0, messages: 0 }
    }

    /// The same for one message at most.
    #[must_use]
    pub(crate) const fn only_one(mut self, only_one: bool) -> Self {
        self.only_one = only_one;
        self
    }

    /// Goes over `chunk`; says how much of it stands before the last end of a message in it.
    pub(crate) fn advance(&mut self, chunk: &[u8]) -> Result<Option<usize>, Fault> {
        let (mut at, mut boundary) = (0, None);
        while at < chunk.len() {
            if self.only_one && self.messages > 0 {
                return Err(Fault::Several);
            }
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

    /// Bytes of a message whose end has not come.
    pub(crate) fn begun(&self) -> usize {
        let [_, length @ ..] = self.header;
        let whole = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        match self.filled {
            HEADER_LEN => HEADER_LEN + whole.saturating_sub(self.left),
            part => part,
        }
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
                let begun = at - ends.iter().rfind(|end| **end <= at).unwrap_or(&0);
                assert_eq!(frames.begun(), begun, "chunks of {size}, at {at}");
            }
            assert_eq!(frames.messages, 3);
        }
    }

    #[test]
    fn one_message_is_one() {
        let two = [message(0, 3, 3), message(0, 0, 0)].concat();
        for size in 1..=two.len() {
            let mut frames = Frames::new(16, false).only_one(true);
            let chunks: Result<Vec<_>, _> = two.chunks(size).map(|c| frames.advance(c)).collect();
            assert_eq!(chunks, Err(Fault::Several), "chunks of {size}");
        }
        let mut frames = Frames::new(16, false).only_one(true);
        assert_eq!(frames.advance(&two[..8]), Ok(Some(8)));
        assert_eq!(frames.finish(), Ok(()));
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
