//! What a guest answers, as bytes in its memory.
#![no_main]

use std::cell::OnceCell;

use harness::fuzz::Answers;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static ANSWERS: OnceCell<Answers> = const { OnceCell::new() };
}

fuzz_target!(|bytes: &[u8]| {
    ANSWERS.with(|answers| {
        // The outcome was checked where it was made; which one it is does not matter here.
        let _ = answers.get_or_init(Answers::new).run(bytes);
    });
});
