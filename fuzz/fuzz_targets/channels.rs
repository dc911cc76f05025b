#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agora_usage::outside_data::channels(bytes));
