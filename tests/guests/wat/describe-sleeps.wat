;; Waits for ever when it is asked for its manifest.
;; @describe
(func (export "boxoffice:rules/manifest@0.1.0#describe") (result i32)
  (call $block (call $after (i64.const -1)))
  i32.const 1024)
;; @import
(import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $after (param i64) (result i32)))
(import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
