;; Hands the host text that lies outside its memory.
;; @import
(import "boxoffice:rules/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
;; @attack
(func $attack (result i32)
  (call $log (i32.const 1) (i32.const -8) (i32.const 1024) (i32.const 0) (i32.const 0))
  i32.const 4096)
