//! What is taken for a module, as bytes of a file.
#![no_main]

use std::cell::OnceCell;

use harness::fuzz::Loads;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static LOADS: OnceCell<Loads> = const { OnceCell::new() };
}

fuzz_target!(|bytes: &[u8]| {
    LOADS.with(|loads| {
        // The outcome was checked where it was made; which one it is does not matter here.
        let _ = loads.get_or_init(Loads::new).run(bytes);
    });
});
