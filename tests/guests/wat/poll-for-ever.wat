;; Waits for a moment that never comes.
;; @import
(import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $after (param i64) (result i32)))
(import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
;; @attack
(func $attack (result i32)
  (call $block (call $after (i64.const -1)))
  i32.const 4096)
