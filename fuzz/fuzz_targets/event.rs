//! Lines of an exported log: no panic, and a line that follows carries the hash of the one before.
#![no_main]

use libfuzzer_sys::fuzz_target;
use turnpike_registry::{Chain, Event};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut chain = Chain::new();
    for line in text.lines() {
        let before = chain.last().map(|(_, hash)| hash.to_owned());
        if chain.follow(line).is_ok()
            && let Some(before) = before
        {
            let event = Event::parse(line).expect("it was followed");
            assert_eq!(event.previous_hash, before);
        }
    }
});
