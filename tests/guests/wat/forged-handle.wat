;; Uses a handle that it was never given.
;; @import
(import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
;; @attack
(func $attack (result i32)
  (call $block (i32.const 7777))
  i32.const 4096)
