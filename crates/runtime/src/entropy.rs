//! Real randomness.

use turnpike_domain::ports::Entropy;

/// The operating system's generator, through aws-lc.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            // Without randomness no secret is safe: nothing may go on.
            tracing::error!("entropy.failed");
            std::process::abort();
        }
    }
}
