;; Asks for 16 EiB of randomness at once.
;; @import
(import "wasi:random/random@0.2.6" "get-random-bytes" (func $random (param i64 i32)))
;; @attack
(func $attack (result i32)
  (call $random (i64.const -1) (i32.const 8192))
  i32.const 4096)
