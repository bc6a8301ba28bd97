;; Hands the host text that is not UTF-8.
;; @import
(import "boxoffice:rules/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
;; @attack
(func $attack (result i32)
  (i32.store (i32.const 8192) (i32.const 0xc0ffeeff))
  (call $log (i32.const 1) (i32.const 8192) (i32.const 4) (i32.const 0) (i32.const 0))
  i32.const 4096)
