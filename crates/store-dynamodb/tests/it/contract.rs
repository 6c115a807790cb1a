use turnpike_testkit::store::store_conformance;

use crate::support::fresh;

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract() {
    store_conformance(fresh).await;
}
