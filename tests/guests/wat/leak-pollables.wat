;; Keeps every timer that it can get.
;; @import
(import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $after (param i64) (result i32)))
;; @attack
(func $attack (result i32)
  (loop $more
    (drop (call $after (i64.const 1000000000)))
    (br $more))
  i32.const 4096)
