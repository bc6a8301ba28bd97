;; Polls all timers that it can get, again and again.
;; @import
(import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $after (param i64) (result i32)))
(import "wasi:io/poll@0.2.6" "poll" (func $poll (param i32 i32 i32)))
;; @attack
(func $attack (result i32)
  (local $at i32)
  (local.set $at (i32.const 131072))
  (loop $more
    (i32.store (local.get $at) (call $after (i64.const 0)))
    (local.set $at (i32.add (local.get $at) (i32.const 4)))
    (br_if $more (i32.lt_u (local.get $at) (i32.const 134072))))
  (loop $again
    (global.set $next (i32.const 262144))
    (call $poll (i32.const 131072) (i32.const 750) (i32.const 8192))
    (br $again))
  i32.const 4096)
