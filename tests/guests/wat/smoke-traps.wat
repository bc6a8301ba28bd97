;; Traps on every route, whatever it is asked.
;; @handle
(func (export "boxoffice:rules/handler@0.1.0#handle")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64) (result i32)
  unreachable)
