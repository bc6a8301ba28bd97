;; Hands the host a case that the enumeration does not have.
;; @import
(import "boxoffice:rules/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
;; @attack
(func $attack (result i32)
  (call $log (i32.const 77) (i32.const 80) (i32.const 4) (i32.const 0) (i32.const 0))
  i32.const 4096)
