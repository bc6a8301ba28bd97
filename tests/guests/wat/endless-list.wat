;; Hands the host a list of more elements than fit into its memory, or any.
;; @import
(import "boxoffice:rules/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
;; @attack
(func $attack (result i32)
  (call $log (i32.const 1) (i32.const 80) (i32.const 4) (i32.const 0) (i32.const 0x0fffffff))
  i32.const 4096)
