//! Verifiers that follow a policy, between wire and domain.

use turnpike_domain::{Error, Identifier, Violations};
use turnpike_proto::v1 as pb;

use super::page_size;

/// A page of the verifiers of a resource server.
#[derive(Clone, Debug)]
pub struct VerifierList {
    /// How many at most.
    pub page_size: usize,
    /// Whose.
    pub identifier: Identifier,
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_list_verifiers(message: &pb::ListVerifiersRequest) -> Result<VerifierList, Error> {
    let mut v = Violations::new();
    let page_size = v.take("page_size", page_size(message.page_size));
    let identifier = v.take("identifier", Identifier::parse(&message.identifier));
    let built = || Some(VerifierList { page_size: page_size?, identifier: identifier? });
    v.finish(built())
}
