//! The user pool and the table of the synthesized template, made in an emulator: the story is played over them.

use turnpike_testkit::ministack::MiniStack;
use turnpike_tests::Plane;

use crate::story;

#[tokio::test]
async fn the_story_over_the_pool_and_the_table_that_are_deployed() {
    let emulator = MiniStack::start().await;
    let made = emulator.provision().await;
    let text = str::to_owned;
    let environment = vec![
        ("TURNPIKE_STORE__ENDPOINT_URL", text(emulator.url())),
        ("TURNPIKE_STORE__TABLE", made.table),
        ("TURNPIKE_STORE__CREATE_TABLE", text("false")),
        ("TURNPIKE_AUTHORIZATION_SERVER__KIND", text("cognito")),
        ("TURNPIKE_AUTHORIZATION_SERVER__USER_POOL_ID", made.user_pool_id),
        ("TURNPIKE_AUTHORIZATION_SERVER__REGION", text(MiniStack::REGION)),
        ("TURNPIKE_AUTHORIZATION_SERVER__ENDPOINT_URL", text(emulator.url())),
        ("TURNPIKE_AUTHORIZATION_SERVER__ISSUER", made.issuer),
        ("TURNPIKE_AUTHORIZATION_SERVER__JWKS_URI", made.jwks_uri),
        ("TURNPIKE_AUTHORIZATION_SERVER__TOKEN_ENDPOINT", made.token_endpoint),
        // The emulator takes no chosen secret.
        ("TURNPIKE_AUTHORIZATION_SERVER__SECRETS", text("generated")),
    ];
    story::play(&Plane::start_in("", environment).await).await;
}
