//! Calls by path, in bytes: for tests that walk the descriptor set.

use bytes::{Buf, BufMut};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request, Status};

use crate::session::Caller;

/// Messages as the bytes they are.
#[derive(Clone, Copy, Debug, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut bytes = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut bytes);
        Ok(Some(bytes))
    }
}

impl Caller {
    /// Calls `/package.Service/Method` with an encoded message; of a stream of answers, all of them, joined.
    ///
    /// # Errors
    ///
    /// The status of the refusal.
    pub async fn call(&self, path: &str, message: Vec<u8>) -> Result<Vec<u8>, Status> {
        let mut grpc = Grpc::new(self.service());
        grpc.ready().await.map_err(|e| Status::unavailable(e.to_string()))?;
        let path = PathAndQuery::try_from(path).unwrap();
        // A unary answer is a stream of one.
        let mut request = Request::new(message);
        request.set_timeout(std::time::Duration::from_secs(20));
        let mut stream = grpc.server_streaming(request, path, Raw).await?.into_inner();
        let mut all = Vec::new();
        while let Some(part) = stream.message().await? {
            all.extend(part);
        }
        Ok(all)
    }
}
