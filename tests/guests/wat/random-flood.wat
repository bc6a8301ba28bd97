;; Asks for as much randomness as there is at a time, without end.
;; @import
(import "wasi:random/random@0.2.6" "get-random-bytes" (func $random (param i64 i32)))
;; @attack
(func $attack (result i32)
  (loop $more
    (call $random (i64.const 65536) (i32.const 8192))
    (global.set $next (i32.const 131072))
    (br $more))
  i32.const 4096)
